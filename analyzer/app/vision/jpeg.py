"""Reads from a JPEG's header what decoding it would cost, before it is decoded (ITU-T T.81, annex B).

A JPEG of one scan is decoded row by row, and its decoder shrinks it on the way. One of several (progressive,
or a scan for each channel) must be held as coefficients, all of them, whatever scale it is decoded at, and
every scan is a pass over them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import error as StructError  # noqa: N812 - it is an exception
from struct import unpack_from
from typing import Final

_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_PROGRESSIVE: Final = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_SCAN: Final = 0xDA
_END: Final = 0xD9
_END_MARKER: Final = bytes([0xFF, _END])
_BETWEEN_SCANS: Final = (_SCAN, 0xC4, 0xDB)
"""A scan, Huffman tables and quantisation tables: none of these bytes are a scan's own data."""
_STUFFED: Final = 0x00
"""After 0xFF: no marker, but a byte of data that lies between two segments."""
_NO_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_MAX_SEGMENTS: Final = 5000
"""Before the first scan. Cameras write about 20; 10 MB of profiles and previews would be 160."""
_MAX_SKIPPED: Final = 1_000_000
"""Bytes between segments: Pillow looks at each by itself, which takes a third of a second for so many."""
_COEFFICIENT_BYTES: Final = 2
_BLOCK: Final = 8


@dataclass(frozen=True, slots=True)
class Header:
    """What a JPEG's frame and first scan tell."""

    width: int
    height: int
    channels: int
    scans: int
    """At most: a second picture in the same file is counted along."""
    coefficient_bytes: int
    """Memory for coefficients; 0 if the picture can be decoded row by row."""


def read_header(data: bytes) -> Header | None:
    """Reads frame and first scan header; None if the file ends, or makes no sense, before them."""
    frame = 0
    width = height = channels = coefficients = 0
    try:
        for marker, offset in _segments(data):
            if marker in _FRAMES:
                frame = marker
                height, width, channels = unpack_from(">HHB", data, offset + 5)
                coefficients = _coefficients(data, offset)
            elif marker == _SCAN:
                if not frame:
                    return None
                buffered = frame in _PROGRESSIVE or data[offset + 4] < channels
                scans = data.count(b"\xff\xda", offset) if buffered else 1
                return Header(width, height, channels, scans, coefficients if buffered else 0)
    except (StructError, IndexError, ValueError, ZeroDivisionError):
        pass
    return None


def mend(data: bytes) -> bytes:
    """Leaves out what lies between the segments before the first scan, and ends a truncated file properly."""
    data = _without_torn_segment(data)
    parts = [data[:2]]
    for marker, offset in _segments(data):
        if marker == _SCAN:
            parts.append(data[offset:])
            break
        (length,) = unpack_from(">H", data, offset + 2)
        if length > 2:  # noqa: PLR2004 - the length itself
            parts.append(data[offset : offset + 2 + length])
    return b"".join([*parts, _END_MARKER])


def _without_torn_segment(data: bytes) -> bytes:
    """Leaves out the tables or the scan header in which a file ends."""
    for marker in _BETWEEN_SCANS:
        offset = data.rfind(bytes([0xFF, marker]))
        length = int.from_bytes(data[offset + 2 : offset + 4], "big")
        if offset > 0 and offset + 2 + max(2, length) > len(data):
            data = data[:offset]
    return data


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yields markers with a length, and where they are, as libjpeg finds them (`jdmarker.c`).

    Bytes between two segments are skipped, and a length under two counts as two: decoders accept both, and a
    guard that reads a file differently guards against nothing.
    """
    offset = 2
    skipped = 0
    for _ in range(_MAX_SEGMENTS):
        start = offset
        offset = data.index(b"\xff", offset)
        while data[offset] == 0xFF:  # noqa: PLR2004 - fill bytes before the marker
            offset += 1
        skipped += offset - start
        marker = data[offset]
        if marker == _END or skipped > _MAX_SKIPPED:
            return
        if marker in _NO_LENGTH or marker == _STUFFED:
            offset += 1
            continue
        (length,) = unpack_from(">H", data, offset + 1)
        yield marker, offset - 1
        offset += 1 + max(2, length)


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
