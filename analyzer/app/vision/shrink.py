"""Shrinks a decoded picture to working size and makes it opaque sRGB, a strip at a time."""

from collections.abc import Callable
from math import ceil, sqrt
from typing import Final

from PIL import Image

from app.vision.coding import Convert

WORK_SIDE: Final = 720
"""Pixels. Photos are decoded no larger than needed to keep this much of the shorter side."""
_MAX_WORK_PIXELS: Final = 4_000_000
"""Of the decoded picture: what bounds those whose sides are very unequal."""
_STRIP_PIXELS: Final = 1_000_000
_BACKDROP: Final = (119, 119, 119, 255)
"""Behind transparent pixels: what they hide must not be measured, and the middle grey has no hue."""

Rows = Callable[[int, int], Image.Image]
"""Gives the rows of a picture from one number up to another."""


def factor_of(width: int, height: int) -> int:
    """By how much a picture is shrunk: to WORK_SIDE or a little more, and to _MAX_WORK_PIXELS or less."""
    by_area = ceil(sqrt(width * height / _MAX_WORK_PIXELS))
    return max(1, min(width, height) // WORK_SIDE, by_area)


def rows_of(image: Image.Image) -> Rows:
    """Gives the rows of a picture that is in memory."""
    return lambda top, bottom: image.crop((0, top, image.width, bottom))


def shrink(size: tuple[int, int], mode: str, rows: Rows, convert: Convert | None) -> Image.Image:
    """Makes an opaque sRGB picture of working size, a strip at a time: no second copy at full size."""
    width, height = size
    factor = factor_of(width, height)
    result = Image.new("RGB", (ceil(width / factor), ceil(height / factor)))
    step = factor * max(1, _STRIP_PIXELS // (width * factor))
    for top in range(0, height, step):
        strip = rows(top, min(height, top + step))
        if mode == "P" or "transparency" in strip.info:
            strip = strip.convert("RGBA")
        if factor > 1:
            strip = strip.reduce(factor)
        result.paste(_opaque(strip, convert), (0, top // factor))
    return result


def _opaque(strip: Image.Image, convert: Convert | None) -> Image.Image:
    if strip.mode in {"RGBA", "RGBa", "PA"}:
        strip = strip.convert("RGBA")
        strip = Image.alpha_composite(Image.new("RGBA", strip.size, _BACKDROP), strip).convert("RGB")
    if convert is not None:
        strip = convert(strip)
    # Without a profile, CMYK is taken for the complement of RGB, as every viewer does.
    return strip.convert("RGB")
