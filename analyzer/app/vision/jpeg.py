"""Reads from a JPEG's header what decoding it would cost, before it is decoded (ITU-T T.81, annex B).

A JPEG of one scan is decoded row by row. One of several (progressive, or a scan for each channel) must be
held as coefficients, all of them, whatever scale it is decoded at, and every scan is a pass over them.
"""

from dataclasses import dataclass
from struct import error as StructError  # noqa: N812 - it is an exception
from struct import unpack_from
from typing import Final

_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_PROGRESSIVE: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_SCAN: Final = 0xDA
_NO_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_COEFFICIENT_BYTES: Final = 2
_BLOCK: Final = 8


@dataclass(frozen=True, slots=True)
class Cost:
    """What decoding takes."""

    scans: int
    """At most: a second picture in the same file is counted along."""
    coefficient_bytes: int
    """Memory for coefficients; 0 if the picture can be decoded row by row."""


def read_cost(data: bytes) -> Cost | None:
    """Reads frame and first scan header; None if the file ends, or makes no sense, before them."""
    frame = 0
    coefficients = 0
    channels = 0
    offset = 2
    try:
        while True:
            marker_prefix, marker = unpack_from(">BB", data, offset)
            if marker_prefix != 0xFF:  # noqa: PLR2004 - what every marker begins with
                return None
            if marker == 0xFF:  # noqa: PLR2004 - a fill byte
                offset += 1
                continue
            if marker in _NO_LENGTH:
                offset += 2
                continue
            (length,) = unpack_from(">H", data, offset + 2)
            if marker in _FRAMES:
                frame, channels, coefficients = marker, data[offset + 9], _coefficients(data, offset)
            elif marker == _SCAN:
                buffered = frame in _PROGRESSIVE or data[offset + 4] < channels
                if not buffered:
                    return Cost(1, 0)
                return Cost(data.count(b"\xff\xda", offset), coefficients)
            offset += 2 + length
    except (StructError, IndexError, ValueError, ZeroDivisionError):
        return None


def _coefficients(data: bytes, offset: int) -> int:
    """Counts the bytes of a frame's coefficients: each channel in whole blocks of 8 x 8, two bytes each."""
    height, width, channels = unpack_from(">HHB", data, offset + 5)
    sampling = [divmod(data[offset + 11 + 3 * channel], 16) for channel in range(channels)]
    most_across, most_down = (max(factor) for factor in zip(*sampling, strict=True))
    total = 0
    for across, down in sampling:
        columns = -(-width // (_BLOCK * most_across)) * across
        rows = -(-height // (_BLOCK * most_down)) * down
        total += columns * rows * _BLOCK * _BLOCK * _COEFFICIENT_BYTES
    return total
