"""Fixtures: test photos, and the real service on a free port."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.vision.analysis import Analyzer
from tests.service import Service, run_service

_PHOTOS = Path(os.environ.get("PHOTOS_DIR") or Path(__file__).parents[2] / ".local" / "photos")


class Photos:
    """The photos that scripts/fetch-photos.sh fetches."""

    def read(self, name: str) -> bytes:
        path = _PHOTOS / name
        if not path.is_file():
            pytest.fail(f"{path} is missing: run scripts/fetch-photos.sh")
        return path.read_bytes()

    @property
    def face(self) -> bytes:
        return self.read("face.jpg")


@pytest.fixture(scope="session")
def photos() -> Photos:
    return Photos()


@pytest.fixture(scope="session")
def analyzer() -> Analyzer:
    return Analyzer()


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """The service with two slots, shared by the tests that leave it as they found it."""
    with run_service(ANALYZER_SLOTS="2") as running:
        yield running
