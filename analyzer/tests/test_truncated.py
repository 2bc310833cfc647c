"""Photos that end early: what there is is decoded, and refused only where the face is not in it."""

from functools import cache
from typing import Any, Final

import numpy as np
import pytest
from PIL import Image

from app.vision import png
from app.vision.analysis import Analyzer
from app.vision.damage import rows_of_png
from app.vision.decode import decode
from app.vision.face import Points
from app.vision.problems import Code, PhotoError
from tests.conftest import Photos
from tests.pictures import code_of, encode, open_rgb

_FORMS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "baseline": ("JPEG", {"quality": 90}),
    "progressive": ("JPEG", {"quality": 90, "progressive": True}),
    "PNG": ("PNG", {"compress_level": 1}),
    "WebP": ("WEBP", {"quality": 85}),
    "lossless WebP": ("WEBP", {"lossless": True, "quality": 0, "method": 0}),
    "HEIC": ("HEIF", {"quality": 85}),
}
_FACES: Final = ["face.jpg", "face-2.jpg", "face-3.jpg"]


_BACK: Final = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}


@cache
def _encoded(name: str, form: str, orientation: int = 1) -> bytes:
    image = open_rgb(Photos().read(name))
    image.thumbnail((720, 720))
    turn = _BACK[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    kind, options = _FORMS[form]
    return encode(image if turn is None else image.transpose(turn), kind, exif=exif.tobytes(), **options)


def _outcome(analyzer: Analyzer, data: bytes) -> object:
    try:
        return analyzer.analyze(data)["personalColor"]
    except PhotoError as error:
        return error.code


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("missing", [1, 2, 13, 0.02])
@pytest.mark.parametrize("name", _FACES)
def test_a_photo_less_its_last_bytes_gets_its_season(
    analyzer: Analyzer, form: str, missing: float, name: str
) -> None:
    data = _encoded(name, form)
    cut = missing if missing >= 1 else missing * len(data)
    assert _outcome(analyzer, data[: -int(cut)]) == analyzer.analyze(data)["personalColor"]


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("share", [0.25, 0.4, 0.6, 0.8])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_photo_less_its_end_is_damaged_or_gets_its_season(
    analyzer: Analyzer, form: str, share: float, orientation: int
) -> None:
    data = _encoded("face.jpg", form, orientation)
    season = analyzer.analyze(data)["personalColor"]
    # Scans that are missing leave a progressive JPEG blurred.
    fair = {season, Code.DAMAGED, Code.BLURRED} if form == "progressive" else {season, Code.DAMAGED}
    assert _outcome(analyzer, data[: int(share * len(data))]) in fair


@pytest.mark.parametrize("form", sorted(set(_FORMS) - {"progressive"}))
def test_where_the_face_is_not_in_the_file_the_photo_is_damaged(analyzer: Analyzer, form: str) -> None:
    data = _encoded("face.jpg", form)
    assert _outcome(analyzer, data[: len(data) // 4]) is Code.DAMAGED


@pytest.mark.parametrize("form", _FORMS)
def test_a_header_alone_is_no_photo(form: str) -> None:
    data = _encoded("face.jpg", form)
    assert code_of(lambda: decode(data[:60])) in {Code.NOT_AN_IMAGE, Code.DAMAGED}


@pytest.mark.parametrize("form", _FORMS)
def test_what_is_there_is_what_it_was_and_the_rest_is_told(form: str) -> None:
    data = _encoded("face.jpg", form)
    whole, part = decode(data), decode(data[: len(data) * 7 // 10])
    assert whole.lost is None
    if form == "progressive":  # its first scan is whole
        assert part.lost is None
        return
    assert part.lost is not None
    there = np.asarray(part.lost) == 0
    assert 0.2 < there.mean() < 0.95
    difference = np.asarray(whole.image, dtype=int) - np.asarray(part.image, dtype=int)
    assert np.abs(difference[there]).mean() < 0.5
    assert np.abs(difference[~there]).mean() > 5


def test_a_progressive_photo_whose_first_scan_ends_early_is_told() -> None:
    data = _encoded("face.jpg", "progressive")
    start = data.index(b"\xff\xda")
    end = data.index(b"\xff\xc4", start)
    lost = decode(data[: (start + end) // 2]).lost
    assert lost is not None
    assert 0.2 < (np.asarray(lost) > 0).mean() < 0.8


def test_a_photo_that_ends_in_the_tables_between_two_scans_is_decoded() -> None:
    data = _encoded("face.jpg", "progressive")
    tables = data.index(b"\xff\xc4", data.index(b"\xff\xda"))
    for cut in (1, 2, 3, 4, 10, 20):
        assert decode(data[: tables + cut]).lost is None


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK"])
def test_every_kind_of_picture_may_end_early(photos: Photos, mode: str) -> None:
    image = open_rgb(photos.face).convert(mode)
    data = encode(image, "JPEG" if mode == "CMYK" else "PNG")
    assert decode(data[:-30]).image.mode == "RGB"
    lost = decode(data[: len(data) * 7 // 10]).lost
    assert lost is not None
    assert lost.getextrema() == (0, 255)


def test_the_rows_of_an_interlaced_png_count_when_all_are_there() -> None:
    noise = np.random.default_rng(3).integers(0, 255, (3, 5, 3), dtype=np.uint8)
    plain = encode(Image.fromarray(noise), "PNG")
    header = bytearray(next(chunk.body for chunk in png.chunks(plain)))
    assert png.passes(bytes(header)) == [(3, 16)]
    header[12] = 1
    # 5 x 3 pixels: no column of the second pass is missing, no row of the third is there.
    assert png.passes(bytes(header)) == [(1, 4), (1, 4), (0, 7), (1, 4), (1, 10), (2, 7), (1, 16)]
    assert rows_of_png(plain, 3) == 3
    assert rows_of_png(plain[:50], 3) < 3


def test_a_face_at_the_edge_of_what_is_lost_is_damaged(analyzer: Analyzer, photos: Photos) -> None:
    reading = analyzer.read(decode(photos.face))
    points: Points = reading.points
    chin = int(points[:, 1].max() * reading.photo.scale)
    image = open_rgb(photos.face)
    rows = png.SIGNATURE + encode(image, "PNG", compress_level=0)[8:]
    row_bytes = 3 * image.width + 1
    for row, code in ((chin - 20, Code.DAMAGED), (chin + 60, None)):
        data = rows[: rows.index(b"IDAT") + int(row * row_bytes * 1.0005)]
        outcome = _outcome(analyzer, data)
        assert (outcome is Code.DAMAGED) is (code is Code.DAMAGED), (row, outcome)
