from io import BytesIO
from typing import Final

import numpy as np
import pytest
from PIL import Image

from app.vision.analysis import Analyzer, trust_in
from app.vision.colour import FloatArray, lab_of, linearise, luminance
from app.vision.decode import decode
from app.vision.light import USUAL_LIGHT, estimate
from app.vision.problems import Code, PhotoError, Warn
from app.vision.season import judge
from eval.perturb import encode
from eval.spectral import DEEP_MELANIN, MELANIN, looks
from tests.conftest import Photos

_STEP: Final = 0.15
"""Between two strengths of a light, in natural logs of red or blue over green."""
_STRENGTHS: Final = 10
_DIRECTIONS: Final = 12
_UNUSUAL: Final = 0.8
"""Trust in a light under which its colour shows: above, it may as well be another person's skin."""
_SLACK: Final = 0.1
_UNSURE: Final = 0.5


def _lit(skin: FloatArray, direction: int, strength: int) -> FloatArray:
    angle = 2 * np.pi * direction / _DIRECTIONS
    gains = np.exp(_STEP * strength * np.array([np.cos(angle), 0, np.sin(angle)])).astype(np.float32)
    return np.asarray(skin * gains / luminance(gains), dtype=np.float32)


def _ten_skins() -> list[FloatArray]:
    usual, deep = (looks(5, 1, melanin, ("D65",)) for melanin in (MELANIN, DEEP_MELANIN))
    return [look.skin for look in usual + deep]


@pytest.mark.parametrize("direction", range(_DIRECTIONS))
def test_confidence_falls_with_the_strength_of_any_coloured_light(direction: int) -> None:
    for skin in _ten_skins():
        lowest, trusts = 1.0, [1.0]
        for strength in range(1, _STRENGTHS + 1):
            seen = _lit(skin, direction, strength)
            light = estimate(seen, None)
            confidence = judge(lab_of(seen / light.factors), 40, light.trust).confidence
            assert confidence <= 0.25 + 0.75 * light.trust + 1e-6
            if light.trust < _UNUSUAL:
                assert confidence <= lowest + _SLACK, (skin, direction, strength)
                assert light.trust <= trusts[-1] + _SLACK, (skin, direction, strength)
                lowest = min(lowest, confidence)
            trusts.append(light.trust)
        assert confidence <= _UNSURE, (skin, direction)


@pytest.mark.parametrize("name", ["face.jpg", "face-2.jpg", "face-3.jpg"])
@pytest.mark.parametrize(
    "gains",
    [
        (1, 0.05, 0.03),
        (0.05, 0.08, 1),
        (0.05, 1, 0.05),
        (1, 0.3, 0.1),
        (0.3, 0.3, 1),
        (0.6, 1, 0.6),
        (1, 0.5, 1),
    ],
)
def test_a_face_in_strongly_coloured_light_gets_no_sure_answer(
    analyzer: Analyzer, photos: Photos, name: str, gains: tuple[float, float, float]
) -> None:
    with Image.open(BytesIO(photos.read(name))) as opened:
        linear = linearise(np.asarray(opened.convert("RGB")))
    _assert_unsure(analyzer, encode(linear * np.array(gains, dtype=np.float32)))


@pytest.mark.parametrize("name", ["face.jpg", "face-2.jpg", "face-3.jpg"])
def test_a_face_of_the_opposite_hue_gets_no_answer(analyzer: Analyzer, photos: Photos, name: str) -> None:
    with Image.open(BytesIO(photos.read(name))) as opened:
        hue, saturation, value = opened.convert("RGB").convert("HSV").split()
    turned = Image.merge("HSV", [hue.point([(code + 128) % 256 for code in range(256)]), saturation, value])
    _assert_unsure(analyzer, turned.convert("RGB"))


def _assert_unsure(analyzer: Analyzer, image: Image.Image) -> None:
    encoded = BytesIO()
    image.save(encoded, "JPEG", quality=92)
    try:
        reading = analyzer.read(decode(encoded.getvalue()))
    except PhotoError as error:
        refusal = error.code
    else:
        assert Warn.COLOUR_CAST in reading.warnings
        assert reading.verdict.confidence <= _UNSURE
        return
    assert refusal in {Code.LIGHT_TOO_COLOURED, Code.NO_FACE, Code.GREYSCALE, Code.TOO_DARK}


def test_a_usual_photo_keeps_its_trust(analyzer: Analyzer, photos: Photos) -> None:
    light = analyzer.read(decode(photos.face)).skin.light
    assert light.trust > 0.95
    assert trust_in(light, []) == light.trust


def test_a_lamp_costs_trust_with_its_distance_from_daylight() -> None:
    (skin,) = (look.skin for look in looks(1, 1, MELANIN, ("D65",)))
    lamps = [estimate(_lit(skin, 10, strength), None) for strength in range(1, _STRENGTHS)]
    coloured = [light.trust for light in lamps if light.mireds > USUAL_LIGHT]
    assert len(coloured) > 3
    assert coloured == sorted(coloured, reverse=True)
