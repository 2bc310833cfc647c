"""The colours of light of a given colour temperature."""

from typing import Final

import numpy as np

from app.vision.colour import FloatArray, luminance

NEUTRAL_KELVIN: Final = 6504.0
XYZ_TO_SRGB: Final = np.array(
    [
        [3.2404542, -1.5371385, -0.4985314],
        [-0.9692660, 1.8760108, 0.0415560],
        [0.0556434, -0.2040259, 1.0572252],
    ]
)
"""IEC 61966-2-1, linear."""


def planckian_gains(kelvin: float) -> FloatArray:
    """Linear sRGB gains by which a photo balanced for D65 looks as if taken in a black body's light.

    Chromaticities by Kim et al., US patent 7,024,034 (2006), a cubic fit to the Planckian locus, 1,667 K to
    25,000 K. Luminance of a grey is kept.
    """
    gains = _white(kelvin) / _white(NEUTRAL_KELVIN)
    gains = gains / float(luminance(gains))
    return np.asarray(np.maximum(gains, 0.02), dtype=np.float32)


def _white(kelvin: float) -> FloatArray:
    t = 1000 / kelvin
    if kelvin <= 4000:  # noqa: PLR2004 - the published fit's
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin <= 2222:  # noqa: PLR2004 - as above
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvin <= 4000:  # noqa: PLR2004 - as above
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    xyz = np.array([x / y, 1.0, (1 - x - y) / y])
    return np.asarray(XYZ_TO_SRGB @ xyz, dtype=np.float32)
