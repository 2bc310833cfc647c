"""Errors as `application/problem+json` (RFC 9457), with a stable machine-readable `code`."""

import json
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from app.analyze.words import PROBLEMS, Language, negotiate
from app.vision.problems import Code

_STATUS: Final[Mapping[str, int]] = {
    Code.IMAGE_TOO_LARGE: 413,
    Code.NOT_AN_IMAGE: 415,
    Code.UNSUPPORTED_FORMAT: 415,
}
"""Every other fault of a photo is a 422: it was understood, and has no answer."""


class ProblemError(Exception):
    """Ends a request with a problem document."""

    def __init__(
        self, status: int, code: str, headers: Mapping[str, str] | None = None, *, detail: str | None = None
    ) -> None:
        """Takes a `detail`, in English, only for what a developer did wrong; people get the code's words."""
        super().__init__(f"{code}: {detail}" if detail else code)
        self.status = status
        self.code = code
        self.headers = headers
        self.detail = detail


def photo_problem(code: str) -> ProblemError:
    """Makes the problem for a photo's own fault; sending the same photo again is of no use."""
    return ProblemError(_STATUS.get(code, 422), code)


def invalid_request(detail: str) -> ProblemError:
    """Makes the problem for a request that does not keep to the protocol."""
    return ProblemError(400, "INVALID_REQUEST", detail=detail)


def overloaded(retry_after_ms: int) -> ProblemError:
    """Makes the problem for a full queue, with the time to come back after."""
    headers = {"Retry-After-Ms": str(retry_after_ms), "Retry-After": str(-(-retry_after_ms // 1000))}
    return ProblemError(503, "OVERLOADED", headers)


def internal() -> ProblemError:
    """Makes the problem for the analyzer's own fault; the photo may be sent again."""
    return ProblemError(500, "INTERNAL")


def language_of(request: Request) -> Language:
    """Chooses the language of an answer; a header sent in several lines is one list."""
    return negotiate(",".join(request.headers.getlist("accept-language")))


def problem_response(problem: ProblemError, language: Language) -> Response:
    """Writes a problem as its document, in the language asked for."""
    told: Language = "en" if problem.detail else language
    words = PROBLEMS[problem.code][told]
    document = {
        "type": f"urn:toneup:problem:{problem.code.lower().replace('_', '-')}",
        "title": words.title,
        "status": problem.status,
        "detail": problem.detail or words.advice,
        "code": problem.code,
    }
    return Response(
        json.dumps(document, ensure_ascii=False),
        status_code=problem.status,
        media_type="application/problem+json",
        headers={**(problem.headers or {}), "Content-Language": told, "Vary": "Accept-Language"},
    )
