"""The season of whole photos, and what is told beside it."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.analyze.schemas import AnalysisView
from app.vision.analysis import Analyzer
from app.vision.colour import linearise
from app.vision.planck import planckian_gains
from app.vision.problems import Code, PhotoError, Warn
from eval.perturb import encode
from tests.conftest import Photos


def _jpeg(image: Image.Image) -> bytes:
    encoded = BytesIO()
    image.save(encoded, "JPEG", quality=95)
    return encoded.getvalue()


def _open(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data)).convert("RGB")


def _view(analyzer: Analyzer, data: bytes) -> AnalysisView:
    answer: dict[str, Any] = {"userId": 1, **analyzer.analyze(data)}
    return AnalysisView.model_validate(answer)


@pytest.mark.parametrize("name", ["face.jpg", "face-2.jpg", "face-3.jpg"])
def test_every_field_of_an_answer_is_one_of_its_schema(analyzer: Analyzer, photos: Photos, name: str) -> None:
    answer = analyzer.analyze(photos.read(name))
    assert set(answer) == set(AnalysisView.model_fields) - {"userId"}
    view = _view(analyzer, photos.read(name))
    shares = view.probabilities.model_dump()
    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
    assert shares[view.personalColor] == pytest.approx(view.confidence, abs=1e-3)
    assert shares[view.runnerUp] == sorted(shares.values())[-2]
    assert view.subtype.endswith(view.personalColor)
    assert view.colours.skin == view.skin.hex


def test_dark_hair_brows_and_irises_contrast_with_the_skin(analyzer: Analyzer, photos: Photos) -> None:
    contrasts = _view(analyzer, photos.face).contrasts
    for contrast in (contrasts.hair, contrasts.brow, contrasts.iris):
        assert contrast is not None
        assert contrast > 15


def test_large_eyes_tell_the_light_and_small_ones_do_not(analyzer: Analyzer, photos: Photos) -> None:
    assert _view(analyzer, photos.face).light is not None
    assert _view(analyzer, photos.read("face-2.jpg")).light is None


def test_the_eyes_tell_a_warmer_light(analyzer: Analyzer, photos: Photos) -> None:
    linear = linearise(np.asarray(_open(photos.face)))
    kelvins: list[float] = []
    for kelvin in (4500, 6504, 9000):
        light = _view(analyzer, _jpeg(encode(linear * planckian_gains(kelvin)))).light
        assert light is not None
        kelvins.append(light.kelvin)
    assert kelvins == sorted(kelvins)
    assert kelvins[0] < kelvins[-1]


def test_a_strong_cast_is_told(analyzer: Analyzer, photos: Photos) -> None:
    linear = linearise(np.asarray(_open(photos.face)))
    cast = _view(analyzer, _jpeg(encode(linear * planckian_gains(2500) * np.float32(0.7))))
    assert Warn.COLOUR_CAST in cast.warnings


def test_light_of_two_colours_is_told(analyzer: Analyzer, photos: Photos) -> None:
    image = _open(photos.face)
    face = _view(analyzer, photos.face).face
    linear = linearise(np.asarray(image)).copy()
    linear[:, face.x + face.width // 2 :] *= planckian_gains(14_000)
    assert Warn.MIXED_LIGHT in _view(analyzer, _jpeg(encode(linear))).warnings


@pytest.mark.parametrize(
    "turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270]
)
def test_a_turned_photo_is_turned_back(analyzer: Analyzer, photos: Photos, turn: Image.Transpose) -> None:
    image = _open(photos.face)
    expected = _view(analyzer, _jpeg(image))
    turned = _view(analyzer, _jpeg(image.transpose(turn)))
    assert turned.personalColor == expected.personalColor
    box = expected.face
    left, top = {
        Image.Transpose.ROTATE_90: (box.y, image.width - box.x - box.width),
        Image.Transpose.ROTATE_180: (image.width - box.x - box.width, image.height - box.y - box.height),
        Image.Transpose.ROTATE_270: (image.height - box.y - box.height, box.x),
    }[turn]
    assert (turned.face.x, turned.face.y) == pytest.approx((left, top), abs=20)


@pytest.mark.parametrize(("share", "refused"), [(0.75, True), (0.45, False)])
def test_a_second_face_counts_when_it_is_over_three_fifths_as_wide(
    analyzer: Analyzer, photos: Photos, share: float, *, refused: bool
) -> None:
    image = _open(photos.face)
    other = image.resize((round(image.width * share), round(image.height * share)))
    both = Image.new("RGB", (image.width + other.width, image.height))
    both.paste(image, (0, 0))
    both.paste(other, (image.width, 0))
    if refused:
        with pytest.raises(PhotoError) as error:
            analyzer.analyze(_jpeg(both))
        assert error.value.code is Code.MULTIPLE_FACES
    else:
        assert analyzer.analyze(_jpeg(both))["personalColor"]


def test_one_photo_gets_one_season_whatever_its_format_and_size(analyzer: Analyzer, photos: Photos) -> None:
    image = _open(photos.face)
    seasons = {analyzer.analyze(photos.face)["personalColor"]}
    for kind, mode, width in (("PNG", "RGB", 910), ("JPEG", "CMYK", 910), ("JPEG", "RGB", 4200)):
        scaled = image.resize((width, width * image.height // image.width)).convert(mode)
        encoded = BytesIO()
        scaled.save(encoded, kind)
        seasons.add(analyzer.analyze(encoded.getvalue())["personalColor"])
    small = BytesIO()
    image.resize((640, 800)).save(small, "JPEG", quality=85)
    seasons.add(analyzer.analyze(small.getvalue())["personalColor"])
    assert len(seasons) == 1
