"""The arithmetic of the evaluation, without its photos."""

import json
from pathlib import Path

import numpy as np
import pytest

from app.vision.colour import lab_of, luminance
from app.vision.light import SKINS
from app.vision.planck import planckian_gains
from eval import several
from eval.fit import OTHERS, truth_of
from eval.photos import PACKAGES
from eval.spectral import DEEP_MELANIN, LIGHTS, MELANIN, looks, population, sittings, true_colour
from eval.statistics import agreement, best_slope, kappa, rank_correlation, reliability


def test_likelihoods_are_pooled_as_the_worker_does() -> None:
    cases = json.loads((Path(several.__file__).parent / "pooled.json").read_text())
    for case in cases:
        assert several.pool(case["photos"]) == pytest.approx(case["pooled"], abs=1e-5)


def test_every_sitting_is_one_skin_in_every_light() -> None:
    for sitting in sittings(3, 1):
        assert [look.light for look in sitting] == list(LIGHTS)
        assert len({look.truth for look in sitting}) == 1


def test_a_fixed_answer_agrees_fully_and_has_no_kappa() -> None:
    pairs = [("AUTUMN", "AUTUMN")] * 9
    assert agreement(pairs) == 1
    assert kappa(pairs) == 0


def test_kappa_agrees_with_a_worked_example() -> None:
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert kappa(pairs) == pytest.approx(0.4)


def test_rank_correlation_looks_at_the_order_only() -> None:
    assert rank_correlation([1, 2, 3, 4], [1, 10, 11, 500]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)


def test_reliability_counts_what_was_kept() -> None:
    bins = reliability([0.3, 0.9, 0.9, 0.9], [True, True, True, False], (0.25, 0.5, 1.0))
    assert bins == [(0.3, 1.0, 1), (pytest.approx(0.9), pytest.approx(2 / 3), 3)]


def test_the_slope_of_a_logistic_is_found_again() -> None:
    random = np.random.default_rng(1)
    margins = random.normal(0, 10, 4000)
    later = random.random(4000) < 1 / (1 + np.exp(-margins / 4))
    assert best_slope(margins.tolist(), later.tolist(), [1.0] * 4000) == pytest.approx(4, abs=0.5)


def test_the_slope_of_margins_that_are_trusted_in_part_is_found_again() -> None:
    random = np.random.default_rng(2)
    margins = random.normal(0, 10, 4000)
    later = random.random(4000) < 0.6 / (1 + np.exp(-margins / 4)) + 0.2
    assert best_slope(margins.tolist(), later.tolist(), [0.6] * 4000) == pytest.approx(4, abs=1)
    assert best_slope(margins.tolist(), later.tolist(), [1.0] * 4000) > 6


def test_daylight_is_neutral_and_lower_temperatures_are_warmer() -> None:
    assert planckian_gains(6504) == pytest.approx(np.ones(3), abs=1e-6)
    red, _, blue = planckian_gains(3500)
    assert red > 1 > blue
    assert float(luminance(planckian_gains(3500))) == pytest.approx(1, abs=1e-4)


def test_melanin_darkens_and_blood_reddens() -> None:
    assert true_colour(0.08, 0.03).L < true_colour(0.02, 0.03).L
    assert true_colour(0.02, 0.06).hue < true_colour(0.02, 0.02).hue


def test_modelled_skin_can_be_average_korean_skin() -> None:
    skin = true_colour(0.032, 0.018)
    assert (skin.L, skin.a, skin.hue) == pytest.approx((64.2, 9.0, 63.8), abs=5)  # Yun 2010, n = 148


def test_a_neutral_light_pictures_the_true_colour() -> None:
    daylight = [look for look in looks(40, 3) if look.light == "D65"]
    assert np.mean([abs(lab_of(look.skin).hue - look.truth.hue) for look in daylight]) < 4


@pytest.mark.parametrize(("kept", "melanin"), [(SKINS[0], MELANIN), (SKINS[1], DEEP_MELANIN)])
def test_the_skins_that_the_analyzer_expects_are_the_models(
    kept: tuple[float, tuple[float, ...], tuple[tuple[float, ...], ...]], melanin: tuple[float, float]
) -> None:
    mean, covariance = population(melanin, OTHERS)
    assert np.array(kept[1]) == pytest.approx(mean, abs=0.001)
    assert np.array(kept[2]) == pytest.approx(covariance, abs=0.001)


def test_half_of_the_modelled_skins_are_truly_warm_and_half_truly_light() -> None:
    truths = [truth_of(look.truth) for look in looks(500, 99)]
    assert np.mean([truth.warm for truth in truths]) == pytest.approx(0.5, abs=0.06)
    assert np.mean([truth.light for truth in truths]) == pytest.approx(0.5, abs=0.06)


def test_no_photo_is_in_two_parts() -> None:
    for package in PACKAGES:
        names = package.fit + package.report + package.unseen
        assert len(set(names)) == len(names) > 0
        assert len(package.sha256) == 64
