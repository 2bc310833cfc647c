import numpy as np
import pytest
from PIL import Image

from app.vision.analysis import Analyzer, Reading
from app.vision.colour import linearise, luminance
from app.vision.decode import Photo, decode
from app.vision.influence import Cause, influences
from app.vision.planck import planckian_gains
from app.vision.skin import SKIN
from eval.perturb import encode
from tests.conftest import Photos

_TURNS = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)


def _effects(reading: Reading) -> dict[Cause, float]:
    return {one.cause: one.effect for one in influences(reading.skin, reading.trust)}


@pytest.mark.parametrize("name", ["face.jpg", "face-2.jpg", "face-3.jpg"])
def test_the_strongest_influence_comes_first(analyzer: Analyzer, photos: Photos, name: str) -> None:
    reading = analyzer.read(decode(photos.read(name)))
    effects = [one.effect for one in influences(reading.skin, reading.trust)]
    assert effects == sorted(effects, reverse=True)
    assert all(0.05 <= effect <= 1 for effect in effects)


def test_a_shadow_on_one_side_is_named(analyzer: Analyzer, photos: Photos) -> None:
    upright = decode(photos.read("face-2.jpg"))
    linear = linearise(np.asarray(upright.image))
    nose = int(analyzer.read(upright).points[1][0])
    linear[:, :nose] *= 0.35
    reading = analyzer.read(Photo(encode(linear), 1.0, None))
    assert Cause.SHADOW not in _effects(analyzer.read(upright))
    assert _effects(reading)[Cause.SHADOW] > 0.2


def test_the_lights_colour_is_named_the_more_the_stronger_it_is(analyzer: Analyzer, photos: Photos) -> None:
    linear = linearise(np.asarray(decode(photos.read("face-2.jpg")).image))
    lit = linear * planckian_gains(3800)
    reading = analyzer.read(Photo(encode(lit / luminance(planckian_gains(3800))), 1.0, None))
    assert _effects(reading)[Cause.LIGHT] > 0.05


def test_hair_over_the_forehead_is_named(analyzer: Analyzer, photos: Photos) -> None:
    upright = decode(photos.face)
    points = analyzer.read(upright).points
    forehead = points[list(SKIN[2])]
    left, top = forehead.min(axis=0)
    right, bottom = forehead.max(axis=0)
    image = upright.image.copy()
    box = (int(left), int(top), int(right), int(bottom))
    image.paste(image.crop(box).point([code // 3 for code in range(256)] * 3), box)
    assert Cause.FOREHEAD in _effects(analyzer.read(Photo(image, 1.0, None)))


@pytest.mark.parametrize("turn", _TURNS)
def test_regions_are_told_in_pixels_of_the_upright_original(
    analyzer: Analyzer, photos: Photos, turn: Image.Transpose | None
) -> None:
    upright = decode(photos.face)
    image = upright.image if turn is None else upright.image.transpose(turn)
    reading = analyzer.read(Photo(image, 2.0, upright.to_srgb))
    answer = analyzer.answer(reading)
    regions, face = answer["regions"], answer["face"]
    assert isinstance(regions, list)
    assert isinstance(face, dict)
    assert [region["name"] for region in regions] == ["RIGHT_CHEEK", "LEFT_CHEEK", "FOREHEAD"]
    assert all(region["measured"] for region in regions)
    for region in regions:
        x, y = np.mean(region["points"], axis=0)
        assert face["x"] - 0.3 * face["width"] < x < face["x"] + 1.3 * face["width"]
        assert face["y"] - 0.3 * face["height"] < y < face["y"] + 1.3 * face["height"]
        # Where it is, there is skin: the picture has about the colour that was measured.
        seen = np.asarray(image)[int(y / 2), int(x / 2)]
        assert seen == pytest.approx(
            np.asarray(upright.image)[_centre(analyzer, upright, region["name"])], abs=60
        )


def _centre(analyzer: Analyzer, photo: Photo, name: str) -> tuple[int, int]:
    ring = SKIN[["RIGHT_CHEEK", "LEFT_CHEEK", "FOREHEAD"].index(name)]
    x, y = analyzer.read(photo).points[list(ring)].mean(axis=0)
    return int(y), int(x)
