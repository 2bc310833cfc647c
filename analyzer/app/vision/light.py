"""The light of a photo, judged by what it makes of the skin and of the white of the eyes together.

Skin has few colours: melanin and blood span them. Where a photo's lies outside, its light or its exposure
is the likelier reason. Blood moves a skin's colour across the line along which lights of different
temperature move it, melanin partly along it: so what the light did is known up to a spread. Lights (on the
Planckian locus) and exposures are weighed on a grid by three things: how usual they are in photos, how likely
they make the skin that was measured, and how likely the white of the eyes. Their mean is taken back.
"""

from dataclasses import dataclass
from math import exp
from typing import Final

import numpy as np
import numpy.typing as npt

from app.vision.colour import FloatArray, luminance
from app.vision.planck import NEUTRAL_KELVIN, planckian_gains

Vector = npt.NDArray[np.float64]
"""(log R/G, log B/G, log G) of a linear colour; lights and exposures add to it."""

MIN_EYE_WIDTH: Final = 30.0
"""Pixels between the corners of an eye under which its white is not to be seen."""
_MIREDS: Final = np.array(
    [-113, -104, -90, -75, -60, -45, -30, -15, 0, 15, 30, 45, 60, 80, 100, 125, 150, 175, 200, 230],
    dtype=float,
)
"""Lights of the grid, in units of 1e6/kelvin over a neutral one."""
_STOPS: Final[Vector] = np.linspace(-1.6, 1.6, 17, dtype=np.float64)
"""Exposures of the grid, over the usual one."""
_USUAL_MIREDS: Final = (15.0, 100.0, 0.3)
_USUAL_STOPS: Final = (0.5, 0.9, 0.3)
"""How lights and exposures spread in photos: a camera's small errors, its failures, their share. Chosen on
the photos to fit on: wider, and answers are steadier, but light or deep is wrong on more recoloured faces."""
USUAL_LIGHT: Final = 60.0
"""1e6/kelvin by which a light may deviate before it is called coloured: 4,700 or 10,700 K."""
SKINS: Final = (
    (
        0.9,
        (0.671, -0.531, -0.944),
        ((0.0351, -0.0162, -0.0529), (-0.0162, 0.0393, 0.0424), (-0.0529, 0.0424, 0.1524)),
    ),
    (
        0.1,
        (0.927, -0.575, -2.294),
        ((0.0292, -0.0253, 0.0229), (-0.0253, 0.0988, -0.1098), (0.0229, -0.1098, 0.194)),
    ),
)
"""Share, mean and covariance of usual and of deep skins in neutral light, as eval.spectral models them."""
_SCLERA: Final = (0.504, -0.214, -1.871)
"""The white of the eye in photos as they come, median, *fitted*."""
_SCLERA_SPREAD: Final = (0.5, 0.5, 0.8)
"""Standard deviations, wide because lids shade it, blood shows in it, and it is a few pixels large."""
_NO_LIGHT: Final = 1e-9
"""Luminance below which a colour is black: far under the darkest 8-bit code, and over what would overflow."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The white of the eyes."""

    linear: FloatArray
    """Its linear sRGB colour, shape (3,)."""
    eye_width: float
    """Mean of both eyes, in pixels of the decoded picture."""


@dataclass(frozen=True, slots=True)
class Light:
    """What light and exposure did to the colours of a photo, as far as can be told."""

    factors: FloatArray
    """By which linear sRGB was multiplied, over neutral light and the usual exposure; shape (3,)."""
    mireds: float
    """1e6/kelvin over neutral: positive is warm."""
    spread: float
    """Standard deviation of that."""
    evidence: float
    """Log of how much likelier skin in a usual light makes this colour than anything else does. Of 64 photos
    of faces 61 are over 0, half of them over 4; in a red or blue light they are under -10."""

    @property
    def kelvin(self) -> float:
        """Colour temperature."""
        return 1e6 / (1e6 / NEUTRAL_KELVIN + self.mireds)

    @property
    def trust(self) -> float:
        """Probability, 0..1, that the skin's own colour can be told in this light.

        Falls with the strength of any coloured light: off the Planckian locus because no skin explains the
        colour, along it because what a camera left in of a lamp's light and melanin look alike.
        """
        return min(1.0, USUAL_LIGHT / max(abs(self.mireds), 1e-9)) / (1 + exp(-max(self.evidence, -50.0)))


def estimate(skin: FloatArray, probe: Probe | None) -> Light:
    """Weighs lights and exposures for a skin's linear sRGB colour and, if it was seen, the eyes' white."""
    seen = _vector(skin)
    likely = _log_sum([log + _log_normal(seen, whiten, mean) for log, whiten, mean in _POPULATIONS])
    score = _PRIOR + likely
    evidence = float(np.logaddexp.reduce(score))
    if probe is not None:
        score = score + _log_normal(_vector(probe.linear), _SCLERA_WHITEN, np.array(_SCLERA))
    weights = np.exp(score - score.max())
    weights /= weights.sum()
    red, blue, green = weights @ _EFFECTS
    mireds = float(weights @ _MIREDS_OF)
    spread = float(np.sqrt(max(0.0, weights @ _MIREDS_OF**2 - mireds**2)))
    factors = np.exp([red + green, green, blue + green]).astype(np.float32)
    return Light(factors, mireds, spread, evidence)


def correct(linear: FloatArray, light: Light) -> FloatArray:
    """Takes the light's colour out of one linear colour, keeping its luminance; black stays black."""
    plain = linear / light.factors
    bright = float(luminance(plain))
    if bright < _NO_LIGHT:
        return np.zeros(3, dtype=np.float32)
    return np.asarray(plain * (luminance(linear) / bright), dtype=np.float32)


def _vector(linear: FloatArray) -> Vector:
    red, green, blue = np.log(np.maximum(linear.astype(np.float64), 1e-4))
    return np.array([red - green, blue - green, green])


def _two_scales(values: Vector, spread: tuple[float, float, float]) -> Vector:
    """Log of a normal distribution with a wide one mixed in, over grid points that may be unevenly spaced."""
    narrow, wide, share = spread
    density = (1 - share) / narrow * np.exp(-((values / narrow) ** 2) / 2)
    density += share / wide * np.exp(-((values / wide) ** 2) / 2)
    return np.asarray(np.log(density * np.asarray(np.gradient(values))), dtype=np.float64)


def _log_normal(seen: Vector, whiten: Vector, mean: Vector) -> Vector:
    """For each light and exposure of the grid, up to a constant."""
    rest = (seen - mean - _EFFECTS) @ whiten
    return np.asarray(-np.einsum("ij,ij->i", rest, rest) / 2)


def _log_sum(terms: list[Vector]) -> Vector:
    return np.asarray(np.logaddexp.reduce(terms))


def _grid() -> tuple[Vector, Vector, Vector]:
    """What each light and exposure does to a colour, its mireds, and the log of how usual it is."""
    lights = np.array([_vector(planckian_gains(1e6 / (1e6 / NEUTRAL_KELVIN + m))) for m in _MIREDS])
    exposures = np.outer(_STOPS * np.log(2), [0.0, 0.0, 1.0])
    effects = (lights[:, np.newaxis] + exposures).reshape(-1, 3)
    usual = np.add.outer(_two_scales(_MIREDS, _USUAL_MIREDS), _two_scales(_STOPS, _USUAL_STOPS))
    return effects, np.repeat(_MIREDS, len(_STOPS)), np.asarray(usual.ravel(), dtype=np.float64)


def _population(share: float, mean: Vector, covariance: Vector) -> tuple[float, Vector, Vector]:
    """Log of its weight, what makes a deviation from it white, and its mean."""
    whiten = np.linalg.cholesky(np.linalg.inv(covariance))
    return float(np.log(share) - np.linalg.slogdet(covariance)[1] / 2), whiten, mean


_EFFECTS, _MIREDS_OF, _PRIOR = _grid()
_POPULATIONS: Final = [_population(share, np.array(mean), np.array(cov)) for share, mean, cov in SKINS]
_SCLERA_WHITEN: Final = np.diag(1 / np.array(_SCLERA_SPREAD))
