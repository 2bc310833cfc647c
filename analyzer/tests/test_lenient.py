"""Files that are not quite by the book, but that browsers and phones show."""

import pytest
from PIL import Image, PngImagePlugin

from app.vision import jpeg
from app.vision.decode import decode
from app.vision.problems import Code
from tests.pictures import code_of, encode, png_with_chunk

_SIZE = (320, 240)
_RED = (200, 60, 60)


def _picture() -> Image.Image:
    return Image.new("RGB", _SIZE, _RED)


def _between_segments(data: bytes, junk: bytes, place: int) -> bytes:
    """Puts bytes before the segment of this number, counted from the first after the start of the image."""
    offset = 2
    for _ in range(place):
        offset += 2 + int.from_bytes(data[offset + 2 : offset + 4], "big")
    assert data[offset] == 0xFF
    return data[:offset] + junk + data[offset:]


@pytest.mark.parametrize(
    "junk",
    [
        b"\0",
        b"\0\0\0",
        b"\xff\xfe\0\2",  # an empty comment
        b"\xff\xfe\0\0",  # a comment shorter than its own length
        b"\xff\xe5\0\1",
        b"\xff\xff\xff",  # fill bytes
        b"\xff\0",  # a stuffed byte
        b"\xff\1",  # a marker without a length
        b"\xff\xd0",
        b"junk" * 2000,
    ],
)
@pytest.mark.parametrize("place", [1, 2, 4])
@pytest.mark.parametrize("progressive", [False, True])
def test_bytes_between_the_segments_of_a_jpeg_are_skipped(
    junk: bytes, place: int, *, progressive: bool
) -> None:
    data = _between_segments(encode(_picture(), "JPEG", quality=95, progressive=progressive), junk, place)
    photo = decode(data)
    assert photo.image.getpixel((99, 99)) == pytest.approx(_RED, abs=4)


def test_what_lies_between_the_segments_does_not_hide_what_decoding_costs() -> None:
    data = encode(_picture(), "JPEG", progressive=True)
    plain = jpeg.read_header(data)
    assert plain is not None
    for junk in (b"\0", b"\xff\xfe\0\0", b"\xff\0", b"\xff\xd0", b"\xff\xfe\0\1"):
        assert jpeg.read_header(_between_segments(data, junk, 1)) == plain


def test_a_jpeg_that_begins_with_megabytes_of_nothing_is_refused_at_once() -> None:
    data = encode(_picture(), "JPEG")
    for junk in (b"\0" * 2_000_000, b"\xff\0" * 1_000_000, b"\xff\xfe\0\2" * 500_000):
        assert code_of(lambda junk=junk: decode(_between_segments(data, junk, 1))) is Code.NOT_AN_IMAGE  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "body", "checksum"),
    [
        (b"tEXt", b"Software\0something", 1),
        (b"zTXt", b"Comment\0\0not compressed", None),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0not compressed", None),
        (b"tIME", b"\1", 1),
        (b"pHYs", b"\1", None),  # too short
        (b"acTL", b"", None),
        (b"fcTL", b"\0", None),
        (b"fdAT", b"\0\0\0\7", None),
        (b"gAMA", b"\0", None),
        (b"cHRM", b"\0", 3),
        (b"sRGB", b"", None),
        (b"iCCP", b"p\0\0junk", 3),
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_a_damaged_chunk_that_is_not_needed_spoils_no_png(
    name: bytes, body: bytes, checksum: int | None, *, last: bool
) -> None:
    data = encode(_picture(), "PNG")
    place = len(data) - 12 if last else 33
    photo = decode(png_with_chunk(data, name, body, checksum, place))
    assert photo.image.getpixel((99, 99)) == _RED


def test_a_png_may_hold_any_amount_of_text() -> None:
    text = PngImagePlugin.PngInfo()
    for number in range(3):
        text.add_text(f"workflow {number}", "x" * 900_000)
        text.add_text(f"packed {number}", "x" * 5_000_000, zip=True)
    photo = decode(encode(_picture(), "PNG", pnginfo=text))
    assert photo.image.getpixel((99, 99)) == _RED


def test_a_png_with_a_wrong_checksum_of_its_data_is_shown() -> None:
    data = encode(_picture(), "PNG")
    end = data.index(b"IEND") - 4
    assert decode(data[: end - 4] + bytes(4) + data[end:]).image.getpixel((99, 99)) == _RED


def test_a_png_without_data_is_no_image() -> None:
    data = encode(_picture(), "PNG")
    start = data.index(b"IDAT") - 4
    assert code_of(lambda: decode(data[:start] + data[-12:])) is Code.NOT_AN_IMAGE
    assert code_of(lambda: decode(data[:start])) is Code.NOT_AN_IMAGE
