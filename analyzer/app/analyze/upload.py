"""Reads the photo out of a request: bounded in size, time and number of parts, and never onto a disk.

The photo stays in the pieces in which it came off the network; they are written to the inference process as
they are, so its bytes are not copied here.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.analyze.errors import ProblemError, invalid_request, photo_problem
from app.vision.formats import MAX_PHOTO_BYTES
from app.vision.problems import Code

_MAX_BODY_BYTES: Final = MAX_PHOTO_BYTES + 64 * 1024
"""The photo, and room for the other field and the multipart framing."""
_MAX_PARTS: Final = 10
_MAX_FIELD_BYTES: Final = 1024
_MAX_DIGITS: Final = 18
"""Of a user id that is taken for a number: what fits a signed 64-bit one."""

Chunks = list[memoryview]
"""A photo in pieces, in order."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What a client sent."""

    user_id: int | str | None
    """Number or text, as it was sent; the service does not interpret it."""
    photo: Chunks


async def read_upload(request: Request, timeout_s: float) -> Upload:
    """Reads a multipart body with parts `user_id` and `file`, or a body that is the photo itself.

    The latter (`Content-Type: image/*` or `application/octet-stream`, user id in `X-User-Id`) costs less.
    Raises `ProblemError` (400, 408, 413, 422) and `ClientDisconnect`.
    """
    content_type = request.headers.get("content-type", "")
    media_type, options = parse_options_header(content_type)
    if media_type == b"multipart/form-data" and (boundary := options.get(b"boundary")):
        reading = _read_form(request, boundary)
    elif media_type.startswith(b"image/") or media_type == b"application/octet-stream":
        reading = _read_raw(request)
    else:
        raise invalid_request("Send the photo as image/*, or multipart/form-data with a part named file.")
    try:
        async with asyncio.timeout(timeout_s):
            return await reading
    except TimeoutError as error:
        raise ProblemError(408, "READ_TIMEOUT", {"Connection": "close"}) from error


async def _read_raw(request: Request) -> Upload:
    _check_length(request, MAX_PHOTO_BYTES)
    photo: Chunks = []
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > MAX_PHOTO_BYTES:
            raise photo_problem(Code.IMAGE_TOO_LARGE)
        photo.append(memoryview(chunk))
    return Upload(_user_id(request.headers.get("x-user-id", "")), photo)


async def _read_form(request: Request, boundary: bytes) -> Upload:
    _check_length(request, _MAX_BODY_BYTES)
    form = _Form()
    received = 0
    try:
        parser = form.parser(boundary)
        async for chunk in request.stream():
            received += len(chunk)
            if received > _MAX_BODY_BYTES:
                raise photo_problem(Code.IMAGE_TOO_LARGE)
            if chunk:
                parser.write(chunk)
    except FormParserError as error:
        raise invalid_request("The multipart body is malformed.") from error
    if not form.complete:
        raise invalid_request("The multipart body ends early.")
    if form.photo is None:
        raise ProblemError(422, "FILE_REQUIRED")
    if sum(map(len, form.photo)) > MAX_PHOTO_BYTES:
        raise photo_problem(Code.IMAGE_TOO_LARGE)
    return Upload(_user_id(bytes(form.user_id).decode(errors="replace")), form.photo)


@dataclass(slots=True)
class _Form:
    """What the parser of one body finds; other parts than `file` and `user_id` are read and dropped."""

    photo: Chunks | None = None
    user_id: bytearray = field(default_factory=bytearray)
    complete: bool = False
    _parts: int = 0
    _name: bytes = b""
    _header: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)

    def parser(self, boundary: bytes) -> MultipartParser:
        """Makes the parser that fills this form."""
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._end_headers,
                "on_part_data": self._take,
                "on_end": self._end,
            },
        )

    def _begin_part(self) -> None:
        self._parts += 1
        self._name = b""
        if self._parts > _MAX_PARTS:
            raise FormParserError("too many parts")

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._name = options.get(b"name", b"")
        self._header.clear()
        self._value.clear()

    def _end_headers(self) -> None:
        if self._name == b"file":
            if self.photo is not None:
                raise FormParserError("two parts named file")
            self.photo = []

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._name == b"file" and self.photo is not None:
            self.photo.append(memoryview(data)[start:end])
        elif self._name == b"user_id":
            self.user_id += data[start:end]
            if len(self.user_id) > _MAX_FIELD_BYTES:
                raise FormParserError("user_id too long")

    def _end(self) -> None:
        self.complete = True


def _check_length(request: Request, most: int) -> None:
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > most:
        raise photo_problem(Code.IMAGE_TOO_LARGE)


def _user_id(value: str) -> int | str | None:
    """Gives a number back as a number, but only one that reads the same afterwards: not 007."""
    digits = value.removeprefix("-")
    number = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS
    return int(value) if number and str(int(value)) == value else value or None
