"""The routes: `POST /analyze-color`, and what probes ask."""

from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from app.analyze.errors import ProblemError, language_of
from app.analyze.schemas import AnalysisView, ProblemView
from app.analyze.service import AnalyzeService, DisconnectedError, Timing
from app.analyze.upload import read_upload
from app.analyze.words import INFLUENCES, WARNINGS
from app.config import Config
from app.metrics import CONTENT_TYPE, Metrics
from app.pool import Pool
from app.vision.influence import Cause
from app.vision.problems import Warn

router = APIRouter()

ANALYZE_PATH: Final = "/analyze-color"

_CLIENT_LEFT: Final = 499
"""Never seen by a client, only in our log: nginx's code for a request whose client has gone."""
_PROBLEM: Final[dict[str, Any]] = {"model": ProblemView, "content": {"application/problem+json": {}}}
_BODY: Final = {
    "required": True,
    "content": {
        "image/*": {"schema": {"type": "string", "format": "binary"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "user_id": {"type": "string"},
                    "file": {"type": "string", "format": "binary"},
                },
            }
        },
    },
}


class AdviceView(BaseModel):
    """A warning in words."""

    code: Warn
    text: str = Field(description="What to do about it")


class ReasonView(BaseModel):
    """An influence in words."""

    code: Cause
    text: str = Field(description="What moved the answer")


class AnswerView(AnalysisView):
    """The answer to one photo, with its warnings and influences in the language asked for."""

    advice: list[AdviceView] = Field(description="One for each of `warnings`, in English or Korean")
    reasons: list[ReasonView] = Field(description="One for each of `influences`, in English or Korean")


@router.post(
    ANALYZE_PATH,
    response_model=AnswerView,
    responses=dict.fromkeys((400, 408, 413, 415, 422, 500, 503), _PROBLEM),
    openapi_extra={"requestBody": _BODY},
)
async def analyze_color(request: Request) -> Response:
    """Names the personal colour of the one face in a photo (jpeg, png, webp or heic; 10 MB).

    The body is the photo itself (`image/*`), or the original server's multipart form.
    """
    service: AnalyzeService = request.app.state.service
    config: Config = request.app.state.config
    timing: Timing = request.scope["timing"]
    try:
        service.begin_upload()
        try:
            upload = await read_upload(request, config.read_timeout_s)
        finally:
            service.end_upload()
        answer = await service.analyze(upload.photo, timing, lambda: _disconnected(request))
    except (ClientDisconnect, DisconnectedError):
        timing.outcome = "CLIENT_LEFT"
        return Response(status_code=_CLIENT_LEFT)
    timing.outcome = "OK"
    language = language_of(request)
    view = AnalysisView.model_validate({"userId": upload.user_id, **answer})
    advice = [AdviceView(code=code, text=WARNINGS[code][language]) for code in view.warnings]
    reasons = [ReasonView(code=one.code, text=INFLUENCES[one.code][language]) for one in view.influences]
    return Response(
        AnswerView.model_construct(**dict(view), advice=advice, reasons=reasons).model_dump_json(),
        media_type="application/json",
        headers={"Content-Language": language, "Vary": "Accept-Language"},
    )


@router.get("/healthz")
async def healthz(request: Request) -> JSONResponse:
    """Tells that the process is alive, and how busy."""
    gate = request.app.state.service.gate
    return JSONResponse({"status": "ok", "slots": gate.slots, "free": gate.free, "waiting": gate.waiting})


@router.get("/readyz", responses={503: _PROBLEM})
async def readyz(request: Request) -> JSONResponse:
    """Tells whether photos can be analysed now: every inference process has been up and warm."""
    pool: Pool = request.app.state.pool
    if not pool.ready:
        raise ProblemError(503, "NOT_READY", {"Retry-After": "1"})
    return JSONResponse({"status": "ready"})


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Tells what was counted, in Prometheus' text format."""
    counted: Metrics = request.app.state.metrics
    text = counted.render(request.app.state.service.gate, request.app.state.pool)
    return Response(text, media_type=CONTENT_TYPE)


async def _disconnected(request: Request) -> None:
    """Returns when the client has closed the connection; its body has been read to the end."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
