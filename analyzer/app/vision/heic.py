"""Does for HEIC what libheif does not: counts what a truncated file lacks, and rounds 10 and 12 bits to 8.

libheif decodes nothing of a truncated file (whose boxes are those of ISO/IEC 14496-12, 4.2), and it cuts bits
off, which makes the dark half of a perceptual quantizer's colours green.
"""

from struct import error as StructError  # noqa: N812 - it is an exception
from struct import unpack_from
from typing import Final

import numpy as np
from PIL import Image

_TO_THE_END: Final = 0
_LARGE: Final = 1
"""Instead of a length: it follows as 64 bits."""
_MAX_BOXES: Final = 1000
_WORD_BITS: Final = 16
_KEPT_BITS: Final = 12
"""Of a word; HEVC's pictures have no more."""


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


def rounded(strip: memoryview, width: int, channels: int, stride: int, bits: int) -> Image.Image:
    """Rounds rows of 16-bit words, of which the upper `bits` count, to 8-bit codes."""
    words = np.frombuffer(strip, dtype=np.uint16).reshape(-1, stride // 2)
    levels = np.arange(1 << _KEPT_BITS) / ((1 << _KEPT_BITS) - (1 << _KEPT_BITS - min(bits, _KEPT_BITS)))
    table = np.round(255 * np.minimum(levels, 1)).astype(np.uint8)
    codes = table[words[:, : width * channels] >> (_WORD_BITS - _KEPT_BITS)]
    return Image.fromarray(codes.reshape(-1, width, channels))
