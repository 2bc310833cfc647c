"""Measures the colours of one face: skin, lips, brows, irises, hair, and the light on them.

Everything is averaged in linear light, because that is what a blurred or distant view of the same skin would
show. Of the skin, cheeks and forehead are measured; shadow, shine and outliers are dropped.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from app.vision.colour import FloatArray, Lab, hex_of, lab_of, linearise, luminance, quantiles, to_lab
from app.vision.decode import Photo
from app.vision.face import Iris, Points
from app.vision.light import MIN_EYE_WIDTH, Light, Probe, correct, estimate
from app.vision.problems import Code, PhotoError

Pixels = npt.NDArray[np.uint8]
"""8-bit sRGB codes of shape (n, 3)."""
Ring = tuple[int, ...]
"""Mesh points along an outline; left and right are the person's."""

# They keep clear of eyes, brows, nose, lips, jaw and hairline, where shadow, hair and make-up are.
_RIGHT_CHEEK: Final = (117, 118, 119, 100, 36, 205, 187, 147, 123, 116)
_LEFT_CHEEK: Final = (346, 347, 348, 329, 266, 425, 411, 376, 352, 345)
_FOREHEAD: Final = (104, 69, 108, 151, 337, 299, 333, 334, 296, 336, 9, 107, 66, 105)
SKIN: Final = (_RIGHT_CHEEK, _LEFT_CHEEK, _FOREHEAD)
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
_UNLIT: Final = 5
"""8-bit code up to which no channel has any light: a black bar, or blacks that a filter crushed."""
_UNLIT_SHARE: Final = 0.5
_WHITE_SHARE: Final = 0.75
"""Shares of a region's pixels over which it shows no skin, but a bar at the edge. Of an overexposed forehead
less than the second is white."""
_MAX_SAMPLES: Final = 1500
"""Of a region: more only cost time."""
_MIN_SAMPLES: Final = 60
_MIN_PART: Final = 24
"""Pixels under which a lip, brow, iris or strip of hair is not named a colour."""
_BAND: Final = (0.25, 0.90)
"""Luminance quantiles kept: below lies shadow and stubble, above it shine."""
_TRIM: Final = 0.80
"""Share kept of what is left, nearest to its median in Lab: drops hair, spots and glasses."""
_MIN_UNCLIPPED: Final = 0.02
"""Share of the skin that must have kept its colour. Under 0.15 of it one answer in three differs from that of
half the exposure: analysis.py warns of such photos."""
_LINE_RIDGE: Final = 5.0
"""Holds the slope of a skin's red over its green to zero where too little shading shows it."""
_MAX_RED: Final = 4.0
"""Of red that is put back, over white: two stops."""
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
"""Luminance quantiles taken for white: below lie lashes and lids, above reflections. Choosing among these by
colour, too, makes the measure half as steady."""
_MIN_SCLERA: Final = 24
_DARKEST: Final = 1e-3
"""Linear light below which a ratio of channels says nothing."""
_SCLERA_OVER_SKIN: Final = 0.12
"""Of the skin's luminance, a white eye has at least this share even in the lids' shadow."""
_BRIGHTEST: Final = 0.9
# What hides a face, in natural logs against the cheeks. Of 51 photos 2 are beyond these; of 175 with fringes,
# dark glasses and masks painted into them, 173.
_FRINGE: Final = -0.9
_DARK_GLASSES: Final = -1.75
_LIP_REDNESS: Final = 0.03


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
    """Of the skin, after the correction for the light, as bright as the photo shows it."""
    usual: Lab
    """The same at the usual exposure: what the season is judged by."""
    hex: str
    linear_seen: FloatArray
    """Linear sRGB of the skin as the photo shows it, shape (3,)."""
    as_seen: Lab
    """The same in Lab."""
    light: Light
    probe: Probe | None
    """The white of the eyes; None: too small, closed or not white."""
    parts: Parts
    contrast: Contrast
    clipped: float
    """Share of the skin's pixels that have lost their colour to the sensor's limit, 0..1."""
    medians: tuple[FloatArray | None, FloatArray | None, FloatArray | None]
    """Median linear colours of the regions in `SKIN`, as seen; None: nothing of it is to be seen."""
    cheek_difference: float
    """Between the two cheeks in the ab plane, in Lab units."""
    occluded: bool
    """Whether hair, dark glasses or a mask hide a part of the face."""


def measure(photo: Photo, points: Points, irises: tuple[Iris | None, Iris | None]) -> Skin:
    """Measures the colours under a face's mesh; `irises` are those of the right and the left eye.

    Raises `PhotoError`: TOO_DARK, TOO_BRIGHT, or NO_FACE if hardly any of it is in the picture.
    """
    view = _View(photo, points)
    regions = [view.inside(ring) for ring in SKIN]
    pixels = np.concatenate([region for region in regions if not _is_blank(region)] or regions)
    if len(pixels) < _MIN_SAMPLES:
        raise PhotoError(Code.NO_FACE, "hardly any skin is in the picture")
    unclipped = _highest(pixels) < _CLIPPED
    if unclipped.sum() < max(_MIN_SAMPLES, _MIN_UNCLIPPED * len(pixels)):
        raise PhotoError(Code.TOO_BRIGHT, "nearly all of the skin is clipped")
    seen = robust_mean(view.linear(pixels, regain=True))
    as_seen = lab_of(np.minimum(seen, 1))
    if as_seen.L < _MIN_LIGHTNESS:
        raise PhotoError(Code.TOO_DARK)
    probe = _probe(view, irises, seen)
    light = estimate(seen, probe)
    corrected = np.minimum(correct(seen, light), np.float32(1))
    lab = lab_of(corrected)
    parts, contrast = _parts(view, irises, light, lab.L)
    right, left, forehead = (_median(view, region) for region in regions)
    return Skin(
        lab=lab,
        usual=lab_of(seen / light.factors),
        hex=hex_of(corrected),
        linear_seen=seen,
        as_seen=as_seen,
        light=light,
        probe=probe,
        parts=parts,
        contrast=contrast,
        clipped=1 - float(unclipped.mean()),
        medians=(right, left, forehead),
        cheek_difference=_difference(right, left),
        occluded=_is_occluded(view, regions),
    )


def reach_of_hair(points: Points) -> Points:
    """How far above the mesh hair is looked for, as a shift of its points."""
    return np.asarray((points[_TOP] - points[_CHIN]) * _HAIR_STRIP[1], dtype=np.float32)


def robust_mean(linear: FloatArray) -> FloatArray:
    """Averages linear colours after dropping shadow, shine and outliers."""
    light = luminance(linear)
    low, high = quantiles(light, *_BAND)
    band = linear[(light >= low) & (light <= high)]
    lab = to_lab(band)
    off = lab - quantiles(lab, 0.5)[0]
    distance = np.einsum("ij,ij->i", off, off)
    kept = band[distance <= quantiles(distance, _TRIM)[0]]
    return np.asarray(kept.mean(axis=0, dtype=np.float64), dtype=np.float32)


class _View:
    """The pixels around one face."""

    def __init__(self, photo: Photo, points: Points) -> None:
        self.points = points
        self._to_srgb = photo.to_srgb
        reach = reach_of_hair(points)
        corners = np.concatenate([points, points + reach])
        low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, photo.image.size)
        high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, low, photo.image.size)
        self._origin = low
        # One copy of the face instead of one for each of its parts.
        self._patch = np.asarray(photo.image.crop((*low.tolist(), *high.tolist())))

    def linear(self, pixels: Pixels, *, regain: bool = False) -> FloatArray:
        """Linear sRGB; with `regain`, red that was lost to the sensor's limit is put back, and may exceed 1.

        Skin is red, so red clips first, and dropping these pixels would leave the darker ones. Light and
        shade move all of a skin's pixels along a line, which those that have their red show.
        """
        linear = linearise(pixels)
        if regain:
            clipped = pixels[:, 0] >= _CLIPPED
            whole = _highest(pixels) < _CLIPPED
            if clipped.any() and whole.any():
                linear[clipped, 0] = np.maximum(
                    linear[clipped, 0], _red_of(linear[whole], linear[clipped, 1])
                )
        return linear if self._to_srgb is None else np.maximum(linear @ self._to_srgb.T, 0)

    def inside(
        self,
        *rings: Ring,
        outside: tuple[Iris, float] | None = None,
        within: tuple[Iris, float] | None = None,
    ) -> Pixels:
        """Collects the 8-bit pixels inside rings of mesh points, and outside or within radii of an iris."""
        return self.enclosed([self.points[list(ring)] for ring in rings], outside, within)

    def enclosed(
        self,
        outlines: list[Points],
        outside: tuple[Iris, float] | None = None,
        within: tuple[Iris, float] | None = None,
    ) -> Pixels:
        """Collects the 8-bit pixels inside outlines; of many, an even sample."""
        used = np.concatenate(outlines) - self._origin
        height, width, _ = self._patch.shape
        left, top = (max(0, int(value)) for value in np.floor(used.min(axis=0)))
        right, bottom = np.minimum(np.ceil(used.max(axis=0)).astype(int) + 1, (width, height))
        if left >= right or top >= bottom:
            return np.empty((0, 3), dtype=np.uint8)
        mask = Image.new("1", (int(right - left), int(bottom - top)))
        draw = ImageDraw.Draw(mask)
        corner = np.add(self._origin, (left, top))
        for outline in outlines:
            draw.polygon((outline - corner).ravel().tolist(), fill=1)
        chosen = np.asarray(mask)
        for disc, sign in ((outside, 1), (within, -1)):
            if disc is None:
                continue
            iris, radii = disc
            y, x = np.ogrid[: chosen.shape[0], : chosen.shape[1]]
            square = (x + corner[0] - iris.x) ** 2 + (y + corner[1] - iris.y) ** 2
            chosen = chosen & (sign * (square - (radii * iris.radius) ** 2) > 0)
        at = np.flatnonzero(chosen)
        at = at[:: max(1, -(-len(at) // _MAX_SAMPLES))]
        y, x = np.divmod(at, chosen.shape[1])
        return np.asarray(self._patch[y + top, x + left], dtype=np.uint8)


def _red_of(whole: FloatArray, green: FloatArray) -> FloatArray:
    """The red that pixels of this green have, by a line through those that have their red, in logs."""
    logs = np.log(np.maximum(whole[:, :2], _DARKEST))
    ratio, at = logs[:, 0] - logs[:, 1], logs[:, 1] - logs[:, 1].mean()
    slope = float(at @ (ratio - ratio.mean())) / (float(at @ at) + _LINE_RIDGE)
    reach = np.log(np.maximum(green, _DARKEST)) - logs[:, 1].mean()
    red = green * np.exp(np.minimum(ratio.mean() + slope * reach, np.log(_MAX_RED)))
    return np.asarray(red, dtype=np.float32)


def _is_blank(pixels: Pixels) -> bool:
    """Tells whether most of a region holds no light, or nearly all of it is white."""
    if len(pixels) == 0:
        return False
    unlit, white = _highest(pixels) <= _UNLIT, _lowest(pixels) >= _CLIPPED
    return float(unlit.mean()) > _UNLIT_SHARE or float(white.mean()) > _WHITE_SHARE


def _highest(pixels: Pixels) -> npt.NDArray[np.uint8]:
    """The highest channel of each pixel; numpy's own maximum is ten times slower along an axis this short."""
    return np.asarray(np.maximum(np.maximum(pixels[:, 0], pixels[:, 1]), pixels[:, 2]), dtype=np.uint8)


def _lowest(pixels: Pixels) -> npt.NDArray[np.uint8]:
    return np.asarray(np.minimum(np.minimum(pixels[:, 0], pixels[:, 1]), pixels[:, 2]), dtype=np.uint8)


def _median(view: _View, region: Pixels) -> FloatArray | None:
    """The middle linear colour of a region, if it is to be seen."""
    if len(region) < _MIN_SAMPLES or _is_blank(region):
        return None
    return quantiles(view.linear(region), 0.5)[0]


def _difference(right: FloatArray | None, left: FloatArray | None) -> float:
    """Distance of the two cheeks' colours in the ab plane; 0 if one is not to be seen."""
    if right is None or left is None:
        return 0.0
    one, other = lab_of(right), lab_of(left)
    return float(np.hypot(one.a - other.a, one.b - other.b))


def _probe(view: _View, irises: tuple[Iris | None, Iris | None], skin: FloatArray) -> Probe | None:
    """Measures the white of the eyes, if there is enough of it and it may be white."""
    found: list[Pixels] = []
    widths: list[float] = []
    for ring, iris in zip(EYES, irises, strict=True):
        width = float(np.linalg.norm(view.points[ring[0]] - view.points[ring[8]]))
        if iris is None or width < MIN_EYE_WIDTH:
            continue
        pixels = view.inside(ring, outside=(iris, _SCLERA_GAP))
        pixels = pixels[_highest(pixels) < _CLIPPED]
        if len(pixels) < _MIN_SCLERA:
            continue
        found.append(pixels)
        widths.append(width)
    if not found:
        return None
    linear = view.linear(np.concatenate(found))
    light = luminance(linear)
    low, high = quantiles(light, *_SCLERA_BAND)
    white = linear[(light >= low) & (light <= high)].mean(axis=0)
    if float(luminance(white)) < _SCLERA_OVER_SKIN * float(luminance(skin)):
        return None
    return Probe(np.asarray(white, dtype=np.float32), sum(widths) / len(widths))


def _parts(
    view: _View, irises: tuple[Iris | None, Iris | None], light: Light, skin_lightness: float
) -> tuple[Parts, Contrast]:
    def colour(pixels: Pixels, keep: float) -> FloatArray | None:
        """Takes the middle of the darkest share `keep` of the pixels; None where there is no light."""
        if len(pixels) < _MIN_PART or _is_blank(pixels):
            return None
        linear = view.linear(pixels)
        brightness = luminance(linear)
        darkest = linear[brightness <= quantiles(brightness, keep)[0]]
        return correct(quantiles(darkest, 0.5)[0], light)

    lips = colour(view.inside(*LIPS), 0.9)
    # The outline takes in skin between the hairs: the darker part is the hair itself.
    brow = colour(view.inside(*BROWS), 0.4)
    rings = [
        view.inside(ring, outside=(iris, _IRIS_INNER), within=(iris, _IRIS_OUTER))
        for ring, iris in zip(EYES, irises, strict=True)
        if iris is not None
    ]
    iris = colour(np.concatenate(rings), 0.8) if rings else None
    hair = colour(view.enclosed([_strip(view.points)]), 0.5)
    if hair is not None and skin_lightness - lab_of(hair).L < _HAIR_STEP:
        hair = None

    def step(part: FloatArray | None) -> float | None:
        return None if part is None else max(0.0, skin_lightness - lab_of(part).L)

    def name(part: FloatArray | None) -> str | None:
        return None if part is None else hex_of(part)

    parts = Parts(name(lips), name(brow), name(iris), name(hair))
    return parts, Contrast(step(hair), step(brow), step(iris))


def _is_occluded(view: _View, regions: list[Pixels]) -> bool:
    """Looks for a dark forehead, eyes without any white, and lips that are no redder than the cheeks."""

    def logs(pixels: Pixels, share: float) -> FloatArray:
        linear = quantiles(view.linear(pixels), share)[0] if len(pixels) else np.ones(3)
        return np.asarray(np.log(np.maximum(linear, _DARKEST)), dtype=np.float32)

    cheeks = logs(np.concatenate(regions[:2]), 0.5)
    forehead, eyes, lips = (
        logs(pixels, share) - cheeks
        for pixels, share in (
            (regions[2], 0.5),
            (view.inside(*EYES), _BRIGHTEST),
            (view.inside(*LIPS), 0.5),
        )
    )
    redness = float(lips[0] - lips[1])
    return float(forehead[1]) < _FRINGE or float(eyes[1]) < _DARK_GLASSES or redness < _LIP_REDNESS


def _strip(points: Points) -> Points:
    """A strip above the forehead, where hair would be."""
    up = points[_TOP] - points[_CHIN]
    across = (points[_TEMPLES[1]] - points[_TEMPLES[0]]) / 4
    low, high = (points[_TOP] + up * share for share in _HAIR_STRIP)
    return np.array([low - across, low + across, high + across, high - across])
