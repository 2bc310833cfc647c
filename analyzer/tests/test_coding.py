"""Photos whose codes are not sRGB's: primaries and curve are both heeded, or the photo is refused."""

import struct
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pillow_heif
import pytest
from PIL import Image

from app.vision import coding
from app.vision.analysis import Analyzer
from app.vision.colour import linearise
from app.vision.decode import decode
from app.vision.icc import matrix_of_chromaticities, matrix_of_primaries
from app.vision.problems import Code
from app.vision.skin import Skin
from tests.conftest import Photos
from tests.pictures import code_of, encode, open_rgb, png_with_chunk, srgb_profile

Light = npt.NDArray[np.float64]
Curve = Callable[[Light], Light]

_FACES: Final = ["face.jpg", "face-2.jpg", "face-3.jpg"]
_P3_PLACES: Final = (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
_SRGB_PLACES: Final = (0.3127, 0.3290, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)
_LUMINANCE: Final = np.array([0.2627, 0.6780, 0.0593])


def _pq(linear: Light) -> Light:
    """Codes of light of which 1 is 203 nits (ITU-R BT.2100)."""
    power = (linear * 203 / 10_000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def _hlg(linear: Light) -> Light:
    """Codes that a display of 1,000 nits turns into light of which 1 is 203 nits (ITU-R BT.2100)."""
    shown = linear * 0.203
    bright = np.maximum(shown @ _LUMINANCE, 1e-9)[..., np.newaxis]
    scene = np.clip(shown * bright ** (1 / 1.2 - 1), 0, 1)
    a = 0.17883277
    logarithm = a * np.log(np.maximum(12 * scene - (1 - 4 * a), 1e-9)) + 0.5 - a * np.log(4 * a)
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), logarithm)


def _gamma(exponent: float) -> Curve:
    return lambda linear: linear**exponent


@cache
def _linear(name: str, primaries: int = 1) -> Light:
    """A face in linear light of these primaries, where 1 is white."""
    image = open_rgb(Photos().read(name))
    image.thumbnail((560, 700))
    linear = linearise(np.asarray(image)).astype(np.float64)
    matrix = matrix_of_primaries(primaries)
    return linear if matrix is None else np.clip(linear @ np.linalg.inv(matrix.astype(np.float64)).T, 0, 1)


@cache
def _skin(analyzer: Analyzer, name: str) -> tuple[Skin, str]:
    reading = analyzer.read(decode(encode(_plain(name), "PNG")))
    return reading.skin, reading.verdict.season


def _plain(name: str) -> Image.Image:
    image = open_rgb(Photos().read(name))
    image.thumbnail((560, 700))
    return image


def _heic(codes: Light, **numbers: int) -> bytes:
    """A HEIC of ten bits."""
    words = np.round(codes * 65535).astype(np.uint16)
    size = (words.shape[1], words.shape[0])
    file = pillow_heif.from_bytes(mode="RGB;16", size=size, data=words.tobytes())
    return _saved(file, quality=90, **numbers)


def _saved(file: pillow_heif.HeifFile, **options: Any) -> bytes:
    buffer = BytesIO()
    file.save(buffer, **options)
    return buffer.getvalue()


def _png(codes: Light, *chunks: tuple[bytes, bytes], **options: Any) -> bytes:
    data = encode(Image.fromarray(np.round(codes * 255).astype(np.uint8)), "PNG", compress_level=1, **options)
    for name, body in chunks:
        data = png_with_chunk(data, name, body)
    return data


def _gama(value: int) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", value)


def _chrm(*places: float) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(place * 100_000) for place in places))


def _assert_same(analyzer: Analyzer, name: str, data: bytes) -> None:
    expected, season = _skin(analyzer, name)
    reading = analyzer.read(decode(data))
    assert reading.verdict.season == season
    one, other = expected.lab, reading.skin.lab
    assert (other.L, other.a, other.b) == pytest.approx((one.L, one.a, one.b), abs=1.2)


@pytest.mark.parametrize("name", _FACES)
@pytest.mark.parametrize(
    ("curve", "numbers"),
    [
        (_pq, (9, 16, 9)),
        (_pq, (12, 16, 6)),
        (_hlg, (9, 18, 9)),
        (_gamma(1 / 2.8), (1, 5, 6)),
        (_gamma(1), (12, 8, 6)),
    ],
)
def test_the_curve_of_a_heic_is_heeded(
    analyzer: Analyzer, name: str, curve: Curve, numbers: tuple[int, int, int]
) -> None:
    primaries, transfer, matrix = numbers
    data = _heic(
        curve(_linear(name, primaries)),
        color_primaries=primaries,
        transfer_characteristics=transfer,
        matrix_coefficients=matrix,
        full_range_flag=1,
    )
    _assert_same(analyzer, name, data)


@pytest.mark.parametrize("name", _FACES)
@pytest.mark.parametrize("gamma", [1.0, 1 / 1.8, 1 / 2.6])
def test_the_exponent_of_a_png_is_heeded(analyzer: Analyzer, name: str, gamma: float) -> None:
    _assert_same(analyzer, name, _png(_linear(name) ** gamma, _gama(round(gamma * 100_000))))


@pytest.mark.parametrize("name", _FACES)
def test_chromaticities_and_numbers_of_a_png_are_heeded(analyzer: Analyzer, name: str) -> None:
    p3 = _linear(name, 12)
    _assert_same(analyzer, name, _png(p3 ** (1 / 1.8), _gama(round(100_000 / 1.8)), _chrm(*_P3_PLACES)))
    _assert_same(analyzer, name, _png(_pq(p3), (b"cICP", bytes([12, 16, 0, 1]))))
    _assert_same(analyzer, name, _png(_hlg(_linear(name, 9)), (b"cICP", bytes([9, 18, 0, 1]))))


def test_numbers_in_a_profile_are_heeded(analyzer: Analyzer) -> None:
    data = _png(_pq(_linear("face.jpg", 9)), icc_profile=_profile_of_numbers(9, 16))
    _assert_same(analyzer, "face.jpg", data)


@pytest.mark.parametrize(
    "chunks",
    [
        [_gama(45455)],
        [_gama(45455), _chrm(*_SRGB_PLACES)],
        [_gama(0)],
        [_gama(100_000), (b"sRGB", b"\0")],
        [(b"cICP", bytes([1, 13, 0, 1])), _gama(100_000)],
        [_chrm(*[0.0] * 8)],
        [_chrm(0.3127, 0.3290, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3)],
        [_chrm(0.3127, 0.3290, 0.33, 0.33, 0.32, 0.33, 0.31, 0.32)],
    ],
)
def test_what_is_as_good_as_srgb_or_makes_no_sense_changes_nothing(chunks: list[tuple[bytes, bytes]]) -> None:
    codes = np.full((200, 200, 3), (216, 170, 142)) / 255
    photo = decode(_png(codes, *reversed(chunks)))
    assert photo.to_srgb is None
    assert photo.image.getpixel((9, 9)) == (216, 170, 142)


@pytest.mark.parametrize("transfer", [9, 10, 19, 255])
def test_a_curve_that_nobody_shows_is_refused(transfer: int) -> None:
    codes = np.full((200, 200, 3), 0.5)
    assert (
        code_of(lambda: decode(_png(codes, (b"cICP", bytes([1, transfer, 0, 1]))))) is Code.UNSUPPORTED_FORMAT
    )


def test_white_is_white_under_every_curve() -> None:
    for transfer, code in ((16, 0.5807), (18, 0.75), (8, 1.0), (4, 1.0)):
        convert = coding.of_numbers(9, transfer).convert
        grey = Image.new("RGB", (1, 1), (round(code * 255),) * 3)
        shown = grey if convert is None else convert(grey)
        assert shown.getpixel((0, 0)) == pytest.approx((255,) * 3, abs=3)
        black = Image.new("RGB", (1, 1))
        assert (black if convert is None else convert(black)).getpixel((0, 0)) == (0, 0, 0)


def test_the_matrix_of_display_p3_is_the_published_one() -> None:
    matrix = matrix_of_primaries(12)
    assert matrix is not None
    published = [[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]]
    assert matrix == pytest.approx(np.array(published), abs=0.001)
    assert matrix_of_chromaticities(*_SRGB_PLACES) is None


def _profile_of_numbers(primaries: int, transfer: int) -> bytes:
    """Replaces the description of an sRGB profile by numbers."""
    profile = bytearray(srgb_profile())
    profile[132:136] = b"cicp"
    offset = int.from_bytes(profile[136:140], "big")
    profile[offset : offset + 12] = b"cicp" + bytes(4) + bytes([primaries, transfer, 0, 1])
    return bytes(profile)
