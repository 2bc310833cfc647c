"""Places a skin colour on two soft axes, warm/cool and light/deep, and names season and subtype.

The constants are a prototype's, chosen by hand on photos as they come and not fitted to labelled data. The
best published accuracy on labelled faces is about 55 % for four seasons (Deep Armocromia), and warm/cool
is the weak axis: `confidence` is the rule's own certainty, not a measured probability of being right.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import exp
from typing import Final

from app.vision.colour import Lab

_HUE_LIMIT: Final = 52.0
"""Degrees: the hue angle between cool and warm on light skin."""
_HUE_LIMIT_DROP: Final = 12.0
"""Degrees by which the limit has fallen at `_DARK_L`: dark skin is redder at the same undertone."""
_LIGHT_L: Final = 50.0
_DARK_L: Final = 25.0
_HUE_SLOPE: Final = 5.0
"""Degrees per unit of log-odds: a typical error of the hue angle under unknown light."""
_DEPTH_LIMIT: Final = 66.0
_DEPTH_SLOPE: Final = 4.0
_DEPTH_PER_CHROMA: Final = 0.35
"""Of two skins equally light, the more colourful one looks deeper."""
_TYPICAL_CHROMA: Final = 22.0
_CHROMA_SPREAD: Final = 6.0
_TYPICAL_CONTRAST: Final = 30.0
_CONTRAST_SPREAD: Final = 10.0
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
class Verdict:
    """A season and how sure the rule is of it."""

    season: Season
    subtype: Subtype
    undertone: Undertone
    confidence: float
    """Probability of the season under the two axes, 0.25..1."""


def warm_log_odds(skin: Lab) -> float:
    """Log-odds of warm against cool; rises with the hue angle."""
    darkness = min(1.0, max(0.0, (_LIGHT_L - skin.L) / (_LIGHT_L - _DARK_L)))
    return (skin.hue - (_HUE_LIMIT - _HUE_LIMIT_DROP * darkness)) / _HUE_SLOPE


def light_log_odds(skin: Lab) -> float:
    """Log-odds of light against deep; rises with L*, falls with chroma."""
    depth = skin.L - _DEPTH_PER_CHROMA * (skin.chroma - _TYPICAL_CHROMA)
    return (depth - _DEPTH_LIMIT) / _DEPTH_SLOPE


def judge(skin: Lab, contrast: float) -> Verdict:
    """Names the season of a skin colour; `contrast` (L* to the brows) only chooses the subtype."""
    warm, light = warm_log_odds(skin), light_log_odds(skin)
    p_warm, p_light = _probability(warm), _probability(light)
    season = {
        (True, True): Season.SPRING,
        (False, True): Season.SUMMER,
        (True, False): Season.AUTUMN,
        (False, False): Season.WINTER,
    }[warm >= 0, light >= 0]
    confidence = max(p_warm, 1 - p_warm) * max(p_light, 1 - p_light)
    return Verdict(season, _subtype(season, skin, contrast), _undertone(p_warm), confidence)


def _probability(log_odds: float) -> float:
    return 1 / (1 + exp(-max(-50.0, min(50.0, log_odds))))


def _undertone(p_warm: float) -> Undertone:
    low, high = _NEUTRAL
    if p_warm > high:
        return Undertone.WARM
    return Undertone.COOL if p_warm < low else Undertone.NEUTRAL


def _subtype(season: Season, skin: Lab, contrast: float) -> Subtype:
    """Chooses the shade that stands out most, on scales brought to about the same spread."""
    temperature = abs(warm_log_odds(skin))
    depth = abs(light_log_odds(skin))
    # Clear against muted: colourful skin and dark brows make a bright type.
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
