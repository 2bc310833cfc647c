"""Input gates: photos in which nobody could measure skin are refused before it is tried, with the reason.

Each gate is a function of the face's pixels, at most 96 wide, so size, sensor noise and JPEG blocks hardly
matter. The limits were set on real portraits that were darkened, brightened, blurred, toned and recompressed
step by step, and err on the side of letting a photo pass: what is doubtful, but measurable, gets a warning.
"""

from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from app.vision.problems import Code, PhotoError

Pixels = npt.NDArray[np.uint8]
"""8-bit sRGB codes of shape (height, width, 3)."""
Floats = npt.NDArray[np.float64]

_SIDE: Final = 96
"""Pixels across the face at which the gates look: an eye is then about 20 wide."""
_DARK_CODE: Final = 50.0
"""Luma of the face's brightest twentieth. 50 is 3 % of full light, four stops under a portrait's: noise and
8-bit steps then are as large as the differences between skins. Deep skin, one stop under, is at 65."""
_CLIPPED_CODE: Final = 250
"""Red alone clips on light skin long before a photo looks overexposed; with a second channel hue is gone."""
_CLIPPED_SHARE: Final = 0.5
"""Of the face. Fair skin one stop over is at 0.3, two stops over at 0.55 to 0.6."""
_CLIPPED_SHARE_ALL: Final = 0.6
"""Of the whole picture, where no face was found: a white wall is no overexposure."""
_GREY_SPREAD: Final = 3
"""8-bit codes between a pixel's highest and lowest channel; a face in colour is at 30 to 110."""
_TONE_DEGREE: Final = 3
_TONE_SIDE: Final = 24
"""Pixels across the face at which tones are counted: wide enough that a JPEG's halved chroma averages out."""
_RIDGE: Final = 1e-3
_WORST: Final = 0.25
"""Share of the pixels that a second fit leaves out, such as edges, whose averages are off the curve."""
_CRUSHED_CODE: Final = 5
_MIN_TONES: Final = 60
"""Pixels under which those count, too, that have lost a channel to the limits of 0 and 255."""
_TONE_RESIDUAL: Final = 3.9
_TONE_RATIO: Final = 0.045
"""Sepia, duotones and the like: colour is a smooth function of brightness. The median of what it leaves
unexplained is then under 3.8 codes, and under 0.045 of the spread but for a few whose highlights clip. In
colour it is 4.5 and 0.046 at least; of 1,700 variants under other lights and exposures none is below both."""
_SHARPNESS: Final = 0.10
"""Standard deviation of the Laplacian over that of the luma. Sharp faces are at 0.4 to 0.9; a Gaussian blur
of 1 % of the face's width leaves 0.17 to 0.27, of 2 % 0.08 to 0.12: lashes and iris edges are gone then."""
_LUMA: Final = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""ITU-R BT.709."""


class Box(Protocol):
    """A detected face, in pixels of the picture; it may reach beyond its edges."""

    @property
    def left(self) -> float: ...  # noqa: D102
    @property
    def top(self) -> float: ...  # noqa: D102
    @property
    def right(self) -> float: ...  # noqa: D102
    @property
    def bottom(self) -> float: ...  # noqa: D102


def check_usable(image: Image.Image, face: Box | None) -> None:
    """Looks at the face, or, where none was found, for the reason in the light of the whole picture.

    Raises `PhotoError`: TOO_DARK, TOO_BRIGHT, and for a face GREYSCALE and BLURRED.
    """
    pixels = _sample(image, face)
    if is_dark(pixels):
        raise PhotoError(Code.TOO_DARK)
    if clipped_share(pixels) > (_CLIPPED_SHARE_ALL if face is None else _CLIPPED_SHARE):
        raise PhotoError(Code.TOO_BRIGHT)
    if face is None:
        return
    if is_colourless(pixels):
        raise PhotoError(Code.GREYSCALE)
    if sharpness(pixels) < _SHARPNESS:
        raise PhotoError(Code.BLURRED)


def is_dark(pixels: Pixels) -> bool:
    """Tells whether even the brightest twentieth holds too little light to tell hues apart."""
    return bool(np.quantile(_luma(pixels), 0.95) < _DARK_CODE)


def clipped_share(pixels: Pixels) -> float:
    """The share, 0..1, of pixels whose colour is lost: two channels or three at the sensor's limit."""
    # The second largest of three; sorting along an axis this short would take five times as long.
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    second = np.maximum(np.minimum(red, green), np.minimum(np.maximum(red, green), blue))
    return float((second >= _CLIPPED_CODE).mean())


def is_colourless(pixels: Pixels) -> bool:
    """Tells a photo in shades of one tone, grey, sepia or between two colours, from one in colour."""
    picture = Image.fromarray(pixels)
    size = _TONE_SIDE, max(1, round(picture.height * _TONE_SIDE / picture.width))
    flat = np.asarray(picture.resize(size, Image.Resampling.BOX), dtype=np.float32).reshape(-1, 3)
    red, green, blue = flat[:, 0], flat[:, 1], flat[:, 2]
    highest, lowest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    whole = (highest < _CLIPPED_CODE) & (lowest > _CRUSHED_CODE)
    if int(whole.sum()) < _MIN_TONES:
        whole = np.ones(len(flat), dtype=bool)
    spread = float(np.quantile((highest - lowest)[whole], 0.9))
    if spread <= _GREY_SPREAD:
        return True
    residual = _tone_residual(flat[whole])
    return residual < _TONE_RESIDUAL and residual < _TONE_RATIO * spread


def sharpness(pixels: Pixels) -> float:
    """Detail relative to contrast: independent of exposure, and of size from 96 pixels on; 0 if flat."""
    luma = _luma(pixels)
    spread = float(luma.std())
    if min(luma.shape) < 3 or spread == 0:  # noqa: PLR2004 - a Laplacian's window
        return 0.0
    centre = 4 * luma[1:-1, 1:-1]
    laplacian = centre - luma[:-2, 1:-1] - luma[2:, 1:-1] - luma[1:-1, :-2] - luma[1:-1, 2:]
    return float(laplacian.std()) / spread


def _tone_residual(flat: npt.NDArray[np.float32]) -> float:
    """Measures what a cubic of green leaves unexplained of red and blue: the median of the larger."""
    powers: Floats = np.vander(flat[:, 1] / 255, _TONE_DEGREE + 1).astype(np.float64)
    differences = flat[:, (0, 2)] - flat[:, 1:2]
    off = _unexplained(powers, differences, np.ones(len(flat), dtype=bool))
    off = _unexplained(powers, differences, off <= np.quantile(off, 1 - _WORST))
    return float(np.median(off))


def _unexplained(
    powers: Floats, differences: npt.NDArray[np.float32], chosen: npt.NDArray[np.bool_]
) -> Floats:
    """Measures how far each pixel is from the curve through the chosen ones."""
    base = powers[chosen]
    # The normal equations, with a trace of ridge for a flat area: ten times as fast as least squares proper.
    normal = base.T @ base + np.eye(_TONE_DEGREE + 1) * _RIDGE
    off = np.abs(differences - powers @ np.linalg.solve(normal, base.T @ differences[chosen]))
    return np.asarray(np.maximum(off[:, 0], off[:, 1]))


def _luma(pixels: Pixels) -> npt.NDArray[np.float32]:
    return np.asarray(pixels @ _LUMA, dtype=np.float32)


def _sample(image: Image.Image, face: Box | None) -> Pixels:
    """The part of the face inside the picture, or all of the picture, shrunk to at most `_SIDE` wide."""
    box = (0.0, 0.0, float(image.width), float(image.height))
    if face is not None:
        inside = (
            *(max(0.0, face.left), max(0.0, face.top)),
            *(min(box[2], face.right), min(box[3], face.bottom)),
        )
        if inside[2] - inside[0] >= 1 and inside[3] - inside[1] >= 1:
            box = inside
    width, height = box[2] - box[0], box[3] - box[1]
    scale = min(1.0, _SIDE / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(image.resize(size, Image.Resampling.BOX, box=box, reducing_gap=2.0))
