"""Makes the files that the tests send: encoded, damaged, and hostile ones."""

import re
from collections.abc import Callable
from io import BytesIO
from typing import Any
from zlib import Z_FULL_FLUSH, adler32, compressobj, crc32

import pillow_heif
import pytest
from PIL import Image, ImageCms

from app.vision.problems import Code, PhotoError


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    encoded = BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(encoded, **options)
    else:
        image.save(encoded, kind, **options)
    return encoded.getvalue()


def open_rgb(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data)).convert("RGB")


def code_of(call: Callable[[], object]) -> Code:
    with pytest.raises(PhotoError) as error:
        call()
    return error.value.code


def png(width: int, height: int, depth: int, colour: int, row: bytes) -> bytes:
    """Writes a PNG of equal rows, of any bit depth and colour type, without holding its pixels."""
    packer = compressobj(9, wbits=-15)
    packed = packer.compress(b"\0" + row) + packer.flush(Z_FULL_FLUSH)  # stands alone, so may be repeated
    checksum = 1
    for _ in range(height):
        checksum = adler32(b"\0" + row, checksum)
    body = b"\x78\x01" + packed * height + packer.flush() + checksum.to_bytes(4, "big")
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([depth, colour, 0, 0, 0])
    chunks = [(b"IHDR", header), (b"IDAT", body), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4, "big") + name + data + crc32(name + data).to_bytes(4, "big")
        for name, data in chunks
    )


def png_with_chunk(
    data: bytes, name: bytes, body: bytes, checksum: int | None = None, place: int = 33
) -> bytes:
    """Puts a chunk into a PNG; by default after its header, and with a right checksum."""
    checksum = crc32(body, crc32(name)) if checksum is None else checksum
    chunk = len(body).to_bytes(4, "big") + name + body + checksum.to_bytes(4, "big")
    return data[:place] + chunk + data[place:]


def large_jpeg(image: Image.Image, width: int, height: int, quality: int) -> bytes:
    """Writes an upscaled picture as a baseline JPEG of any size, strip by strip, without holding its pixels.

    Each strip is a JPEG of its own with the same tables and a restart marker after every row of blocks: their
    scans, joined and numbered anew, are one scan (ITU-T T.81, E.1.4).
    """
    rows, head, scan, restarts = 512, b"", [], 0
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        box = (0, image.height * top / height, image.width, image.height * bottom / height)
        strip = image.resize((width, bottom - top), Image.Resampling.BILINEAR, box)
        data = encode(strip, "JPEG", quality=quality, restart_marker_rows=1)
        start = data.index(b"\xff\xda")
        head = head or data[:start]
        start += 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        for part in re.split(rb"\xff[\xd0-\xd7]", data[start:-2]):
            scan += [part, bytes([0xFF, 0xD0 + restarts % 8])]
            restarts += 1
        head_of_scan = data[data.index(b"\xff\xda") : start]
    frame = head.index(b"\xff\xc0") + 5
    head = head[:frame] + height.to_bytes(2, "big") + head[frame + 2 :]
    return head + head_of_scan + b"".join(scan[:-1]) + b"\xff\xd9"


def display_p3() -> bytes:
    """Gives an sRGB profile the primaries of Display P3 (SMPTE EG 432-1, adapted to D50)."""
    primaries = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    profile = bytearray(srgb_profile())
    for name, offset in _tags(profile):
        for part, value in enumerate(primaries.get(name, ())):
            place = offset + 8 + 4 * part
            profile[place : place + 4] = round(value * 65536).to_bytes(4, "big", signed=True)
    return bytes(profile)


def linear_srgb() -> bytes:
    """Gives an sRGB profile a straight tone curve: codes are linear light."""
    profile = bytearray(srgb_profile())
    for name, offset in _tags(profile):
        if name in {b"rTRC", b"gTRC", b"bTRC"}:
            profile[offset : offset + 12] = b"curv" + bytes(8)
    return bytes(profile)


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _tags(profile: bytearray) -> list[tuple[bytes, int]]:
    entries = [132 + 12 * index for index in range(int.from_bytes(profile[128:132], "big"))]
    return [
        (bytes(profile[entry : entry + 4]), int.from_bytes(profile[entry + 4 : entry + 8], "big"))
        for entry in entries
    ]
