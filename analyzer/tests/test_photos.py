"""The analysis of whole photos, in this process."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from app.vision import budget
from app.vision.analysis import Analyzer
from app.vision.colour import lab_of, linearise
from app.vision.decode import decode
from app.vision.problems import Code, PhotoError, Warn
from app.vision.skin import robust_mean
from eval.perturb import encode
from tests.conftest import Photos

pillow_heif.register_heif_opener()


def _encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    encoded = BytesIO()
    image.save(encoded, kind, **options)
    return encoded.getvalue()


def _open(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data)).convert("RGB")


def _code(call: Callable[[], object]) -> Code:
    with pytest.raises(PhotoError) as error:
        call()
    return error.value.code


@pytest.mark.parametrize("name", ["face.jpg", "face-2.jpg", "face-3.jpg"])
def test_a_face_gets_an_answer_with_every_field(analyzer: Analyzer, photos: Photos, name: str) -> None:
    answer = analyzer.analyze(photos.read(name))
    assert set(answer) == {
        *("personalColor", "subtype", "undertone", "confidence", "skin"),
        *("contrast", "palette", "face", "warnings", "model"),
        *("runnerUp", "probabilities", "contrasts", "colours", "avoid", "light"),
        *("regions", "influences"),
    }


def test_the_same_photo_gets_the_same_answer(analyzer: Analyzer, photos: Photos) -> None:
    assert analyzer.analyze(photos.face) == analyzer.analyze(photos.face)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("WEBP", {"quality": 90}),
        ("HEIF", {"quality": 90}),
        ("JPEG", {"quality": 70, "progressive": True}),
    ],
)
def test_the_format_does_not_change_the_season(
    analyzer: Analyzer, photos: Photos, kind: str, options: dict[str, Any]
) -> None:
    expected = analyzer.analyze(photos.face)
    image = _open(photos.face)
    if kind == "HEIF":
        encoded = BytesIO()
        pillow_heif.from_pillow(image).save(encoded, **options)
        data = encoded.getvalue()
    else:
        data = _encode(image, kind, **options)
    assert analyzer.analyze(data)["personalColor"] == expected["personalColor"]


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_the_box_is_in_pixels_of_the_photo_whatever_its_size(
    analyzer: Analyzer, photos: Photos, scale: float
) -> None:
    image = _open(photos.face)
    resized = image.resize((round(image.width * scale), round(image.height * scale)))
    original, scaled = (analyzer.analyze(data) for data in (photos.face, _encode(resized, "JPEG")))
    assert scaled["personalColor"] == original["personalColor"]
    for side, value in _face(original).items():
        assert _face(scaled)[side] == pytest.approx(value * scale, abs=12 * scale)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_the_photo_upright(analyzer: Analyzer, photos: Photos, orientation: int) -> None:
    upright = _open(photos.face)
    back = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright if back is None else upright.transpose(back)
    expected, answer = (
        analyzer.analyze(data)
        for data in (_encode(upright, "JPEG", quality=95), _encode(stored, "JPEG", quality=95, exif=exif))
    )
    assert answer["personalColor"] == expected["personalColor"]
    for side, value in _face(expected).items():
        assert _face(answer)[side] == pytest.approx(value, abs=6)


def test_what_transparency_hides_is_not_measured(analyzer: Analyzer, photos: Photos) -> None:
    image = _open(photos.face).convert("RGBA")
    image.putalpha(0)
    assert _code(lambda: analyzer.analyze(_encode(image, "PNG"))) is Code.NO_FACE


def test_a_wide_gamut_profile_is_heeded() -> None:
    # Display P3 stores a skin's colour as codes nearer to grey than sRGB's.
    profile = _display_p3()
    flat = Image.new("RGB", (200, 200), (216, 170, 142))
    plain, tagged = (
        decode(_encode(flat, "PNG")),
        decode(_encode(flat, "PNG", icc_profile=profile)),
    )
    assert plain.to_srgb is None
    assert tagged.to_srgb is not None
    pixel = linearise(np.array([216, 170, 142], dtype=np.uint8))
    assert lab_of(tagged.to_srgb @ pixel).chroma > lab_of(pixel).chroma + 1


def test_an_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert decode(_encode(Image.new("RGB", (200, 200)), "PNG", icc_profile=profile)).to_srgb is None


@pytest.mark.parametrize("cut", [17, 130, 140])
def test_a_damaged_profile_is_ignored(cut: int) -> None:
    profile = _display_p3()[:cut]
    assert decode(_encode(Image.new("RGB", (200, 200)), "PNG", icc_profile=profile)).to_srgb is None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", Code.NOT_AN_IMAGE),
        (b"<html>", Code.NOT_AN_IMAGE),
        (b"\xff\xd8\xff\xe0 not a jpeg", Code.NOT_AN_IMAGE),
        (b"GIF89a......", Code.UNSUPPORTED_FORMAT),
        (b"\0\0\0\x20ftypavif....", Code.UNSUPPORTED_FORMAT),
    ],
)
def test_what_is_no_photo_is_named(data: bytes, code: Code) -> None:
    assert _code(lambda: decode(data)) is code


def test_a_bomb_is_refused_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    data = _encode(Image.new("RGB", (300, 200)), "PNG")
    monkeypatch.setattr(budget, "_MEMORY", 4 * 300 * 200 - 1)
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("it was decoded"))
    assert _code(lambda: decode(data)) is Code.IMAGE_TOO_LARGE


def test_a_tiny_photo_is_refused() -> None:
    assert _code(lambda: decode(_encode(Image.new("RGB", (119, 500)), "PNG"))) is Code.IMAGE_TOO_SMALL


@pytest.mark.parametrize("mode", ["L", "LA", "I;16", "1"])
def test_a_photo_without_colour_channels_is_greyscale(mode: str) -> None:
    assert _code(lambda: decode(_encode(Image.new(mode, (200, 200)), "PNG"))) is Code.GREYSCALE


def test_a_colourless_face_is_greyscale(analyzer: Analyzer, photos: Photos) -> None:
    grey = _open(photos.face).convert("L").convert("RGB")
    assert _code(lambda: analyzer.analyze(_encode(grey, "PNG"))) is Code.GREYSCALE


def test_no_face(analyzer: Analyzer, photos: Photos) -> None:
    assert _code(lambda: analyzer.analyze(photos.read("no-face.jpg"))) is Code.NO_FACE


def test_several_faces(analyzer: Analyzer, photos: Photos) -> None:
    assert _code(lambda: analyzer.analyze(photos.read("group.jpg"))) is Code.MULTIPLE_FACES


def test_a_face_too_small(analyzer: Analyzer, photos: Photos) -> None:
    image = _open(photos.face)
    image.thumbnail((200, 200))
    assert _code(lambda: analyzer.analyze(_encode(image, "PNG"))) is Code.FACE_TOO_SMALL


@pytest.mark.parametrize(("factor", "code"), [(0.04, Code.TOO_DARK), (4.0, Code.TOO_BRIGHT)])
def test_light_that_hides_the_skin(analyzer: Analyzer, photos: Photos, factor: float, code: Code) -> None:
    image = _open(photos.face).point(lambda value: round(min(255.0, value * factor)))
    # Too dark or bright for the detector is just as well an answer: the photo is refused either way.
    assert _code(lambda: analyzer.analyze(_encode(image, "PNG"))) in {code, Code.NO_FACE}


def test_a_face_cut_by_the_edge_is_told(analyzer: Analyzer, photos: Photos) -> None:
    image = _open(photos.face)
    face = _face(analyzer.analyze(photos.face))
    cut = image.crop((face["x"] + face["width"] // 4, 0, image.width, image.height))
    warnings = analyzer.analyze(_encode(cut, "JPEG", quality=95))["warnings"]
    assert isinstance(warnings, list)
    assert Warn.FACE_CUT in warnings


def test_warmer_light_makes_a_warmer_reading() -> None:
    patch = np.tile(np.array([200, 150, 125], dtype=np.uint8), (100, 1))
    hues = []
    for gain in (0.8, 0.9, 1.0, 1.1):
        lit = patch.copy()
        lit[:, 2] = np.round(patch[:, 2] / gain)
        hues.append(lab_of(robust_mean(linearise(lit))).hue)
    assert hues == sorted(hues)


def _face(answer: dict[str, object]) -> dict[str, int]:
    face = answer["face"]
    assert isinstance(face, dict)
    return face


def _display_p3() -> bytes:
    """Gives an sRGB profile the primaries of Display P3 (SMPTE EG 432-1, adapted to D50)."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    primaries = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    for index in range(int.from_bytes(profile[128:132], "big")):
        entry = 132 + 12 * index
        name = bytes(profile[entry : entry + 4])
        offset = int.from_bytes(profile[entry + 4 : entry + 8], "big")
        for part, value in enumerate(primaries.get(name, ())):
            place = offset + 8 + 4 * part
            profile[place : place + 4] = round(value * 65536).to_bytes(4, "big", signed=True)
    return bytes(profile)


def test_skin_whose_red_is_mostly_clipped_gets_an_unsure_answer(analyzer: Analyzer, photos: Photos) -> None:
    linear = linearise(np.asarray(_open(photos.face)))
    reading = analyzer.read(decode(_encode(encode(linear * np.float32(1.8)), "JPEG", quality=95)))
    assert reading.skin.clipped > 0.5
    assert Warn.TOO_BRIGHT in reading.warnings
    assert reading.verdict.confidence <= 0.7


def test_red_that_the_sensor_clipped_is_put_back(analyzer: Analyzer, photos: Photos) -> None:
    linear = linearise(np.asarray(_open(photos.face)))
    readings = [
        analyzer.read(decode(_encode(encode(linear * np.float32(gain)), "JPEG", quality=95)))
        for gain in (1, 1.35)
    ]
    assert readings[0].skin.clipped < 0.05
    assert readings[1].skin.clipped > 0.3
    one, other = (reading.skin.linear_seen for reading in readings)
    assert other / 1.35 == pytest.approx(one, rel=0.05)
