"""Errors as `application/problem+json` (RFC 9457), with a stable machine-readable `code`."""

import json
from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from app.vision.problems import Code

_STATUS: Final[Mapping[str, int]] = {
    Code.IMAGE_TOO_LARGE: 413,
    Code.NOT_AN_IMAGE: 415,
    Code.UNSUPPORTED_FORMAT: 415,
}
"""Every other fault of a photo is a 422: it was understood, and has no answer."""

_TITLES: Final[Mapping[str, str]] = {
    Code.IMAGE_TOO_LARGE: "Image too large",
    Code.NOT_AN_IMAGE: "Not an image",
    Code.UNSUPPORTED_FORMAT: "Unsupported image format",
    Code.IMAGE_TOO_SMALL: "Image too small",
    Code.NO_FACE: "No face found",
    Code.MULTIPLE_FACES: "Several faces found",
    Code.FACE_TOO_SMALL: "Face too small",
    Code.TOO_DARK: "Too dark",
    Code.TOO_BRIGHT: "Overexposed",
    Code.GREYSCALE: "No colour in the photo",
    "INVALID_REQUEST": "Invalid request",
    "FILE_REQUIRED": "No photo in the request",
    "READ_TIMEOUT": "Upload too slow",
    "OVERLOADED": "All slots are busy",
    "NOT_READY": "Starting",
    "NOT_FOUND": "Not found",
    "METHOD_NOT_ALLOWED": "Method not allowed",
    "INTERNAL": "Internal error",
}


class ProblemError(Exception):
    """Ends a request with a problem document."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers


def photo_problem(code: str, detail: str) -> ProblemError:
    """Makes the problem for a photo's own fault; sending the same photo again is of no use."""
    return ProblemError(_STATUS.get(code, 422), code, detail)


def overloaded(retry_after_ms: int) -> ProblemError:
    """Makes the problem for a full queue, with the time to come back after."""
    headers = {"Retry-After-Ms": str(retry_after_ms), "Retry-After": str(-(-retry_after_ms // 1000))}
    return ProblemError(503, "OVERLOADED", "All slots are busy and the queue is full.", headers)


def internal() -> ProblemError:
    """Makes the problem for the analyzer's own fault; the photo may be sent again."""
    return ProblemError(500, "INTERNAL", "The analysis failed. Send the photo again.")


def problem_response(problem: ProblemError) -> Response:
    """Writes a problem as its document."""
    document = {
        "type": f"urn:toneup:problem:{problem.code.lower().replace('_', '-')}",
        "title": _TITLES[problem.code],
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
    }
    return Response(
        json.dumps(document),
        status_code=problem.status,
        media_type="application/problem+json",
        headers=problem.headers,
    )
