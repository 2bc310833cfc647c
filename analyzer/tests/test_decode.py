"""Every kind of file a phone, a website or an attacker may send."""

import random
import struct
from collections.abc import Callable
from zlib import crc32

import numpy as np
import pytest
from PIL import Image

from app.vision import decode as decoding
from app.vision import jpeg
from app.vision.analysis import Analyzer
from app.vision.decode import Photo, decode
from app.vision.problems import Code, PhotoError
from app.vision.shrink import WORK_SIDE
from tests.conftest import Photos
from tests.pictures import code_of, display_p3, encode, large_jpeg, linear_srgb, open_rgb, png, srgb_profile

_KINDS = ["JPEG", "PNG", "WEBP", "HEIF"]
_SIZE = (320, 240)
_CORNERS = {(0, 0): (220, 60, 60), (1, 0): (60, 200, 60), (0, 1): (70, 70, 210), (1, 1): (210, 200, 90)}
_BACK = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What a camera that writes this orientation did to the upright picture."""


def _flag(size: tuple[int, int] = _SIZE) -> Image.Image:
    """A picture with another colour in each corner."""
    image = Image.new("RGB", size)
    width, height = size[0] // 2, size[1] // 2
    for (x, y), colour in _CORNERS.items():
        image.paste(colour, (x * width, y * height, (x + 1) * width, (y + 1) * height))
    return image


def _assert_flag(photo: Photo, tolerance: int = 12) -> None:
    image = photo.image
    assert image.mode == "RGB"
    for (x, y), colour in _CORNERS.items():
        place = (image.width * (1 + 2 * x) // 4, image.height * (1 + 2 * y) // 4)
        assert image.getpixel(place) == pytest.approx(colour, abs=tolerance)


def _outcome(data: bytes) -> Code | None:
    """None: it was decoded. Any other error than a PhotoError fails the test."""
    try:
        decode(data)
    except PhotoError as error:
        return error.code
    return None


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_every_format_becomes_upright(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = _flag() if orientation == 1 else _flag().transpose(_BACK[orientation])
    photo = decode(encode(stored, kind, exif=exif.tobytes()))
    assert photo.image.size == _SIZE
    _assert_flag(photo)


def test_metadata_that_cannot_be_read_spoil_no_photo() -> None:
    for junk in (b"Exif\0\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0" + bytes(50)):
        _assert_flag(decode(encode(_flag(), "JPEG", quality=95, exif=junk)))
        _assert_flag(decode(encode(_flag(), "WEBP", exif=junk)))


@pytest.mark.parametrize("kind", _KINDS)
def test_a_large_photo_is_shrunk_to_what_is_needed(kind: str) -> None:
    photo = decode(encode(_flag((1600, 1500)), kind))
    assert WORK_SIDE <= min(photo.image.size) < 2 * WORK_SIDE
    assert photo.scale == pytest.approx(1600 / photo.image.width)
    _assert_flag(photo)


def test_a_very_long_photo_is_shrunk_by_its_area() -> None:
    photo = decode(encode(_flag((30_000, 600)), "PNG"))
    assert photo.image.width * photo.image.height <= 4_000_000
    _assert_flag(photo)


def test_cmyk_without_a_profile_is_the_complement_of_rgb() -> None:
    _assert_flag(decode(encode(_flag().convert("CMYK"), "JPEG", quality=95)))


def test_the_profile_of_a_cmyk_photo_is_heeded() -> None:
    cyan = Image.new("CMYK", _SIZE, (255, 0, 0, 0))
    photo = decode(encode(cyan, "JPEG", quality=95, icc_profile=_cmyk_profile()))
    # The profile calls pure cyan ink L* 50, a* 60, b* 40: a red.
    assert photo.image.getpixel((9, 9)) == pytest.approx((220, 55, 56), abs=12)


def test_a_profile_that_does_not_fit_the_photo_is_ignored() -> None:
    _assert_flag(decode(encode(_flag(), "JPEG", quality=95, icc_profile=_cmyk_profile())))
    cmyk = _flag().convert("CMYK")
    for profile in (srgb_profile(), _cmyk_profile()[:200], b"\0" * 300):
        _assert_flag(decode(encode(cmyk, "JPEG", quality=95, icc_profile=profile)))


@pytest.mark.parametrize("kind", _KINDS)
def test_a_profile_with_another_tone_curve_is_heeded(kind: str) -> None:
    grey = Image.new("RGB", _SIZE, (128, 128, 100))
    photo = decode(encode(grey, kind, icc_profile=linear_srgb()))
    assert photo.to_srgb is None
    assert photo.image.getpixel((9, 9)) == pytest.approx((188, 188, 168), abs=5)  # half the light


@pytest.mark.parametrize("kind", _KINDS)
def test_display_p3_is_a_matrix_in_every_format(kind: str) -> None:
    photo = decode(encode(_flag(), kind, icc_profile=display_p3()))
    assert photo.to_srgb is not None
    _assert_flag(photo)


def test_sixteen_bits_are_read_as_eight() -> None:
    row = b"".join(struct.pack(">3H", 210 << 8, 140 << 8 | 255, 90 << 8) for _ in range(200))
    assert decode(png(200, 150, 16, 2, row)).image.getpixel((3, 3)) == (210, 140, 90)


def test_what_is_transparent_is_a_neutral_grey() -> None:
    clear = _flag().convert("RGBA")
    clear.putalpha(0)
    index = _flag().quantize(8)
    for data in (
        encode(clear, "PNG"),
        encode(clear, "WEBP", lossless=True, exact=True),
        encode(clear, "HEIF", quality=90),
        encode(index, "PNG", transparency=bytes(8)),
        encode(Image.new("RGB", _SIZE, (9, 8, 7)), "PNG", transparency=(9, 8, 7)),
        encode(clear.resize((1500, 1500)), "PNG"),
    ):
        assert decode(data).image.getpixel((40, 40)) == pytest.approx((119, 119, 119), abs=3)


def test_what_is_opaque_keeps_its_colour() -> None:
    for data in (
        encode(_flag().convert("RGBA"), "PNG"),
        encode(_flag().quantize(8), "PNG"),
        encode(_flag().convert("RGBA"), "WEBP", quality=95),
        encode(_flag(), "JPEG", quality=95, progressive=True),
    ):
        _assert_flag(decode(data))


def test_the_name_and_type_a_client_gives_do_not_count() -> None:
    assert _outcome(encode(_flag(), "GIF")) is Code.UNSUPPORTED_FORMAT
    assert _outcome(encode(_flag(), "BMP")) is Code.UNSUPPORTED_FORMAT
    assert _outcome(encode(_flag(), "TIFF")) is Code.UNSUPPORTED_FORMAT
    animation = encode(_flag(), "WEBP", save_all=True, append_images=[_flag().rotate(90)])
    assert _outcome(animation) is Code.UNSUPPORTED_FORMAT
    assert _outcome(b"") is Code.NOT_AN_IMAGE
    assert _outcome(bytes(5000)) is Code.NOT_AN_IMAGE


@pytest.mark.parametrize("kind", [*_KINDS, "progressive", "CMYK"])
def test_damage_is_answered_wherever_it_is(kind: str) -> None:
    image = _flag().convert("CMYK") if kind == "CMYK" else _flag()
    data = encode(
        image, kind if kind in _KINDS else "JPEG", **{"progressive": True} if kind[0] == "p" else {}
    )
    dice = random.Random(kind)  # noqa: S311 - the same damage every time
    for kept in (12, 30, 60, 100, 200, 400):
        _outcome(data[:kept] + dice.randbytes(3000))
    for _ in range(150):
        broken = bytearray(data)
        for _ in range(dice.randint(1, 8)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        _outcome(bytes(broken))


def _png_header(width: int, height: int) -> bytes:
    """A PNG whose header promises what its data do not hold."""
    rest = png(1, 1, 8, 2, bytes(3))
    header = bytearray(rest[12:29])
    header[4:12] = struct.pack(">II", width, height)
    checksum = crc32(header).to_bytes(4, "big")
    return rest[:12] + bytes(header) + checksum + rest[33:]


def _jpeg_header(width: int, height: int, mode: str = "RGB", **options: object) -> bytes:
    """A JPEG whose header promises what its data do not hold."""
    data = bytearray(encode(Image.new(mode, (160, 160)), "JPEG", **options))
    frame = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def _progressive_header(width: int, height: int) -> bytes:
    return _jpeg_header(width, height, progressive=True)


def _webp_header(width: int, height: int) -> bytes:
    data = bytearray(encode(Image.new("RGB", (160, 160)), "WEBP"))
    data[26:30] = struct.pack("<HH", width, height)
    return bytes(data)


def _heic_header(width: int, height: int) -> bytes:
    data = encode(Image.new("RGB", (160, 160)), "HEIF")
    assert b"ispe" in data
    size = b"ispe" + bytes(4)
    start = data.index(size) + len(size)
    return data[:start] + struct.pack(">II", width, height) + data[start + 8 :]


@pytest.mark.parametrize(
    ("make", "fits", "exceeds"),
    [
        (_png_header, (8192, 6144), (9000, 7000)),  # RGB, four bytes per pixel
        (_webp_header, (16_383, 16_383), None),  # all that the format can say, shrunk by rows
        (_heic_header, (8192, 6144), (8200, 6500)),
        (_jpeg_header, (16_320, 12_240), (65_500, 65_500)),  # 4,300 MP of nothing take 3 s
        (_progressive_header, (8192, 6144), (12_000, 9000)),
    ],
)
def test_size_is_limited_by_what_decoding_takes(
    make: Callable[[int, int], bytes],
    fits: tuple[int, int],
    exceeds: tuple[int, int] | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _outcome(make(*fits)) is not Code.IMAGE_TOO_LARGE
    if exceeds is not None:
        beyond = make(*exceeds)
        monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("it was decoded"))
        monkeypatch.setattr(decoding, "shrink", lambda *_: pytest.fail("it was decoded"))
        assert _outcome(beyond) is Code.IMAGE_TOO_LARGE


@pytest.mark.parametrize("make", [_png_header, _webp_header])
def test_forty_nine_megapixels_that_are_not_there_are_no_image(make: Callable[[int, int], bytes]) -> None:
    assert _outcome(make(7000, 7000)) in {Code.NOT_AN_IMAGE, Code.DAMAGED}


def test_a_jpeg_that_ends_early_by_its_own_word_is_grey_from_there_on() -> None:
    assert decode(_jpeg_header(7000, 7000)).image.size == (875, 875)


def test_a_heic_whose_header_is_smaller_than_its_picture_is_checked_again() -> None:
    assert _outcome(_heic_header(130, 7000)) in {Code.NOT_AN_IMAGE, None}


def test_a_progressive_jpeg_is_refused_by_the_memory_its_coefficients_take() -> None:
    wide = {"progressive": True, "subsampling": 0}
    assert code_of(lambda: decode(_jpeg_header(7000, 7000, "RGB", **wide))) is Code.IMAGE_TOO_LARGE
    assert code_of(lambda: decode(_jpeg_header(7000, 7000, "CMYK", progressive=True))) is Code.IMAGE_TOO_LARGE
    several = jpeg.read_header(_jpeg_header(7000, 7000, progressive=True))
    assert several is not None
    assert several.coefficient_bytes == pytest.approx(7000 * 7000 * 3, rel=0.01)
    assert jpeg.read_header(_jpeg_header(7000, 6000)) == jpeg.Header(7000, 6000, 3, 1, 0)


def test_a_jpeg_of_a_thousand_scans_is_refused_by_the_time_they_take() -> None:
    for width, code in ((160, None), (6000, Code.IMAGE_TOO_LARGE)):
        data = _progressive_header(width, width)
        last = data.rindex(b"\xff\xda")
        assert _outcome(data[:-2] + data[last:-2] * 1000 + data[-2:]) is code


@pytest.mark.parametrize(("width", "height"), [(8160, 6144), (8192, 6144), (12_240, 16_320)])
def test_the_largest_that_phones_write_get_the_season_of_the_small(
    analyzer: Analyzer, photos: Photos, width: int, height: int
) -> None:
    image = open_rgb(photos.face)
    small = analyzer.analyze(encode(image.resize((width // 12, height // 12)), "JPEG", quality=90))
    large = analyzer.analyze(large_jpeg(image, width, height, 25))
    assert large["personalColor"] == small["personalColor"]


def test_running_out_of_memory_is_the_photos_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(decoding, "shrink", exhausted)
    assert _outcome(encode(_flag(), "WEBP")) is Code.IMAGE_TOO_LARGE


@pytest.mark.parametrize("name", ["face.jpg", "face-2.jpg"])
def test_one_photo_gets_one_season_however_it_is_stored(
    analyzer: Analyzer, photos: Photos, name: str
) -> None:
    image = open_rgb(photos.read(name))

    def sized(pixels: float) -> Image.Image:
        scale = (pixels / (image.width * image.height)) ** 0.5
        return image.resize((round(image.width * scale), round(image.height * scale)))

    small = image.copy()
    small.thumbnail((800, 800))
    forms = {
        "JPEG": encode(image, "JPEG", quality=90),
        "PNG": encode(image, "PNG", compress_level=1),
        "CMYK": encode(image.convert("CMYK"), "JPEG", quality=90),
        "22 MP": encode(sized(22e6), "JPEG", quality=80),
        "800 px": encode(small, "JPEG", quality=90),
        "WebP": encode(image, "WEBP", quality=90, method=0),
    }
    seasons = {form: analyzer.analyze(data)["personalColor"] for form, data in forms.items()}
    assert len(set(seasons.values())) == 1, seasons


def _cmyk_profile() -> bytes:
    """The smallest profile there is: the 16 corners of CMYK (ICC.1:2022, 10.10 `lut8Type`)."""
    grid = bytearray()
    for corner in range(16):
        cyan_only = corner == 0b1000
        lightness, a, b = (50, 60, 40) if cyan_only else (100 - 25 * corner.bit_count(), 0, 0)
        grid += bytes([round(lightness * 2.55), a + 128, b + 128])
    ramp = bytes(range(256))
    unit = b"".join(struct.pack(">i", 65536 * (place % 4 == 0)) for place in range(9))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + unit + ramp * 4 + bytes(grid) + ramp * 3
    table += bytes(-len(table) % 4)
    total = 128 + 4 + 12 + len(table)
    header = bytearray(128)
    header[0:4] = total.to_bytes(4, "big")
    header[8:12] = bytes([2, 0x40, 0, 0])
    header[12:24] = b"prtrCMYKLab "
    header[36:40] = b"acsp"
    header[68:80] = struct.pack(">3i", 63190, 65536, 54061)  # D50
    return bytes(header) + struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table


def test_pixels_are_not_shared_between_photos() -> None:
    first = decode(encode(_flag(), "WEBP"))
    before = np.asarray(first.image).copy()
    decode(encode(Image.new("RGB", _SIZE), "WEBP"))
    assert (np.asarray(first.image) == before).all()
