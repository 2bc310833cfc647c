"""Fits the season rule: on modelled skins, whose truth is known, and on one half of the photos."""

from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Final

import numpy as np

from app.vision.colour import Lab, lab_of
from app.vision.light import estimate
from app.vision.season import Rule, axes
from eval.measure import Photo
from eval.spectral import DEEP_MELANIN, MELANIN, looks, population
from eval.statistics import best_slope

_DRAWN: Final = 2000
_SEED: Final = 7
_PULL: Final = 0.4
"""How far the limits lie from the middle of the modelled skins towards that of the photos, where nobody knows
the truth: at 0 the photos' answers crowd into two seasons, at 1 the modelled ones do."""
OTHERS: Final = (0.09, 0.09, 0.15)
"""What skins differ by besides melanin and blood, in natural logs."""


@dataclass(frozen=True, slots=True)
class Truth:
    """On which sides of the middle a skin of known colour truly is."""

    warm: bool
    light: bool


def truth_of(skin: Lab) -> Truth:
    """Compares with the middle of all skins that are drawn."""
    warmth, depth = axes(skin)
    middle = _middle()
    return Truth(warmth > middle[0], depth > middle[1])


def fit_rule(photos: list[Photo]) -> Rule:
    """Places the limits, and makes them as soft as the modelled truth or the photos' variants want them."""
    drawn = looks(_DRAWN, _SEED)
    lights = [estimate(look.skin, None) for look in drawn]
    measured = [axes(lab_of(look.skin / light.factors)) for look, light in zip(drawn, lights, strict=True)]
    truths = [truth_of(look.truth) for look in drawn]
    start = [axes(photo.reading.skin.usual) for photo in photos]
    limits: list[float] = []
    slopes: list[float] = []
    for axis in (0, 1):
        modelled = median(values[axis] for values in measured)
        limit = modelled + _PULL * (median(values[axis] for values in start) - modelled)
        by_truth = best_slope(
            [values[axis] - limit for values in measured],
            [(truth.warm, truth.light)[axis] for truth in truths],
            [light.trust for light in lights],
        )
        later = [
            (own[axis] - limit, axes(outcome.skin.usual)[axis] > limit, photo.reading.trust)
            for own, photo in zip(start, photos, strict=True)
            for _, outcome, _ in photo.variants
        ]
        by_variants = best_slope(*zip(*later, strict=True))
        limits.append(round(limit, 1))
        slopes.append(max(by_truth, by_variants))
    return Rule(limits[0], slopes[0], limits[1], slopes[1])


def print_fit(photos: list[Photo]) -> None:
    """Prints the constants of app.vision that are fitted or modelled, as they come out anew."""
    print("fit: season.RULE", fit_rule(photos))
    probes = [photo.reading.skin.probe for photo in photos]
    whites = np.log([probe.linear for probe in probes if probe is not None])
    ratios = np.stack([whites[:, 0] - whites[:, 1], whites[:, 2] - whites[:, 1], whites[:, 1]])
    print("fit: light._SCLERA", np.median(ratios, axis=1).round(3).tolist())
    for name, melanin in (("usual", MELANIN), ("deep", DEEP_MELANIN)):
        mean, covariance = population(melanin, OTHERS)
        print(f"fit: light.SKINS, {name}", mean.round(3).tolist(), covariance.round(4).tolist())
    chroma = [photo.reading.skin.usual.chroma for photo in photos]
    print(f"fit: season._TYPICAL_CHROMA {median(chroma):.0f}, spread {np.std(chroma):.0f}")


@cache
def _middle() -> tuple[float, float]:
    places = [axes(look.truth) for look in looks(_DRAWN, _SEED)]
    return median(warmth for warmth, _ in places), median(depth for _, depth in places)
