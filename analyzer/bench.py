"""Measures the service on this machine: `python bench.py` prints one table, within a minute.

Starts an analyzer of its own with two slots, and sends it one real face as 12 MP JPEG of about 500 kB and in
other forms a client may choose. CPU is that of the accepting and all inference processes, from `/proc`; it
includes the whole request, HTTP to JSON. Other work on the machine makes the figures worse: the load average
before and after is printed with them. The photo: `scripts/fetch-photos.sh`.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image

_FOLDER: Final = Path(__file__).parent
_PHOTOS: Final = Path(os.environ.get("PHOTOS_DIR") or _FOLDER.parent / ".local" / "photos")
_SLOTS: Final = 2
_SEQUENTIAL: Final = 40
_PARALLEL_S: Final = 6.0
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_START_TIMEOUT_S: Final = 20.0
_KB_PER_MB: Final = 1024
_PHOTO_BYTES: Final = 510_000


class Client:
    """A keep-alive connection that costs as little as possible."""

    def __init__(self, port: int) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=20)

    def post(self, request: bytes) -> int:
        """Sends a whole request; returns the status, with the body read."""
        self._connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._connection.recv(1 << 16)
        head, _, body = answer.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split()[0])
        while len(body) < length:
            body += self._connection.recv(1 << 16)
        return int(head.split()[1])


class Service:
    """The analyzer under measurement."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.port = port
        self._pid = process.pid

    def processes(self) -> list[int]:
        """The accepting process, and then the inference processes."""
        children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()
        return [self._pid, *map(int, children)]

    def cpu_s(self) -> float:
        """Time that all processes have computed, in seconds."""
        stats = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.processes())
        return sum(int(stat[11]) + int(stat[12]) for stat in stats) / _TICKS_PER_S

    def memory_mb(self, field: str) -> list[int]:
        """A memory figure of every process, from its status."""
        statuses = (Path(f"/proc/{pid}/status").read_text() for pid in self.processes())
        return [int(status.split(field + ":")[1].split()[0]) // _KB_PER_MB for status in statuses]


def main() -> int:
    """Runs everything; returns 1 if the photo is missing or an answer was not a 200."""
    portrait = _PHOTOS / "face.jpg"
    if not portrait.is_file():
        sys.stderr.write(f"{portrait} is missing: run scripts/fetch-photos.sh\n")
        return 1
    forms = _forms(Image.open(portrait).convert("RGB"))
    before = os.getloadavg()[0]
    ok = True
    with _service() as service:
        _say(f"{'one client, one photo after the other':44}{'kB':>7}{'CPU ms':>9}{'ms':>8}{'p95 ms':>8}")
        for name, photo in forms.items():
            for kind, request in (("raw", _raw(photo)), ("form", _form(photo)))[
                : 2 if "12 MP" in name else 1
            ]:
                cpu, times, fine = _sequential(service, request, _SEQUENTIAL if "JPEG" in name else 10)
                ok &= fine
                median, slow = times[len(times) // 2], times[int(len(times) * 0.95)]
                label = f"{name}, {kind}"
                _say(f"{label:44}{len(photo) // 1000:7}{cpu:9.1f}{median:8.1f}{slow:8.1f}")
        _say()
        for clients in (1, _SLOTS, 2 * _SLOTS):
            rate, fine = _parallel(service, _raw(forms["12 MP JPEG"]), clients)
            ok &= fine
            _say(f"{f'12 MP JPEG, {clients} clients, {_SLOTS} slots':44}{rate:7.1f} answers/s")
        accepting, *inference = service.memory_mb("VmRSS")
        _, *peaks = service.memory_mb("VmHWM")
        _say(f"{'resident MB: accepting':44}{accepting:7}")
        _say(f"{'resident MB: inference, now (at most)':44}{max(inference):7} ({max(peaks)})")
    _say(f"{'load average before, after':44}{before:7.2f}, {os.getloadavg()[0]:.2f}")
    return 0 if ok else 1


def _sequential(service: Service, request: bytes, count: int) -> tuple[float, list[float], bool]:
    """CPU per request and each request's duration, both in ms; and whether all were answered with a 200."""
    client = Client(service.port)
    statuses = [client.post(request) for _ in range(3)]  # warms caches and allocator
    cpu = service.cpu_s()
    times = []
    for _ in range(count):
        started = time.perf_counter()
        statuses.append(client.post(request))
        times.append(1000 * (time.perf_counter() - started))
    return 1000 * (service.cpu_s() - cpu) / count, sorted(times), set(statuses) == {200}


def _parallel(service: Service, request: bytes, clients: int) -> tuple[float, bool]:
    """Answers per second, from that many clients that never pause."""
    end = time.perf_counter() + _PARALLEL_S

    def keep_asking(_: int) -> list[int]:
        client, statuses = Client(service.port), []
        while time.perf_counter() < end:
            statuses.append(client.post(request))
        return statuses

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        statuses = [status for got in threads.map(keep_asking, range(clients)) for status in got]
    return len(statuses) / (time.perf_counter() - started), set(statuses) == {200}


def _forms(portrait: Image.Image) -> dict[str, bytes]:
    large = _sized(portrait, 12e6)
    quality = next(q for q in range(75, 20, -3) if len(_encode(large, "JPEG", quality=q)) < _PHOTO_BYTES)
    return {
        "12 MP JPEG": _encode(large, "JPEG", quality=quality),
        "2 MP JPEG": _encode(_sized(portrait, 2e6), "JPEG", quality=80),
        "12 MP progressive JPEG": _encode(large, "JPEG", quality=quality, progressive=True),
        "12 MP WebP": _encode(large, "WEBP", quality=50, method=0),
        "2 MP PNG": _encode(_sized(portrait, 2e6), "PNG", compress_level=1),
    }


def _sized(image: Image.Image, pixels: float) -> Image.Image:
    scale = (pixels / (image.width * image.height)) ** 0.5
    size = (round(image.width * scale), round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def _encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    encoded = BytesIO()
    image.save(encoded, kind, **options)
    return encoded.getvalue()


def _raw(photo: bytes) -> bytes:
    return _request("image/jpeg", photo)


def _form(photo: bytes) -> bytes:
    start = b'--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n'
    return _request("multipart/form-data; boundary=b", start + photo + b"\r\n--b--\r\n")


def _request(content_type: str, body: bytes) -> bytes:
    head = f"POST /analyze-color HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


@contextmanager
def _service() -> Iterator[Service]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    env = {**os.environ, "ANALYZER_LISTEN": f"127.0.0.1:{port}", "ANALYZER_SLOTS": str(_SLOTS)}
    command = [sys.executable, "-m", "app"]
    with subprocess.Popen(command, cwd=_FOLDER, env=env, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            _wait_until(lambda: _is_ready(port))
            yield Service(process, port)
        finally:
            process.terminate()


def _is_ready(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            return connection.recv(100).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _START_TIMEOUT_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the analyzer did not become ready")
        time.sleep(0.05)


def _say(line: str = "") -> None:
    sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
