"""Text that people's tools wrote, whichever of Unicode's encodings they chose."""

import codecs
from pathlib import Path

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
"""First bytes that name the encoding: Windows' shells and editors write them."""


def read_text(path: Path) -> str:
    """Read a text file: UTF-8, or what its first bytes say.

    Raises
    ------
    OSError
        If it cannot be read.
    UnicodeDecodeError
        If it is not text.
    """
    raw = path.read_bytes()
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    return raw.decode(encoding).replace("\r\n", "\n")
