"""Turns bytes of unknown origin into an upright RGB picture of bounded size."""

from dataclasses import dataclass
from io import BytesIO
from typing import Final

import pillow_heif
from PIL import Image, UnidentifiedImageError
from PIL import WebPImagePlugin as _WebP  # noqa: F401 - importing it registers it

from app.vision.colour import FloatArray
from app.vision.icc import matrix_to_srgb
from app.vision.problems import Code, PhotoError

MAX_PIXELS: Final = 50_000_000
"""Checked on the header, before anything is decoded."""
MIN_SIDE: Final = 120
"""Pixels. Below it no face can be large enough to measure."""
WORK_SIDE: Final = 720
"""Pixels. Photos are decoded no larger than needed to keep this much of the shorter side."""

_ORIENTATION: Final = 0x0112
# EXIF 2.32, tag 0x0112: how to turn the stored picture upright.
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "HEIF")
_ALPHA_MODES: Final = ("RGBA", "LA", "PA", "La", "RGBa")
_GREY_MODES: Final = ("1", "L", "I", "F", "LA", "La")
# Formats worth naming to a person whose photo is one of them; (offset, magic).
_OTHER_FORMATS: Final = (
    (0, b"GIF8"),
    (0, b"BM"),
    (0, b"II*\0"),
    (0, b"MM\0*"),
    (0, b"8BPS"),
    (0, b"%PDF"),
    (4, b"ftypavi"),
    (0, b"\0\0\0\x0cJXL "),
    (0, b"\xff\x0a"),
)

Image.preinit()  # JPEG and PNG; a JPEG of several pictures (MPO) comes with JPEG
pillow_heif.register_heif_opener(thumbnails=False)
pillow_heif.options.DECODE_THREADS = 1  # one core per slot; the pool decides how many work at once
Image.MAX_IMAGE_PIXELS = None  # its guard warns where `_check_size` refuses, on the same header


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded photo."""

    image: Image.Image
    """RGB, upright."""
    scale: float
    """Pixels of the original photo per pixel of `image`, 1 or more."""
    to_srgb: FloatArray | None
    """From the photo's linear RGB to linear sRGB; None: they are the same."""


def decode(data: bytes) -> Photo:
    """Decodes a jpeg, png, webp or heic photo; of an animation, the first frame.

    Raises `PhotoError`: IMAGE_TOO_LARGE, IMAGE_TOO_SMALL, NOT_AN_IMAGE, UNSUPPORTED_FORMAT, GREYSCALE.
    """
    with _open(data) as source:
        _check_size(*source.size)
        if source.mode in _GREY_MODES or source.mode.startswith("I;"):
            raise PhotoError(Code.GREYSCALE, "The photo has no colour. Send a colour photo.")
        full_width, full_height = source.size
        matrix = matrix_to_srgb(source.info.get("icc_profile"))
        try:
            # JPEG can be decoded at 1/2, 1/4 or 1/8 of its size at a fraction of the cost.
            source.draft("RGB", (WORK_SIDE, WORK_SIDE))
            source.load()
            image = _upright_rgb(source)
        except MemoryError:
            raise  # that is our fault
        except Exception as error:  # decoders raise whatever their parsers trip over
            raise _damaged() from error
    scale = max(full_width, full_height) / max(image.size)
    return Photo(image, scale, matrix)


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError as error:
        if any(data.startswith(magic, offset) for offset, magic in _OTHER_FORMATS):
            detail = "This image format is not supported. Send a JPEG, PNG, WebP or HEIC photo."
            raise PhotoError(Code.UNSUPPORTED_FORMAT, detail) from error
        detail = "This is not an image. Send a JPEG, PNG, WebP or HEIC photo."
        raise PhotoError(Code.NOT_AN_IMAGE, detail) from error
    except Exception as error:
        raise _damaged() from error


def _damaged() -> PhotoError:
    return PhotoError(Code.NOT_AN_IMAGE, "The photo is damaged. Send it again.")


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        detail = f"The photo has more than {MAX_PIXELS // 1_000_000} megapixels. Send a smaller one."
        raise PhotoError(Code.IMAGE_TOO_LARGE, detail)
    if min(width, height) < MIN_SIDE:
        detail = (
            f"The photo is {width} x {height} pixels. Send one of at least {MIN_SIDE} on its shorter side."
        )
        raise PhotoError(Code.IMAGE_TOO_SMALL, detail)


def _upright_rgb(source: Image.Image) -> Image.Image:
    image = source
    orientation = source.getexif().get(_ORIENTATION, 1)
    factor = min(source.size) // WORK_SIDE
    if factor > 1 and source.mode in {"RGB", "RGBA"}:  # shrink first: the rest then costs little
        image = source.reduce(factor)
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        # What a transparent pixel hides must not be measured: neutral grey has no hue.
        backdrop = Image.new("RGBA", image.size, (119, 119, 119, 255))
        image = Image.alpha_composite(backdrop, image.convert("RGBA"))
    image = image.convert("RGB")
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)
