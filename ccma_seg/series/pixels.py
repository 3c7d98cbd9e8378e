"""Stored pixels to Hounsfield units, each slice straight into its place in the volume."""

import hashlib
import struct
import sys
from collections.abc import Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt

from ccma_seg.series.decoding import PixelError, Values, decode
from ccma_seg.series.elements import DEFLATED, EXPLICIT_BIG, PLAIN, HeaderError, inflate
from ccma_seg.series.headers import UNREADABLE
from ccma_seg.series.images import Image, PixelCoding
from ccma_seg.series.params import ReadParams
from ccma_seg.volume import PADDING_HU, Hu

_INT16 = np.iinfo(np.int16)
_WORD_BITS = 16
_ITEM = struct.Struct("<HHI")
_NEXT, _LAST = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)


def read_slice(image: Image, out: Hu, params: ReadParams) -> None:
    """Read one image into `out`, (rows, columns) int16, as HU; what was never measured becomes `PADDING_HU`.

    Raises
    ------
    PixelError
        If the pixels are damaged, missing, or cannot be decoded.
    """
    try:
        stored = _read_plain(image, out) if _is_plain(image) else _read_stored(image, params)
    except (HeaderError, struct.error, *UNREADABLE) as error:
        raise PixelError(f"its pixels cannot be read ({error or type(error).__name__})") from error
    _to_hu(stored, image, out, params)


def fingerprint(image: Image) -> bytes:
    """Return a digest of the stored pixels, decoded or not.

    Raises
    ------
    PixelError
        If they cannot be found.
    """
    coding = image.coding
    try:
        if coding.encapsulated:
            return hashlib.sha256(_frame_stream(image)).digest()
        offset = 0 if coding.deflated else coding.offset + image.frame * coding.frame_bytes
        return hashlib.sha256(image.source.read(offset, -1 if coding.deflated else coding.frame_bytes)).digest()
    except (struct.error, *UNREADABLE) as error:
        raise PixelError("its pixels cannot be read") from error


def _is_plain(image: Image) -> bool:
    coding = image.coding
    swapped = (coding.transfer_syntax == EXPLICIT_BIG) == (sys.byteorder == "little")
    known = coding.transfer_syntax in PLAIN and coding.bits_allocated == _WORD_BITS
    return known and not (coding.encapsulated or coding.deflated or swapped)


def _read_plain(image: Image, out: Hu) -> Values:
    coding = image.coding
    offset = coding.offset + image.frame * coding.frame_bytes
    count = image.source.read_into(out.data.cast("B"), offset)
    if count < coding.frame_bytes:
        raise PixelError(f"{coding.frame_bytes - count} bytes of pixels are missing")
    return out


def _read_stored(image: Image, params: ReadParams) -> Values:
    coding = image.coding
    if coding.encapsulated:
        return decode(_frame_stream(image), coding)
    if coding.transfer_syntax not in PLAIN:
        raise PixelError(f"its transfer syntax {coding.transfer_syntax} cannot be decoded here")
    start = coding.offset + image.frame * coding.frame_bytes
    if coding.transfer_syntax == DEFLATED:
        whole = inflate(image.source.read(), limit=params.max_voxels * 4)
        data = whole[start : start + coding.frame_bytes]
    else:
        data = image.source.read(start, coding.frame_bytes)
    if len(data) < coding.frame_bytes:
        raise PixelError(f"{coding.frame_bytes - len(data)} bytes of pixels are missing")
    order = ">" if coding.transfer_syntax == EXPLICIT_BIG else "<"
    values = np.frombuffer(data, np.dtype(f"{order}u{coding.bits_allocated // 8}"))
    return values.astype(values.dtype.newbyteorder("=")).reshape(coding.rows, coding.columns)


def _frame_stream(image: Image) -> bytes:
    """Return the compressed bytes of one frame."""
    if image.coding.frames == 1:
        return b"".join(islice(_items(image.source.read(image.coding.offset)), 1, None))
    from pydicom.encaps import get_frame  # noqa: PLC0415  pydicom takes a quarter of a second to load

    try:
        with image.source.open() as file:
            file.seek(image.coding.offset)
            return bytes(get_frame(file, image.frame, number_of_frames=image.coding.frames))
    except ValueError as error:
        raise PixelError("its compressed pixels are cut short") from error


def _items(stream: bytes) -> Iterator[bytes]:
    """Give the items of encapsulated pixels: a table of offsets, then the fragments of the frames."""
    at = 0
    while at < len(stream):
        group, element, length = _ITEM.unpack_from(stream, at)
        if (group, element) == _LAST:
            return
        at += _ITEM.size
        if (group, element) != _NEXT or at + length > len(stream):
            raise PixelError("its compressed pixels are cut short")
        yield stream[at : at + length]
        at += length


def _to_hu(stored: Values, image: Image, out: Hu, params: ReadParams) -> None:
    """Rescale stored values, which may be `out` itself, into `out`."""
    odd = _unlike_values(stored, image, params)
    values = _as_written(stored, image.coding)
    padded = _padded(values, image, params) if odd is None else odd
    slope, intercept = image.slope or 1.0, image.intercept or 0.0
    if slope == 1 and intercept.is_integer() and values.dtype == np.int16 and _fits(values, int(intercept)):
        np.add(values, np.int16(intercept), out=out)
    else:
        out[...] = np.clip(np.rint(values * slope + intercept), _INT16.min, _INT16.max)
    if out.min() < PADDING_HU:  # seldom, and looking takes a tenth of the time
        np.maximum(out, PADDING_HU, out=out)
    if padded is not None:
        out[padded] = PADDING_HU


def _as_written(stored: Values, coding: PixelCoding) -> Values:
    """Take the bits that hold the value, as the number they mean; older files keep overlays in the other bits."""
    if stored.itemsize < coding.bits_stored / 8:
        stored = stored.astype(np.int16)
    size = 8 * stored.itemsize
    low = 0 if coding.encapsulated else coding.high_bit + 1 - coding.bits_stored
    if low and (stored.view(f"u{stored.itemsize}") & ((1 << low) - 1)).any():
        low = 0  # HighBit is wrong, as it mostly is: values lie to the right
    spare = size - coding.bits_stored
    if coding.signed:
        values = stored.view(f"i{stored.itemsize}")
        return (
            values if spare == 0 else np.right_shift(np.left_shift(values, spare - low, out=values), spare, out=values)
        )
    values = stored.view(f"u{stored.itemsize}")
    if spare and (low or values.max() >> coding.bits_stored):
        values = np.right_shift(values, low, out=values)
        np.bitwise_and(values, (1 << coding.bits_stored) - 1, out=values)
    return values.view(np.int16) if size == _WORD_BITS and values.max() <= _INT16.max else values


def _fits(values: Values, intercept: int) -> bool:
    """Tell whether adding the intercept stays within 16 bits."""
    low, high = (int(values.min()), int(values.max())) if abs(intercept) > 0 else (0, 0)
    return low + intercept >= _INT16.min and high + intercept <= _INT16.max


def _padded(values: Values, image: Image, params: ReadParams) -> npt.NDArray[np.bool_] | None:
    """Tell which pixels were never measured; None if all were."""
    if image.padding is None or ignores_padding(image, params):
        return None
    if image.padding_limit is None:
        return np.asarray(values == image.padding)
    low, high = sorted((image.padding, image.padding_limit))
    return np.asarray((values >= low) & (values <= high))


def _unlike_values(stored: Values, image: Image, params: ReadParams) -> npt.NDArray[np.bool_] | None:
    """Tell which pixels hold a padding value that takes more bits than values have; None if it does not."""
    coding = image.coding
    if image.padding is None or ignores_padding(image, params):
        return None
    pattern = image.padding & ((1 << coding.bits_allocated) - 1)
    least = -(1 << coding.bits_stored - 1) if coding.signed else 0
    if least <= image.padding < least + (1 << coding.bits_stored):
        return None
    return np.asarray(stored.view(f"u{stored.itemsize}") == pattern)


def ignores_padding(image: Image, params: ReadParams) -> bool:
    """Tell whether the header declares as padding what is tissue."""
    if image.padding is None:
        return False
    hu = image.padding * (image.slope or 1.0) + (image.intercept or 0.0)
    low, high = params.padding_tissue_hu
    return low < hu < high
