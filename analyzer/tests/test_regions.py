"""Regions of a face that are black, white, of one pixel, empty or out of the picture: no input is a failure.

The photo, the mesh and the irises are drawn at their limits; the analysis between the models and the wire
runs as it does for a request.
"""

import random
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pytest
from PIL import Image, ImageDraw

from app.analyze.schemas import AnalysisView
from app.vision.analysis import Analyzer
from app.vision.colour import hex_of, lab_of
from app.vision.decode import Photo, decode
from app.vision.face import Face, Iris, Points
from app.vision.icc import matrix_of_primaries
from app.vision.light import Light, correct, estimate
from app.vision.problems import PhotoError
from app.vision.quality import is_colourless
from app.vision.skin import BROWS, EYES, LIPS, SKIN
from tests.conftest import Photos
from tests.pictures import encode, open_rgb

_BLACK: Final = (0, 0, 0)
_WHITE: Final = (255, 255, 255)
_COLOURS: Final = (
    *(_BLACK, _WHITE, (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (0, 255, 255)),
    *((1, 0, 0), (0, 0, 1), (254, 255, 255), (249, 249, 249), (250, 0, 0)),
)
_RINGS: Final = {"cheeks": SKIN[:2], "forehead": SKIN[2:], "brows": BROWS, "eyes": EYES, "lips": LIPS}
_P3: Final = 12


@dataclass
class _Traced:
    """Stands in for the three models: a face, its mesh and its irises as they were drawn."""

    points: Points
    iris: Iris
    face: Face = field(init=False)

    def __post_init__(self) -> None:
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        width = max(70.0, float(high[0] - low[0]))
        eyes = self.points[[33, 263]]
        self.face = Face(1.0, float(low[0]), float(low[1]), float(low[0]) + width, float(high[1]), eyes)

    def detect(self, _image: Image.Image, _margin: int) -> list[Face]:
        return [self.face]

    def trace(self, _image: Image.Image, _face: Face) -> tuple[Points, float]:
        return self.points, 1.0

    def find_iris(self, _image: Image.Image, _points: Points, _corners: tuple[int, int]) -> Iris:
        return self.iris


@pytest.fixture(scope="module")
def portrait(analyzer: Analyzer, photos: Photos) -> tuple[Image.Image, Points]:
    reading = analyzer.read(decode(photos.face))
    return reading.photo.image, reading.points


def _assert_answered(analyzer: Analyzer, photo: Photo) -> bool:
    """Tells an answer, which must keep to its schema, from a refusal; anything else fails."""
    try:
        answer: dict[str, Any] = {"userId": None, **analyzer.answer(analyzer.read(photo))}
    except PhotoError:
        return False
    AnalysisView.model_validate(answer)
    return True


def _paint(image: Image.Image, points: Points, region: str, colour: tuple[int, int, int]) -> None:
    draw = ImageDraw.Draw(image)
    if region == "hair":
        top = float(points[:, 1].min())
        draw.rectangle((0, 0, image.width, top), fill=colour)
        return
    for ring in _RINGS[region]:
        outline = [(float(x), float(y)) for x, y in points[list(ring)]]
        draw.polygon(outline, fill=colour, outline=colour, width=5)


@pytest.mark.parametrize("region", [*_RINGS, "hair"])
@pytest.mark.parametrize("colour", [_BLACK, _WHITE, (255, 0, 0), (0, 0, 255)])
@pytest.mark.parametrize("primaries", [1, _P3])
def test_a_region_of_one_colour_is_no_failure(
    analyzer: Analyzer,
    portrait: tuple[Image.Image, Points],
    region: str,
    colour: tuple[int, int, int],
    primaries: int,
) -> None:
    image, points = portrait[0].copy(), portrait[1]
    _paint(image, points, region, colour)
    _assert_answered(analyzer, Photo(image, 1.0, matrix_of_primaries(primaries)))


def test_regions_masks_and_irises_at_their_limits_are_no_failure(
    analyzer: Analyzer, portrait: tuple[Image.Image, Points], monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(20)  # noqa: S311 - the same limits every time
    answered = 0
    for _ in range(400):
        image, points = portrait[0].copy(), portrait[1].copy()
        for region in dice.sample([*_RINGS, "hair"], dice.randint(0, 3)):
            _paint(image, points, region, dice.choice((_BLACK, *_COLOURS)))
        if dice.random() < 0.3:
            _letterbox(image, dice)
        points = _distorted(points, image.size, dice)
        x, y = (float(value) for value in points[dice.choice((33, 133, 467))])
        iris = Iris(x, y, dice.choice((0.0, 0.5, 9.0, 1e3)))
        monkeypatch.setattr(analyzer, "_faces", _Traced(points, iris))
        matrix = matrix_of_primaries(dice.choice((1, _P3)))
        answered += _assert_answered(analyzer, Photo(image, dice.choice((1.0, 9.3)), matrix))
    assert answered > 100


def _letterbox(image: Image.Image, dice: random.Random) -> None:
    """Bars at the edges, of any width, up to all of the picture but one row."""
    colour, height = (
        dice.choice(_COLOURS),
        dice.choice((1, image.height // 4, image.height // 2, image.height - 1)),
    )
    image.paste(colour, (0, 0, image.width, height) if dice.random() < 0.5 else (0, 0, height, image.height))


def _distorted(points: Points, size: tuple[int, int], dice: random.Random) -> Points:
    """A mesh of which some regions, or all, are beyond an edge, a few pixels, a line or a point."""
    distorted = points.copy()
    for region in dice.sample(sorted(_RINGS), dice.randint(0, 2)):
        _distort(distorted, sorted({point for ring in _RINGS[region] for point in ring}), size, dice)
    if dice.random() < 0.3:
        _distort(distorted, list(range(len(points))), size, dice)
    return distorted


def _distort(points: Points, which: list[int], size: tuple[int, int], dice: random.Random) -> None:
    centre = points[which].mean(axis=0)
    scale = dice.choice(((1, 1), (0.02, 0.02), (0.1, 0.1), (0, 1), (1, 0), (0, 0), (9, 9)))
    shift = dice.choice(((0, 0), (0, 0), (0.5, 0), (0, -0.5), (2, 0), (0, 2), (-2, -2), (0, 0.3)))
    points[which] = (points[which] - centre) * scale + centre + np.multiply(shift, size)


@pytest.mark.parametrize("kind", ["black bars", "white bars", "crushed", "one row of hair"])
@pytest.mark.parametrize("name", ["face.jpg", "face-2.jpg", "face-3.jpg"])
def test_film_stills_and_crushed_blacks_have_an_answer(
    analyzer: Analyzer, photos: Photos, name: str, kind: str
) -> None:
    image = open_rgb(photos.read(name))
    brow = round(
        float(analyzer.read(decode(photos.read(name))).points[105][1]) * decode(photos.read(name)).scale
    )
    if kind == "crushed":
        image = image.point([0 if code < 90 else code for code in range(256)] * 3)
    else:
        height = brow - image.height // 20 if kind != "one row of hair" else 1
        image.paste(_WHITE if kind == "white bars" else _BLACK, (0, 0, image.width, height))
        image.paste(_BLACK, (0, image.height - 60, image.width, image.height))
    assert _assert_answered(analyzer, decode(encode(image, "PNG")))


@pytest.mark.parametrize("linear", [(0, 0, 0), (1, 0, 0), (0, 0, 1), (1, 1, 1), (4, 1, 1), (1e-30, 0, 0)])
def test_a_colour_without_light_stays_black_in_any_light(linear: tuple[float, float, float]) -> None:
    colour = np.array(linear, dtype=np.float32)
    for light in (
        estimate(np.array([0.7, 0.4, 0.25], dtype=np.float32), None),
        estimate(colour, None),
        Light(np.array([1e-4, 1, 1e4], dtype=np.float32), 0, 0, 0),
    ):
        corrected = correct(colour, light)
        assert np.isfinite(corrected).all()
        assert len(hex_of(corrected)) == 7
        assert np.isfinite([lab_of(corrected).L, lab_of(corrected).hue]).all()
        if not colour.any():
            assert hex_of(corrected) == "#000000"


@pytest.mark.parametrize("green", [0, 255])
@pytest.mark.parametrize("side", [1, 8, 1024, 3000])
def test_tones_of_one_green_are_told_from_colour_at_any_size(green: int, side: int) -> None:
    pixels = np.zeros((side, 96, 3), dtype=np.uint8)
    pixels[..., 1] = green
    pixels[: (side + 1) // 2, :, 0] = 128
    assert is_colourless(pixels) is (side == 1)


def test_a_face_outside_the_picture_has_an_empty_box(
    analyzer: Analyzer, portrait: tuple[Image.Image, Points]
) -> None:
    reading = analyzer.read(Photo(portrait[0], 1.0, None))
    beyond = Face(1.0, 5000, 5000, 5100, 5100, reading.face.keypoints)
    for turn in (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270):
        outside = type(reading)(
            reading.photo, turn, beyond, reading.points, reading.skin, reading.verdict, reading.warnings
        )
        box = AnalysisView.model_validate({"userId": None, **analyzer.answer(outside)}).face
        assert (box.width, box.height) == (0, 0)


@pytest.mark.parametrize("name", ["face.jpg", "face-2.jpg", "face-3.jpg"])
@pytest.mark.parametrize("colour", [_BLACK, _WHITE])
def test_a_bar_over_the_forehead_is_not_taken_for_skin(
    analyzer: Analyzer, photos: Photos, name: str, colour: tuple[int, int, int]
) -> None:
    image = open_rgb(photos.read(name))
    whole = analyzer.read(decode(photos.read(name)))
    bar = round(float(whole.points[9][1]) * whole.photo.scale)
    image.paste(colour, (0, 0, image.width, bar))
    barred = analyzer.read(decode(encode(image, "PNG")))
    one, other = whole.skin.lab, barred.skin.lab
    assert (other.L, other.hue) == pytest.approx((one.L, one.hue), abs=4)
