"""One plain sentence for a verdict."""

from typing import Any

from ccma_seg.classification.findings import Evidence, Outcome, Verdict

_NODULES_FROM = 0.02
"""Share of the inside from which on nodules are mentioned."""

_SENTENCES = {
    Verdict.MAC: "Ordinary calcification of the annulus, not a caseous mass: it fails {failed}.",
    Verdict.OTHER: "Not a calcification of the mitral annulus: it fails {failed}.",
    Verdict.INDETERMINATE: "The images do not decide: {nearest}{aside}.",
    Verdict.CCMA: (
        "Caseous calcification: {size} with a calcified rim round a less dense{texture} core{steady}; "
        "no CT sign of rupture{limit}."
    ),
    Verdict.CCMA_RUPTURE_NOT_ASSESSABLE: (
        "Caseous calcification: {size}; {alike} cannot be told from enhanced blood, so rupture cannot be assessed "
        "on this phase alone; a scan without contrast or a second phase would tell."
    ),
    Verdict.CCMA_POSSIBLE_RUPTURE: "Caseous calcification: {size}, with a possible rupture: {signs}.",
    Verdict.RUPTURED_CCMA: "Ruptured caseous calcification: {size} with {signs}.",
}


def explain(
    verdict: Verdict, values: dict[str, Any], evidence: dict[str, Evidence], *, lacking: dict[str, tuple[str, ...]]
) -> str:
    """Put a verdict into one sentence with the figures that matter for it.

    Parameters
    ----------
    verdict
        What is explained.
    values
        Measurements by key path.
    evidence
        By criterion.
    lacking
        What every other verdict lacks.
    """
    enhanced = evidence["enhanced"].outcome if "enhanced" in evidence else Outcome.NOT_MEASURED
    return _SENTENCES[verdict].format(
        size=_size(values),
        alike="what is bright inside" if values["cavity.blood_chance"] else "its core",
        signs=_signs(values),
        texture=_texture(values),
        failed=_failed(verdict, evidence, lacking),
        nearest=_nearest(lacking),
        aside=_aside(evidence),
        steady=_steady(values),
        limit="" if enhanced == Outcome.HOLDS else " (without contrast a filled cavity cannot be seen)",
    )


def _size(values: dict[str, Any]) -> str:
    long_mm, short_mm = values["long_axis_mm"], values["short_axis_mm"]
    return "a mass" if long_mm is None or short_mm is None else f"a mass of {long_mm:.0f} x {short_mm:.0f} mm"


def _texture(values: dict[str, Any]) -> str:
    """Say what a core is like; nothing of what was not measured."""
    texture, nodules = values["core.texture"], values["core.nodule_fraction"] or 0.0
    with_nodules = f" ({nodules:.0%} calcified nodules)" if nodules >= _NODULES_FROM else ""
    return "" if texture is None else f", {texture}{with_nodules}"


def _steady(values: dict[str, Any]) -> str:
    """Say what a second phase showed of the core."""
    if values["core.enhancement_hu"] is not None:
        return f" that does not enhance ({values['core.enhancement_hu']:+.0f} HU)"
    return "" if values["core.blood_share"] is None else " that does not follow the blood in the second phase"


def _signs(values: dict[str, Any]) -> str:
    """Name the signs of rupture that were seen."""
    signs = []
    if values["cavity.present"]:
        signs.append("a contrast-filled cavity")
    if values["cavity.neck_mm"] is not None:
        chambers = " and the ".join(name.replace("_", " ") for name in values["cavity.communicates_with"])
        signs.append(f"a neck of {values['cavity.neck_mm']:.1f} mm" + (f" to the {chambers}" if chambers else ""))
    if values["leak.present"]:
        signs.append("leaked material outside the rim")
    enhancement_hu, gap_mm = values["core.enhancement_hu"], values["chamber_gap_mm"]
    if not signs and enhancement_hu is not None and gap_mm:
        signs.append(f"the core enhances by {enhancement_hu:.0f} HU behind a gap of {gap_mm:.1f} mm in the rim")
    return ", ".join(signs)


def _failed(verdict: Verdict, evidence: dict[str, Evidence], lacking: dict[str, tuple[str, ...]]) -> str:
    """Name what keeps a mass from being caseous: the failed criteria that plain CCMA asks for."""
    wanted = lacking.get(Verdict.CCMA, ()) if verdict != Verdict.CCMA else ()
    failed = [item for item in evidence.values() if item.outcome == Outcome.FAILS and _asks(item) in wanted]
    return "; ".join(f"{_asks(item)} ({_shown(item.value)})" for item in failed) or "the criteria of a caseous mass"


def _nearest(lacking: dict[str, tuple[str, ...]]) -> str:
    verdict, wishes = min(lacking.items(), key=lambda entry: len(entry[1]), default=("", ()))
    return f"for {verdict} it lacks {'; '.join(wishes)}" if wishes else "no criteria are met"


def _aside(evidence: dict[str, Evidence]) -> str:
    """Say that a mass lies where an aneurysm of a coronary artery or of the wall would."""
    if _fails("not_outside_ring", evidence):
        return "; it lies wholly outside the ring, as an aneurysm of the circumflex artery or of the wall would"
    return (
        "; the annulus runs beside it, as beside a pseudoaneurysm of the wall"
        if _fails("along_annulus", evidence)
        else ""
    )


def _fails(criterion: str, evidence: dict[str, Evidence]) -> bool:
    return criterion in evidence and evidence[criterion].outcome == Outcome.FAILS


def _asks(item: Evidence) -> str:
    return f"{item.quantity} {item.comparison} {item.limit}"


def _shown(value: float | bool | None) -> str:  # noqa: FBT001  a measured value may be a yes or no
    return f"{value:.1f}" if isinstance(value, float) else str(value)
