"""Tells a file's format by its first bytes, from the one list that all programs of this project keep to.

The list is formats.json. Its `samples` are first bytes with the media types of their files: the api, the
command line, the client and the page must say the same of them.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_LIST: Final[Mapping[str, Any]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
_HEIF: Final[Mapping[str, Any]] = _LIST["heif"]
_BRAND: Final = 4
"""Bytes of a brand, and of each number before it."""
_FIRST_COMPATIBLE: Final = 16
"""Where a file's compatible brands begin, after its major brand and that one's version."""

MAX_PHOTO_BYTES: Final[int] = _LIST["maxBytes"]
ACCEPTED: Final[tuple[str, ...]] = tuple(photo["mediaType"] for photo in _LIST["photos"])
"""Media types of the formats that are analysed."""
SAMPLES: Final[Sequence[Mapping[str, str | None]]] = _LIST["samples"]


def media_type(data: bytes) -> str | None:
    """Gives the media type of a file, also of one that is not accepted; None if it is no image.

    What a client calls the file does not count.
    """
    head = data[: _LIST["headBytes"]]
    if head[_BRAND : 2 * _BRAND] == b"ftyp" and len(head) >= 3 * _BRAND:
        return _of_brands(head)
    for magic, found in _MAGIC:
        if all(head.startswith(expected, offset) for offset, expected in magic):
            return found
    return None


def _of_brands(head: bytes) -> str:
    """Tells HEIC from AVIF and from films, by brands (ISO/IEC 14496-12, 4.3; ISO/IEC 23008-12, 10).

    A file of a general brand says what it is among those that it is compatible with.
    """
    end = min(len(head), int.from_bytes(head[:_BRAND], "big"))
    major, *compatible = (
        head[offset : offset + _BRAND].decode("latin-1")
        for offset in (2 * _BRAND, *range(_FIRST_COMPATIBLE, end - _BRAND + 1, _BRAND))
    )
    found: str = _HEIF["other"]
    if major in _HEIF["brands"]:
        found = _HEIF["mediaType"]
    elif major in _HEIF["avifBrands"]:
        found = _HEIF["avif"]
    elif major in _HEIF["generalBrands"]:
        avif = not set(compatible).isdisjoint(_HEIF["avifBrands"])
        heic = not set(compatible).isdisjoint(_HEIF["brands"])
        found = _HEIF["avif"] if avif and not heic else _HEIF["mediaType"]
    return found


_MAGIC: Final[list[tuple[list[tuple[int, bytes]], str]]] = [
    ([(part["offset"], bytes.fromhex(part["hex"])) for part in kind["magic"]], kind["mediaType"])
    for kind in (*_LIST["photos"], *_LIST["refused"])
    if kind["magic"]
]
