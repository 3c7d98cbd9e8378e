"""The contour of an annulus that was found or given, with its sizes; or the reason why there is none."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ccma_seg.anatomy.annulus import MitralAnnulus
from ccma_seg.anatomy.aortic_root import RootParams, root_normal
from ccma_seg.anatomy.contour import Contour, measure_contour
from ccma_seg.anatomy.findings import Anatomy, ContrastState
from ccma_seg.anatomy.tracing import Trace, TraceParams, trace
from ccma_seg.geometry import Floats, Point
from ccma_seg.reasons import Reason
from ccma_seg.volume import Volume

_DRAWN = frozenset(("given", "chambers"))
"""How an annulus was found whose curve is not an average one, if it has diameters."""
_NO_ROOT = Reason("aortic_angle_not_shown", "no round aortic root shows, so the angle to its annulus is not measured")


def with_contour(
    found: Anatomy, volume: Volume, *, dense_hu: Callable[[float], float], params: TraceParams, root: RootParams
) -> Anatomy:
    """Add the contour where it was drawn or shows, or say why there is none.

    Parameters
    ----------
    found
        With the annulus, if it has one.
    volume
        The exam.
    dense_hu
        From the HU of blood, those from which on it is calcium.
    params, root
        How contour and aortic root are looked for.
    """
    annulus = found.annulus
    if annulus is None:
        return found
    traced = _traced(found, annulus, volume, dense_hu=dense_hu, params=params)
    if traced.points_mm is None or traced.uncertainty_mm is None:
        text = f"the whole contour of the annulus is not measured: {traced.why_not}"
        return replace(found, reasons=(*found.reasons, Reason("annulus_contour_not_shown", text)))
    frame = annulus if traced.posterior is None else replace(annulus, posterior=traced.posterior)
    normal = found.aortic_normal or _root(found, frame, traced.points_mm, volume, params=root)
    across = None if normal is None else np.array(normal)
    sizes = measure_contour(frame, traced.points_mm, apex_mm=found.apex_mm, aortic_normal=across)
    contour = Contour(points_mm=traced.points_mm, uncertainty_mm=traced.uncertainty_mm, sizes=sizes)
    reasons = found.reasons if normal else (*found.reasons, _NO_ROOT)
    return replace(found, contour=contour, aortic_normal=normal, reasons=reasons)


def _root(
    found: Anatomy, frame: MitralAnnulus, curve_mm: Floats, volume: Volume, *, params: RootParams
) -> Point | None:
    levels = _levels(found)
    return None if levels is None else root_normal(volume, frame, curve_mm, levels, params=params)


def _levels(found: Anatomy) -> tuple[float, float] | None:
    """Return the HU of muscle and blood, where contrast tells them apart."""
    blood_hu, muscle_hu = found.contrast.blood_pool_hu, found.myocardium_hu
    if found.contrast.state != ContrastState.ENHANCED or blood_hu is None or muscle_hu is None:
        return None
    return (muscle_hu, blood_hu) if muscle_hu < blood_hu else None


def _traced(
    found: Anatomy,
    annulus: MitralAnnulus,
    volume: Volume,
    *,
    dense_hu: Callable[[float], float],
    params: TraceParams,
) -> Trace:
    if annulus.method in _DRAWN:
        if annulus.septal_lateral_mm is None:
            return Trace(why_not="only its place was given")
        return Trace(points_mm=annulus.curve_mm, uncertainty_mm=annulus.uncertainty_mm)
    levels = _levels(found)
    if levels is None:
        return Trace(why_not="there is too little contrast to see it")
    return trace(volume, annulus, levels, dense_hu=dense_hu(levels[1]), params=params)
