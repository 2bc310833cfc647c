"""Completes a truncated HEIC file, of which libheif decodes nothing (ISO/IEC 14496-12, 4.2)."""

from struct import error as StructError  # noqa: N812 - it is an exception
from struct import unpack_from
from typing import Final

_TO_THE_END: Final = 0
_LARGE: Final = 1
"""Instead of a length: it follows as 64 bits."""
_MAX_BOXES: Final = 1000


def missing_bytes(data: bytes) -> int:
    """Counts the bytes that the last box of a file promises and the file does not hold."""
    offset = 0
    try:
        for _ in range(_MAX_BOXES):
            if offset >= len(data):
                break
            (length,) = unpack_from(">I", data, offset)
            if length == _LARGE:
                (length,) = unpack_from(">Q", data, offset + 8)
            if length == _TO_THE_END or length < 8:  # noqa: PLR2004 - the length and the name
                return 0
            offset += length
    except StructError:
        return 0
    return max(0, offset - len(data))
