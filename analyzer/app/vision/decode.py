"""Turns bytes of unknown origin into an upright RGB picture of bounded size, in bounded memory.

What decoding costs is predicted from the header (app.vision.budget). JPEG and WebP are shrunk by their
decoders; PNG and HEIC, whose decoders cannot, exist at full size once, and are shrunk by strips.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from math import ceil
from typing import Any, Final, Protocol

import pillow_heif
from PIL import Image, PngImagePlugin

from app.vision import budget, coding, damage, formats, heic, jpeg, png, webp
from app.vision.coding import Coding
from app.vision.colour import FloatArray
from app.vision.problems import Code, PhotoError
from app.vision.shrink import factor_of, rows_of, shrink

_CODE_BITS: Final = 8
_HALVED: Final = 420
"""Chroma subsampling 4:2:0, as libheif names it."""
_BLOCK_ROWS: Final = 16
"""Of a JPEG at full size, at most."""
_PADDINGS: Final = (0x00, 0xA5)
_MAX_MISSING: Final = 20_000_000
"""Bytes: more than a photo may have is no photo that was cut short."""

_ORIENTATION: Final = 0x0112
# EXIF 2.32, tag 0x0112: how to turn the stored picture upright.
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Image.preinit()  # JPEG and PNG; a JPEG of several pictures (MPO) comes with JPEG
pillow_heif.options.DECODE_THREADS = 1  # one core per slot; the pool decides how many work at once
pillow_heif.options.THUMBNAILS = False
pillow_heif.options.DEPTH_IMAGES = False
pillow_heif.options.AUX_IMAGES = False
Image.MAX_IMAGE_PIXELS = None  # its guard warns where app.vision.budget refuses, on the same header
PngImagePlugin.MAX_TEXT_MEMORY = PngImagePlugin.MAX_TEXT_CHUNK  # 1 MB: nobody reads it


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded photo."""

    image: Image.Image
    """RGB, upright."""
    scale: float
    """Pixels of the original photo per pixel of `image`, 1 or more."""
    to_srgb: FloatArray | None
    """From the photo's linear RGB to linear sRGB; None: they are the same."""
    lost: Image.Image | None = None
    """Of the size of `image`, white where the file ends before its pixels; None: it is whole."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """A picture as it was stored, but for its size and transparency."""

    image: Image.Image
    width: int
    """Pixels at full size."""
    to_srgb: FloatArray | None
    orientation: int = 1
    whole_rows: int | None = None
    """Rows of `image` that the file holds; None: all."""


class _Attempt(Protocol):
    """Decodes a file, which may be mended."""

    def __call__(self, data: bytes, *, mended: bool) -> _Stored: ...


def decode(data: bytes) -> Photo:
    """Decodes a jpeg, png, webp or heic photo; of an APNG, HEIC sequence or MPO, the first picture.

    Of a truncated one, what there is; `Photo.lost` tells the rest. Raises `PhotoError`: IMAGE_TOO_LARGE,
    IMAGE_TOO_SMALL, NOT_AN_IMAGE, UNSUPPORTED_FORMAT, DAMAGED, GREYSCALE.
    """
    try:
        with warnings.catch_warnings():  # of odd metadata; they are no fault of the photo's colours
            warnings.simplefilter("ignore")
            stored = _decoder(data)(data)
            return _upright(stored)
    except PhotoError:
        raise
    except MemoryError as error:  # the process is limited, see app.limits: it was a bomb
        raise PhotoError(Code.IMAGE_TOO_LARGE, "decoding takes too much memory") from error
    except Exception as error:  # decoders raise whatever their parsers trip over
        raise PhotoError(Code.NOT_AN_IMAGE, f"damaged: {type(error).__name__}") from error


def _upright(stored: _Stored) -> Photo:
    turn = _TURNS.get(stored.orientation)
    pictures = [stored.image]
    if stored.whole_rows is not None and stored.whole_rows < stored.image.height:
        if stored.whole_rows == 0:
            raise PhotoError(Code.DAMAGED, "the file ends before the picture begins")
        pictures.append(damage.mask(stored.image.size, stored.whole_rows))
    image, *lost = pictures if turn is None else [picture.transpose(turn) for picture in pictures]
    return Photo(image, stored.width / stored.image.width, stored.to_srgb, lost[0] if lost else None)


def _decoder(data: bytes) -> Callable[[bytes], _Stored]:
    kind = formats.media_type(data)
    if kind is None:
        raise PhotoError(Code.NOT_AN_IMAGE)
    if kind not in _DECODERS:
        raise PhotoError(Code.UNSUPPORTED_FORMAT, kind)
    return _DECODERS[kind]


def _decode_jpeg(data: bytes) -> _Stored:
    header = jpeg.read_header(data)
    if header is None:
        raise PhotoError(Code.NOT_AN_IMAGE, "no scan, or a header beyond all bounds")
    width, height = header.width, header.height
    factor = factor_of(width, height)
    # At 1/2, 1/4 or 1/8 of its size a JPEG is decoded at a fraction of the cost.
    reduction = max(power for power in (1, 2, 4, 8) if power <= factor)
    pixels = width * height
    shrunk = ceil(pixels / reduction**2)
    budget.check(width, height, budget.jpeg(pixels, shrunk, header.coefficient_bytes, header.scans))

    def attempt(data: bytes, *, mended: bool) -> _Stored:
        source = _open_by_pillow(data, "JPEG")
        source.draft("RGB", (width // factor, height // factor))
        source.load()
        rows = damage.rows_of_jpeg(source, ceil(_BLOCK_ROWS / reduction)) if mended else source.height
        profile = source.info.get("icc_profile")
        return _from_pillow(source, width, rows, coding.of_profile(profile, source.mode))

    return _twice(attempt, data, jpeg.mend)


def _decode_png(data: bytes) -> _Stored:
    def attempt(data: bytes, *, mended: bool) -> _Stored:
        source = _open_by_pillow(data, "PNG")
        width, height = source.size
        budget.check(width, height, budget.png(width * height, indexed=source.mode == "P"))
        described = png.described_by_chunks(data, source.info.get("icc_profile"))
        source.load()
        return _from_pillow(source, width, damage.rows_of_png(data, height) if mended else height, described)

    return _twice(attempt, data, png.mend)


def _twice(attempt: _Attempt, data: bytes, mend: Callable[[bytes], bytes]) -> _Stored:
    """Decodes what is by the book and whole; what is not, once it is mended, as far as it goes."""
    try:
        return attempt(data, mended=False)
    except (PhotoError, MemoryError):
        raise
    except Exception:  # noqa: BLE001 - Pillow raises whatever its parsers trip over
        with damage.truncation_allowed():
            return attempt(mend(data), mended=True)


def _open_by_pillow(data: bytes, kind: str) -> Image.Image:
    source = Image.open(BytesIO(data), formats=(kind,))
    _check_colour(source.mode)
    return source


def _from_pillow(source: Image.Image, full_width: int, whole_rows: int, described: Coding) -> _Stored:
    """Takes over a decoded picture, of which so many rows are there."""
    plain = source.mode == "RGB" and described.convert is None and "transparency" not in source.info
    factor = factor_of(*source.size)
    if plain and factor == 1:
        image: Image.Image = source
    else:
        image = shrink(source.size, source.mode, rows_of(source), described.convert)
    rows = None if whole_rows == source.height else whole_rows // factor
    return _Stored(image, full_width, described.to_srgb, _orientation(source.getexif), rows)


def _decode_webp(data: bytes) -> _Stored:
    header = webp.read_header(data)
    cost = budget.webp(header.width * header.height, lossless=header.lossless, alpha=header.has_alpha)
    budget.check(header.width, header.height, cost)
    if header.animated:
        raise PhotoError(Code.UNSUPPORTED_FORMAT, "animated WebP")
    factor = factor_of(header.width, header.height)
    size = ceil(header.width / factor), ceil(header.height / factor)
    rows = None
    try:
        small = webp.decode_scaled(data, header, size)
    except webp.WebPError:
        small, rows = webp.decode_truncated(data, header, size)
    described = coding.of_profile(header.icc_profile, "RGB")
    image = shrink(small.size, small.mode, rows_of(small), described.convert)
    return _Stored(image, header.width, described.to_srgb, _orientation(lambda: _exif(header.exif)), rows)


def _decode_heic(data: bytes) -> _Stored:
    missing = heic.missing_bytes(data)
    if not 0 < missing < _MAX_MISSING:
        return _decode_whole_heic(data)
    # What libheif makes of two paddings is the same where it needs neither.
    one, other = (_decode_whole_heic(data + bytes([padding]) * missing) for padding in _PADDINGS)
    return replace(one, whole_rows=damage.rows_alike(one.image, other.image))


def _decode_whole_heic(data: bytes) -> _Stored:
    file = pillow_heif.open_heif(data, convert_hdr_to_8bit=False, remove_stride=False)
    source = file[file.primary_index]
    _check_heic(source)
    _check_colour(source.mode)
    described = _described_by_boxes(source.info)
    pixels = memoryview(source.data)
    _check_heic(source)  # only decoding tells the true size
    stride, (mode, _, deep), (width, _) = source.stride, source.mode.partition(";"), source.size
    info: dict[str, Any] = source.info
    bits = int(info["bit_depth"])

    def rows(top: int, bottom: int) -> Image.Image:
        strip = pixels[top * stride : bottom * stride]
        if deep:
            return heic.rounded(strip, width, len(mode), stride, bits)
        return Image.frombuffer(mode, (width, bottom - top), bytes(strip), "raw", mode, stride, 1)

    image = shrink(source.size, mode, rows, described.convert)
    # The file's own turns are applied by the decoder; EXIF's are to be ignored (ISO/IEC 23008-12, annex A).
    return _Stored(image, width, described.to_srgb)


def _described_by_boxes(info: dict[str, Any]) -> Coding:
    profile, numbers = info.get("icc_profile"), info.get("nclx_profile")
    if profile or not numbers:
        return coding.of_profile(profile, "RGB")
    return coding.of_numbers(numbers["color_primaries"], numbers["transfer_characteristics"])


def _check_heic(source: pillow_heif.HeifImage) -> None:
    width, height = source.size
    info: dict[str, Any] = source.info
    deep, subsampled = info.get("bit_depth", _CODE_BITS) > _CODE_BITS, info.get("chroma") == _HALVED
    budget.check(width, height, budget.heic(width * height, deep=deep, subsampled=subsampled))


def _check_colour(mode: str) -> None:
    if mode.partition(";")[0] in {"1", "L", "I", "F", "LA", "La"}:
        raise PhotoError(Code.GREYSCALE, "no colour channels")


def _orientation(read: Callable[[], Image.Exif]) -> int:
    try:
        return int(read().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - metadata that cannot be read spoil no photo
        return 1


def _exif(raw: bytes | None) -> Image.Exif:
    exif = Image.Exif()
    if raw:
        exif.load(raw)
    return exif


_DECODERS: Final[Mapping[str, Callable[[bytes], _Stored]]] = {
    "image/jpeg": _decode_jpeg,
    "image/png": _decode_png,
    "image/webp": _decode_webp,
    "image/heic": _decode_heic,
}
"""One for each of `formats.ACCEPTED`."""
