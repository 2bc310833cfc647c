"""An inference process that keeps to its protocol no more."""

import asyncio
from pathlib import Path

import pytest

from app import pool
from app.pool import InferenceError, Worker

_READY = """
import os, struct, sys, time
def say(body):
    sys.stdout.buffer.write(struct.pack(">I", len(body)) + body)
    sys.stdout.flush()
def hear():
    (length,) = struct.unpack(">I", sys.stdin.buffer.read(4))
    return sys.stdin.buffer.read(length)
say(b'{"ready": true}')
"""
_DEATHS = {
    "ends before it reads": "",
    "ends in the middle of the photo": "sys.stdin.buffer.read(100)",
    "ends without a reply": "hear()",
    "ends in the middle of a reply": "hear(); os.write(1, b'\\0\\0\\0\\x09{')",
    "fails": "hear(); raise SystemExit(3)",
    "says no JSON": "hear(); say(b'{'); time.sleep(60)",
    "says too much": "hear(); os.write(1, b'\\xff' * 9); time.sleep(60)",
    "closes its output and lives": "hear(); os.close(1); time.sleep(60)",
    "closes its input and lives": "os.close(0); time.sleep(60)",
    "hangs": "hear(); time.sleep(60)",
    "hangs before it reads": "time.sleep(60)",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the program of the inference processes lies."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").touch()
    monkeypatch.setattr(pool, "_ROOT", tmp_path)
    return tmp_path / "app" / "inference.py"


@pytest.mark.parametrize("death", _DEATHS.values(), ids=_DEATHS)
def test_every_way_to_die_or_hang_is_an_error_of_this_photo_and_ends_the_process(
    root: Path, death: str
) -> None:
    root.write_text(f"{_READY}{death}\n")

    async def die() -> None:
        worker = await Worker.start()
        with pytest.raises(InferenceError):
            await worker.analyze([bytes(1_000_000)], timeout_s=1)
        await asyncio.wait_for(worker.ended(), 5)

    asyncio.run(die())


@pytest.mark.parametrize("death", ["raise SystemExit(1)", "print('hello')", "import nowhere"])
def test_a_process_that_cannot_start_is_an_error(root: Path, death: str) -> None:
    root.write_text(f"{death}\n")
    with pytest.raises(InferenceError):
        asyncio.run(Worker.start())
