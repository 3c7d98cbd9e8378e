"""Compressed frames to stored values."""

import struct
from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from ccma_seg.series.elements import DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from ccma_seg.series.images import PixelCoding

Values = npt.NDArray[Any]

DECODERS: dict[str, Callable[[bytes], Values]] = {
    "1.2.840.10008.1.2.4.50": imagecodecs.jpeg8_decode,
    "1.2.840.10008.1.2.4.51": imagecodecs.jpeg8_decode,
    "1.2.840.10008.1.2.4.57": imagecodecs.jpeg8_decode,
    "1.2.840.10008.1.2.4.70": imagecodecs.jpeg8_decode,
    "1.2.840.10008.1.2.4.80": imagecodecs.jpegls_decode,
    "1.2.840.10008.1.2.4.81": imagecodecs.jpegls_decode,
    "1.2.840.10008.1.2.4.90": imagecodecs.jpeg2k_decode,
    "1.2.840.10008.1.2.4.91": imagecodecs.jpeg2k_decode,
    "1.2.840.10008.1.2.4.201": imagecodecs.jpeg2k_decode,
    "1.2.840.10008.1.2.4.202": imagecodecs.jpeg2k_decode,
    "1.2.840.10008.1.2.4.203": imagecodecs.jpeg2k_decode,
}
"""By transfer syntax. All of them run in several threads at a time, which pydicom's do not."""

RUN_LENGTH = "1.2.840.10008.1.2.5"


class PixelError(ValueError):
    """A pixel stream that cannot be decoded to what its header promises."""


def decode(stream: bytes, coding: PixelCoding) -> Values:
    """Decode one compressed frame to (rows, columns) integers, as stored.

    Raises
    ------
    PixelError
        If the stream is damaged, of another size than the header says, or of a kind that cannot be decoded.
    """
    shape = coding.rows, coding.columns
    announced = announced_shape(stream)
    if announced is not None and announced != shape:
        raise PixelError(
            f"the header says {shape[0]} x {shape[1]} pixels, the stream holds {announced[0]} x {announced[1]}"
        )
    try:
        values = _decoded(stream, coding)
    except PixelError:
        raise
    except Exception as error:  # decoders raise anything on damaged streams
        raise PixelError(f"its compressed pixels are damaged ({type(error).__name__})") from error
    if values.shape != shape or values.dtype.kind not in "iu":
        raise PixelError(f"the header says {shape[0]} x {shape[1]} pixels, the stream holds {values.shape}")
    return values


def decoders() -> dict[str, tuple[str, ...]]:
    """Return the names of the transfer syntaxes that can be read, each with the library that decodes it."""
    from pydicom.uid import UID  # noqa: PLC0415  pydicom takes a quarter of a second to load

    plain = {UID(uid).name: ("ccma-seg",) for uid in (IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED)}
    return plain | {UID(uid).name: ("imagecodecs",) for uid in (RUN_LENGTH, *DECODERS)}


def announced_shape(stream: bytes) -> tuple[int, int] | None:
    """Read rows and columns that a JPEG stream itself announces, before anything of that size is allocated."""
    if stream[:4] == b"\xff\x4f\xff\x51" and len(stream) >= _J2K_SIZE_END:
        right, bottom, left, top = struct.unpack_from(">4I", stream, 8)
        return bottom - top, right - left
    at = 2
    while stream[:2] == b"\xff\xd8" and at + 9 <= len(stream) and stream[at] == _MARKER:
        marker = stream[at + 1]
        if marker in _FRAME_MARKERS:
            rows, columns = struct.unpack_from(">2H", stream, at + 5)
            return rows, columns
        at += 1 if marker == _MARKER else 2 + struct.unpack_from(">H", stream, at + 2)[0]
    return None


_J2K_SIZE_END = 24
_MARKER = 0xFF
_END, _END_AND_FILLING = b"\xff\xd9", 4
"""What all JPEG streams end with; a byte may follow to make the length even."""

_FRAME_MARKERS = frozenset((0xC0, 0xC1, 0xC2, 0xC3, 0xF7))
"""Baseline, extended, progressive, lossless JPEG; JPEG-LS."""


def _decoded(stream: bytes, coding: PixelCoding) -> Values:
    if coding.transfer_syntax == RUN_LENGTH:
        return _decode_run_lengths(stream, coding)
    decoder = DECODERS.get(coding.transfer_syntax)
    if decoder is None:
        raise PixelError(f"its transfer syntax {coding.transfer_syntax or 'without a name'} cannot be decoded here")
    if _END not in stream[-_END_AND_FILLING:]:
        raise PixelError("its compressed pixels are cut short")
    return np.asarray(decoder(stream))


def _decode_run_lengths(stream: bytes, coding: PixelCoding) -> Values:
    """Decode DICOM's run-length coding: one PackBits segment for each byte of a value, the most significant first."""
    count, *starts = struct.unpack_from("<16I", stream)
    size, pixels = coding.bits_allocated // 8, coding.rows * coding.columns
    if count != size:
        raise PixelError(f"{count} run-length segments for values of {size} bytes")
    ends = [*starts[1:count], len(stream)]
    planes = np.zeros((size, pixels), np.uint8)
    for plane, start, end in zip(planes, starts, ends, strict=False):
        plane[:] = np.frombuffer(imagecodecs.packbits_decode(stream[start:end]), np.uint8)[:pixels]
    values = np.ascontiguousarray(planes.T).view(f">u{size}").astype(f"u{size}")
    return values.reshape(coding.rows, coding.columns)
