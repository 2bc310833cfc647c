"""Skin, light and camera as spectra: recolours photographed faces so that the truth about them is known.

- Skin: its surface mirrors a little of the light (Fresnel); the rest crosses an epidermis of melanin twice
  (Beer-Lambert) and comes back from a dermis of blood (Kubelka-Munk, infinitely thick). Absorption of melanin
  and of bloodless skin, and scattering: S. L. Jacques, "Optical properties of biological tissues: a review",
  Phys. Med. Biol. 58 (2013). Haemoglobin: the table by S. Prahl (1999), here every 10 nm; at 150 g/l of
  blood, oxygenated to 75 %.
- Light: CIE illuminant D65 (CIE 15), black bodies (Planck), and a white LED as a blue line and a broad
  phosphor.
- Observer: the fit by C. Wyman, P.-P. Sloan and P. Shirley, "Simple analytic approximations to the CIE XYZ
  colour matching functions", JCGT 2 (2013).
- Camera: three Gaussian sensitivities, about as wide and as placed as those measured by J. Jiang et al.,
  "What is the space of spectral sensitivity functions for digital color cameras?" (2013); a 3 x 3 matrix to
  sRGB fitted under D65 on skins and greys; a white balance that leaves a part of the light's colour in.

The true hue and lightness are those of the skin's reflectance under D65 for the standard observer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from app.vision.colour import FloatArray, Lab, lab_of, linearise
from app.vision.face import Points
from app.vision.planck import XYZ_TO_SRGB
from app.vision.skin import BROWS, EYES, LIPS
from eval.perturb import encode, oval

Spectrum = npt.NDArray[np.float64]

NM: Final = np.arange(400, 701, 10, dtype=np.float64)
_D65: Final = np.array(
    [
        *(82.75, 91.49, 93.43, 86.68, 104.86, 117.01, 117.81, 114.86, 115.92, 108.81, 109.35, 107.80, 104.79),
        *(107.69, 104.41, 104.05, 100.00, 96.33, 95.79, 88.69, 90.01, 89.60, 87.70, 83.29, 83.70, 80.03),
        *(80.21, 82.28, 78.28, 69.72, 71.61),
    ]
)
_OXY: Final = np.array(
    [
        *(266232, 466840, 480360, 246072, 102580, 62816, 44480, 33209, 26629, 23684, 20933, 20035, 24202),
        *(39957, 53236, 43016, 32613, 44496, 50104, 14401, 3200, 1506, 942, 610, 442, 368, 320, 294, 278),
        *(276, 290),
    ]
)
_DEOXY: Final = np.array(
    [
        *(223296, 303956, 407560, 528600, 413280, 103292, 23389, 16156, 14550, 16684, 20862, 25774, 31590),
        *(39036, 46592, 53412, 53788, 45072, 37020, 28324, 14677, 9444, 6510, 5149, 4345, 3750, 3227, 2795),
        *(2408, 2052, 1794),
    ]
)
"""cm^-1 per mol/l, of haemoglobin with and without oxygen."""
_HAEMOGLOBIN_MOLAR: Final = 150 / 64_500
_EPIDERMIS_CM: Final = 0.006
_GLOSS: Final = 0.04
"""Share mirrored at a refractive index of 1.45 to 1.5; without it, modelled skin is too colourful."""
_PATH: Final = 2.0
"""Diffuse light takes about twice the straight way through a layer."""
LIGHTS: Final = ("D65", "5000 K", "4000 K", "2856 K", "LED")
MELANIN: Final = (0.01, 0.10)
DEEP_MELANIN: Final = (0.10, 0.40)
_BLOOD: Final = (0.015, 0.09)
"""Volume fractions, drawn evenly in their logarithms."""
_USUAL_STOPS: Final = 0.6
"""Over a white of 1: portraits are exposed, and toned, for the face."""
CAMERAS: Final = ((600.0, 540.0, 460.0, 38.0), (610.0, 530.0, 465.0, 32.0))
"""Peaks of red, green and blue, and their common standard deviation, in nm."""


@dataclass(frozen=True, slots=True)
class Look:
    """A skin under a light, as a camera gives it."""

    truth: Lab
    skin: FloatArray
    """Linear sRGB, shape (3,)."""
    white: FloatArray
    """What the camera makes of a white surface."""
    light: str


def reflectance(melanin: float, blood: float) -> Spectrum:
    """Of skin with these volume fractions of melanosomes in the epidermis and of blood in the dermis."""
    bloodless = 0.244 + 85.3 * np.exp(-(NM - 154) / 66.2)
    epidermis = melanin * 6.6e11 * NM**-3.33 + (1 - melanin) * bloodless
    haemoglobin = 2.303 * _HAEMOGLOBIN_MOLAR * (0.75 * _OXY + 0.25 * _DEOXY)
    dermis = blood * haemoglobin + (1 - blood) * bloodless
    scattering = 0.75 * 46 * (NM / 500) ** -1.421
    ratio = 2 * dermis / scattering
    infinite = 1 + ratio - np.sqrt(ratio**2 + 2 * ratio)
    return np.asarray(_GLOSS + (1 - _GLOSS) * infinite * np.exp(-2 * _PATH * _EPIDERMIS_CM * epidermis))


def looks(
    count: int, seed: int, melanin_range: tuple[float, float] = MELANIN, lights: Sequence[str] = LIGHTS
) -> list[Look]:
    """Draws skins, lights and cameras; exposure varies by 0.35 stops to either side."""
    random = np.random.default_rng(seed)
    drawn: list[Look] = []
    for index in range(count):
        melanin = float(np.exp(random.uniform(*np.log(melanin_range))))
        blood = float(np.exp(random.uniform(*np.log(_BLOOD))))
        light = lights[index % len(lights)]
        balance, stops = float(random.uniform(0.75, 1.0)), float(_USUAL_STOPS + random.uniform(-0.35, 0.35))
        drawn.append(_photograph(melanin, blood, light, CAMERAS[index % 2], balance, stops))
    return drawn


def sittings(count: int, seed: int) -> list[list[Look]]:
    """Draws skins, each photographed once under every light, by one camera; exposure varies as in `looks`."""
    random = np.random.default_rng(seed)
    drawn: list[list[Look]] = []
    for index in range(count):
        melanin, blood = (float(np.exp(random.uniform(*np.log(bounds)))) for bounds in (MELANIN, _BLOOD))
        drawn.append(
            [
                _photograph(
                    melanin,
                    blood,
                    light,
                    CAMERAS[index % 2],
                    balance=float(random.uniform(0.75, 1.0)),
                    stops=float(_USUAL_STOPS + random.uniform(-0.35, 0.35)),
                )
                for light in LIGHTS
            ]
        )
    return drawn


def population(
    melanin_range: tuple[float, float], others: tuple[float, float, float]
) -> tuple[Spectrum, Spectrum]:
    """Mean and covariance of (log R/G, log B/G, log G) of skins pictured in daylight.

    `others` are the standard deviations by which make-up, tan and other cameras make them differ besides.
    """
    red, green, blue = np.log([look.skin for look in looks(2000, 7, melanin_range, ("D65",))]).T
    seen = np.stack([red - green, blue - green, green])
    return np.asarray(seen.mean(axis=1)), np.asarray(np.cov(seen) + np.diag(others) ** 2)


def true_colour(melanin: float, blood: float) -> Lab:
    """Lab of a skin under D65 for the standard observer."""
    return lab_of((XYZ_TO_SRGB @ _xyz(reflectance(melanin, blood))).astype(np.float32))


def recolour(image: Image.Image, mesh: Points, seen: FloatArray, look: Look) -> Image.Image:
    """Gives a photographed face another skin and the picture another light.

    `seen` is the skin's linear sRGB in the photo. Inside the face, every pixel keeps its ratio to the skin;
    eyes, brows and all around the face only change with the light, and keep what colour the photo's own had.
    """
    linear = linearise(np.asarray(image))
    mask = Image.new("L", image.size)
    draw = ImageDraw.Draw(mask)
    draw.polygon(oval(mesh), fill=255)
    for ring in (*EYES, *BROWS, *LIPS):
        draw.polygon([(float(x), float(y)) for x, y in mesh[list(ring)]], fill=0)
    width = float(np.ptp(mesh[:, 0]))
    share = np.asarray(mask.filter(ImageFilter.GaussianBlur(width / 120)), dtype=np.float32)[..., None] / 255
    skin, rest = linear * (look.skin / seen), linear * (look.white / np.float32(2**_USUAL_STOPS))
    return encode((skin * share + rest * (1 - share)).astype(np.float32))


def _photograph(
    melanin: float,
    blood: float,
    light: str,
    camera: tuple[float, float, float, float],
    balance: float,
    stops: float,
) -> Look:
    power, skin = _power(light), reflectance(melanin, blood)
    sensors = _sensors(camera)
    white = sensors @ power
    # The camera divides by its idea of the light: a part `balance` of the way from daylight to the truth.
    daylight = sensors @ _D65
    white, daylight = white / white[1], daylight / daylight[1]
    assumed = daylight * (white / daylight) ** balance
    matrix = _matrix(camera)
    level = 2**stops / float((sensors @ power)[1])
    pictured = [
        matrix @ ((sensors @ (power * surface)) * level / assumed) for surface in (skin, np.ones(len(NM)))
    ]
    colours = [np.maximum(linear, 1e-3).astype(np.float32) for linear in pictured]
    return Look(true_colour(melanin, blood), colours[0], colours[1], light)


def _sensors(camera: tuple[float, float, float, float]) -> Spectrum:
    return np.stack([np.exp(-(((NM - peak) / camera[3]) ** 2) / 2) for peak in camera[:3]])


@cache
def _matrix(camera: tuple[float, float, float, float]) -> Spectrum:
    """The camera's 3 x 3 matrix to linear sRGB, by least squares under D65; a grey stays grey."""
    sensors = _sensors(camera)
    surfaces: list[Spectrum] = [grey * np.ones_like(NM) for grey in (0.1, 0.3, 0.9)] * 4
    surfaces += [reflectance(m, b) for m in (0.01, 0.03, 0.08, 0.2) for b in (0.005, 0.02, 0.05)]
    white = sensors @ _D65
    taken = np.stack([(sensors @ (_D65 * surface)) / white for surface in surfaces])
    wanted = np.stack([XYZ_TO_SRGB @ _xyz(surface) for surface in surfaces])
    solution, *_ = np.linalg.lstsq(taken, wanted, rcond=None)
    return np.asarray(solution.T)


def _power(light: str) -> Spectrum:
    if light == "D65":
        return _D65
    if light == "LED":
        return np.asarray(np.exp(-(((NM - 452) / 10) ** 2) / 2) + 0.8 * np.exp(-(((NM - 575) / 55) ** 2) / 2))
    kelvin = float(light.removesuffix(" K"))
    return np.asarray(
        (560 / NM) ** 5 / np.expm1(1.4388e7 / (NM * kelvin)) * np.expm1(1.4388e7 / (560 * kelvin))
    )


def _xyz(surface: Spectrum) -> Spectrum:
    def lobe(mean: float, low: float, high: float) -> Spectrum:
        return np.asarray(np.exp(-(((NM - mean) * np.where(mean > NM, low, high)) ** 2) / 2))

    x = 0.362 * lobe(442.0, 0.0624, 0.0374) + 1.056 * lobe(599.8, 0.0264, 0.0323)
    x = x - 0.065 * lobe(501.1, 0.0490, 0.0382)
    y = 0.821 * lobe(568.8, 0.0213, 0.0247) + 0.286 * lobe(530.9, 0.0613, 0.0322)
    z = 1.217 * lobe(437.0, 0.0845, 0.0278) + 0.681 * lobe(459.0, 0.0385, 0.0725)
    observer = np.stack([x, y, z])
    xyz = observer @ (_D65 * surface)
    # Scaled so that white is exactly the white of sRGB: the ten-nanometre sums are off by a little.
    white = observer @ _D65
    return np.asarray(xyz / white * np.array([0.95047, 1.0, 1.08883]))
