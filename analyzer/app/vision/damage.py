"""Finds the rows of a truncated photo that its file still holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from zlib import decompressobj
from zlib import error as ZlibError  # noqa: N812 - it is an exception

import numpy as np
from PIL import Image, ImageFile

from app.vision import png

_FILL: Final = (127, 128)
"""8-bit codes of a JPEG's blocks that are not there: their coefficients are zero. Where its decoder gave up,
the codes are zero."""
_PIECE: Final = 1 << 16
"""Bytes of a PNG's data that are unpacked at a time, and given up where they are damaged."""
_DIFFERENCE: Final = 2


@contextmanager
def truncation_allowed() -> Iterator[None]:
    """Lets Pillow decode what there is of a truncated file."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def mask(size: tuple[int, int], whole_rows: int) -> Image.Image:
    """Draws a picture that is white from a row on."""
    drawn = Image.new("L", size)
    drawn.paste(255, (0, min(whole_rows, size[1]), *size))
    return drawn


def rows_of_jpeg(image: Image.Image, block_rows: int) -> int:
    """Counts the rows before the blocks that are not there, without the last row of blocks before these."""
    pixels = np.asarray(image)
    fill = ((pixels >= _FILL[0]) & (pixels <= _FILL[1])) | (pixels == 0)
    there = np.flatnonzero(~fill.all(axis=(1, 2)))
    rows = int(there[-1]) + 1 if len(there) else 0
    return rows if rows == image.height else max(0, rows - block_rows)


def rows_of_png(data: bytes, height: int) -> int:
    """Counts the rows that the data of a PNG hold; of an interlaced one none, unless it holds all."""
    header, *rest = png.chunks(data)
    passes = png.passes(header.body)
    packed = [chunk.body for chunk in rest if chunk.name == png.DATA]
    found = _unpacked(b"".join(packed))
    if found >= sum(rows * row_bytes for rows, row_bytes in passes):
        return height
    return found // passes[0][1] if len(passes) == 1 else 0


def _unpacked(packed: bytes) -> int:
    """Counts the bytes that can be unpacked."""
    # Neither the header of zlib nor its checksum at the end matters.
    unpacker, rest, found = decompressobj(wbits=-15), packed[2:], 0
    try:
        while rest and not unpacker.eof:
            found += len(unpacker.decompress(rest, _PIECE))
            rest = unpacker.unconsumed_tail
    except ZlibError:
        pass
    return found


def rows_alike(one: Image.Image, other: Image.Image) -> int:
    """Counts the rows in which two decodings of one file agree: what they had to invent differs."""
    difference = np.abs(np.asarray(one, dtype=np.int16) - np.asarray(other, dtype=np.int16))
    unlike = np.flatnonzero(difference.max(axis=(1, 2)) > _DIFFERENCE)
    return int(unlike[0]) if len(unlike) else one.height
