"""Limits the memory and the time that decoding a photo takes; what a pixel costs depends on the format.

Both are predicted from the header: a photo beyond the limits is refused before it is decoded.
"""

from dataclasses import dataclass
from typing import Final

from app.vision.problems import Code, PhotoError

MIN_SIDE: Final = 120
"""Pixels. Below it no face can be large enough to measure."""
_MEMORY: Final = 240_000_000
"""Bytes. `app.limits` lets an inference process grow by a little more, which decoders need besides."""
_SECONDS: Final = 3.0
"""Of a core as fast as the one it was measured on; a request may take 10 s by default."""
_NS: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Cost:
    """The most that decoding a photo takes."""

    memory: float
    """Bytes."""
    seconds: float


def check(width: int, height: int, cost: Cost) -> None:
    """Raises `PhotoError`: IMAGE_TOO_LARGE, IMAGE_TOO_SMALL."""
    if cost.memory > _MEMORY or cost.seconds > _SECONDS:
        told = f"{width} x {height} pixels: {cost.memory / 1e6:.0f} MB, {cost.seconds:.1f} s"
        raise PhotoError(Code.IMAGE_TOO_LARGE, told)
    if min(width, height) < MIN_SIDE:
        raise PhotoError(Code.IMAGE_TOO_SMALL, f"{width} x {height} pixels")


def jpeg(pixels: int, shrunk: int, coefficient_bytes: int, scans: int) -> Cost:
    """Estimates a JPEG that its decoder shrinks to `shrunk` pixels: every scan is a pass over all blocks."""
    return Cost(coefficient_bytes + 4 * shrunk, _NS * pixels * (0.6 + 0.45 * (scans - 1)))


def png(pixels: int, *, indexed: bool) -> Cost:
    """Estimates a PNG, which exists at full size once."""
    return Cost(pixels, 20 * _NS * pixels) if indexed else Cost(4 * pixels, 27 * _NS * pixels)


def webp(pixels: int, *, lossless: bool, alpha: bool) -> Cost:
    """Estimates a WebP: a lossy one is shrunk by rows, its transparency is not."""
    if lossless:
        return Cost(4.2 * pixels, 15 * _NS * pixels)
    return Cost((1.5 if alpha else 0.5) * pixels, 4 * _NS * pixels)


def heic(pixels: int, *, deep: bool, subsampled: bool) -> Cost:
    """Estimates a HEIC, which exists twice: as stored, `deep` if with over 8 bits, and as RGB."""
    plain = 4.6 if subsampled else 9.4
    slow = 55 if deep or not subsampled else 27
    return Cost((2 if deep else 1) * plain * pixels, slow * _NS * pixels)
