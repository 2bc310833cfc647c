from math import radians, tan

import pytest

from app.vision.colour import Lab
from app.vision.palettes import load_palettes
from app.vision.season import (
    RULE,
    Season,
    Subtype,
    Undertone,
    judge,
    light_log_odds,
    warm_log_odds,
)


@pytest.mark.parametrize(
    ("skin", "season"),
    [
        (Lab(78, 8, 22), Season.SPRING),
        (Lab(78, 16, 19), Season.SUMMER),
        (Lab(56, 12, 28), Season.AUTUMN),
        (Lab(56, 20, 19), Season.WINTER),
    ],
)
def test_the_four_corners(skin: Lab, season: Season) -> None:
    verdict = judge(skin, 30)
    assert verdict.season is season
    assert verdict.confidence > 0.6
    assert verdict.runner_up is not season
    assert verdict.subtype.endswith(season)


@pytest.mark.parametrize("lightness", range(20, 95, 5))
def test_warmth_rises_with_the_hue_angle(lightness: int) -> None:
    odds = [warm_log_odds(Lab(lightness, 15, b)) for b in range(2, 40)]
    assert odds == sorted(odds)


@pytest.mark.parametrize("b", range(5, 35, 5))
def test_lightness_rises_with_l(b: int) -> None:
    odds = [light_log_odds(Lab(lightness, 12, b)) for lightness in range(20, 95)]
    assert odds == sorted(odds)


def test_the_more_colourful_of_two_skins_looks_deeper() -> None:
    assert light_log_odds(Lab(65, 18, 28)) < light_log_odds(Lab(65, 9, 14))


def test_an_undertone_on_the_limit_is_neutral_and_unsure() -> None:
    verdict = judge(Lab(70, 14, 14 * tan(radians(RULE.warm_limit))), 30)
    assert verdict.undertone is Undertone.NEUTRAL
    assert verdict.confidence < 0.5


def test_every_subtype_belongs_to_one_season() -> None:
    for season in Season:
        assert sum(subtype.endswith(season) for subtype in Subtype) == 3


def test_dark_brows_make_a_bright_type() -> None:
    skin = Lab(74, 13, 24)
    assert judge(skin, 60).subtype is Subtype.BRIGHT_SPRING
    assert judge(skin, 5).subtype is not Subtype.BRIGHT_SPRING


def test_the_four_probabilities_add_up_to_one() -> None:
    verdict = judge(Lab(66, 12, 18), 30)
    assert sum(verdict.probabilities.values()) == pytest.approx(1)
    season, runner_up = sorted(verdict.probabilities, key=lambda name: -verdict.probabilities[name])[:2]
    assert (verdict.season, verdict.runner_up) == (season, runner_up)


def test_a_doubtful_photo_gets_the_same_season_with_less_confidence() -> None:
    skin = Lab(52, 12, 24)
    sure, doubtful = judge(skin, 30), judge(skin, 30, trust=0.5)
    assert doubtful.season is sure.season
    assert doubtful.confidence < sure.confidence


def test_every_subtype_has_colours_that_suit_and_others_that_do_not() -> None:
    palettes = load_palettes()
    assert set(palettes) == set(Subtype)
    for palette in palettes.values():
        assert 8 <= len(set(palette.suits)) == len(palette.suits) <= 10
        assert len(palette.avoid) >= 4
        assert not set(palette.avoid) & set(palette.suits)
        for colour in palette.suits + palette.avoid:
            assert len(colour) == 7
            assert int(colour[1:], 16) >= 0
