import numpy as np
import pytest

from app.vision.colour import FloatArray, lab_of, luminance
from app.vision.light import Probe, correct, exposure_factor, illuminant

_SKIN = np.array([0.55, 0.36, 0.26], dtype=np.float32)
_USUAL = np.exp(np.array([0.366, 0.0, -0.132], dtype=np.float32)) * np.float32(0.2)


def _probe(gains: tuple[float, float, float], *, width: float = 80, brightest: float = 0.268) -> Probe:
    return Probe(_USUAL * np.array(gains, dtype=np.float32), brightest, width)


def _b(linear: FloatArray) -> float:
    return lab_of(linear).b


def test_the_usual_white_of_the_eye_changes_nothing() -> None:
    assert correct(_SKIN, _probe((1, 1, 1))) == pytest.approx(_SKIN, abs=1e-6)
    assert correct(_SKIN, None) == pytest.approx(_SKIN)


def test_a_warm_light_is_taken_back_in_part() -> None:
    gains = np.array([1.3, 1.0, 0.6], dtype=np.float32)
    lit = _SKIN * gains
    corrected = correct(lit, _probe((1.3, 1.0, 0.6)))
    assert _b(_SKIN) < _b(corrected) < _b(lit)


def test_the_correction_keeps_the_luminance() -> None:
    corrected = correct(_SKIN, _probe((1.4, 1.0, 0.5)))
    assert float(luminance(corrected)) == pytest.approx(float(luminance(_SKIN)), rel=1e-5)


def test_a_deviation_of_three_tenths_is_corrected_by_half() -> None:
    probe = _probe((1.0, 1.0, float(np.exp(-0.3))))
    assert probe.strength == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("width", "trust"), [(30, 0), (45, 0.5), (60, 1), (90, 1)])
def test_small_eyes_are_trusted_less(width: float, trust: float) -> None:
    assert _probe((1, 1, 1), width=width).trust == pytest.approx(trust)


def test_an_underexposed_eye_brightens_the_skin() -> None:
    assert exposure_factor(_probe((1, 1, 1), brightest=0.13)) > 1
    assert exposure_factor(_probe((1, 1, 1), brightest=0.5)) < 1
    assert exposure_factor(None) == 1


def test_a_warm_light_has_a_low_colour_temperature() -> None:
    _, warm = illuminant(_probe((1.3, 1.0, 0.5)))
    _, neutral = illuminant(_probe((1, 1, 1)))
    _, cool = illuminant(_probe((0.8, 1.0, 1.5)))
    assert warm < neutral < cool
    assert neutral == pytest.approx(6500, abs=60)
