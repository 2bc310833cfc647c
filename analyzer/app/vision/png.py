"""Reads the chunks of a PNG (PNG specification, third edition, 5), and mends what browsers overlook."""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import error as StructError  # noqa: N812 - it is an exception
from struct import pack, unpack_from
from typing import Final
from zlib import crc32

from app.vision import coding
from app.vision.coding import Coding

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
_WANTED: Final = {b"tRNS": 1, b"iCCP": 3, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32, b"cICP": 4, b"eXIf": 8}
"""Chunks that say how the picture is to be seen, and how long they are at least. All others are notes."""
_UNIT: Final = 100_000
"""Of the numbers in gAMA and cHRM."""
_FRAME_BYTES: Final = 12
"""Of a chunk: length, name and checksum."""
_MAX_CHUNKS: Final = 20_000
"""Encoders write data in chunks of 8 kB or more: 10 MB are 1,300."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk of a PNG."""

    name: bytes
    body: memoryview
    """Shorter than it should be where the file ends in it."""
    checksum: memoryview

    @property
    def intact(self) -> bool:
        """Whether it is all there and its checksum is right."""
        return self.checksum == pack(">I", crc32(self.body, crc32(self.name)))


def chunks(data: bytes) -> Iterator[Chunk]:
    """Yields the chunks of a PNG up to its end, or to where it makes no sense any more."""
    view = memoryview(data)
    offset = len(SIGNATURE)
    try:
        for _ in range(_MAX_CHUNKS):
            length, name = unpack_from(">I4s", data, offset)
            if not (name.isascii() and name.isalpha()):
                return
            end = offset + 8 + length
            yield Chunk(name, view[offset + 8 : end], view[end : end + 4])
            if name == _END:
                return
            offset += _FRAME_BYTES + length
    except StructError:
        return


def described_by_chunks(data: bytes, profile: bytes | None) -> Coding:
    """Reads how a PNG is coded; of numbers, a profile, sRGB and an exponent the first that is there counts.

    PNG specification, third edition, 4.3. Raises `PhotoError`.
    """
    found: dict[bytes, memoryview] = {}
    for chunk in chunks(data):
        if chunk.name == DATA:
            break
        if chunk.name in _WANTED and len(chunk.body) >= _WANTED[chunk.name] and chunk.intact:
            found[chunk.name] = chunk.body
    if b"cICP" in found:
        return coding.of_numbers(*unpack_from(">BB", found[b"cICP"]))
    if profile or b"sRGB" in found:
        return coding.of_profile(profile, "RGB")
    gamma = unpack_from(">I", found[b"gAMA"])[0] / _UNIT if b"gAMA" in found else None
    places = tuple(v / _UNIT for v in unpack_from(">8I", found[b"cHRM"])) if b"cHRM" in found else None
    return coding.of_gamma(gamma, places)


def mend(data: bytes) -> bytes:
    """Writes a PNG anew with what is needed to see it.

    As in libpng, which browsers and phones use, a damaged chunk that is not needed is left out. Checksums of
    the data are written anew: they have another one inside.
    """
    parts: list[bytes | memoryview] = [SIGNATURE]
    for chunk in chunks(data):
        wanted = chunk.intact and len(chunk.body) >= _WANTED.get(chunk.name, len(data))
        if wanted or chunk.name in _NEEDED:
            checksum = crc32(chunk.body, crc32(chunk.name))
            parts += [pack(">I4s", len(chunk.body), chunk.name), chunk.body, pack(">I", checksum)]
    parts.append(pack(">I4sI", 0, _END, crc32(_END)))
    return b"".join(parts)


def passes(header: bytes | memoryview) -> list[tuple[int, int]]:
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
