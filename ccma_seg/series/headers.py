"""From a file to its images, or to the reason why it has none."""

import zipfile
import zlib

from ccma_seg.reasons import Reason
from ccma_seg.series.elements import (
    DEFLATED,
    Elements,
    HeaderCutError,
    HeaderError,
    inflate,
    looks_like_dicom,
    read_elements,
    transfer_syntax,
)
from ccma_seg.series.frames import ENHANCED, split_frames
from ccma_seg.series.images import Image, read_image
from ccma_seg.series.params import ReadParams
from ccma_seg.series.sources import Source
from ccma_seg.series.values import TAGS, WANTED

_FIRST_BYTES = 16_384
"""Holds the header of most CT slices, and is one read."""

_GROWTH = 8
_HEAVY_BYTES_PER_VOXEL = 4

_DIRECTORY = TAGS["directory"]
_DEFLATED = DEFLATED.encode()
UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)
"""What opening or reading a file, or a member of a zip, may raise."""

DAMAGED, NOT_READ = "damaged_file", "unreadable_file"
"""Codes of files that might have been part of a series."""

ARCHIVE = "archive"
"""Code of files that hold other files."""

_NOT_DICOM = Reason("not_dicom", "not DICOM")
_EMPTY = Reason(DAMAGED, "holds no bytes")
_BLANK = Reason(DAMAGED, "holds nothing but zeros")
_SIGNATURES = {
    b"PK\x03\x04": Reason(ARCHIVE, "a zip archive inside the input; give it by itself"),
    b"\x1f\x8b": Reason(ARCHIVE, "a gzip file; unpack it, or give it by itself if it is NIfTI"),
}


def read_images(source: Source, params: ReadParams) -> tuple[Image, ...] | Reason:
    """Read one file's header: its image, its frames, or why there is none."""
    try:
        elements = _read(source, params)
    except HeaderError as error:
        return Reason(DAMAGED, str(error))
    except UNREADABLE as error:
        return Reason(NOT_READ, f"cannot be read: {getattr(error, 'strerror', None) or type(error).__name__}")
    if isinstance(elements, Reason):
        return elements
    if _DIRECTORY in elements.values:
        return Reason("dicom_directory", "a DICOM directory, not an image")
    image = read_image(source, elements)
    if isinstance(image, str):
        return Reason("not_an_image", image)
    nested = image.coding.frames > 1 or image.sop_class in ENHANCED
    frames = split_frames(image, limit=size_limit(params)) if nested else (image,)
    return Reason(DAMAGED, frames) if isinstance(frames, str) else frames


def _read(source: Source, params: ReadParams) -> Elements | Reason:
    """Read as much of a file as its header takes."""
    length = _FIRST_BYTES
    head = source.read(0, length)
    if not looks_like_dicom(head):
        return _no_dicom(head, source)
    if _DEFLATED in head and transfer_syntax(head) == DEFLATED:
        return read_elements(inflate(source.read(), limit=size_limit(params)), WANTED)
    while True:
        try:
            return read_elements(head, WANTED)
        except HeaderCutError:
            if len(head) < length or length > size_limit(params):
                raise
            length *= _GROWTH
            head = source.read(0, length)


def _no_dicom(head: bytes, source: Source) -> Reason:
    """Say what else a file is; what a broken copy leaves behind counts as damaged, for it may have been a slice."""
    if not head:
        return _NOT_DICOM if source.file_name.startswith(".") else _EMPTY
    if not head.strip(b"\0"):
        return _BLANK
    return next((why for magic, why in _SIGNATURES.items() if head.startswith(magic)), _NOT_DICOM)


def size_limit(params: ReadParams) -> int:
    """Return how many bytes of a file are looked at, at most."""
    return params.max_voxels * _HEAVY_BYTES_PER_VOXEL
