"""Reads the chunks of a PNG (PNG specification, third edition, 5), and mends what browsers overlook."""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import error as StructError  # noqa: N812 - it is an exception
from struct import pack, unpack_from
from typing import Final
from zlib import crc32

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
HEADER: Final = b"IHDR"
DATA: Final = b"IDAT"
_END: Final = b"IEND"
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7: Final = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
"""First column and row of each pass of an interlaced picture, and the steps to the next."""
_NEEDED: Final = frozenset({HEADER, b"PLTE", DATA})
_WANTED: Final = {b"tRNS": 1, b"iCCP": 3, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32, b"eXIf": 8}
"""Chunks that say how the picture is to be seen, and how long they are at least. All others are notes."""
_FRAME_BYTES: Final = 12
"""Of a chunk: length, name and checksum."""
_MAX_CHUNKS: Final = 20_000
"""Encoders write data in chunks of 8 kB or more: 10 MB are 1,300."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk of a PNG."""

    name: bytes
    body: bytes
    """Shorter than it should be where the file ends in it."""
    intact: bool
    """Whether it is all there and its checksum is right."""


def chunks(data: bytes) -> Iterator[Chunk]:
    """Yields the chunks of a PNG up to its end, or to where it makes no sense any more."""
    offset = len(SIGNATURE)
    try:
        for _ in range(_MAX_CHUNKS):
            length, name = unpack_from(">I4s", data, offset)
            if not (name.isascii() and name.isalpha()):
                return
            body = data[offset + 8 : offset + 8 + length]
            checksum = data[offset + 8 + length : offset + _FRAME_BYTES + length]
            yield Chunk(name, body, checksum == pack(">I", crc32(body, crc32(name))))
            if name == _END:
                return
            offset += _FRAME_BYTES + length
    except StructError:
        return


def mend(data: bytes) -> bytes:
    """Writes a PNG anew with what is needed to see it.

    As in libpng, which browsers and phones use, a damaged chunk that is not needed is left out. Checksums of
    the data are written anew: they have another one inside.
    """
    parts = [SIGNATURE]
    for chunk in chunks(data):
        wanted = chunk.intact and len(chunk.body) >= _WANTED.get(chunk.name, len(data))
        if wanted or chunk.name in _NEEDED:
            checksum = crc32(chunk.body, crc32(chunk.name))
            parts += [pack(">I4s", len(chunk.body), chunk.name), chunk.body, pack(">I", checksum)]
    parts.append(pack(">I4sI", 0, _END, crc32(_END)))
    return b"".join(parts)


def passes(header: bytes) -> list[tuple[int, int]]:
    """Gives the rows of each pass over the picture and the bytes of each row, by the body of the header.

    An interlaced picture takes seven passes, any other one. Raises `KeyError` and `struct.error`.
    """
    width, height, depth, colour, _, _, interlaced = unpack_from(">IIBBBBB", header)
    bits = depth * _CHANNELS[colour]
    sizes = (
        [(-(-(width - x) // across), -(-(height - y) // down)) for x, y, across, down in _ADAM7]
        if interlaced
        else [(width, height)]
    )
    return [(rows, 1 + (columns * bits + 7) // 8) for columns, rows in sizes if columns > 0]
