import pytest

from app.vision.colour import Lab
from app.vision.palettes import load_palettes
from app.vision.season import Season, Subtype, Undertone, judge, light_log_odds, warm_log_odds


@pytest.mark.parametrize(
    ("skin", "season"),
    [
        (Lab(76, 8, 18), Season.SPRING),
        (Lab(76, 16, 15), Season.SUMMER),
        (Lab(52, 12, 24), Season.AUTUMN),
        (Lab(52, 20, 15), Season.WINTER),
    ],
)
def test_the_four_corners(skin: Lab, season: Season) -> None:
    verdict = judge(skin, contrast=30)
    assert verdict.season is season
    assert verdict.confidence > 0.6
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
    verdict = judge(Lab(66, 14, 14 * 1.28), contrast=30)  # hue angle 52 degrees
    assert verdict.undertone is Undertone.NEUTRAL
    assert verdict.confidence < 0.5


def test_every_subtype_belongs_to_one_season() -> None:
    for season in Season:
        assert sum(subtype.endswith(season) for subtype in Subtype) == 3


def test_dark_brows_make_a_bright_type() -> None:
    skin = Lab(70.2, 13, 17.5)
    assert judge(skin, contrast=60).subtype is Subtype.BRIGHT_SPRING
    assert judge(skin, contrast=5).subtype is not Subtype.BRIGHT_SPRING


def test_every_season_has_a_palette_of_different_colours() -> None:
    for palette in load_palettes().values():
        assert 8 <= len(set(palette)) == len(palette) <= 10
        assert all(len(colour) == 7 and int(colour[1:], 16) >= 0 for colour in palette)
