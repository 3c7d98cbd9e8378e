"""Images that are no part of a CT volume, told by their headers."""

from ccma_seg.reasons import Reason
from ccma_seg.series.images import Image

_CAPTURE_CLASS = "1.2.840.10008.5.1.4.1.1.7"

_CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
"""CT images; enhanced ones begin alike."""

_LOCALIZER = frozenset(("LOCALIZER", "SCOUT", "TOPOGRAM", "SURVIEW", "SCANOGRAM", "SCANO"))
_PROJECTION = frozenset(
    ("MIP", "MINIP", "MAX_IP", "MIN_IP", "PROJECTION IMAGE", "THICK MIP", "MIP_SLAB", "MAXIP", "MINIMUM")
)
_RENDERING = frozenset(
    (
        "3D",
        "CPR",
        "CSAPARALLEL",
        "CURVED",
        "DOSE_INFO",
        "ENDOSCOPY",
        "EVALUATION",
        "PERFUSION",
        "PROTOCOL",
        "REPORT",
        "RGB",
    )
) | frozenset(("SCREEN SAVE", "SCREENSHOT", "SSD", "VOLREN", "VOLUME RENDERING", "VOLUME_RENDERING", "VRT"))
_RESLICED = frozenset(("MPR", "REFORMATTED", "AVERAGE", "RESAMPLED", "REFORMAT"))

_WHY_CT = {
    "MR": "calcium gives no MR signal: MRI saw caseous calcification definitely in only 3 of 20 cases that CT proved",
    "PT": "emission images show uptake, not calcium",
    "NM": "emission images show uptake, not calcium",
    "US": "ultrasound has no Hounsfield units",
    "XA": "a projection has no Hounsfield units",
    "CR": "a projection has no Hounsfield units",
    "DX": "a projection has no Hounsfield units",
}


def kind_of(image: Image) -> Reason | None:
    """Say why an image cannot be part of a CT volume; None if it can."""
    types = frozenset(image.image_type)
    if f"{image.sop_class}.".startswith(f"{_CAPTURE_CLASS}."):
        return Reason("secondary_capture", "a secondary capture, not the scan itself")
    if image.modality != "CT" and (image.modality or not f"{image.sop_class}.".startswith(f"{_CT_CLASS}.")):
        return _wrong_modality(image.modality)
    if types & _LOCALIZER:
        return Reason("localizer", "a localizer, not a stack of slices")
    if types & _PROJECTION:
        return Reason("projection", "a maximum, minimum or other projection, not slices")
    if types & _RENDERING or image.coding.samples != 1 or image.coding.photometric == "PALETTE COLOR":
        return Reason("rendering", "a rendering or a screen shot, not slices")
    return None


def is_derived(image: Image) -> bool:
    """Tell images that were computed from others, but still are slices in HU."""
    types = frozenset(image.image_type)
    return image.image_type[:1] == ("DERIVED",) or image.image_type[1:2] == ("SECONDARY",) or bool(types & _RESLICED)


def _wrong_modality(modality: str) -> Reason:
    why = _WHY_CT.get(modality, "calcium is measured in Hounsfield units")
    return Reason("wrong_modality", f"calcification needs CT, this is {modality or 'of unknown modality'}: {why}")
