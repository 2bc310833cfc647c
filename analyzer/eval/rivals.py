"""The rules that open personal-colour projects use, written anew from their descriptions, to compare with.

All are given our face finder, so that only the colour rule differs; where a rule has thresholds that its
description does not fix, they are the medians of the photos to fit on, which makes its answers as even as
they can be.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from app.vision.colour import FloatArray, lab_of, linearise

SEASONS: Final = ("SPRING", "SUMMER", "AUTUMN", "WINTER")
_WARM_B, _COOL_B = 11.65, 4.64
_BRIGHT_S: Final = {"SPRING": 18.59, "AUTUMN": 27.14, "SUMMER": 12.5, "WINTER": 16.74}
"""Centroids of the cheek's saturation in percent, and of its b*, as "ShowMeTheColor" publishes them."""
_LIGHT_L: Final = 65.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rules look at."""

    centre_hsv: tuple[float, float, float]
    """Mean over the picture's middle: hue in degrees -180..180, saturation and value in 0..1."""
    box_rgb: FloatArray
    """Mean 8-bit sRGB of the middle of the detected face, not linearised, as those rules do it."""


def look(image: Image.Image, face: tuple[float, float, float, float]) -> Seen:
    """Measures what the rules need; `face` is left, top, right, bottom."""
    width, height = image.size
    middle = image.crop((width // 4, height // 4, 3 * width // 4, 3 * height // 4)).reduce(4).convert("HSV")
    hue, saturation, value = (float(x) for x in np.asarray(middle, dtype=np.float32).mean(axis=(0, 1)))
    left, top, right, bottom = face
    across, down = (right - left) / 4, (bottom - top) / 4
    box = (round(left + across), round(top + down), round(right - across), round(bottom - down))
    rgb = np.asarray(image.crop(box), dtype=np.float32).reshape(-1, 3).mean(axis=0)
    turned = (hue / 255 * 360 + 180) % 360 - 180
    return Seen((turned, saturation / 255, value / 255), rgb)


def answers(seen: Seen, cuts: tuple[float, float]) -> dict[str, str]:
    """What each rule says; `cuts` are the medians of hue and value in the middle of the photos to fit on."""
    hue, _, value = seen.centre_hsv
    lab = lab_of(linearise(np.round(seen.box_rgb).astype(np.uint8)))
    high, low = float(seen.box_rgb.max()), float(seen.box_rgb.min())
    saturation = 100 * (high - low) / max(high, 1)
    warm = abs(lab.b - _WARM_B) < abs(lab.b - _COOL_B)
    pair = ("SPRING", "AUTUMN") if warm else ("SUMMER", "WINTER")
    return {
        "centre crop + HSV cuts": _season(warm=hue > cuts[0], light=value > cuts[1]),
        "b* centroids": min(pair, key=lambda name: abs(saturation - _BRIGHT_S[name])),
        "a* > b* is cool": _season(warm=lab.a <= lab.b, light=lab.L > _LIGHT_L),
        "a constant": "AUTUMN",
    }


def _season(*, warm: bool, light: bool) -> str:
    if warm:
        return "SPRING" if light else "AUTUMN"
    return "SUMMER" if light else "WINTER"
