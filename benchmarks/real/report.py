"""The rows of the bench as Markdown: what each column says stands above its table."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from scipy import stats

from benchmarks.real.exams import Exams
from benchmarks.real.sources import Sources
from benchmarks.real.trials import NOISE_KINDS, NOISE_SD_HU, PARTS, SOLID_SLICES, TUBE_OUTWARD_MM, Row

FALSE_MASSES = ("ccma", "ccma_possible_rupture", "ccma_rupture_not_assessable", "ruptured_ccma")
UNDECIDED, ANNULAR = "undecided", "annular"
_MOST_LISTED = 40
"""Of trials that went wrong so many are listed by name."""


def clopper_pearson(hits: int, number: int, *, level: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a share (Clopper and Pearson 1934).

    >>> tuple(round(end, 4) for end in clopper_pearson(0, 40))
    (0.0, 0.0881)
    """
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(stats.beta.ppf(tail, hits, number - hits + 1))
    high = 1.0 if hits == number else float(stats.beta.ppf(1 - tail, hits + 1, number - hits))
    return low, high


def report(rows: list[Row], exams: Exams, sources: Sources, *, seed: int) -> str:
    """Write one section a part that was run."""
    parts = [
        (
            f"# Real exams\n\nSeed {seed}. {len(exams.hearts)} hearts, {len(exams.others)} CTs without one; where each "
            "came from: `real_sources.toml`. Shares come with their exact 95 % interval. Written by"
            " `python -m benchmarks.real`.\n"
        )
    ]
    for name in PARTS:
        own = [row for row in rows if row["part"] == name and "skipped" not in row]
        skipped = Counter(row["skipped"] for row in rows if row["part"] == name and "skipped" in row)
        if not own and not skipped:
            continue
        parts += [_SECTIONS[name](own, sources) if own else f"## {name}\n"]
        parts += [f"Left out: {count} ({why}).\n" for why, count in skipped.items()]
    if exams.absent:
        parts.append(f"Told of, but not here or not judged: {', '.join(sorted(exams.absent))}.\n")
    return "\n".join(parts)


def _hearts(rows: list[Row], sources: Sources) -> str:
    names = {row["ct"] for row in rows}
    twins = [row["ct"] for row in rows if sources.get(row["ct"], {}).get("same_as") in names]
    whole = [row for row in rows if not row.get("is_part")]
    counted = [row for row in whole if row["ct"] not in twins]
    parts = [row for row in rows if row.get("is_part")]
    clear = [row for row in counted if "mac" not in row["allowed"]]
    sure = [row for row in counted if "indeterminate" not in row["allowed"]]
    mac = [row for row in counted if row["allowed"] == ["mac"]]
    lines = [
        "## Hearts\n",
        f"- false `mac` on hearts without MAC: {_share(_said(clear, 'mac'), len(clear))}",
        f"- false `ccma*` or `ruptured_ccma`: {_share(sum(map(_false_mass, counted)), len(counted))}",
        f"- MAC that readers are sure of, called `mac`: {_share(_said(mac, 'mac'), len(mac))}",
        f"- hearts refused, cut or whole: {_share(sum(r['error'] is not None for r in whole), len(whole))}",
        f"- `indeterminate` although readers are sure: {_share(_said(sure, 'indeterminate'), len(sure))}",
        f"- verdict as a careful reader allows: {_share(sum(map(_right, counted)), len(counted))}",
        (
            f"- parts of hearts, not counted above, called `mac` or worse though no reader would:"
            f" {_share(sum(map(_false_alarm, parts)), len(parts))};"
            f" refused: {sum(r['error'] is not None for r in parts)}"
        ),
        f"- the same exam under another name, not counted twice: {', '.join(twins) or 'none'}",
        f"- CPU seconds an exam, reading not counted: {sum(r['cpu_s'] for r in rows) / len(rows):.1f} in the mean\n",
        (
            "Use: whether anybody looked at this CT, or fitted anything to it. Allowed: by readers. Said: the"
            " verdict, or"
            " why it was refused. Annular and undecided: volume. Limit: the stated detection limit.\n"
        ),
        _table(
            [
                "CT",
                "use",
                "contrast",
                "slices mm",
                "allowed",
                "said",
                "status",
                "annular mm3",
                "undecided mm3",
                "limit mm3",
                "CPU s",
            ],
            [_heart(row, sources) for row in rows],
        ),
        _places(rows),
    ]
    return "\n".join(lines)


def _heart(row: Row, sources: Sources) -> list[str]:
    return [
        row["ct"],
        sources.get(row["ct"], {}).get("use", "**source not stated**"),
        str(row.get("contrast") or "-"),
        _figure(row.get("slice_mm"), 2),
        " / ".join(row["allowed"]),
        _marked(_verdict(row), good=_right(row)),
        str(row["status"] or "-"),
        _figure(row.get("annular_mm3")),
        _figure(row.get("undecided_mm3")),
        _figure(row.get("limit_mm3"), 1),
        f"{row['cpu_s']:.1f}",
    ]


def _places(rows: list[Row]) -> str:
    """Write every marked calcification, and which were taken for another kind."""
    marked = [(row["ct"], place) for row in rows for place in row.get("places", [])]
    seen = [(ct, place) for ct, place in marked if place["found"] != "none"]
    alike = sum(place["found"] == place["kind"] for _, place in seen)
    lines = [
        "### Calcifications that readers marked\n",
        (
            f"{len(seen)} of {len(marked)} have a component within 6 mm; {alike} of those are of the kind that"
            f" the reader"
            " saw. Bold is what makes a wrong verdict: calcium of another place that became annular, annular"
            " calcium that"
            " did not, and what readers could not decide made annular. Without a component is what lies"
            " below the exam's threshold.\n"
        ),
        (
            "Sure: how sure the reader is. Found: kind of the nearest component, how far its nearest voxel is"
            " from the mark,"
            " and its whole volume.\n"
        ),
        _table(
            ["CT", "place (LPS mm)", "read as", "sure", "found", "mm away", "mm3"], [_place(*one) for one in marked]
        ),
    ]
    return "\n".join(lines)


def _place(ct: str, place: Row) -> list[str]:
    kind, found = place["kind"], place["found"]
    note = f", {place['note']}" if place.get("note") else ""
    return [
        ct,
        ", ".join(f"{value:.0f}" for value in place["lps"]),
        f"{kind}{note}",
        f"{place.get('sure', 0):.2f}",
        _marked(found, good=not _grave(kind, found)),
        _figure(place["away_mm"], 1),
        _figure(place["found_mm3"], 1),
    ]


def _grave(kind: str, found: str) -> bool:
    """Tell whether a calcification of one kind, taken for another, makes a wrong verdict."""
    if kind == ANNULAR:
        return found not in {ANNULAR, UNDECIDED}
    return found == ANNULAR


def _others(rows: list[Row], _: Sources) -> str:
    names = {
        "as it is": "no heart",
        "below": "cut below the heart",
        "above": "cut above the heart",
        "sagittal": "sagittal reformat taken for axial slices",
    }
    kinds = list(dict.fromkeys(row["settings"]["copy"] for row in rows))
    body = []
    for kind in kinds:
        own = [row for row in rows if row["settings"]["copy"] == kind]
        body.append(
            [names.get(kind, f"{kind} apart"), str(len(own)), str(sum(r["error"] is not None for r in own))]
            + [str(_said(own, v)) for v in ("no_calcification", "indeterminate", "mac")]
            + [str(sum(r["verdict"] in FALSE_MASSES for r in own))]
        )
    bent = [row for row in rows if row["settings"]["copy"].startswith("slices x")]
    others = [row for row in rows if row not in bent]
    accepted = [row for row in others if row["error"] is None]
    lines = [
        "## What is no heart\n",
        f"- accepted: {_share(len(accepted), len(others))}",
        f"- `mac` or worse, of what is no heart: {_share(sum(map(_alarm, others)), len(others))}",
        f"- `mac` or worse, of hearts with a wrong distance of slices: {_share(sum(map(_alarm, bent)), len(bent))}\n",
        (
            "CTs of other parts of the body; copies of the hearts above, cut to what lies below or above the heart; and"
            " their sagittal slices taken for axial ones: all should be refused. Copies with half or twice the"
            " distance between slices should be refused, and must never be `mac`. Refused: by any error.\n"
        ),
        _table(["what", "number", "refused", "no_calcification", "indeterminate", "mac", "ccma*"], body),
        "Accepted:\n",
        _listed(accepted, _copy),
        "`mac` or worse at a wrong distance of slices:\n",
        _listed([row for row in bent if _alarm(row)], _copy),
    ]
    return "\n".join(lines)


def _copy(row: Row) -> str:
    return f"{row['ct']}, {row['settings']['copy']}: {row['verdict']}, {row['status']}"


def _noise(rows: list[Row], _: Sources) -> str:
    noisy = [row for row in rows if row["settings"]["noise"] != "none"]
    clear = [row for row in noisy if "mac" not in row["allowed"]]
    lines = ["## Noise\n"]
    for kind in NOISE_KINDS:
        own = [row for row in clear if row["settings"]["noise"] == kind]
        lines.append(f"- false `mac` or worse, {kind} noise: {_share(sum(map(_false_alarm, own)), len(own))}")
    lines += [
        (
            "\nNoise of a standard deviation (HU, in the columns) added to every CT: white, or in the plane with the"
            " spectrum of a lung kernel; drawn anew for each slice. Each cell: the verdict, and the annular"
            " volume in mm3;"
            " bold is a false alarm, or real MAC that is lost.\n"
        ),
        _table(["CT", "noise", "untouched", *map(str, NOISE_SD_HU)], _ladder(rows)),
        *_volumes(rows),
    ]
    return "\n".join(lines)


def _ladder(rows: list[Row]) -> list[list[str]]:
    at = {(r["ct"], r["settings"]["noise"], r["settings"]["sd_hu"]): r for r in rows}
    names = list(dict.fromkeys(row["ct"] for row in rows))
    return [
        [ct, kind, *(_cell(at.get((ct, kind if sd else "none", sd))) for sd in (0, *NOISE_SD_HU))]
        for ct in names
        for kind in NOISE_KINDS
    ]


def _cell(row: Row | None) -> str:
    if row is None:
        return "-"
    annular = f" {row['annular_mm3']:.0f}" if row.get("annular_mm3") else ""
    short = {"no_calcification": "none", "indeterminate": "indet."}
    verdict = _verdict(row)
    lost = "mac" in row["allowed"] and verdict == "no_calcification"
    return _marked(short.get(verdict, verdict) + annular, good=not (_false_alarm(row) or lost))


def _volumes(rows: list[Row]) -> list[str]:
    """Write how the volume of real MAC fares."""
    real = [row for row in rows if "mac" in row["allowed"]]
    base = {row["ct"]: row["annular_mm3"] for row in real if row["settings"]["noise"] == "none"}
    at = {(r["ct"], r["settings"]["noise"], r["settings"]["sd_hu"]): r for r in real}
    body = [
        [ct, kind, *(_ratio(at.get((ct, kind, sd)), base[ct]) for sd in NOISE_SD_HU)]
        for ct in base
        for kind in NOISE_KINDS
    ]
    if not body:
        return []
    head = ["Annular volume of real MAC over that of the untouched CT:\n"]
    return [*head, _table(["CT", "noise", *map(str, NOISE_SD_HU)], body)]


def _ratio(row: Row | None, base_mm3: float | None) -> str:
    if row is None or not base_mm3 or row.get("annular_mm3") is None:
        return "-"
    return f"{row['annular_mm3'] / base_mm3:.2f}"


def _tubes(rows: list[Row], _: Sources) -> str:
    body = []
    for contrast in (True, False):
        for outward in TUBE_OUTWARD_MM:
            own = [r for r in rows if r["settings"]["outward_mm"] == outward and bool(r["marked_contrast"]) == contrast]
            body.append([_phase(contrast=contrast), str(outward), str(len(own)), *_tube_cells(own)])
    lines = [
        "## Tubes in the groove\n",
        f"- `mac`, with contrast: {_share(_said(_of(rows, contrast=True), 'mac'), len(_of(rows, contrast=True)))}",
        f"- `mac`, plain: {_share(_said(_of(rows, contrast=False), 'mac'), len(_of(rows, contrast=False)))}\n",
        (
            "A calcified artery (2.6 mm, beads and gaps, 400-900 HU, 15-30 mm long) along the marked ring,"
            " outside it by"
            " the distance given; the tool finds the annulus itself. `mac` is the verdict; the kinds say as what most"
            " of the tube was labelled, counted over what was seen of it; unseen: no component in it.\n"
        ),
        _table(
            [
                "exam",
                "outside mm",
                "runs",
                "`mac`",
                "`indeterminate`",
                "annular",
                "undecided",
                "coronary",
                "other",
                "unseen",
            ],
            body,
        ),
        "`mac`:\n",
        _listed([r for r in rows if r["verdict"] == "mac"], _with_settings),
    ]
    return "\n".join(lines)


def _tube_cells(rows: list[Row]) -> list[str]:
    kinds = Counter(_main_kind(row) for row in rows)
    known = (ANNULAR, UNDECIDED, "coronary")
    other = sum(kinds.values()) - sum(kinds[k] for k in (*known, "none"))
    verdicts = [str(_said(rows, v)) for v in ("mac", "indeterminate")]
    return [*verdicts, *(str(kinds[kind]) for kind in known), str(other), str(kinds["none"])]


def _main_kind(row: Row) -> str:
    """Return as what most of a deposit was labelled, if any of it was."""
    seen = {kind: share for kind, share in (row.get("kinds") or {}).items() if kind != "none"}
    return max(seen, key=lambda kind: seen[kind]) if seen else "none"


def _bands(rows: list[Row], _: Sources) -> str:
    thick = sorted({row["settings"]["thickness_mm"] for row in rows})
    return _must_be_mac(
        rows,
        title="## Bands on the ring",
        text="MAC put on the marked ring: 30, 90 or 180 degrees of it, the thickness given, ragged ends, HU 500-1000"
        " with a texture of 150 HU over 1.5 mm; the tool finds the annulus itself. All should be `mac`;"
        " without contrast `indeterminate` is the second best.",
        column="thickness mm",
        groups=[(f"{t:g}", [r for r in rows if r["settings"]["thickness_mm"] == t]) for t in thick],
    )


def _solid(rows: list[Row], _: Sources) -> str:
    return _must_be_mac(
        rows,
        title="## Solid bands",
        text="Bands without an inside: 8-12 mm thick, 60-180 degrees, 1000-1100 HU with a texture of 150 HU over 1.5"
        " mm; slices as the CT has them, or averaged to 3 or 5 mm. All should be `mac`.",
        column="slices mm",
        groups=[(str(s), [r for r in rows if r["settings"]["slices"] == s]) for s in SOLID_SLICES],
    )


def _must_be_mac(rows: list[Row], *, title: str, text: str, column: str, groups: list[tuple[str, list[Row]]]) -> str:
    body = []
    for contrast in (True, False):
        for name, all_of in groups:
            own = _of(all_of, contrast=contrast)
            counts = Counter(_verdict(row) for row in own)
            rest = [f"{count} {verdict}" for verdict, count in counts.most_common() if verdict != "mac"]
            annular = sum(_main_kind(row) == ANNULAR for row in own)
            cells = [str(len(own)), str(counts["mac"]), str(annular), ", ".join(rest) or "-"]
            body.append([_phase(contrast=contrast), name, *cells])
    lines = [
        f"{title}\n",
        *(
            f"- `mac`, {_phase(contrast=contrast)}: {_share(_said(own, 'mac'), len(own))}"
            for contrast in (True, False)
            for own in [_of(rows, contrast=contrast)]
        ),
        f"\n{text} Itself annular: most of what was seen of the band was labelled so, whatever else the CT shows.\n",
        _table(["exam", column, "runs", "`mac`", "itself annular", "other verdicts"], body),
        "Others:\n",
        _listed([r for r in rows if r["verdict"] != "mac"], _with_settings),
    ]
    return "\n".join(lines)


def _foci(rows: list[Row], _: Sources) -> str:
    sizes = sorted({row["settings"]["size"] for row in rows}, reverse=True)
    body = []
    for ct in dict.fromkeys(row["ct"] for row in rows):
        own = [row for row in rows if row["ct"] == ct]
        found = [[r["found"] for r in own if r["settings"]["size"] == size] for size in sizes]
        cells = [f"{sum(f)} of {len(f)}" for f in found]
        body.append([ct, _figure(own[0].get("slice_mm"), 2), _figure(own[0]["base_limit_mm3"], 1), *cells])
    pooled = []
    for size in sizes:
        found = [r["found"] for r in rows if r["settings"]["size"] == size]
        pooled.append(f"- foci of {size:g} x the stated limit found: {_share(sum(found), len(found))}")
    lines = [
        "## Foci at the stated detection limit\n",
        *pooled,
        (
            "\nBalls 300 HU above their surroundings, on the marked ring, of the volume that the untouched exam"
            " states as"
            " its detection limit, and of half of it. Found: a component of a kind that says calcium lies there, or the"
            " annular or undecided volume rises by a third of the focus. 80-97 % of the first should be found.\n"
        ),
        _table(["CT", "slices mm", "limit mm3", *(f"{size:g} x" for size in sizes)], body),
    ]
    return "\n".join(lines)


def _of(rows: list[Row], *, contrast: bool) -> list[Row]:
    return [row for row in rows if bool(row["marked_contrast"]) == contrast]


def _phase(*, contrast: bool) -> str:
    return "with contrast" if contrast else "plain"


def _verdict(row: Row) -> str:
    return row["verdict"] or f"refused: {row['error']}"


def _right(row: Row) -> bool:
    return row["verdict"] in row["allowed"]


def _false_mass(row: Row) -> bool:
    return row["verdict"] in FALSE_MASSES and not _right(row)


def _alarm(row: Row) -> bool:
    return row["verdict"] in ("mac", *FALSE_MASSES)


def _false_alarm(row: Row) -> bool:
    return _alarm(row) and not _right(row)


def _said(rows: Iterable[Row], verdict: str) -> int:
    return sum(row["verdict"] == verdict for row in rows)


def _share(hits: int, number: int) -> str:
    if not number:
        return "none run"
    low, high = clopper_pearson(hits, number)
    return f"{hits} of {number} ({100 * hits / number:.0f} in 100, {100 * low:.0f} to {100 * high:.0f})"


def _with_settings(row: Row) -> str:
    told = ", ".join(f"{key.removesuffix('_mm')} {value}" for key, value in row["settings"].items())
    kinds = ", ".join(f"{share:.0%} {kind}" for kind, share in (row.get("kinds") or {}).items())
    return f"{row['ct']}, {told}: {_verdict(row)} ({kinds}); {row.get('explanation', '')}"


def _listed(rows: list[Row], say: Callable[[Row], str]) -> str:
    lines = [f"- {say(row)}" for row in rows[:_MOST_LISTED]]
    lines += [f"- and {len(rows) - _MOST_LISTED} more"] * (len(rows) > _MOST_LISTED)
    return "\n".join(lines or ["- none"]) + "\n"


def _marked(text: str, *, good: bool) -> str:
    return text if good else f"**{text}**"


def _figure(value: Any, decimals: int = 0) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"


def _table(head: list[str], body: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


_SECTIONS: dict[str, Callable[[list[Row], Sources], str]] = {
    "hearts": _hearts,
    "nonhearts": _others,
    "noise": _noise,
    "tubes": _tubes,
    "bands": _bands,
    "solid": _solid,
    "foci": _foci,
}
