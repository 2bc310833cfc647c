"""Bombs, sent to the real service: each is answered by a process that stays alive and within its memory."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Photos
from tests.pictures import encode, large_jpeg, open_rgb, png
from tests.service import Service, run_service

_NORMAL_MB = 160
_BOMB_MB = _NORMAL_MB + 200
_SIDE = 7000
"""49 MP: nearly the most of a format that exists at full size once."""


@pytest.fixture(scope="module")
def single() -> Iterator[Service]:
    with run_service(ANALYZER_SLOTS="1") as running:
        yield running


def test_normal_work_takes_little_memory(single: Service, photos: Photos) -> None:
    large = open_rgb(photos.face).resize((3000, 3748))
    for _ in range(3):
        assert single.analyze_raw(encode(large, "JPEG", quality=85)).is_success
    assert single.peak_mb() < _NORMAL_MB


@pytest.mark.parametrize(("width", "height"), [(8192, 6144), (12_000, 9000), (12_240, 16_320)])
def test_the_largest_phones_jpegs_take_as_little(
    single: Service, photos: Photos, width: int, height: int
) -> None:
    assert single.analyze_raw(large_jpeg(open_rgb(photos.face), width, height, 25)).is_success
    assert single.peak_mb() < _NORMAL_MB


def test_the_kernel_holds_each_inference_process_to_its_limits(single: Service) -> None:
    (pid,) = single.workers()
    limits = Path(f"/proc/{pid}/limits").read_text()
    data = next(line for line in limits.splitlines() if line.startswith("Max data size")).split()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size")).split()
    assert int(data[3]) == int(data[4]) < (_BOMB_MB + 200) * 1024**2  # reserved memory, more than is in RAM
    assert core[4:6] == ["0", "0"]


def test_a_limited_process_gets_a_memory_error_and_lives_on() -> None:
    script = """
from app.limits import HEADROOM_BYTES, limit_memory
limit_memory()
try:
    bytearray(HEADROOM_BYTES + 1)
except MemoryError:
    print(len(bytearray(HEADROOM_BYTES // 2)) * 2 == HEADROOM_BYTES)
"""
    folder = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, check=True)
    assert done.stdout == b"True\n"


def _bombs() -> dict[str, bytes]:
    flat = Image.new("RGB", (_SIDE, _SIDE), (200, 150, 120))
    indexed = Image.new("P", (_SIDE, _SIDE))
    indexed.putpalette([200, 150, 120])
    return {
        "RGBA PNG": png(_SIDE, _SIDE, 8, 6, bytes([200, 150, 120, 90]) * _SIDE),
        "16-bit PNG": png(_SIDE, _SIDE, 16, 2, bytes([200, 0, 150, 0, 120, 0]) * _SIDE),
        "palette PNG": encode(indexed, "PNG", compress_level=1, transparency=b"\x80"),
        "lossless WebP": encode(flat, "WEBP", lossless=True, quality=0, method=0),
        "progressive JPEG": encode(flat, "JPEG", progressive=True),
    }


def test_bombs_are_answered_within_bounds(single: Service, photos: Photos) -> None:
    workers = single.workers()
    for name, bomb in _bombs().items():
        assert len(bomb) < 10 * 1024**2, name
        answer = single.analyze_raw(bomb)
        assert answer.status_code in {413, 415, 422}, (name, answer.text)
        assert single.peak_mb() < _BOMB_MB, name
    assert single.workers() == workers
    assert single.analyze_raw(photos.face).is_success
    # What a bomb took is given back.
    assert single.metric('analyzer_resident_bytes{process="inference",slot="0"}') < _NORMAL_MB * 1e6
