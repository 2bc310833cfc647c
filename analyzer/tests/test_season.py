import pytest

from app.vision.colour import Lab
from app.vision.palettes import load_palettes
from app.vision.season import Season, Subtype, Undertone, Verdict, judge, light_log_odds, warm_log_odds


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
    verdict = _judge(skin, 30)
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
    verdict = _judge(Lab(66, 14, 14 * 1.3416), 30)  # hue angle 53.3 degrees
    assert verdict.undertone is Undertone.NEUTRAL
    assert verdict.confidence < 0.5


def test_every_subtype_belongs_to_one_season() -> None:
    for season in Season:
        assert sum(subtype.endswith(season) for subtype in Subtype) == 3


def test_dark_brows_make_a_bright_type() -> None:
    skin = Lab(70.2, 13, 17.5)
    assert _judge(skin, 60).subtype is Subtype.BRIGHT_SPRING
    assert _judge(skin, 5).subtype is not Subtype.BRIGHT_SPRING


def test_the_four_probabilities_add_up_to_one() -> None:
    verdict = _judge(Lab(66, 12, 18), 30)
    assert sum(verdict.probabilities.values()) == pytest.approx(1)
    season, runner_up = sorted(verdict.probabilities, key=lambda name: -verdict.probabilities[name])[:2]
    assert (verdict.season, verdict.runner_up) == (season, runner_up)


def test_a_doubtful_photo_gets_the_same_season_with_less_confidence() -> None:
    skin = Lab(52, 12, 24)
    sure, doubtful = judge(skin, 52, 30), judge(skin, 52, 30, trust=0.5)
    assert doubtful.season is sure.season
    assert doubtful.confidence < sure.confidence


def test_a_brighter_exposure_is_taken_back() -> None:
    skin = Lab(75, 12, 20)
    assert judge(skin, 60, 30).p_light < judge(skin, 75, 30).p_light


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


def _judge(skin: Lab, contrast: float) -> Verdict:
    return judge(skin, skin.L, contrast)
