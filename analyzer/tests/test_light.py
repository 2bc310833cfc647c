from math import hypot

import numpy as np
import pytest

from app.vision.colour import FloatArray, lab_of, luminance
from app.vision.light import Light, Probe, correct, estimate
from app.vision.planck import planckian_gains
from eval.perturb import MILD, SEVERE
from eval.spectral import DEEP_MELANIN, looks

_SKIN = np.array([0.76, 0.39, 0.23], dtype=np.float32)
_WHITE = np.array([0.255, 0.154, 0.124], dtype=np.float32)
_NEUTRAL = np.array([1, 1, 1], dtype=np.float32)


def _estimate(gains: FloatArray, *, eyes: bool = True) -> Light:
    return estimate(_SKIN * gains, Probe(_WHITE * gains, 60) if eyes else None)


def _off(linear: FloatArray) -> float:
    """How far from the skin's own colour, in the ab plane."""
    lab, plain = lab_of(linear), lab_of(_SKIN)
    return hypot(lab.a - plain.a, lab.b - plain.b)


@pytest.mark.parametrize("eyes", [True, False])
def test_usual_skin_and_eyes_need_no_correction(*, eyes: bool) -> None:
    light = _estimate(_NEUTRAL, eyes=eyes)
    assert abs(light.mireds) < 10
    assert light.factors == pytest.approx(_NEUTRAL, abs=0.15)


@pytest.mark.parametrize("kelvin", [*MILD, *SEVERE])
@pytest.mark.parametrize("eyes", [True, False])
def test_a_coloured_light_is_taken_back_in_part(kelvin: int, *, eyes: bool) -> None:
    gains = planckian_gains(kelvin)
    lit = _SKIN * gains
    assert _off(correct(lit, _estimate(gains, eyes=eyes))) < 0.9 * _off(lit)


def test_the_stronger_a_light_the_larger_the_share_that_is_taken_back() -> None:
    shares = [
        _estimate(planckian_gains(kelvin)).mireds / (1e6 / kelvin - 1e6 / 6504) for kelvin in (5700, 3500)
    ]
    assert 0 < shares[0] < shares[1] < 1.2


def test_the_eyes_tell_a_light_from_a_skin() -> None:
    warm = planckian_gains(4000)
    lit, born = estimate(_SKIN * warm, Probe(_WHITE * warm, 60)), estimate(_SKIN * warm, Probe(_WHITE, 60))
    assert lit.mireds > born.mireds


def test_the_correction_keeps_the_luminance() -> None:
    lit = _SKIN * planckian_gains(3500)
    corrected = correct(lit, estimate(lit, None))
    assert float(luminance(corrected)) == pytest.approx(float(luminance(lit)), rel=1e-5)


def test_an_exposure_is_taken_back_in_part() -> None:
    dark, usual, bright = (float(luminance(_estimate(_NEUTRAL * gain).factors)) for gain in (0.5, 1, 2))
    assert 0.5 < dark < usual < bright < 2


def test_deep_skin_is_not_taken_for_a_dark_photo() -> None:
    for look in looks(40, 11, DEEP_MELANIN, ("D65",)):
        light = estimate(look.skin, None)
        assert lab_of(look.skin / light.factors).L < lab_of(look.skin).L + 12


def test_a_warm_light_has_a_low_colour_temperature() -> None:
    kelvins = [_estimate(planckian_gains(kelvin)).kelvin for kelvin in (3000, 4500, 6504, 9000, 20_000)]
    assert kelvins == sorted(kelvins)
    assert kelvins[2] == pytest.approx(6504, abs=500)
