"""The inference processes: started, fed, timed, and replaced when they crash or hang."""

import asyncio
import json
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final

from app.gate import Gate
from app.wire import LENGTH, MAX_REPLY_BYTES, Reply

log = logging.getLogger("analyzer.pool")

_START_TIMEOUT_S: Final = 60.0
"""Loading takes a second on an idle core; a starting node may be far from idle."""
_STOP_TIMEOUT_S: Final = 2.0
_SETTLED_S: Final = 5.0
"""A process that lived this long did start; its replacement need not be held back."""
_MAX_PAUSE_S: Final = 10.0


class InferenceError(Exception):
    """The inference process crashed, hung or failed; the photo may be sent again."""


class Worker:
    """One inference process. Does one photo at a time; the gate sees to that."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None  # noqa: S101 - what PIPE promises, for the type checker
        assert process.stdout is not None  # noqa: S101
        self._process = process
        self._photos = process.stdin
        self._replies = process.stdout

    @classmethod
    async def start(cls) -> "Worker":
        """Starts a process and waits until its models are loaded and warm.

        Raises `InferenceError`.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app.inference",
            stdin=PIPE,
            stdout=PIPE,
            cwd=_ROOT,
            env=_environment(),
            limit=MAX_REPLY_BYTES,
        )
        worker = cls(process)
        try:
            await asyncio.wait_for(worker._receive(), _START_TIMEOUT_S)
        except BaseException as error:
            worker.kill()
            await process.wait()
            if isinstance(error, TimeoutError | EOFError | OSError | ValueError):
                raise InferenceError("inference process did not start") from error
            raise
        return worker

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def analyze(self, photo: Sequence[bytes | memoryview], timeout_s: float) -> Reply:
        """Has one photo, in pieces, analysed. After an error or a cancellation the process is dead.

        Raises `InferenceError`.
        """
        try:
            async with asyncio.timeout(timeout_s):
                # One gathering write of all the pieces: nothing is joined, so nothing is copied.
                self._photos.writelines([LENGTH.pack(sum(map(len, photo))), *photo])
                await self._photos.drain()
                reply: Reply = await self._receive()
        except TimeoutError as error:
            self.kill()
            raise InferenceError(f"inference took longer than {timeout_s:g} s") from error
        except (EOFError, OSError, ValueError) as error:
            self.kill()
            raise InferenceError("inference process died") from error
        except BaseException:
            self.kill()  # its reply would be taken for the next photo's
            raise
        return reply

    async def _receive(self) -> Reply:
        (length,) = LENGTH.unpack(await self._replies.readexactly(LENGTH.size))
        if length > MAX_REPLY_BYTES:
            raise ValueError("reply too long")
        reply: Reply = json.loads(await self._replies.readexactly(length))
        return reply

    async def ended(self) -> int:
        """Waits for the process to end; its return code, negative for a signal."""
        return await self._process.wait()

    def kill(self) -> None:
        """Ends the process at once, whatever it does."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> None:
        """Ends the process by closing its input, or by force if that does not help."""
        self._photos.close()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_TIMEOUT_S)
        except TimeoutError:
            self.kill()
            await self._process.wait()


class Pool:
    """Keeps as many inference processes alive as the gate has slots, and puts each to use there."""

    def __init__(self, gate: Gate[Worker]) -> None:
        self._gate = gate
        self._keepers: list[asyncio.Task[None]] = []
        self._alive: dict[Worker, None] = {}
        self._complete = False
        self.restarts = 0
        """Processes that ended unasked."""

    @property
    def ready(self) -> bool:
        """Every process was up and warm once, and at least one is now."""
        return self._complete and bool(self._alive)

    @property
    def pids(self) -> list[int]:
        """The process ids of those that are up, in order of their start."""
        return [worker.pid for worker in self._alive]

    def start(self) -> None:
        """Begins to start the processes; `ready` tells when all are up."""
        self._keepers = [asyncio.create_task(self._keep_one()) for _ in range(self._gate.slots)]

    async def stop(self) -> None:
        """Ends every process, within about two seconds."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    async def _keep_one(self) -> None:
        """Keeps one slot's process alive: starts it, waits for its end, starts another."""
        pause_s = 0.0
        while True:
            await asyncio.sleep(pause_s)
            started = monotonic()
            try:
                await self._run_one()
            except (InferenceError, OSError):
                log.exception("cannot start an inference process")
            # Back off only from processes that keep dying young.
            settled = monotonic() - started > _SETTLED_S
            pause_s = 0.0 if settled else min(_MAX_PAUSE_S, max(0.1, 2 * pause_s))

    async def _run_one(self) -> None:
        worker = await Worker.start()
        self._alive[worker] = None
        self._complete = self._complete or len(self._alive) == self._gate.slots
        self._gate.add(worker)
        log.info("inference process ready", extra={"fields": {"worker": worker.pid}})
        try:
            code = await worker.ended()
            self.restarts += 1
            log.error("inference process ended", extra={"fields": {"worker": worker.pid, "code": code}})
        finally:
            self._alive.pop(worker, None)
            self._gate.remove(worker)
            await worker.stop()


def _environment() -> dict[str, str]:
    """All that an inference process is told: no other variable of this one, which may hold secrets."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, **_ONE_THREAD}


_ROOT: Final = Path(__file__).parent.parent
"""Where `python -m` finds the package."""
_KEPT: Final = ("ANALYZER_LOG_LEVEL", "PYTHONDONTWRITEBYTECODE")
# More threads than slots would only make the processes fight for the cores.
_ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
