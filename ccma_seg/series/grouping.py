"""Which images make up one volume."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from ccma_seg.geometry import Floats
from ccma_seg.reasons import Reason
from ccma_seg.series.decoding import PixelError
from ccma_seg.series.images import Image
from ccma_seg.series.kinds import is_derived, kind_of
from ccma_seg.series.params import ReadParams
from ccma_seg.series.pixels import fingerprint

_SPACING_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Images that lie on top of each other, in the order of their position along the slice normal."""

    images: tuple[Image, ...]
    duplicates: tuple[Image, ...] = ()
    """Exact copies that were left out."""

    reasons: tuple[Reason, ...] = ()


def group_images(images: Iterable[Image], params: ReadParams) -> tuple[Stack, ...]:
    """Sort images into stacks: one series, one patient, one orientation, one matrix, one phase each."""
    groups: dict[Hashable, list[list[Image]]] = defaultdict(list)
    for image in images:
        parallel = next((group for group in groups[_key(image)] if _parallel(group[0], image, params)), None)
        if parallel is None:
            groups[_key(image)].append([image])
        else:
            parallel.append(image)
    return tuple(stack for alike in groups.values() for group in alike for stack in _stacks(group, params))


def heights_mm(images: Iterable[Image]) -> Floats:
    """Return where images lie along the slice normal; all must have a place."""
    images = tuple(images)
    normal = normal_of(images[0])
    return np.array([image.position_mm for image in images], float) @ normal


def normal_of(image: Image) -> Floats:
    """Return the direction across a slice, not scaled to length 1 where the header is not either."""
    return np.cross(np.asarray(image.row_direction, float), np.asarray(image.column_direction, float))


def has_place(image: Image) -> bool:
    """Tell whether the header says where the image lies."""
    return image.position_mm is not None and image.row_direction is not None and image.column_direction is not None


def _key(image: Image) -> Hashable:
    """Return what all images of one volume share."""
    spacing = image.pixel_spacing_mm and tuple(round(step, _SPACING_DIGITS) for step in image.pixel_spacing_mm)
    series = image.series_uid or (image.study_uid, image.description)
    kind = kind_of(image)
    matrix = image.coding.rows, image.coding.columns, spacing
    return series, image.patient_key, kind and kind.code, is_derived(image), *matrix, has_place(image)


def _parallel(one: Image, other: Image, params: ReadParams) -> bool:
    if not (one.row_direction and one.column_direction and other.row_direction and other.column_direction):
        return True
    pairs = zip(one.row_direction + one.column_direction, other.row_direction + other.column_direction, strict=True)
    return all(abs(a - b) <= params.orientation_tolerance for a, b in pairs)


def _stacks(images: list[Image], params: ReadParams) -> list[Stack]:
    if not has_place(images[0]) or kind_of(images[0]) is not None:
        return [Stack(images=tuple(images))]
    return [stack for part in _by_frame_of_reference(images) for stack in _by_phase(part, params)]


def _by_frame_of_reference(images: list[Image]) -> list[list[Image]]:
    """Separate coordinate systems; some anonymisers give each slice its own, which then means nothing."""
    parts = _parts(images, lambda image: image.frame_of_reference_uid)
    return [images] if min(map(len, parts)) == 1 else parts


def _by_phase(images: list[Image], params: ReadParams) -> list[Stack]:
    """Separate what lies at the same positions: copies, phases, reconstructions."""
    ordered = _in_order(images)
    layers = _layers(ordered, params)
    unique, duplicates = _without_copies(layers)
    deepest = max(Counter(unique.values()).values())
    kept = [image for image in ordered if id(image) in unique]
    if deepest == 1:
        return [_stack(kept, duplicates)]
    for key in _PHASE_KEYS:
        parts = _parts(kept, key)
        if 1 < len(parts) <= deepest and all(_one_each(part, unique) for part in parts):
            return _shared_copies(parts, duplicates)
    return _by_turn(kept, unique, duplicates)


_PHASE_KEYS: tuple[Callable[[Image], Hashable], ...] = (
    lambda image: image.phase_percent,
    lambda image: image.trigger_time_ms,
    lambda image: image.temporal,
    lambda image: image.scan_options,
    lambda image: image.acquisition,
    lambda image: image.kernel,
    lambda image: image.slice_thickness_mm,
    lambda image: image.frame_of_reference_uid,
    lambda image: image.description,
    lambda image: image.image_type,
    lambda image: image.contrast_agent,
    lambda image: image.acquisition_time,
    lambda image: image.content_time,
)
"""What may tell apart images at one position, the likeliest first."""


def _in_order(images: list[Image]) -> list[Image]:
    """Sort along the slice normal; at one position by phase and time, so that the order of files does not matter."""
    heights = heights_mm(images)
    order = sorted(range(len(images)), key=lambda i: (round(float(heights[i]), 3), _turn(images[i])))
    return [images[i] for i in order]


def _turn(image: Image) -> tuple[float, float, int, str, str, int, str]:
    return (
        -1.0 if image.phase_percent is None else image.phase_percent,
        -1.0 if image.trigger_time_ms is None else image.trigger_time_ms,
        -1 if image.acquisition is None else image.acquisition,
        image.acquisition_time,
        image.content_time,
        -1 if image.number is None else image.number,
        image.source.name,
    )


def _layers(ordered: list[Image], params: ReadParams) -> list[list[Image]]:
    """Put images at one position together."""
    heights = heights_mm(ordered)
    starts = np.flatnonzero(np.diff(heights) > params.position_tolerance_mm) + 1
    bounds = [0, *starts.tolist(), len(ordered)]
    return [ordered[a:b] for a, b in itertools.pairwise(bounds)]


def _without_copies(layers: list[list[Image]]) -> tuple[dict[int, int], list[Image]]:
    """Return the layer of each image that is no copy (by identity), and the copies."""
    unique: dict[int, int] = {}
    copies: list[Image] = []
    for number, layer in enumerate(layers):
        seen: set[Hashable] = set()
        for image in layer:
            fingerprint = _fingerprint(image) if len(layer) > 1 else None
            if fingerprint is not None and fingerprint in seen:
                copies.append(image)
            else:
                seen.add(fingerprint)
                unique[id(image)] = number
    return unique, copies


def _fingerprint(image: Image) -> Hashable:
    """Return what exact copies share: phase, reconstruction, place and the stored pixels."""
    same = (image.phase_percent, image.trigger_time_ms, image.acquisition, image.kernel, image.content_time)
    try:
        return (*same, image.position_mm, fingerprint(image))
    except PixelError:
        return (*same, image.source.name, image.frame)


def _parts(images: list[Image], key: Callable[[Image], Hashable]) -> list[list[Image]]:
    parts: dict[Hashable, list[Image]] = defaultdict(list)
    for image in images:
        parts[key(image)].append(image)
    return list(parts.values())


def _one_each(images: list[Image], layer: dict[int, int]) -> bool:
    return len({layer[id(image)] for image in images}) == len(images)


def _by_turn(images: list[Image], layer: dict[int, int], duplicates: list[Image]) -> list[Stack]:
    """Take the first image of each position, the second, and so on: nothing in the headers tells them apart."""
    depth: Counter[int] = Counter()
    parts: dict[int, list[Image]] = defaultdict(list)
    for image in images:
        parts[depth[layer[id(image)]]].append(image)
        depth[layer[id(image)]] += 1
    stacks = _shared_copies(list(parts.values()), duplicates)
    several = sum(count > 1 for count in depth.values())
    if len({len(part) for part in parts.values()}) == 1:
        text = f"all {several} positions hold {len(parts)} images that only time, number or file name tell apart"
    else:
        text = f"{several} positions hold several different images; the first of each, by time, is used"
    reason = Reason("repeated_positions", text, degrades=True)
    return [replace(stack, reasons=(*stack.reasons, reason)) for stack in stacks]


def _shared_copies(parts: list[list[Image]], duplicates: list[Image]) -> list[Stack]:
    """Make stacks, each with the copies of its own images."""
    own = [{(i.phase_percent, i.acquisition, i.content_time, i.kernel) for i in part} for part in parts]
    stacks, left = [], list(duplicates)
    for part, mine in zip(parts, own, strict=True):
        copies = [i for i in left if (i.phase_percent, i.acquisition, i.content_time, i.kernel) in mine]
        left = [i for i in left if i not in copies]
        stacks.append(_stack(part, copies))
    return stacks


def _stack(images: list[Image], duplicates: list[Image]) -> Stack:
    if not duplicates:
        return Stack(images=tuple(images))
    names = ", ".join(sorted(image.source.file_name for image in duplicates)[:3])
    more = "" if len(duplicates) <= 3 else ", ..."
    reason = Reason(
        "duplicate_slices", f"{len(duplicates)} files are exact copies of others and were left out: {names}{more}"
    )
    return Stack(images=tuple(images), duplicates=tuple(duplicates), reasons=(reason,))
