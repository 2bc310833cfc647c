import json
from pathlib import Path
from typing import Any

import pytest

from app.vision import decode as decoding
from app.vision import formats
from app.vision.decode import decode
from app.vision.problems import Code
from tests.conftest import Photos
from tests.pictures import code_of, encode, open_rgb

_LIST: dict[str, Any] = json.loads(Path(formats.__file__).with_suffix(".json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("sample", formats.SAMPLES, ids=lambda sample: sample["head"][:40])
def test_every_sample_is_what_the_list_says(sample: dict[str, str | None]) -> None:
    head = bytes.fromhex(sample["head"] or "")
    assert formats.media_type(head) == sample["mediaType"]
    if not head.endswith(b"ftyp"):
        assert formats.media_type(head + bytes(5000)) == sample["mediaType"]


@pytest.mark.parametrize("sample", formats.SAMPLES, ids=lambda sample: sample["head"][:40])
def test_what_is_told_is_what_is_decoded(
    sample: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = sample["mediaType"]
    monkeypatch.setattr(decoding, "_DECODERS", dict.fromkeys(formats.ACCEPTED, _decoded))
    data = bytes.fromhex(sample["head"] or "")
    if kind in formats.ACCEPTED:
        with pytest.raises(_DecodedError):
            decode(data)
    else:
        expected = Code.NOT_AN_IMAGE if kind is None else Code.UNSUPPORTED_FORMAT
        assert code_of(lambda: decode(data)) is expected


class _DecodedError(BaseException):
    """Ends a decoding where it would begin."""


def _decoded(_: bytes) -> None:
    raise _DecodedError


def test_every_accepted_format_has_a_decoder() -> None:
    assert set(decoding._DECODERS) == set(formats.ACCEPTED)  # noqa: SLF001 - what is tested


@pytest.mark.parametrize("brand", _LIST["heif"]["brands"] + _LIST["heif"]["generalBrands"])
def test_a_heic_of_every_brand_is_decoded(photos: Photos, brand: str) -> None:
    data = encode(open_rgb(photos.face).resize((200, 240)), "HEIF")
    assert decode(data[:8] + brand.encode() + data[12:]).image.size == (200, 240)


def test_the_list_keeps_to_itself() -> None:
    names = [name for photo in _LIST["photos"] for name in (photo["mediaType"], *photo["alsoSentAs"])]
    extensions = [extension for photo in _LIST["photos"] for extension in photo["extensions"]]
    assert len(set(names)) == len(names)
    assert len(set(extensions)) == len(extensions)
    assert all(name.startswith("image/") and name == name.lower() for name in names)
    assert _LIST["maxBytes"] == formats.MAX_PHOTO_BYTES
    kinds = {sample["mediaType"] for sample in formats.SAMPLES}
    told = {kind["mediaType"] for kind in (*_LIST["photos"], *_LIST["refused"])}
    assert kinds == told | {_LIST["heif"]["avif"], _LIST["heif"]["other"], None}
