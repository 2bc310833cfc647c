"""The input gates, on made-up pixels and on real portraits made worse step by step."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFilter

from app.vision.analysis import Analyzer
from app.vision.decode import decode
from app.vision.problems import Code
from app.vision.quality import Pixels, check_usable, clipped_share, is_colourless, is_dark, sharpness
from tests.conftest import Photos
from tests.pictures import code_of, encode, open_rgb

Codes = npt.NDArray[np.float64]

_FACES = ["face.jpg", "face-2.jpg", "face-3.jpg"]


@dataclass
class _Box:
    left: float
    top: float
    right: float
    bottom: float


def _patch(red: int, green: int, blue: int) -> Pixels:
    return np.broadcast_to(np.array([red, green, blue], dtype=np.uint8), (60, 60, 3))


def _scene(seed: int = 1) -> Pixels:
    """Made-up pixels in colour, with detail."""
    return np.random.default_rng(seed).integers(60, 200, (60, 60, 3), dtype=np.uint8)


def _exposed(image: Image.Image, stops: float) -> Image.Image:
    """Multiplies the light."""
    codes = np.asarray(image) / 255
    light = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4) * 2**stops
    light = light.clip(0, 1)
    codes = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return Image.fromarray(np.round(codes * 255).astype(np.uint8))


def _sepia(image: Image.Image) -> Image.Image:
    grey = np.asarray(image.convert("L")) / 255
    return Image.fromarray(np.round(np.stack([grey**0.8, grey**0.95, grey**1.2], -1) * 255).astype(np.uint8))


def _face_in(analyzer: Analyzer, image: Image.Image) -> Image.Image:
    """The upright picture cut to the box of its face."""
    box = analyzer.analyze(encode(image, "JPEG", quality=95))["face"]
    assert isinstance(box, dict)
    return image.crop((box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]))


@pytest.mark.parametrize(("code", "dark"), [(20, True), (48, True), (52, False), (150, False)])
def test_dark_is_where_even_the_highlights_are(code: int, dark: bool) -> None:  # noqa: FBT001
    assert is_dark(_patch(code, code, code)) is dark


def test_clipping_counts_from_the_second_channel_on() -> None:
    assert clipped_share(_patch(255, 200, 180)) == 0
    assert clipped_share(_patch(255, 250, 180)) == 1


def test_one_tone_is_no_colour() -> None:
    assert is_colourless(_patch(120, 121, 119))
    assert is_colourless(np.asarray(_sepia(Image.fromarray(_scene()))))
    assert not is_colourless(_scene())


def test_a_blurred_scene_is_less_sharp() -> None:
    image = Image.fromarray(_scene())
    values = [
        sharpness(np.asarray(image.filter(ImageFilter.GaussianBlur(radius)))) for radius in (0, 0.4, 0.7, 1)
    ]
    assert values == sorted(values, reverse=True)
    assert sharpness(_patch(9, 9, 9)) == 0


def test_a_box_outside_the_picture_breaks_nothing() -> None:
    check_usable(Image.fromarray(_scene()), _Box(-50, -50, -10, -10))
    check_usable(Image.fromarray(_scene()), _Box(-5, -5, 200, 200))


@pytest.mark.parametrize("name", _FACES)
def test_real_portraits_pass_as_they_come_and_one_stop_off(
    analyzer: Analyzer, photos: Photos, name: str
) -> None:
    face = _face_in(analyzer, open_rgb(photos.read(name)))
    for image in (
        face,
        _exposed(face, -1),
        _exposed(face, 1),
        face.resize((face.width // 2, face.height // 2)),
        face.resize((face.width * 2, face.height * 2)),
        open_rgb(encode(face, "JPEG", quality=15)),
        face.filter(ImageFilter.GaussianBlur(face.width * 0.008)),
    ):
        check_usable(image, _Box(0, 0, image.width, image.height))


@pytest.mark.parametrize("name", _FACES)
def test_real_portraits_made_worse_are_refused(analyzer: Analyzer, photos: Photos, name: str) -> None:
    face = _face_in(analyzer, open_rgb(photos.read(name)))
    box = _Box(0, 0, face.width, face.height)
    worse = {
        Code.TOO_DARK: _exposed(face, -5),
        Code.TOO_BRIGHT: _exposed(face, 4.5),
        Code.GREYSCALE: _sepia(face),
        Code.BLURRED: face.filter(ImageFilter.GaussianBlur(face.width * 0.035)),
    }
    for code, image in worse.items():
        assert code_of(lambda image=image: check_usable(image, box)) is code  # type: ignore[misc]


@pytest.mark.parametrize(("stops", "code"), [(-6, Code.TOO_DARK), (6, Code.TOO_BRIGHT)])
def test_where_no_face_is_found_the_light_may_tell_why(photos: Photos, stops: float, code: Code) -> None:
    image = _exposed(open_rgb(photos.face), stops)
    assert code_of(lambda: check_usable(image, None)) is code


def test_a_photo_without_a_face_in_good_light_passes(photos: Photos) -> None:
    check_usable(decode(photos.read("no-face.jpg")).image, None)


@pytest.mark.parametrize("name", _FACES)
def test_a_blurred_photo_is_refused_as_a_whole(analyzer: Analyzer, photos: Photos, name: str) -> None:
    image = open_rgb(photos.read(name))
    width = _face_in(analyzer, image).width
    blurred = image.filter(ImageFilter.GaussianBlur(width * 0.035))
    assert code_of(lambda: analyzer.analyze(encode(blurred, "JPEG"))) is Code.BLURRED


_SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
"""As CSS defines it: red clips where white is."""
_LUMA = np.array([0.2126, 0.7152, 0.0722])


def _two_tones(dark: tuple[int, ...], light: tuple[int, ...], gain: float) -> Callable[[Codes], Codes]:
    return lambda codes: gain * (dark + (codes @ _LUMA)[..., np.newaxis] / 255 * np.subtract(light, dark))


@pytest.mark.parametrize("name", _FACES)
@pytest.mark.parametrize(
    "tone",
    [
        lambda codes: codes @ _SEPIA.T,
        lambda codes: 1.05 * codes @ _SEPIA.T,
        _two_tones((0, 0, 0), (280, 255, 217), 1),
        _two_tones((0, 0, 0), (383, 306, 230), 1),
        _two_tones((60, 0, 40), (255, 180, 150), 1),
        _two_tones((30, 20, 80), (255, 220, 120), 1.15),
    ],
    ids=["sepia", "sepia that clips", "tint", "tint that clips", "duotone", "duotone that clips"],
)
def test_a_photo_of_one_tone_is_colourless_whatever_clips(
    analyzer: Analyzer, photos: Photos, name: str, tone: Callable[[Codes], Codes]
) -> None:
    codes = np.asarray(open_rgb(photos.read(name)), dtype=np.float64)
    toned = Image.fromarray(np.clip(np.round(tone(codes)), 0, 255).astype(np.uint8))
    assert code_of(lambda: analyzer.analyze(encode(toned, "JPEG", quality=85))) is Code.GREYSCALE
