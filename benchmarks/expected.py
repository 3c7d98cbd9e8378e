"""Which verdicts an exam allows, by its truth alone.

Where only one is allowed the exam is assessable. Blood and caseous paste of the same HU cannot be told apart in one
phase; a rupture does not show without contrast, and hardly on thick slices, through a neck near their thickness, or
where the heart moved. Of an uneven core its parts decide, not its mean. Solid calcium, whatever its form and texture,
encloses nothing: a band of nodules or a stone allows `mac` alone.
"""

from typing import Any

_THIN_MM = 1.25
"""Thickest slices on which a neck must be measured."""
_CLEAR_NECK_MM = 2.0
"""Least neck that must be seen, beside the motion."""
_LARGE_MM = 10.0
"""Least short axis at which every mass must be called one (criterion `thick`)."""
_BRIGHT_HU = 200.0
"""Blood that counts as enhanced beyond doubt: coronary CTA has more (criterion `enhanced` asks for 180)."""
_ISO, _NEARLY_ISO = (0.8, 1.2), 0.07
"""Core over blood beyond telling by HU, and how near to that limit either verdict is right."""
_LEAK_BELOW_HU, _LEAK_MM = 150.0, 6.0
"""A leak that must be seen is this much darker than blood, and this wide."""

_LARGE_PART_MM3 = 50.0
"""Of an uneven core, a connected part that a cavity could be: a ball of 4.6 mm. Less is no wider than the necks that
lead into cavities, and one lump among others."""
_MOST = 0.5
"""Share of the inside that, as bright as blood, leaves no paste to go by."""
_CLEAR_CAVITY_MM3, _CLEAR_CAVITY_RATIO = 150.0, 0.8
"""Blood in an uneven mass that must be seen: so much of it, and so bright. Clot, layers and jets may
leave less."""

_CALCIUM_ABOVE_BLOOD_HU = 100.0
"""Calcium that is brighter than enhanced blood by less is below the threshold (criterion T2) and may go unseen."""

_OPEN = {"ccma_rupture_not_assessable", "ccma_possible_rupture", "ruptured_ccma"}


def expected_verdicts(truth: dict[str, Any]) -> set[str]:
    """Return the verdicts that a single exam of this kind allows."""
    masses = [t for t in truth["lesions"] if t["kind"] == "mass"]
    if not masses:
        unseen = truth["verdict"] == "other" or _is_faint(truth)
        return {truth["verdict"], "no_calcification"} if unseen else {truth["verdict"]}
    allowed = max((_of_mass(t, truth) for t in masses), key=_rank)
    return allowed | _small(masses)


def is_assessable(truth: dict[str, Any]) -> bool:
    """Tell whether an exam leaves one verdict only, or calcium of another place that may go unmentioned."""
    return truth["verdict"] == "other" or len(expected_verdicts(truth)) == 1


def _is_faint(truth: dict[str, Any]) -> bool:
    """Tell whether all calcium of an exam is nearly as dense as its enhanced blood."""
    least_hu = truth["contrast"]["blood_pool_hu"] + _CALCIUM_ABOVE_BLOOD_HU
    enhanced = truth["contrast"]["state"] == "enhanced"
    return enhanced and bool(truth["lesions"]) and all(t["mean_hu"] < least_hu for t in truth["lesions"])


def _rank(allowed: set[str]) -> int:
    order = ("mac", "ccma", "ccma_rupture_not_assessable", "ccma_possible_rupture", "ruptured_ccma")
    return max(map(order.index, allowed))


def _small(masses: list[dict[str, Any]]) -> set[str]:
    return {"mac"} if max(t["short_axis_mm"] for t in masses) < _LARGE_MM else set()


def _of_mass(mass: dict[str, Any], truth: dict[str, Any]) -> set[str]:
    enhanced = truth["contrast"]["state"] == "enhanced"
    bright = enhanced and truth["contrast"]["blood_pool_hu"] >= _BRIGHT_HU
    if mass["verdict"] != "ruptured_ccma":
        return _intact(mass, truth) if enhanced else {"ccma"}
    if not bright:
        return {"ccma", *_OPEN}
    return _leaking(mass, truth) if mass["leak"]["present"] else _open(mass, truth)


def _intact(mass: dict[str, Any], truth: dict[str, Any]) -> set[str]:
    if "like_blood" in mass["core"]:
        return _uneven(mass["core"])
    ratio = mass["core"]["mean_hu"] / truth["contrast"]["blood_pool_hu"]
    low, high = _ISO
    if min(abs(ratio - low), abs(ratio - high)) <= _NEARLY_ISO:
        return {"ccma", "ccma_rupture_not_assessable"}
    return {"ccma_rupture_not_assessable"} if low <= ratio <= high else {"ccma"}


def _uneven(core: dict[str, Any]) -> set[str]:
    """Go by the parts of a core, not by its mean: dark paste beside bright lumps has the mean of blood, and is none.

    No large part as bright as blood: nothing there can be a cavity. Most of it as bright as blood: it may all be one.
    Between, lumps are bright where the rest is paste: who calls it paste is right, who cannot tell is so, too. No
    unevenness of paste makes a neck, so nothing allows a rupture.
    """
    parts = core["like_blood"]
    if parts["perhaps"] < _LARGE_PART_MM3:
        return {"ccma"}
    most = parts["surely"] >= _MOST * core["inside_mm3"]
    return {"ccma_rupture_not_assessable"} if most else {"ccma", "ccma_rupture_not_assessable"}


def _open(mass: dict[str, Any], truth: dict[str, Any]) -> set[str]:
    clear = mass["cavity"]["neck_mm"] >= _CLEAR_NECK_MM + _motion_mm(truth)
    return {"ruptured_ccma"} if clear and _thin(truth) and _is_clear_cavity(mass["cavity"]) else set(_OPEN)


def _is_clear_cavity(cavity: dict[str, Any]) -> bool:
    """Tell whether an uneven cavity has enough bright blood; an even one has, whatever its size."""
    large = cavity["volume_mm3"] >= _CLEAR_CAVITY_MM3 and cavity["ratio_to_blood_pool"] >= _CLEAR_CAVITY_RATIO
    return large or "sd_hu" not in cavity


def _leaking(mass: dict[str, Any], truth: dict[str, Any]) -> set[str]:
    blood, leak = truth["contrast"]["blood_pool_hu"], mass["leak"]
    width = (6 * leak["volume_mm3"] / 3.1416) ** (1 / 3)
    wide = min(g["width_mm"] for g in mass["rim"]["gaps"]) >= _CLEAR_NECK_MM + _motion_mm(truth)
    seen = wide and width >= _LEAK_MM and blood - leak["mean_hu"] >= _LEAK_BELOW_HU and _thin(truth)
    return {"ruptured_ccma"} if seen else {"ccma", *_OPEN}


def _thin(truth: dict[str, Any]) -> bool:
    return max(truth["series"]["slice_thickness_mm"] or 0.0, truth["series"]["spacing_mm"][0]) <= _THIN_MM


def _motion_mm(truth: dict[str, Any]) -> float:
    return float(truth.get("motion_mm") or 0.0)
