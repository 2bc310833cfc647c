"""What moved an answer most: how different it would be without each of the things that made it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from app.vision.colour import FloatArray, lab_of, luminance
from app.vision.season import Season, judge
from app.vision.skin import Skin

_LEAST: Final = 0.05
"""Effects under it are not worth a word."""


class Cause(StrEnum):
    """What may move an answer; part of the HTTP contract."""

    LIGHT = "LIGHT"
    """The light's colour was taken out."""
    BRIGHTNESS = "BRIGHTNESS"
    """The skin was judged as at the usual exposure."""
    SHADOW = "SHADOW"
    """The two cheeks have different colours."""
    FOREHEAD = "FOREHEAD"
    """The forehead's colour is not the cheeks': hair over it, or shine."""


@dataclass(frozen=True, slots=True)
class Influence:
    """One cause and its effect."""

    cause: Cause
    effect: float
    """Probability, 0..1, that it moved from one season to others (total variation distance)."""


def influences(skin: Skin, trust: float) -> list[Influence]:
    """Weighs the causes, the strongest first; those that hardly matter are left out."""

    def seasons(linear: FloatArray) -> Mapping[Season, float]:
        return judge(lab_of(linear), skin.contrast.mean, trust).probabilities

    seen, factors = skin.linear_seen, skin.light.factors
    usual = seasons(seen / factors)
    effects = {
        Cause.LIGHT: _distance(usual, seasons(seen / luminance(factors))),
        Cause.BRIGHTNESS: _distance(usual, judge(skin.lab, skin.contrast.mean, trust).probabilities),
    }
    right, left, forehead = skin.medians
    if right is not None and left is not None:
        effects[Cause.SHADOW] = _distance(seasons(right / factors), seasons(left / factors))
        if forehead is not None:
            cheeks, all_three = (np.mean(parts, axis=0) for parts in ((right, left), (right, left, forehead)))
            effects[Cause.FOREHEAD] = _distance(seasons(cheeks / factors), seasons(all_three / factors))
    strongest = sorted(effects, key=lambda cause: -effects[cause])
    return [Influence(cause, effects[cause]) for cause in strongest if effects[cause] >= _LEAST]


def _distance(one: Mapping[Season, float], other: Mapping[Season, float]) -> float:
    return sum(abs(one[season] - other[season]) for season in Season) / 2
