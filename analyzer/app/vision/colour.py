"""Colour arithmetic: sRGB, linear light, CIE Lab (D65) and what is derived from it."""

from dataclasses import dataclass
from math import atan2, degrees, hypot
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
"""Shape (n, 3) where it holds colours."""

# IEC 61966-2-1, as XYZ of the D65 white point scaled to Y = 1.
_SRGB_TO_XYZ: Final = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]],
    dtype=np.float32,
)
_WHITE_D65: Final = np.array([0.95047, 1.0, 1.08883], dtype=np.float32)
_LUMINANCE: Final = _SRGB_TO_XYZ[1]
_ENCODED_KNEE: Final = 0.04045
_LINEAR_KNEE: Final = 0.0031308
_LAB_EPSILON: Final = 216 / 24389
_LAB_KAPPA: Final = 24389 / 27


def _linear_table() -> FloatArray:
    encoded = np.arange(256, dtype=np.float64) / 255
    linear = np.where(encoded <= _ENCODED_KNEE, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


_LINEAR: Final = _linear_table()


@dataclass(frozen=True, slots=True)
class Lab:
    """A colour in CIE Lab under D65: `L` in 0..100, `a` and `b` about -100..100."""

    L: float
    a: float
    b: float

    @property
    def chroma(self) -> float:
        """Distance from grey, 0 upwards; skin lies at about 10..35."""
        return hypot(self.a, self.b)

    @property
    def hue(self) -> float:
        """Hue angle in degrees, -180..180: 0 is pink, 90 yellow; skin lies at about 40..75."""
        return degrees(atan2(self.b, self.a))

    @property
    def ita(self) -> float:
        """Individual typology angle in degrees: over 55 very light, under -30 dark.

        Chardon, Cretois and Hourseau, "Skin colour typology and suntanning pathways" (1991). Their
        arctangent is undefined at b = 0; atan2 agrees with it wherever b > 0, as on all skin.
        """
        return degrees(atan2(self.L - 50, self.b))


def linearise(srgb: npt.NDArray[np.uint8]) -> FloatArray:
    """Turns 8-bit sRGB codes into linear light, 0..1: only there may colours be averaged."""
    return _LINEAR[srgb]


def luminance(linear: FloatArray) -> FloatArray:
    """Relative luminance Y, 0..1, of linear sRGB colours."""
    return np.asarray(linear @ _LUMINANCE, dtype=np.float32)


def quantiles(values: FloatArray, *shares: float) -> list[FloatArray]:
    """The values below which these shares lie, along the first axis; much faster than numpy's."""
    ordered = np.sort(values, axis=0)
    return [ordered[round(share * (len(ordered) - 1))] for share in shares]


def to_lab(linear: FloatArray) -> FloatArray:
    """Converts linear sRGB colours to CIE Lab under D65."""
    xyz = (linear @ _SRGB_TO_XYZ.T) / _WHITE_D65
    f = np.where(xyz > _LAB_EPSILON, np.cbrt(xyz), (_LAB_KAPPA * xyz + 16) / 116)
    lab = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
    return lab.astype(np.float32)


def lab_of(linear: FloatArray) -> Lab:
    """Converts one linear sRGB colour, shape (3,)."""
    lightness, a, b = (float(value) for value in to_lab(linear[np.newaxis])[0])
    return Lab(lightness, a, b)


def hex_of(linear: FloatArray) -> str:
    """Writes one linear sRGB colour, shape (3,), as `#RRGGBB`; what sRGB cannot show is clipped."""
    clipped = np.clip(linear, 0, 1)
    encoded = np.where(clipped <= _LINEAR_KNEE, clipped * 12.92, 1.055 * clipped ** (1 / 2.4) - 0.055)
    red, green, blue = (round(float(value) * 255) for value in encoded)
    return f"#{red:02X}{green:02X}{blue:02X}"
