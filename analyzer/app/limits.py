"""What the kernel is asked to enforce on the processes that hold photos."""

import resource
from contextlib import suppress
from pathlib import Path
from typing import Final

HEADROOM_BYTES: Final = 256 * 1024**2
"""What one photo may add to a warm inference process: 235 MB where app.vision.budget is nearly used up."""
_KILL_FIRST: Final = 500


def forbid_core_dumps() -> None:
    """Keeps a crash from writing photos to a disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_memory() -> None:
    """Lets this process grow by `HEADROOM_BYTES` from now on; what asks for more gets a `MemoryError`.

    RLIMIT_DATA counts private writable memory, reserved or used (Linux, since 4.7), and no shared libraries.
    """
    limit = _private_bytes() + HEADROOM_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def offer_to_oom_killer() -> None:
    """Where memory runs out all the same, this process goes, not the one that holds the queue."""
    with suppress(OSError):  # not everywhere may a process write it
        Path("/proc/self/oom_score_adj").write_text(str(_KILL_FIRST))


def _private_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmData in /proc/self/status")
