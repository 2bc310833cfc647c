"""The season of whole photos, and what is told beside it."""

from io import BytesIO
from math import cos, radians, sin
from typing import Any, Final

import numpy as np
import pytest
from PIL import Image, ImageDraw

from app.analyze.schemas import AnalysisView
from app.vision.analysis import Analyzer
from app.vision.colour import FloatArray, Lab, lab_of, linearise
from app.vision.decode import decode
from app.vision.light import estimate
from app.vision.planck import XYZ_TO_SRGB, planckian_gains
from app.vision.problems import Code, PhotoError, Warn
from app.vision.season import light_log_odds, warm_log_odds
from eval.perturb import encode
from tests.conftest import Photos


def _jpeg(image: Image.Image) -> bytes:
    encoded = BytesIO()
    image.save(encoded, "JPEG", quality=95)
    return encoded.getvalue()


def _open(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data)).convert("RGB")


def _linear_of(lab: Lab) -> FloatArray:
    """The linear sRGB colour that has this place in Lab."""
    y = (lab.L + 16) / 116
    f = np.array([y + lab.a / 500, y, y - lab.b / 200])
    xyz = np.where(f > 6 / 29, f**3, (f - 16 / 116) / 7.787) * np.array([0.95047, 1.0, 1.08883])
    return np.asarray(XYZ_TO_SRGB @ xyz, dtype=np.float32)


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


def test_large_eyes_help_to_tell_the_light_and_small_ones_do_not(analyzer: Analyzer, photos: Photos) -> None:
    assert _view(analyzer, photos.face).light.source == "SKIN_AND_SCLERA"
    assert _view(analyzer, photos.read("face-2.jpg")).light.source == "SKIN"


def test_a_warmer_light_is_told(analyzer: Analyzer, photos: Photos) -> None:
    linear = linearise(np.asarray(_open(photos.face)))
    kelvins: list[float] = []
    for kelvin in (4500, 6504, 9000):
        light = _view(analyzer, _jpeg(encode(linear * planckian_gains(kelvin)))).light
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
    assert (turned.skin.L, turned.skin.hue) == pytest.approx((expected.skin.L, expected.skin.hue), abs=3)
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


_BAND: Final[dict[str, tuple[int, ...]]] = {
    "a fringe": (54, 10, 284, 300, 293, 334, 296, 336, 9, 107, 66, 105, 63, 70),
    "dark glasses": (70, 63, 105, 66, 107, 9, 336, 296, 334, 293, 300, 346, 348, 343, 6, 114, 119, 117),
    "a mask": (6, 128, 123, 147, 172, 150, 152, 379, 397, 376, 352, 357),
}
"""Mesh points around what is hidden."""


@pytest.mark.parametrize(
    ("name", "colour"),
    [("a fringe", (35, 25, 20)), ("dark glasses", (22, 22, 24)), ("a mask", (170, 205, 225))],
)
def test_what_hides_the_face_is_told(
    analyzer: Analyzer, photos: Photos, name: str, colour: tuple[int, int, int]
) -> None:
    reading = analyzer.read(decode(photos.face))
    assert Warn.OCCLUDED not in reading.warnings
    hidden = reading.photo.image.copy()
    outline = [(float(x), float(y)) for x, y in reading.points[list(_BAND[name])]]
    ImageDraw.Draw(hidden).polygon(outline, fill=colour)
    assert Warn.OCCLUDED in _view(analyzer, _jpeg(hidden)).warnings


@pytest.mark.parametrize("lightness", [45, 60, 75])
@pytest.mark.parametrize("chroma", [14, 22, 28])
def test_a_warmer_skin_is_never_judged_cooler(lightness: int, chroma: int) -> None:
    """From the colour of a skin to its probability, with all that is done about the light between."""
    odds: list[float] = []
    for hue in range(35, 81, 3):
        a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
        linear = _linear_of(Lab(lightness, a, b))
        odds.append(warm_log_odds(lab_of(linear / estimate(linear, None).factors)))
    assert odds == sorted(odds)


@pytest.mark.parametrize("hue", [45, 60, 75])
@pytest.mark.parametrize("chroma", [14, 22, 28])
def test_a_lighter_skin_is_never_judged_deeper(hue: int, chroma: int) -> None:
    odds: list[float] = []
    for lightness in range(35, 88, 3):
        linear = _linear_of(Lab(lightness, chroma * cos(radians(hue)), chroma * sin(radians(hue))))
        odds.append(light_log_odds(lab_of(linear / estimate(linear, None).factors)))
    assert odds == sorted(odds)
