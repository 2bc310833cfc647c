"""Reads the multipart body of a request: bounded in size, time and number, and never onto a disk."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from app.analyze.errors import ProblemError, photo_problem
from app.vision.problems import Code

MAX_PHOTO_BYTES: Final = 10 * 1024 * 1024
_MAX_BODY_BYTES: Final = MAX_PHOTO_BYTES + 64 * 1024
"""The photo, and room for the other field and the multipart framing."""
_MAX_FIELDS: Final = 10
_MAX_FIELD_BYTES: Final = 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """What a client sent."""

    user_id: int | str | None
    """Number or text, as it was sent; the service does not interpret it."""
    photo: bytes


class _MemoryParser(MultiPartParser):
    spool_max_size = _MAX_BODY_BYTES + 1  # Starlette would write photos over 1 MB to a temporary file


async def read_upload(request: Request, timeout_s: float) -> Upload:
    """Reads fields `user_id` and `file`.

    Raises `ProblemError` (400, 408, 413, 422) and `ClientDisconnect`.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise ProblemError(400, "INVALID_REQUEST", "Send multipart/form-data with a part named file.")
    if _declared_length(request) > _MAX_BODY_BYTES:
        raise _too_large()
    parser = _MemoryParser(
        request.headers,
        _bounded(request),
        max_files=1,
        max_fields=_MAX_FIELDS,
        max_part_size=_MAX_FIELD_BYTES,
    )
    try:
        async with asyncio.timeout(timeout_s):
            form = await parser.parse()
    except TimeoutError as error:
        detail = f"The photo did not arrive within {timeout_s:g} s."
        raise ProblemError(408, "READ_TIMEOUT", detail, {"Connection": "close"}) from error
    except MultiPartException as error:
        raise ProblemError(400, "INVALID_REQUEST", error.message) from error
    try:
        return _upload(form)
    finally:
        await form.close()


def _upload(form: FormData) -> Upload:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise ProblemError(422, "FILE_REQUIRED", "Send the photo as a file in a part named file.")
    photo = file.file.read()  # in memory, see _MemoryParser: does not block
    if len(photo) > MAX_PHOTO_BYTES:
        raise _too_large()
    return Upload(_user_id(form.get("user_id")), photo)


async def _bounded(request: Request) -> AsyncGenerator[bytes, None]:
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > _MAX_BODY_BYTES:
            raise _too_large()
        yield chunk


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


def _too_large() -> ProblemError:
    detail = f"The photo is larger than {MAX_PHOTO_BYTES // 1024**2} MB. Send a smaller one."
    return photo_problem(Code.IMAGE_TOO_LARGE, detail)


def _user_id(value: UploadFile | str | None) -> int | str | None:
    """Gives a number back as a number, but only one that reads the same afterwards: not 007."""
    if not isinstance(value, str) or not value:
        return None
    digits = value.removeprefix("-")
    number = digits.isascii() and digits.isdigit() and len(digits) < _MAX_DIGITS
    return int(value) if number and str(int(value)) == value else value


_MAX_DIGITS: Final = 19
"""What fits a signed 64-bit number."""
