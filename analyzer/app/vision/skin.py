"""Measures the colours of one face: skin, lips, brows, irises, hair, and the light on them.

Everything is averaged in linear light, because that is what a blurred or distant view of the same skin would
show. Of the skin, cheeks and forehead are measured; shadow, shine and outliers are dropped.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from app.vision.colour import FloatArray, Lab, hex_of, lab_of, linearise, luminance, to_lab
from app.vision.decode import Photo
from app.vision.face import Iris, Points
from app.vision.light import MIN_EYE_WIDTH, Probe, correct, exposure_factor
from app.vision.problems import Code, PhotoError

Ring = tuple[int, ...]
"""Mesh points along an outline; left and right are the person's."""

# They keep clear of eyes, brows, nose, lips, jaw and hairline, where shadow, hair and make-up are.
_RIGHT_CHEEK: Final = (117, 118, 119, 100, 36, 205, 187, 147, 123, 116)
_LEFT_CHEEK: Final = (346, 347, 348, 329, 266, 425, 411, 376, 352, 345)
_FOREHEAD: Final = (104, 69, 108, 151, 337, 299, 333, 334, 296, 336, 9, 107, 66, 105)
_SKIN: Final = (_RIGHT_CHEEK, _LEFT_CHEEK, _FOREHEAD)
_RIGHT_BROW: Final = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
_LEFT_BROW: Final = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
BROWS: Final = (_RIGHT_BROW, _LEFT_BROW)
_UPPER_LIP: Final = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 308, 415, 310, 311, 312, 13, 82, 81, 80)
_LOWER_LIP: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 308, 324, 318, 402, 317, 14, 87, 178)
LIPS: Final = (_UPPER_LIP, _LOWER_LIP)
_RIGHT_EYE: Final = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_LEFT_EYE: Final = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
EYES: Final = (_RIGHT_EYE, _LEFT_EYE)
_TOP: Final = 10
_CHIN: Final = 152
_TEMPLES: Final = (127, 356)

_CLIPPED: Final = 250
"""8-bit code from which a channel has lost its colour to the sensor's limit."""
_MAX_SAMPLES: Final = 4000
_MIN_SAMPLES: Final = 60
_MIN_PART: Final = 24
"""Pixels under which a lip, brow, iris or strip of hair is not named a colour."""
_BAND: Final = (0.25, 0.90)
"""Luminance quantiles kept: below lies shadow and stubble, above it shine."""
_TRIM: Final = 0.80
"""Share kept of what is left, nearest to its median in Lab: drops hair, spots and glasses."""
_MIN_UNCLIPPED: Final = 0.15
"""Share of the skin that must have kept its colour."""
_MIN_LIGHTNESS: Final = 18.0
"""L* under which a photo holds too little light to tell hues apart, whatever the skin."""
_HAIR_STRIP: Final = (0.10, 0.24)
"""Where hair is looked for: so far above the mesh's top, in heights of the mesh."""
_HAIR_STEP: Final = 8.0
"""L* by which hair must be darker than skin; lighter hair cannot be told from skin or background."""
_IRIS_INNER: Final = 0.45
_IRIS_OUTER: Final = 0.9
"""Radii between which the iris is measured: inside lies the pupil, outside the limbus."""
_SCLERA_GAP: Final = 1.2
"""The white of the eye begins at so many radii of the iris."""
_SCLERA_BAND: Final = (0.50, 0.97)
"""Luminance quantiles of an eye's pixels that are looked at: below lie lashes, above reflections."""
_BRIGHTEST: Final = 0.9
_SCLERA_SHARE: Final = 0.5
"""Share of those taken for white: the bluest, because lids are the colour of skin. The order of log(B/R) is
the same in light of any colour."""
_MIN_SCLERA: Final = 24
_DARKEST: Final = 1e-3
"""Linear light below which a ratio of channels says nothing."""
_SCLERA_OVER_SKIN: Final = 0.12
"""Of the skin's luminance, a white eye has at least this share even in the lids' shadow."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Colours of the parts of a face as `#RRGGBB` in the light assumed; None: not to be seen."""

    lips: str | None
    brow: str | None
    iris: str | None
    hair: str | None


@dataclass(frozen=True, slots=True)
class Contrast:
    """L* of the skin minus that of a part, 0..100; None: the part is not to be seen."""

    hair: float | None
    brow: float | None
    iris: float | None

    @property
    def mean(self) -> float:
        """Of the parts that were seen; 0 if none was."""
        seen = [value for value in (self.hair, self.brow, self.iris) if value is not None]
        return sum(seen) / len(seen) if seen else 0.0


@dataclass(frozen=True, slots=True)
class Skin:
    """What was measured on one face."""

    lab: Lab
    """Of the skin, after the correction for the light."""
    relative_lightness: float
    """L* the skin would have at the usual exposure."""
    hex: str
    linear_seen: FloatArray
    """Linear sRGB of the skin as the photo shows it, shape (3,)."""
    as_seen: Lab
    """The same in Lab."""
    probe: Probe | None
    """The white of the eyes; None: too small, closed or not white."""
    parts: Parts
    contrast: Contrast
    clipped: float
    """Share of the skin's pixels that have lost their colour to the sensor's limit, 0..1."""
    cheek_difference: float
    """Between the two cheeks in the ab plane, in Lab units."""


def measure(photo: Photo, points: Points, irises: tuple[Iris | None, Iris | None]) -> Skin:
    """Measures the colours under a face's mesh; `irises` are those of the right and the left eye.

    Raises `PhotoError`: TOO_DARK, TOO_BRIGHT, or NO_FACE if hardly any of it is in the picture.
    """
    regions = [_pixels(photo.image, points, (ring,)) for ring in _SKIN]
    pixels = np.concatenate(regions)
    if len(pixels) < _MIN_SAMPLES:
        raise PhotoError(Code.NO_FACE, "hardly any skin is in the picture")
    unclipped = pixels.max(axis=1) < _CLIPPED
    if unclipped.sum() < max(_MIN_SAMPLES, _MIN_UNCLIPPED * len(pixels)):
        raise PhotoError(Code.TOO_BRIGHT, "nearly all of the skin is clipped")
    seen = robust_mean(_to_srgb(photo, pixels[unclipped]))
    as_seen = lab_of(seen)
    if as_seen.L < _MIN_LIGHTNESS:
        raise PhotoError(Code.TOO_DARK)
    probe = _probe(photo, points, irises, seen)
    corrected = correct(seen, probe)
    lab = lab_of(corrected)
    parts, contrast = _parts(photo, points, irises, probe, lab.L)
    return Skin(
        lab=lab,
        relative_lightness=lab_of(corrected * np.float32(exposure_factor(probe))).L,
        hex=hex_of(corrected),
        linear_seen=seen,
        as_seen=as_seen,
        probe=probe,
        parts=parts,
        contrast=contrast,
        clipped=1 - float(unclipped.mean()),
        cheek_difference=_difference(photo, regions[0], regions[1]),
    )


def robust_mean(linear: FloatArray) -> FloatArray:
    """Averages linear colours after dropping shadow, shine and outliers."""
    light = luminance(linear)
    low, high = np.quantile(light, _BAND)
    band = linear[(light >= low) & (light <= high)]
    lab = to_lab(band)
    distance = np.linalg.norm(lab - np.median(lab, axis=0), axis=1)
    kept = band[distance <= np.quantile(distance, _TRIM)]
    return np.asarray(kept.mean(axis=0, dtype=np.float64), dtype=np.float32)


def _difference(photo: Photo, right: npt.NDArray[np.uint8], left: npt.NDArray[np.uint8]) -> float:
    """Distance of the two cheeks' colours in the ab plane; 0 if one is not in the picture."""
    if min(len(right), len(left)) < _MIN_SAMPLES:
        return 0.0
    one, other = (lab_of(robust_mean(_to_srgb(photo, pixels))) for pixels in (right, left))
    return float(np.hypot(one.a - other.a, one.b - other.b))


def _probe(
    photo: Photo, points: Points, irises: tuple[Iris | None, Iris | None], skin: FloatArray
) -> Probe | None:
    """Measures the white of the eyes, if there is enough of it and it may be white."""
    found: list[npt.NDArray[np.uint8]] = []
    widths: list[float] = []
    for ring, iris in zip(EYES, irises, strict=True):
        width = float(np.linalg.norm(points[ring[0]] - points[ring[8]]))
        if iris is None or width < MIN_EYE_WIDTH:
            continue
        pixels = _pixels(photo.image, points, (ring,), outside=(iris, _SCLERA_GAP))
        pixels = pixels[pixels.max(axis=1) < _CLIPPED]
        if len(pixels) < _MIN_SCLERA:
            continue
        found.append(pixels)
        widths.append(width)
    if not found:
        return None
    linear = _to_srgb(photo, np.concatenate(found))
    light = luminance(linear)
    low, high = np.quantile(light, _SCLERA_BAND)
    band = linear[(light >= low) & (light <= high)]
    blueness = np.log(np.maximum(band[:, 2], _DARKEST) / np.maximum(band[:, 0], _DARKEST))
    white = band[blueness >= np.quantile(blueness, 1 - _SCLERA_SHARE)].mean(axis=0)
    if float(luminance(white)) < _SCLERA_OVER_SKIN * float(luminance(skin)):
        return None
    brightest = float(np.quantile(light, _BRIGHTEST))
    return Probe(np.asarray(white, dtype=np.float32), brightest, sum(widths) / len(widths))


def _parts(
    photo: Photo,
    points: Points,
    irises: tuple[Iris | None, Iris | None],
    probe: Probe | None,
    skin_lightness: float,
) -> tuple[Parts, Contrast]:
    def colour(pixels: npt.NDArray[np.uint8], keep: float) -> FloatArray | None:
        """Averages the darkest share `keep` of the pixels."""
        if len(pixels) < _MIN_PART:
            return None
        linear = _to_srgb(photo, pixels)
        light = luminance(linear)
        return correct(np.median(linear[light <= np.quantile(light, keep)], axis=0), probe)

    lips = colour(_pixels(photo.image, points, LIPS), 0.9)
    # The outline takes in skin between the hairs: the darker part is the hair itself.
    brow = colour(_pixels(photo.image, points, BROWS), 0.4)
    rings = [
        _pixels(photo.image, points, (ring,), outside=(iris, _IRIS_INNER), inside=(iris, _IRIS_OUTER))
        for ring, iris in zip(EYES, irises, strict=True)
        if iris is not None
    ]
    iris = colour(np.concatenate(rings), 0.8) if rings else None
    hair = colour(_strip(photo.image, points), 0.5)
    if hair is not None and skin_lightness - lab_of(hair).L < _HAIR_STEP:
        hair = None

    def step(part: FloatArray | None) -> float | None:
        return None if part is None else max(0.0, skin_lightness - lab_of(part).L)

    def name(part: FloatArray | None) -> str | None:
        return None if part is None else hex_of(part)

    parts = Parts(name(lips), name(brow), name(iris), name(hair))
    return parts, Contrast(step(hair), step(brow), step(iris))


def _to_srgb(photo: Photo, pixels: npt.NDArray[np.uint8]) -> FloatArray:
    linear = linearise(pixels)
    return linear if photo.to_srgb is None else np.clip(linear @ photo.to_srgb.T, 0, 1)


def _strip(image: Image.Image, points: Points) -> npt.NDArray[np.uint8]:
    """Collects the pixels of a strip above the forehead, where hair would be."""
    up = points[_TOP] - points[_CHIN]
    across = (points[_TEMPLES[1]] - points[_TEMPLES[0]]) / 4
    low, high = (points[_TOP] + up * share for share in _HAIR_STRIP)
    corners = np.array([low - across, low + across, high + across, high - across])
    return _inside(image, [corners])


def _pixels(
    image: Image.Image,
    points: Points,
    rings: tuple[Ring, ...],
    *,
    outside: tuple[Iris, float] | None = None,
    inside: tuple[Iris, float] | None = None,
) -> npt.NDArray[np.uint8]:
    """Collects the 8-bit pixels inside rings of mesh points, and outside or inside radii of an iris."""
    return _inside(image, [points[list(ring)] for ring in rings], outside, inside)


def _inside(
    image: Image.Image,
    outlines: list[Points],
    outside: tuple[Iris, float] | None = None,
    inside: tuple[Iris, float] | None = None,
) -> npt.NDArray[np.uint8]:
    """Collects the 8-bit pixels inside outlines; of many, an even sample."""
    used = np.concatenate(outlines)
    left, top = (max(0, int(value)) for value in np.floor(used.min(axis=0)))
    right, bottom = np.minimum(np.ceil(used.max(axis=0)).astype(int) + 1, image.size)
    if left >= right or top >= bottom:
        return np.empty((0, 3), dtype=np.uint8)
    mask = Image.new("L", (int(right - left), int(bottom - top)))
    draw = ImageDraw.Draw(mask)
    for outline in outlines:
        draw.polygon([(float(x), float(y)) for x, y in outline - (left, top)], fill=255)
    chosen = np.asarray(mask) > 0
    for disc, sign in ((outside, 1), (inside, -1)):
        if disc is None:
            continue
        iris, radii = disc
        y, x = np.ogrid[top : int(bottom), left : int(right)]
        chosen &= sign * (np.hypot(x - iris.x, y - iris.y) - radii * iris.radius) > 0
    patch = np.asarray(image.crop((left, top, int(right), int(bottom))))
    pixels = patch[chosen]
    return pixels[:: max(1, -(-len(pixels) // _MAX_SAMPLES))]
