"""Settings from the environment: read once, at start; each error names the variable and what it expects."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAX_SLOTS: Final = 64
_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}
_LOG_LEVELS: Final = ("debug", "info", "warning", "error")


class ConfigError(ValueError):
    """A setting the service cannot start with."""

    def __init__(self, name: str, expected: str, got: str) -> None:
        super().__init__(f"{name}: expected {expected}, got {got!r}")


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting of the analyzer; README and .env.example list them."""

    host: str
    port: int
    slots: int
    """Inference processes, 1..64."""
    timeout_s: float
    """An inference that takes longer is killed with its process."""
    read_timeout_s: float
    """A client that takes longer to send its photo is given up."""
    shutdown_grace_s: float
    """What is running may take this long to finish after SIGTERM."""
    log_level: str

    @property
    def waiters(self) -> int:
        """Requests that may wait for a slot: enough that no slot idles between two answers."""
        return max(2, self.slots)

    @property
    def max_uploads(self) -> int:
        """Bodies read at the same time; with 10 MB each, this bounds the memory of the accepting process."""
        return 4 * (self.slots + self.waiters)


def load_config(env: Mapping[str, str], cores: int) -> Config:
    """Reads the `ANALYZER_*` variables; `cores` is what ANALYZER_SLOTS=0 stands for.

    Raises `ConfigError`.
    """
    host, port = _address("ANALYZER_LISTEN", env.get("ANALYZER_LISTEN") or "127.0.0.1:28000")
    return Config(
        host=host,
        port=port,
        slots=_slots("ANALYZER_SLOTS", env.get("ANALYZER_SLOTS") or "0") or min(cores, MAX_SLOTS),
        timeout_s=_duration("ANALYZER_INFERENCE_TIMEOUT", env.get("ANALYZER_INFERENCE_TIMEOUT") or "10s"),
        read_timeout_s=_duration("ANALYZER_READ_TIMEOUT", env.get("ANALYZER_READ_TIMEOUT") or "15s"),
        shutdown_grace_s=_duration("ANALYZER_SHUTDOWN_GRACE", env.get("ANALYZER_SHUTDOWN_GRACE") or "15s"),
        log_level=_one_of("ANALYZER_LOG_LEVEL", env.get("ANALYZER_LOG_LEVEL") or "info", _LOG_LEVELS),
    )


def usable_cores(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Counts the cores this process may use: by its CPU affinity, and by the quota of its container."""
    allowed = len(os.sched_getaffinity(0))
    quota = _cgroup_quota(cgroup)
    return allowed if quota is None else max(1, min(allowed, round(quota)))


def _cgroup_quota(cgroup: Path) -> float | None:
    """Reads the CPU quota in cores from cgroup v2 or v1; None: no limit."""
    try:
        v2 = cgroup / "cpu.max"
        if v2.exists():
            quota, period = v2.read_text().split()
        else:
            quota = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        if quota in {"max", "-1"}:
            return None
        return int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None  # not in a cgroup we know: the affinity is all there is to go by


def _address(name: str, value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise ConfigError(name, "host:port, such as 127.0.0.1:28000", value)
    return host.removeprefix("[").removesuffix("]"), int(port)


def _slots(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value) <= MAX_SLOTS):
        raise ConfigError(
            name, f"a whole number from 0 to {MAX_SLOTS}, where 0 is one per usable core", value
        )
    return int(value)


def _duration(name: str, value: str) -> float:
    match = re.fullmatch(r"(\d{1,9})(ms|s|m)", value, re.ASCII)
    seconds = int(match[1]) * _UNIT_SECONDS[match[2]] if match else 0.0
    if not seconds:
        raise ConfigError(name, "a duration over zero with its unit, such as 500ms, 15s or 2m", value)
    return seconds


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ConfigError(name, "one of " + ", ".join(allowed), value)
    return value
