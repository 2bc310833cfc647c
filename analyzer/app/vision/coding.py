"""Turns the codes of a photo into sRGB's, by its ICC profile, by numbers (ITU-T H.273) or by a PNG's chunks.

A description has two halves. Primaries become a matrix on the few colours that are measured; a transfer curve
other than sRGB's is taken out of the whole picture, once it has been shrunk.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

from app.vision import icc
from app.vision.colour import FloatArray
from app.vision.problems import Code, PhotoError

Convert = Callable[[Image.Image], Image.Image]
"""Gives an opaque picture sRGB's transfer curve."""
Curve = npt.NDArray[np.float64]
"""Linear light of each 8-bit code, where 1 is diffuse white."""

_CODES: Final[Curve] = np.arange(256) / 255
_LIKE_SRGB: Final = frozenset({0, 1, 2, 6, 7, 11, 12, 13, 14, 15})
"""sRGB's curve, the unknown one, and the kinds of BT.709's, which viewers show as sRGB."""
_GAMMAS: Final = {4: 2.2, 5: 2.8, 8: 1.0, 17: 2.6}
_PQ: Final = 16
_HLG: Final = 18
_SRGB_GAMMA: Final = 2.2
_GAMMA_TOLERANCE: Final = 0.05
"""Of the exponent, relative: as libpng, which takes what is nearer for sRGB."""
_WHITE_NITS: Final = 203.0
"""Of diffuse white in HDR (ITU-R BT.2408, 2.2)."""
_PQ_NITS: Final = 10_000.0
_HLG_NITS: Final = 1000.0
_HLG_SYSTEM_GAMMA: Final = 1.2
"""Of a display of 1,000 nits (ITU-R BT.2100, table 5)."""
_LUMINANCE_2020: Final = np.array([0.2627, 0.6780, 0.0593])


@dataclass(frozen=True, slots=True)
class Coding:
    """The two steps from a photo's codes to sRGB's; None: it is not needed."""

    convert: Convert | None = None
    to_srgb: FloatArray | None = None
    """From linear RGB after `convert` to linear sRGB."""


def of_profile(profile: bytes | None, mode: str) -> Coding:
    """Reads an ICC profile, for pictures of `mode`, RGB or CMYK; a damaged one is as good as none."""
    if not profile:
        return Coding()
    numbers = icc.coded_numbers(profile) if mode == "RGB" else None
    if numbers is not None and numbers[1] in {_PQ, _HLG}:
        return of_numbers(*numbers)  # what else the profile says of these curves is a makeshift
    transform = icc.transform_to_srgb(profile, mode)
    if transform is None:
        return Coding(None, icc.matrix_to_srgb(profile))
    return Coding(lambda picture: ImageCms.applyTransform(picture, transform) or picture)


def of_numbers(primaries: int, transfer: int) -> Coding:
    """Reads code points of ITU-T H.273. Raises `PhotoError` if nobody could show their curve."""
    matrix = icc.matrix_of_primaries(primaries)
    if transfer in _LIKE_SRGB:
        return Coding(None, matrix)
    if transfer in _GAMMAS:
        return Coding(_of_gamma(_GAMMAS[transfer]), matrix)
    if transfer == _PQ:
        return Coding(_by_table(_pq()), matrix)
    if transfer == _HLG:
        return Coding(_from_hlg, matrix)
    raise PhotoError(Code.UNSUPPORTED_FORMAT, f"transfer characteristics {transfer}")


def of_gamma(gamma: float | None, chromaticities: tuple[float, ...] | None) -> Coding:
    """Reads what a PNG says: an exponent (1 / 2.2 for a usual screen), and where white and primaries lie."""
    convert = _of_gamma(1 / gamma) if gamma else None
    return Coding(convert, icc.matrix_of_chromaticities(*chromaticities) if chromaticities else None)


def _of_gamma(gamma: float) -> Convert | None:
    near = abs(gamma / _SRGB_GAMMA - 1) < _GAMMA_TOLERANCE
    return None if near else _by_table(_CODES**gamma)


def _pq() -> Curve:
    """Light of the perceptual quantizer's codes (ITU-R BT.2100, table 4)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = _CODES ** (1 / m2)
    nits: Curve = _PQ_NITS * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return nits / _WHITE_NITS


def _scene_of_hlg() -> Curve:
    """Light before the camera of hybrid log-gamma's codes, 0..1 (ITU-R BT.2100, table 5)."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    scene: Curve = np.where(_CODES <= 0.5, _CODES**2 / 3, (np.exp((_CODES - c) / a) + b) / 12)  # noqa: PLR2004
    return scene


def _from_hlg(picture: Image.Image) -> Image.Image:
    """Shows hybrid log-gamma as a display of 1,000 nits would, on which brightness has a gamma of its own."""
    scene = _scene_of_hlg()[np.asarray(picture.convert("RGB"))]
    bright = scene @ _LUMINANCE_2020
    shown = scene * (bright ** (_HLG_SYSTEM_GAMMA - 1))[..., np.newaxis] * (_HLG_NITS / _WHITE_NITS)
    return Image.fromarray(_encoded(shown))


def _by_table(curve: Curve) -> Convert:
    table = _encoded(curve).tolist() * 3
    return lambda picture: picture.convert("RGB").point(table)


def _encoded(linear: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    clipped = np.clip(linear, 0, 1)
    codes = np.where(clipped <= 0.0031308, clipped * 12.92, 1.055 * clipped ** (1 / 2.4) - 0.055)  # noqa: PLR2004
    return np.asarray(np.round(codes * 255), dtype=np.uint8)
