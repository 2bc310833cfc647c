"""The outermost layer: every answer, errors included, carries the instance's headers and is logged."""

import logging
from time import monotonic
from typing import Final
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.analyze.service import Timing
from app.gate import Gate
from app.metrics import Metrics
from app.pool import Worker
from app.vision.version import MODEL_NAME, MODEL_VERSION

log = logging.getLogger("analyzer.http")

_QUIET: Final = {"/healthz", "/readyz", "/metrics"}
"""Probes ask every few seconds; their answers are worth a line only when one is looking for them."""


class Edge:
    """Adds the instance's headers (`X-Slots` to `X-Model`, see below), and keeps the log of answers."""

    def __init__(self, app: ASGIApp, gate: Gate[Worker], metrics: Metrics) -> None:
        self._app = app
        self._gate = gate
        self._metrics = metrics
        self._instance = uuid4().hex

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection's request, or the lifespan."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        timing = Timing()
        scope["timing"] = timing
        started, status = monotonic(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Slots"] = str(self._gate.slots)
                headers["X-Free"] = str(self._gate.free)
                headers["X-Waited-Ms"] = str(round(timing.waited_s * 1000))
                headers["X-Idle-Ms"] = f"{timing.idle_s * 1000:.1f}"
                headers["X-Instance"] = self._instance
                headers["X-Model"] = f"{MODEL_NAME}/{MODEL_VERSION}"
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            log.exception("request failed")  # answered with a 500 by a layer inside
        finally:
            if timing.outcome is not None:
                self._metrics.record(timing.outcome)
            fields = {
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "code": timing.outcome,
                "elapsed_ms": round((monotonic() - started) * 1000),
                "waited_ms": round(timing.waited_s * 1000),
                "service_ms": round(timing.service_s * 1000),
            }
            level = logging.DEBUG if scope["path"] in _QUIET else logging.INFO
            log.log(level, "answered", extra={"fields": fields})
