"""Places a skin colour on two soft axes, warm/cool and light/deep, and names season and subtype.

Warm and light make spring, warm and deep autumn, cool and light summer, cool and deep winter. The constants
marked *fitted* come from `python -m eval --fit`, on one half of its photos; docs/analyzer.md tells what that
was and how the other half came out. The best published accuracy on labelled faces is about 55 % for four
seasons (Deep Armocromia), and warm/cool is the weak axis: the probabilities say how likely a face of known
colour is put on the right side of the limits, not that a person trained to judge colours would agree.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import exp
from typing import Final

from app.vision.colour import Lab

_HUE_LIMIT_DROP: Final = 12.0
"""Degrees by which the limit of warm has fallen at `_DARK_L`: dark skin is redder at the same undertone."""
_LIGHT_L: Final = 50.0
_DARK_L: Final = 25.0
_DEPTH_PER_CHROMA: Final = 0.35
"""L* per Lab unit of chroma: of two skins equally light, the more colourful one looks deeper."""
_TYPICAL_CHROMA: Final = 28.0
_CHROMA_SPREAD: Final = 5.0
_TYPICAL_CONTRAST: Final = 42.0
_CONTRAST_SPREAD: Final = 10.0
_WARM_SPREAD: Final = 10.0
_DEPTH_SPREAD: Final = 8.0
"""About one standard deviation among photos, to compare the scales with each other."""
_NEUTRAL: Final = (0.4, 0.6)
"""Between these probabilities of warm, the undertone is called neutral."""


class Season(StrEnum):
    """The four personal colours."""

    SPRING = "SPRING"
    SUMMER = "SUMMER"
    AUTUMN = "AUTUMN"
    WINTER = "WINTER"


class Subtype(StrEnum):
    """Three shades of each season: what stands out most about it."""

    LIGHT_SPRING = "LIGHT_SPRING"
    BRIGHT_SPRING = "BRIGHT_SPRING"
    WARM_SPRING = "WARM_SPRING"
    LIGHT_SUMMER = "LIGHT_SUMMER"
    MUTE_SUMMER = "MUTE_SUMMER"
    COOL_SUMMER = "COOL_SUMMER"
    DEEP_AUTUMN = "DEEP_AUTUMN"
    MUTE_AUTUMN = "MUTE_AUTUMN"
    WARM_AUTUMN = "WARM_AUTUMN"
    DEEP_WINTER = "DEEP_WINTER"
    BRIGHT_WINTER = "BRIGHT_WINTER"
    COOL_WINTER = "COOL_WINTER"


class Undertone(StrEnum):
    """Which way the skin's hue leans."""

    WARM = "WARM"
    COOL = "COOL"
    NEUTRAL = "NEUTRAL"


@dataclass(frozen=True, slots=True)
class Rule:
    """Where the limits are, and how sharp; all *fitted*."""

    warm_limit: float
    """Degrees of hue between cool and warm on light skin."""
    warm_slope: float
    """Degrees per unit of log-odds."""
    depth_limit: float
    """L* between deep and light at the typical chroma."""
    depth_slope: float
    """L* per unit of log-odds."""


RULE: Final = Rule(warm_limit=59.4, warm_slope=2.75, depth_limit=72.3, depth_slope=1.75)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A season, how sure the rule is of it, and what it would have said next."""

    season: Season
    runner_up: Season
    subtype: Subtype
    undertone: Undertone
    p_warm: float
    p_light: float
    probabilities: dict[Season, float]
    """They add up to 1."""

    @property
    def confidence(self) -> float:
        """Probability of the season, 0.25..1."""
        return self.probabilities[self.season]


def axes(skin: Lab) -> tuple[float, float]:
    """Where a skin lies from cool to warm, in degrees of hue, and from deep to light, in L*."""
    darkness = min(1.0, max(0.0, (_LIGHT_L - skin.L) / (_LIGHT_L - _DARK_L)))
    warmth = skin.hue + _HUE_LIMIT_DROP * darkness
    return warmth, skin.L - _DEPTH_PER_CHROMA * (skin.chroma - _TYPICAL_CHROMA)


def warm_log_odds(skin: Lab, rule: Rule = RULE) -> float:
    """Log-odds of warm against cool; rises with the hue angle."""
    return (axes(skin)[0] - rule.warm_limit) / rule.warm_slope


def light_log_odds(skin: Lab, rule: Rule = RULE) -> float:
    """Log-odds of light against deep; rises with L*, falls with chroma."""
    return (axes(skin)[1] - rule.depth_limit) / rule.depth_slope


def judge(skin: Lab, contrast: float, trust: float = 1.0, rule: Rule = RULE) -> Verdict:
    """Names the season of a skin colour in neutral light, at the usual exposure.

    `contrast` (L* to hair, brows and irises) only chooses the subtype. `trust`, 0..1, is the probability that
    the photo shows the skin's own colour at all: with the rest, every season is as likely as the others.
    """
    warm, light = _probability(warm_log_odds(skin, rule)), _probability(light_log_odds(skin, rule))
    sides = {
        Season.SPRING: warm * light,
        Season.SUMMER: (1 - warm) * light,
        Season.AUTUMN: warm * (1 - light),
        Season.WINTER: (1 - warm) * (1 - light),
    }
    probabilities = {name: trust * value + (1 - trust) / len(sides) for name, value in sides.items()}
    p_warm, p_light = (trust * value + (1 - trust) / 2 for value in (warm, light))
    season, runner_up, *_ = sorted(probabilities, key=lambda name: -probabilities[name])
    subtype = _subtype(season, skin, contrast)
    return Verdict(season, runner_up, subtype, _undertone(p_warm), p_warm, p_light, probabilities)


def _probability(log_odds: float) -> float:
    return 1 / (1 + exp(-max(-50.0, min(50.0, log_odds))))


def _undertone(p_warm: float) -> Undertone:
    low, high = _NEUTRAL
    if p_warm > high:
        return Undertone.WARM
    return Undertone.COOL if p_warm < low else Undertone.NEUTRAL


def _subtype(season: Season, skin: Lab, contrast: float) -> Subtype:
    """Chooses the shade that stands out most, on scales brought to about the same spread."""
    temperature = abs(axes(skin)[0] - RULE.warm_limit) / _WARM_SPREAD
    depth = abs(axes(skin)[1] - RULE.depth_limit) / _DEPTH_SPREAD
    # Clear against muted: colourful skin and dark hair, brows and eyes make a bright type.
    clarity = (skin.chroma - _TYPICAL_CHROMA) / _CHROMA_SPREAD
    clarity = (clarity + (contrast - _TYPICAL_CONTRAST) / _CONTRAST_SPREAD) / 2
    shades = {
        Season.SPRING: {
            Subtype.LIGHT_SPRING: depth,
            Subtype.BRIGHT_SPRING: clarity,
            Subtype.WARM_SPRING: temperature,
        },
        Season.SUMMER: {
            Subtype.LIGHT_SUMMER: depth,
            Subtype.MUTE_SUMMER: -clarity,
            Subtype.COOL_SUMMER: temperature,
        },
        Season.AUTUMN: {
            Subtype.DEEP_AUTUMN: depth,
            Subtype.MUTE_AUTUMN: -clarity,
            Subtype.WARM_AUTUMN: temperature,
        },
        Season.WINTER: {
            Subtype.DEEP_WINTER: depth,
            Subtype.BRIGHT_WINTER: clarity,
            Subtype.COOL_WINTER: temperature,
        },
    }[season]
    return max(shades, key=lambda shade: shades[shade])
