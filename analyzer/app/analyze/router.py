"""The routes: `POST /analyze-color`, and what probes ask."""

from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from app.analyze.errors import ProblemError
from app.analyze.schemas import AnalysisView, ProblemView
from app.analyze.service import AnalyzeService, DisconnectedError, Timing
from app.analyze.upload import read_upload
from app.config import Config
from app.pool import Pool

router = APIRouter()

_CLIENT_LEFT: Final = 499
"""Never seen by a client, only in our log: nginx's code for a request whose client has gone."""
_PROBLEM: Final[dict[str, Any]] = {"model": ProblemView, "content": {"application/problem+json": {}}}
_BODY: Final = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "user_id": {"type": "string"},
                    "file": {"type": "string", "format": "binary"},
                },
            }
        }
    },
}


@router.post(
    "/analyze-color",
    response_model=AnalysisView,
    responses=dict.fromkeys((400, 408, 413, 415, 422, 500, 503), _PROBLEM),
    openapi_extra={"requestBody": _BODY},
)
async def analyze_color(request: Request) -> Response:
    """Names the personal colour of the one face in a photo (jpeg, png, webp or heic; 10 MB, 50 MP)."""
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
        return Response(status_code=_CLIENT_LEFT)
    view = AnalysisView.model_validate({"userId": upload.user_id, **answer})
    return Response(view.model_dump_json(), media_type="application/json")


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
        raise ProblemError(503, "NOT_READY", "The models are being loaded.", {"Retry-After": "1"})
    return JSONResponse({"status": "ready"})


async def _disconnected(request: Request) -> None:
    """Returns when the client has closed the connection; its body has been read to the end."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
