"""Decodes WebP at a fraction of its size, through the library that Pillow brings along.

Pillow itself decodes every WebP as an animation, with four copies of the whole picture: 790 MB for one of
49 MP. libwebp can shrink row by row while it decodes (`WebPDecoderOptions.use_scaling` in its `decode.h`),
which takes a few MB for a lossy picture and four bytes per pixel for a lossless one, and half the time.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from struct import unpack_from
from typing import Final

from PIL import Image, _webp

_ABI: Final = 0x0209
"""Version of the structures below (`WEBP_DECODER_ABI_VERSION`); libwebp refuses an incompatible one."""
_OK: Final = 0
_OUT_OF_MEMORY: Final = 1
_SUSPENDED: Final = 5
_LOSSLESS: Final = 2
_MODE_RGB: Final = 0
_MODE_RGBA: Final = 1
_RIFF_HEADER: Final = 12
_CHUNK_HEADER: Final = 8
_MAX_CHUNKS: Final = 100
_EXIF_PREFIX: Final = b"Exif\0\0"


class _Features(ctypes.Structure):
    _fields_ = [
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("has_alpha", ctypes.c_int),
        ("has_animation", ctypes.c_int),
        ("format", ctypes.c_int),
        ("pad", ctypes.c_uint32 * 5),
    ]


class _Pixels(ctypes.Structure):
    """`WebPRGBABuffer`, padded to the size of the union it is a part of."""

    _fields_ = [
        ("rgba", ctypes.c_void_p),
        ("stride", ctypes.c_int),
        ("size", ctypes.c_size_t),
        ("rest_of_yuva", ctypes.c_uint8 * 56),
    ]


class _Buffer(ctypes.Structure):
    _fields_ = [
        ("colorspace", ctypes.c_int),
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("is_external_memory", ctypes.c_int),
        ("pixels", _Pixels),
        ("pad", ctypes.c_uint32 * 4),
        ("private_memory", ctypes.c_void_p),
    ]


class _Options(ctypes.Structure):
    _fields_ = [
        ("bypass_filtering", ctypes.c_int),
        ("no_fancy_upsampling", ctypes.c_int),
        ("use_cropping", ctypes.c_int),
        ("crop", ctypes.c_int * 4),
        ("use_scaling", ctypes.c_int),
        ("scaled_width", ctypes.c_int),
        ("scaled_height", ctypes.c_int),
        ("use_threads", ctypes.c_int),
        ("dithering_strength", ctypes.c_int),
        ("flip", ctypes.c_int),
        ("alpha_dithering_strength", ctypes.c_int),
        ("pad", ctypes.c_uint32 * 5),
    ]


class _Config(ctypes.Structure):
    _fields_ = [
        ("input", _Features),
        ("output", _Buffer),
        ("options", _Options),
    ]


# A library's symbols are looked up in those it is linked to as well: this finds Pillow's own libwebp.
_lib: Final = ctypes.CDLL(_webp.__file__)
_lib.WebPGetFeaturesInternal.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_int)
_lib.WebPInitDecoderConfigInternal.argtypes = (ctypes.c_void_p, ctypes.c_int)
_lib.WebPDecode.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p)
_lib.WebPIDecode.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p)
_lib.WebPIDecode.restype = ctypes.c_void_p
_lib.WebPIAppend.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t)
_lib.WebPIDecGetRGB.argtypes = (ctypes.c_void_p, *[ctypes.c_void_p] * 4)
_lib.WebPIDecGetRGB.restype = ctypes.c_void_p
_lib.WebPIDelete.argtypes = (ctypes.c_void_p,)
if not _lib.WebPInitDecoderConfigInternal(ctypes.byref(_Config()), _ABI):
    raise ImportError("the libwebp that Pillow brings is not the one app.vision.webp was written for")


class WebPError(ValueError):
    """The file is no WebP, or a damaged one."""


@dataclass(frozen=True, slots=True)
class WebP:
    """What the header of a WebP file tells."""

    width: int
    height: int
    has_alpha: bool
    animated: bool
    lossless: bool
    icc_profile: bytes | None
    exif: bytes | None


def read_header(data: bytes) -> WebP:
    """Reads size, kind and metadata; decodes nothing. Raises `WebPError`."""
    features = _Features()
    if _lib.WebPGetFeaturesInternal(data, len(data), ctypes.byref(features), _ABI) != _OK:
        raise WebPError("no WebP header")
    chunks = _metadata(data)
    exif = chunks.get(b"EXIF")
    return WebP(
        features.width,
        features.height,
        bool(features.has_alpha),
        bool(features.has_animation),
        features.format == _LOSSLESS,
        chunks.get(b"ICCP"),
        exif.removeprefix(_EXIF_PREFIX) if exif else None,
    )


def decode_scaled(data: bytes, header: WebP, size: tuple[int, int]) -> Image.Image:
    """Decodes to a picture of `size`, RGBA if the file has an alpha channel, else RGB.

    Raises `WebPError` and `MemoryError`.
    """
    with _target(header, size) as (config, pixels):
        status = _lib.WebPDecode(data, len(data), ctypes.byref(config))
    if status == _OUT_OF_MEMORY:
        raise MemoryError("libwebp is out of memory")
    if status != _OK:
        raise WebPError(f"libwebp status {status}")
    return Image.frombuffer(_mode(header), size, pixels, "raw", _mode(header), 0, 1)


def decode_truncated(data: bytes, header: WebP, size: tuple[int, int]) -> tuple[Image.Image, int]:
    """Decodes what there is of a truncated file; gives the picture and how many of its rows were decoded.

    Raises `WebPError`.
    """
    with _target(header, size) as (config, pixels):
        decoder = _lib.WebPIDecode(None, 0, ctypes.byref(config))
        if not decoder:
            raise MemoryError("libwebp is out of memory")
        try:
            status = _lib.WebPIAppend(decoder, data, len(data))
            last = ctypes.c_int(0)
            started = _lib.WebPIDecGetRGB(decoder, ctypes.byref(last), None, None, None)
        finally:
            _lib.WebPIDelete(decoder)
    if status not in {_OK, _SUSPENDED} or not started:
        raise WebPError(f"libwebp status {status}")
    return Image.frombuffer(_mode(header), size, pixels, "raw", _mode(header), 0, 1), last.value


@contextmanager
def _target(header: WebP, size: tuple[int, int]) -> Iterator[tuple[_Config, bytearray]]:
    """Makes a decoder's configuration, and the pixels to which it writes a picture of `size`."""
    width, height = size
    stride = width * len(_mode(header))
    pixels = bytearray(stride * height)
    config = _Config()
    _lib.WebPInitDecoderConfigInternal(ctypes.byref(config), _ABI)
    config.options.use_scaling = int(size != (header.width, header.height))
    config.options.scaled_width, config.options.scaled_height = size
    config.output.colorspace = _MODE_RGBA if header.has_alpha else _MODE_RGB
    config.output.is_external_memory = 1
    memory = (ctypes.c_uint8 * len(pixels)).from_buffer(pixels)
    config.output.pixels.rgba = ctypes.addressof(memory)
    config.output.pixels.stride = stride
    config.output.pixels.size = len(pixels)
    yield config, pixels
    del memory


def _mode(header: WebP) -> str:
    return "RGBA" if header.has_alpha else "RGB"


def _metadata(data: bytes) -> dict[bytes, bytes]:
    """Finds the first ICCP and EXIF chunk (WebP container specification, "Extended file format")."""
    found: dict[bytes, bytes] = {}
    offset = _RIFF_HEADER
    for _ in range(_MAX_CHUNKS):
        if offset + _CHUNK_HEADER > len(data):
            break
        name, length = unpack_from("<4sI", data, offset)
        start = offset + _CHUNK_HEADER
        if name in {b"ICCP", b"EXIF"} and name not in found:
            found[name] = data[start : start + length]
        offset = start + length + length % 2
    return found
