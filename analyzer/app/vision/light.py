"""The light of a photo, judged by the white of the eyes, and what is taken back of it.

The white of the eye is the one thing of nearly known colour in every portrait. It is not quite white, differs
between people and lies in the lids' shadow: so only a part of its deviation is taken for the light's.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from app.vision.colour import FloatArray, luminance


def _pair(red: float, blue: float) -> FloatArray:
    return np.array([red, blue], dtype=np.float32)


_USUAL_SCLERA: Final = _pair(0.366, -0.132)
"""(log R/G, log B/G) of the white of the eye in photos as they come, median, *fitted*."""
_PARTS: Final = _pair(0.6, 1.0)
"""Share of a strong deviation that is taken for the light's, for R/G (blood shows in it) and B/G."""
_DOUBT: Final = 0.3
"""A deviation of this size is corrected by half: smaller ones are mostly the eye's own colour."""
_USUAL_LUMINANCE: Final = 0.268
"""Of the brightest of an open eye, relative to white: median, *fitted*."""
_EXPOSURE_PART: Final = 0.2
"""Share of the eye's deviation in brightness that is taken for the exposure's, *fitted*: lids shade eyes."""
MIN_EYE_WIDTH: Final = 30.0
_SURE_EYE_WIDTH: Final = 60.0
"""Pixels between the corners of an eye: from the first on it is a probe, from the second on fully trusted."""
_XYZ: Final = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


@dataclass(frozen=True, slots=True)
class Probe:
    """The white of the eyes."""

    linear: FloatArray
    """Its linear sRGB colour, shape (3,)."""
    brightest: float
    """Luminance of the brightest tenth between the lids, 0..1."""
    eye_width: float
    """Mean of both eyes, in pixels of the decoded picture."""

    @property
    def trust(self) -> float:
        """0 for eyes too small to show their white, 1 for large ones."""
        part = (self.eye_width - MIN_EYE_WIDTH) / (_SURE_EYE_WIDTH - MIN_EYE_WIDTH)
        return min(1.0, max(0.0, part))

    @property
    def chromaticity(self) -> FloatArray:
        """Log(R/G) and log(B/G), shape (2,)."""
        red, green, blue = np.log(np.maximum(self.linear, 1e-4))
        return np.array([red - green, blue - green], dtype=np.float32)

    @property
    def deviation(self) -> FloatArray:
        """From the usual white of the eye: d = log(R/G, B/G) minus its median."""
        return np.asarray(self.chromaticity - _USUAL_SCLERA, dtype=np.float32)

    @property
    def strength(self) -> float:
        """Share of the deviation that is corrected for, 0..1: |d|^2 / (|d|^2 + 0.3^2), times the trust."""
        square = float(np.sum(self.deviation**2))
        return self.trust * square / (square + _DOUBT**2)

    @property
    def gains(self) -> FloatArray:
        """Linear colours of the light relative to the usual light, green being 1."""
        red, blue = np.exp(_PARTS * self.deviation * self.strength)
        return np.array([red, 1.0, blue], dtype=np.float32)


def correct(linear: FloatArray, probe: Probe | None) -> FloatArray:
    """Takes the light's colour out of one linear colour, keeping its luminance."""
    if probe is None:
        return np.asarray(linear, dtype=np.float32)
    plain = linear / probe.gains
    return np.asarray(plain * (luminance(linear) / luminance(plain)), dtype=np.float32)


def exposure_factor(probe: Probe | None) -> float:
    """Returns the factor on linear light that leads to the usual exposure, as far as the eyes tell."""
    if probe is None:
        return 1.0
    return float((_USUAL_LUMINANCE / max(probe.brightest, 1e-3)) ** (_EXPOSURE_PART * probe.trust))


def illuminant(probe: Probe) -> tuple[FloatArray, float]:
    """The light's linear sRGB colour (green 1) and its correlated colour temperature in kelvin.

    C. S. McCamy, "Correlated color temperature as an explicit function of chromaticity coordinates" (1992),
    good between 2,000 and 12,500 K, relative to a photo balanced for D65.
    """
    xyz = _XYZ @ probe.gains.astype(np.float64)
    x, y = xyz[0] / xyz.sum(), xyz[1] / xyz.sum()
    n = (x - 0.3320) / (0.1858 - y)
    kelvin = 449 * n**3 + 3525 * n**2 + 6823.3 * n + 5520.33
    return probe.gains, float(np.clip(kelvin, 2000, 12500))
