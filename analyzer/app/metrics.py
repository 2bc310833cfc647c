"""Counts what happens, and writes it in Prometheus' text format 0.0.4 for `GET /metrics`."""

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from app.gate import Gate
from app.pool import Pool, Worker

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS_S: Final = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Metrics:
    """The instance's counters; all calls come from one event loop."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()
        self._buckets = [0] * (len(_BUCKETS_S) + 1)
        self._inference_s = 0.0

    def record(self, outcome: str) -> None:
        """Counts one answered photo by `OK` or its problem's code."""
        self._outcomes[outcome] += 1

    def record_inference(self, elapsed_s: float) -> None:
        """Counts one reply of an inference process, whatever it said."""
        self._buckets[bisect_left(_BUCKETS_S, elapsed_s)] += 1
        self._inference_s += elapsed_s

    def render(self, gate: Gate[Worker], pool: Pool) -> str:
        """Writes everything, with what gate and pool know at the moment."""
        outcomes = [(f'code="{code}"', count) for code, count in sorted(self._outcomes.items())]
        memory = [('process="accepting"', resident_bytes(os.getpid()))]
        memory += [
            (f'process="inference",slot="{slot}"', resident_bytes(pid)) for slot, pid in enumerate(pool.pids)
        ]
        families = [
            _family("requests_total", "counter", "Photos answered, by OK or the problem's code.", outcomes),
            self._histogram(),
            _family("slots", "gauge", "Photos that can be analysed at once.", [("", gate.slots)]),
            _family("slots_up", "gauge", "Inference processes that are up and warm.", [("", len(pool.pids))]),
            _family("busy", "gauge", "Slots at work.", [("", max(0, len(pool.pids) - gate.free))]),
            _family("waiting", "gauge", "Requests that wait for a slot.", [("", gate.waiting)]),
            _family(
                "process_restarts_total", "counter", "Inference processes that ended.", [("", pool.restarts)]
            ),
            _family("resident_bytes", "gauge", "Memory in use.", memory),
        ]
        return "".join(line for family in families for line in family)

    def _histogram(self) -> Iterator[str]:
        name = "analyzer_inference_seconds"
        yield f"# HELP {name} From a photo's hand-over to an inference process to its reply.\n"
        yield f"# TYPE {name} histogram\n"
        total = 0
        for bound, count in zip((*map(str, _BUCKETS_S), "+Inf"), self._buckets, strict=True):
            total += count
            yield f'{name}_bucket{{le="{bound}"}} {total}\n'
        yield f"{name}_sum {self._inference_s}\n{name}_count {total}\n"


def resident_bytes(pid: int) -> int:
    """Memory of a process that is in RAM, shared pages included; 0 if it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except (OSError, IndexError):
        return 0


def _family(name: str, kind: str, text: str, samples: Iterable[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP analyzer_{name} {text}\n# TYPE analyzer_{name} {kind}\n"
    for labels, value in samples:
        yield f"analyzer_{name}{f'{{{labels}}}' if labels else ''} {value}\n"
