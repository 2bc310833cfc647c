"""The steps of one request: a place in the queue, a slot, an answer."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from app.analyze.errors import internal, overloaded, photo_problem
from app.analyze.upload import Chunks
from app.gate import Gate, OverloadedError
from app.metrics import Metrics
from app.pool import InferenceError, Worker

log = logging.getLogger("analyzer.analyze")


class DisconnectedError(Exception):
    """The client left before its turn came."""


@dataclass(slots=True)
class Timing:
    """What one request has to tell about itself; filled in as it goes."""

    waited_s: float = 0.0
    service_s: float = 0.0
    idle_s: float = 0.0
    """How long its slot had been idle before."""
    outcome: str | None = None
    """`OK` or the problem's code; None: it was not about a photo."""


class AnalyzeService:
    """Leads photos through the gate to an inference process."""

    def __init__(self, gate: Gate[Worker], metrics: Metrics, timeout_s: float, max_uploads: int) -> None:
        self.gate = gate
        self._metrics = metrics
        self._timeout_s = timeout_s
        self._max_uploads = max_uploads
        self._uploads = 0

    def begin_upload(self) -> None:
        """Counts a body that is about to be read; `end_upload` must follow.

        Raises `ProblemError` (503) if its photo would find no place, or too many are being read.
        """
        with _refusing_overload():
            self.gate.check()
        if self._uploads >= self._max_uploads:
            raise overloaded(self.gate.retry_after_ms)
        self._uploads += 1

    def end_upload(self) -> None:
        """Ends what `begin_upload` began."""
        self._uploads -= 1

    async def analyze(
        self, photo: Chunks, timing: Timing, disconnected: Callable[[], Coroutine[None, None, None]]
    ) -> dict[str, object]:
        """Has one photo analysed as soon as a slot is free.

        Raises `ProblemError`, and `DisconnectedError` if `disconnected` returned while it was in line.
        """
        arrived = monotonic()
        try:
            worker = await self._wait_for_slot(timing, disconnected)
        finally:
            timing.waited_s = monotonic() - arrived
        started = monotonic()
        try:
            reply = await worker.analyze(photo, self._timeout_s)
        except InferenceError as error:
            # The slot comes back with the process that replaces this one.
            log.error("analysis lost", extra={"fields": {"reason": str(error), "worker": worker.pid}})  # noqa: TRY400
            raise internal() from error
        timing.service_s = monotonic() - started
        self._metrics.record_inference(timing.service_s)
        self.gate.record(timing.service_s)
        self.gate.add(worker)
        match reply["kind"]:
            case "answer":
                return reply["answer"]
            case "refusal":
                raise photo_problem(reply["code"])
            case "failure":
                raise internal()

    async def _wait_for_slot(
        self, timing: Timing, disconnected: Callable[[], Coroutine[None, None, None]]
    ) -> Worker:
        """Waits in line for as long as the client does."""
        with _refusing_overload():
            place = self.gate.join()
        if place.done():
            timing.idle_s = self.gate.idle_s
            return place.result()
        left = asyncio.create_task(disconnected())
        try:
            either: set[asyncio.Future[Any]] = {place, left}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self.gate.leave(place)
            raise
        finally:
            left.cancel()
        if not place.done():
            self.gate.leave(place)
            raise DisconnectedError
        return place.result()


@contextmanager
def _refusing_overload() -> Iterator[None]:
    try:
        yield
    except OverloadedError as error:
        raise overloaded(error.retry_after_ms) from error
