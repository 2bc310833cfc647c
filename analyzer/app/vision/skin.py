"""Measures the skin's colour on cheeks and forehead, and how far the brows stand out from it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from app.vision.colour import FloatArray, Lab, hex_of, lab_of, linearise, luminance, to_lab
from app.vision.decode import Photo
from app.vision.face import Points
from app.vision.problems import Code, PhotoError

# Rings of mesh points, left and right the person's. They keep clear of eyes, brows, nose, lips, jaw and
# hairline, where shadow, hair and make-up are.
_RIGHT_CHEEK: Final = (117, 118, 119, 100, 36, 205, 187, 147, 123, 116)
_LEFT_CHEEK: Final = (346, 347, 348, 329, 266, 425, 411, 376, 352, 345)
_FOREHEAD: Final = (104, 69, 108, 151, 337, 299, 333, 334, 296, 336, 9, 107, 66, 105)
_SKIN: Final = (_RIGHT_CHEEK, _LEFT_CHEEK, _FOREHEAD)
_RIGHT_BROW: Final = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
_LEFT_BROW: Final = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
_BROWS: Final = (_RIGHT_BROW, _LEFT_BROW)

_CLIPPED: Final = 250
"""8-bit code from which a channel has lost its colour to the sensor's limit."""
_MAX_SAMPLES: Final = 4000
_MIN_SAMPLES: Final = 60
_BAND: Final = (0.25, 0.90)
"""Luminance quantiles kept: below lies shadow and stubble, above it shine."""
_TRIM: Final = 0.80
"""Share kept of what is left, nearest to its median in Lab: drops hair, spots and glasses."""
_MAX_CLIPPED_SHARE: Final = 0.5
_MIN_LIGHTNESS: Final = 18.0
"""L* under which a photo holds too little light to tell hues apart, whatever the skin."""
_GREY_SPREAD: Final = 3
"""8-bit codes: in a colour photo the channels of skin lie further apart than this."""


@dataclass(frozen=True, slots=True)
class Skin:
    """What was measured on one face."""

    lab: Lab
    hex: str
    contrast: float
    """L* of the skin minus that of the brows, 0..100."""


def measure(photo: Photo, points: Points) -> Skin:
    """Measures the skin under a face's mesh.

    Raises `PhotoError`: TOO_DARK, TOO_BRIGHT, GREYSCALE, or NO_FACE if hardly any of it is in the picture.
    """
    pixels = _pixels(photo.image, points, _SKIN)
    if len(pixels) < _MIN_SAMPLES:
        raise PhotoError(
            Code.NO_FACE, "The face is not in the picture. Take the photo with all of it in view."
        )
    _refuse_unmeasurable(pixels)
    linear = robust_mean(_to_srgb(photo, pixels[pixels.max(axis=1) < _CLIPPED]))
    lab = lab_of(linear)
    if lab.L < _MIN_LIGHTNESS:
        raise PhotoError(Code.TOO_DARK, "The face is too dark. Take the photo in daylight, facing the light.")
    return Skin(lab, hex_of(linear), _contrast(photo, points, lab))


def robust_mean(linear: FloatArray) -> FloatArray:
    """Averages linear colours after dropping shadow, shine and outliers.

    Averaged in linear light, because that is what a blurred or distant view of the same skin would show.
    """
    light = luminance(linear)
    low, high = np.quantile(light, _BAND)
    band = linear[(light >= low) & (light <= high)]
    lab = to_lab(band)
    distance = np.linalg.norm(lab - np.median(lab, axis=0), axis=1)
    kept = band[distance <= np.quantile(distance, _TRIM)]
    return np.asarray(kept.mean(axis=0, dtype=np.float64), dtype=np.float32)


def _refuse_unmeasurable(pixels: npt.NDArray[np.uint8]) -> None:
    spread = pixels.max(axis=1) - pixels.min(axis=1)
    if np.quantile(spread, 0.9) <= _GREY_SPREAD:
        raise PhotoError(Code.GREYSCALE, "The photo has no colour. Send a colour photo.")
    if (pixels.max(axis=1) >= _CLIPPED).mean() > _MAX_CLIPPED_SHARE:
        raise PhotoError(
            Code.TOO_BRIGHT, "The face is overexposed. Take the photo without flash or direct sun."
        )


def _contrast(photo: Photo, points: Points, skin: Lab) -> float:
    pixels = _pixels(photo.image, points, _BROWS)
    if len(pixels) < _MIN_SAMPLES // 2:
        return 0.0
    lightness = to_lab(_to_srgb(photo, pixels))[:, 0]
    # The outline takes in skin between the hairs: the darker quarter is the hair itself.
    return max(0.0, skin.L - float(np.quantile(lightness, 0.25)))


def _to_srgb(photo: Photo, pixels: npt.NDArray[np.uint8]) -> FloatArray:
    linear = linearise(pixels)
    return linear if photo.to_srgb is None else np.clip(linear @ photo.to_srgb.T, 0, 1)


def _pixels(image: Image.Image, points: Points, rings: tuple[tuple[int, ...], ...]) -> npt.NDArray[np.uint8]:
    """Collects the 8-bit pixels inside rings of mesh points; of many, an even sample."""
    used = points[[index for ring in rings for index in ring]]
    left, top = np.maximum(np.floor(used.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(used.max(axis=0)).astype(int) + 1, image.size)
    if left >= right or top >= bottom:
        return np.empty((0, 3), dtype=np.uint8)
    mask = Image.new("L", (int(right - left), int(bottom - top)))
    draw = ImageDraw.Draw(mask)
    for ring in rings:
        draw.polygon([(float(x), float(y)) for x, y in points[list(ring)] - (left, top)], fill=255)
    patch = np.asarray(image.crop((int(left), int(top), int(right), int(bottom))))
    inside = patch[np.asarray(mask) > 0]
    return inside[:: max(1, -(-len(inside) // _MAX_SAMPLES))]
