"""What a photo goes through between two takings of it: light, exposure, codec, geometry, background.

Light changes act on linear light, as gains of the camera's channels would, and clip as its sensor does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from app.vision.colour import FloatArray, linearise
from app.vision.face import Points
from app.vision.planck import planckian_gains

_OVAL: Final = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176),
    *(149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""Mesh points around the face."""
LIGHT_FAMILIES: Final = ("mild", "severe", "exposure")
FAMILIES: Final = (*LIGHT_FAMILIES, "codec", "geometry", "background")
MILD: Final = (5000, 5700, 7500, 8500)
SEVERE: Final = (2900, 3500, 12000, 20000)


@dataclass(frozen=True, slots=True)
class Perturbed:
    """One variant of a photo."""

    family: str
    name: str
    image: Image.Image
    jpeg_quality: int = 92

    def encoded(self) -> bytes:
        """As the JPEG that would be sent."""
        buffer = BytesIO()
        self.image.save(buffer, "JPEG", quality=self.jpeg_quality, subsampling=0)
        return buffer.getvalue()


Change = Callable[[Image.Image, Points], Image.Image]


def encode(linear: FloatArray) -> Image.Image:
    """Turns linear light into an 8-bit sRGB picture; what is over 1 is clipped."""
    clipped = np.clip(linear, 0, 1)
    return Image.fromarray(_ENCODED[np.round(clipped * (len(_ENCODED) - 1)).astype(np.int32)])


def variants(image: Image.Image, mesh: Points) -> Iterator[Perturbed]:
    """Yields 29 variants of a picture of which the face's mesh is known."""
    linear = linearise(np.asarray(image))
    for kelvin in MILD:
        yield Perturbed("mild", f"{kelvin} K", encode(linear * planckian_gains(kelvin)))
    for kelvin in SEVERE:
        yield Perturbed("severe", f"{kelvin} K", encode(linear * planckian_gains(kelvin)))
    for stops in (-1.0, -0.5, 0.5, 1.0):
        yield Perturbed("exposure", f"{stops:+} EV", encode(linear * np.float32(2**stops)))
    for quality in (90, 70, 50, 30):
        yield Perturbed("codec", f"JPEG {quality}", image, quality)
    for name, change in _GEOMETRY.items():
        yield Perturbed("geometry", name, change(image, mesh))
    for name, colour in _BACKGROUNDS.items():
        yield Perturbed("background", name, swap_background(image, mesh, colour))


def swap_background(image: Image.Image, mesh: Points, colour: tuple[int, int, int]) -> Image.Image:
    """Replaces everything but head and neck, an ellipse around the mesh, softly."""
    low, high = mesh.min(axis=0), mesh.max(axis=0)
    size = high - low
    mask = Image.new("L", image.size)
    box = (low[0] - 0.22 * size[0], low[1] - 0.4 * size[1], high[0] + 0.22 * size[0], high[1] + 0.2 * size[1])
    ImageDraw.Draw(mask).ellipse([float(value) for value in box], fill=255)
    soft = mask.filter(ImageFilter.GaussianBlur(float(size[0]) / 30))
    return Image.composite(image, Image.new("RGB", image.size, colour), soft)


def oval(mesh: Points) -> list[tuple[float, float]]:
    """The outline of the face."""
    return [(float(x), float(y)) for x, y in mesh[list(_OVAL)]]


_STEPS: Final = np.linspace(0, 1, 4096)
_ENCODED: Final = np.round(
    255 * np.where(_STEPS <= 0.0031308, 12.92 * _STEPS, 1.055 * _STEPS ** (1 / 2.4) - 0.055)
).astype(np.uint8)


def _scaled(factor: float) -> Change:
    def change(image: Image.Image, _: Points) -> Image.Image:
        return image.resize((round(image.width * factor), round(image.height * factor)))

    return change


def _turned(degrees: float) -> Change:
    def change(image: Image.Image, mesh: Points) -> Image.Image:
        x, y = (float(value) for value in mesh.mean(axis=0))
        return image.rotate(degrees, Image.Resampling.BICUBIC, center=(x, y))

    return change


def _cropped(margin: float) -> Change:
    def change(image: Image.Image, mesh: Points) -> Image.Image:
        low, high = mesh.min(axis=0), mesh.max(axis=0)
        border = (high - low).max() * margin
        left, top = np.maximum(low - border, 0)
        right, bottom = np.minimum(high + border, image.size)
        return image.crop((round(float(left)), round(float(top)), round(float(right)), round(float(bottom))))

    return change


_GEOMETRY: Final[dict[str, Change]] = {
    "mirror": lambda image, _: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "x 0.75": _scaled(0.75),
    "x 1.5": _scaled(1.5),
    "turned 8": _turned(8),
    "turned -8": _turned(-8),
    "close crop": _cropped(0.3),
    "closer crop": _cropped(0.18),
    "blurred 1 px": lambda image, _: image.filter(ImageFilter.GaussianBlur(1)),
}
_BACKGROUNDS: Final = {
    "white": (245, 245, 245),
    "black": (12, 12, 12),
    "orange": (210, 120, 40),
    "blue": (40, 90, 190),
    "green": (60, 140, 70),
}
