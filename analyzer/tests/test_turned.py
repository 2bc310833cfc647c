import numpy as np
import pytest
from PIL import Image

from app.vision.analysis import Analyzer
from app.vision.decode import Photo, decode
from app.vision.face import Face
from tests.conftest import Photos

_TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)


@pytest.mark.parametrize("name", ["face.jpg", "face-2.jpg", "face-3.jpg"])
@pytest.mark.parametrize("turn", _TURNS)
def test_a_face_that_lies_gets_the_answer_of_the_upright_one(
    analyzer: Analyzer, photos: Photos, name: str, turn: Image.Transpose
) -> None:
    upright = decode(photos.read(name))
    lying = Photo(upright.image.transpose(turn), upright.scale, upright.to_srgb)
    one, other = analyzer.read(upright), analyzer.read(lying)
    assert other.turn is not None
    assert other.verdict.season is one.verdict.season
    assert other.verdict.confidence == pytest.approx(one.verdict.confidence, abs=0.02)


def test_an_upright_face_is_looked_for_once(
    analyzer: Analyzer, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Image.Image] = []
    finder = analyzer._faces  # noqa: SLF001 - what finds the faces
    detect = finder.detect

    def counted(image: Image.Image, margin: int) -> list[Face]:
        looked.append(image)
        return detect(image, margin)

    monkeypatch.setattr(finder, "detect", counted)
    analyzer.read(decode(photos.face))
    assert len(looked) == 1


@pytest.mark.parametrize("name", ["face.jpg", "face-2.jpg", "face-3.jpg"])
def test_a_face_that_fills_the_picture_is_found(analyzer: Analyzer, photos: Photos, name: str) -> None:
    whole = decode(photos.read(name))
    points = analyzer.read(whole).points
    low, high = points.min(axis=0), points.max(axis=0)
    left, top, right, bottom = (float(value) for value in (*low, *high))
    close = whole.image.crop((int(left), int(top), int(right), int(bottom)))
    reading = analyzer.read(Photo(close, 1.0, whole.to_srgb))
    assert np.ptp(reading.points[:, 0]) > 0.7 * close.width
