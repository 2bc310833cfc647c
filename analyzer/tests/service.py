"""Starts the real service, talks to it over HTTP, and does to its processes what an operator fears."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

_FOLDER = Path(__file__).parents[1]
_PATIENCE_S = 20.0


class Service:
    """A running service."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_PATIENCE_S)

    def analyze(self, photo: bytes, **fields: str) -> httpx.Response:
        return self.client.post("/analyze-color", data=fields, files={"file": ("photo", photo)})

    def analyze_raw(self, photo: bytes, **headers: str) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            "/analyze-color", content=photo, headers={"content-type": "image/jpeg", **names}
        )

    def metric(self, line: str) -> float:
        """The value behind a line of the metrics; 0 if there is no such line."""
        lines = dict(
            text.rsplit(" ", 1)
            for text in self.client.get("/metrics").text.splitlines()
            if not text.startswith("#")
        )
        return float(lines.get(line, 0))

    def peak_mb(self) -> float:
        """The most memory an inference process ever had in RAM, in MB."""
        statuses = (Path(f"/proc/{pid}/status").read_text() for pid in self.workers())
        return max(int(status.split("VmHWM:")[1].split()[0]) / 1024 for status in statuses)

    def workers(self) -> list[int]:
        """The process ids of the inference processes."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def load(self) -> tuple[int, int]:
        """Free slots and waiting requests."""
        state = self.client.get("/healthz").json()
        return state["free"], state["waiting"]

    def wait_until_idle(self) -> None:
        slots = self.client.get("/healthz").json()["slots"]
        wait_until(lambda: self.load() == (slots, 0))

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stops every inference process in its tracks: each slot stays busy for as long as the test needs."""
        workers = self.workers()
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in workers:
                with suppress(ProcessLookupError):  # the test may have killed it
                    os.kill(pid, signal.SIGCONT)


@contextmanager
def run_service(**settings: str) -> Iterator[Service]:
    """Runs the service on a free port; yields when it is ready."""
    port = _free_port()
    env = {**os.environ, "ANALYZER_LISTEN": f"127.0.0.1:{port}", **settings}
    command = [sys.executable, "-m", "app"]
    with subprocess.Popen(command, cwd=_FOLDER, env=env, stderr=subprocess.DEVNULL) as process:
        service = Service(process, port)
        try:
            wait_until(lambda: _is_ready(service))
            yield service
        finally:
            service.client.close()
            process.kill()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_ready(service: Service) -> bool:
    assert service.process.poll() is None, "the service did not start"
    try:
        return service.client.get("/readyz").is_success
    except httpx.TransportError:
        return False
