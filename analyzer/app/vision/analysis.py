"""The whole analysis of one photo, top to bottom: decode, face, skin, season."""

from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image

from app.vision.decode import Photo, decode
from app.vision.face import Face, FaceFinder, Points
from app.vision.palettes import load_palettes
from app.vision.problems import Code, PhotoError, Warn
from app.vision.season import Verdict, judge
from app.vision.skin import Skin, measure

MODEL_NAME: Final = "toneup-two-axes"
MODEL_VERSION: Final = "1.0.0"
"""Raised whenever the same photo may get another answer."""

_RIVAL_WIDTH: Final = 0.6
"""A second face this wide, relative to the widest, makes it unclear whose photo it is."""
_MIN_FACE_WIDTH: Final = 64
"""Pixels of the original photo: a cheek is then about 12 wide."""
_MIN_MESH_SCORE: Final = 0.5
_LOW_CONFIDENCE: Final = 0.5
_PLAUSIBLE_HUE: Final = (25.0, 85.0)
_PLAUSIBLE_CHROMA: Final = (6.0, 45.0)
"""Degrees and Lab units: skin outside is rather the light's colour than its own."""
_MAX_SIDE_RATIO: Final = 2.2
"""Nose to one temple against nose to the other; passed at about 30 degrees of turning."""
_NOSE: Final = 1
_TEMPLES: Final = (234, 454)

Answer = dict[str, object]
"""The JSON object of an answer, as DESIGN.md gives it: plain values, ready to be serialised."""


@dataclass(frozen=True, slots=True)
class _Reading:
    photo: Photo
    face: Face
    points: Points
    skin: Skin
    verdict: Verdict


class Analyzer:
    """The models and data of an analysis. Loading takes about 0.3 s; not safe for use by several threads."""

    def __init__(self) -> None:
        self._faces = FaceFinder()
        self._palettes = load_palettes()

    def analyze(self, data: bytes) -> Answer:
        """Analyses a jpeg, png, webp or heic photo of one face.

        Deterministic: the same bytes get the same answer. Raises `PhotoError` if the photo is at fault.
        """
        photo = decode(data)
        face = _choose(self._faces.detect(photo.image), photo.scale)
        points, score = self._faces.trace(photo.image, face)
        if score < _MIN_MESH_SCORE:
            raise _no_face()
        skin = measure(photo, points)
        return self._answer(_Reading(photo, face, points, skin, judge(skin.lab, skin.contrast)))

    def warm_up(self) -> None:
        """Runs every step once on a made-up photo: first runs allocate, and are slow."""
        ramp = np.linspace(40, 200, 256, dtype=np.uint8)
        pixels = np.stack([np.broadcast_to(ramp, (256, 256)) // part for part in (1, 2, 3)], axis=-1)
        encoded = BytesIO()
        Image.fromarray(pixels).save(encoded, "JPEG")
        photo = decode(encoded.getvalue())
        self._faces.detect(photo.image)
        eyes = np.array([[100, 110], [156, 110]], dtype=np.float32)
        self._faces.trace(photo.image, Face(1.0, 64, 64, 192, 192, eyes))
        angles = np.linspace(0, 2 * np.pi, 468, dtype=np.float32)
        points = 128 + 60 * np.stack([np.cos(angles * 31), np.sin(angles * 37)], axis=1)
        skin = measure(photo, points.astype(np.float32))
        judge(skin.lab, skin.contrast)

    def _answer(self, reading: _Reading) -> Answer:
        lab, verdict = reading.skin.lab, reading.verdict
        return {
            "personalColor": verdict.season,
            "subtype": verdict.subtype,
            "undertone": verdict.undertone,
            "confidence": round(verdict.confidence, 3),
            "skin": {
                "L": round(lab.L, 2),
                "a": round(lab.a, 2),
                "b": round(lab.b, 2),
                "chroma": round(lab.chroma, 2),
                "hue": round(lab.hue, 2),
                "ita": round(lab.ita, 2),
                "hex": reading.skin.hex,
            },
            "contrast": round(reading.skin.contrast, 2),
            "palette": self._palettes[verdict.season],
            "face": _box(reading.photo, reading.face),
            "warnings": [*_warnings(reading)],
            "model": {"name": MODEL_NAME, "version": MODEL_VERSION},
        }


def _choose(faces: list[Face], scale: float) -> Face:
    """Picks the widest face, if it is clearly the one meant and large enough to measure."""
    if not faces:
        raise _no_face()
    face, *others = faces
    if others and others[0].width > _RIVAL_WIDTH * face.width:
        detail = "There are several faces in the photo. Send one of yourself alone."
        raise PhotoError(Code.MULTIPLE_FACES, detail)
    if face.width * scale < _MIN_FACE_WIDTH:
        raise PhotoError(Code.FACE_TOO_SMALL, "The face is too small. Take the photo from closer by.")
    return face


def _no_face() -> PhotoError:
    return PhotoError(
        Code.NO_FACE, "No face was found. Take the photo from the front, with all of the face in view."
    )


def _box(photo: Photo, face: Face) -> dict[str, int]:
    """The part of the face's box inside the picture, in pixels of the upright original."""
    left, top = max(0.0, face.left), max(0.0, face.top)
    right, bottom = min(float(photo.image.width), face.right), min(float(photo.image.height), face.bottom)
    sides = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    return {name: round(value * photo.scale) for name, value in sides.items()}


def _warnings(reading: _Reading) -> list[Warn]:
    lab, points = reading.skin.lab, reading.points
    plausible = (
        _PLAUSIBLE_HUE[0] <= lab.hue <= _PLAUSIBLE_HUE[1]
        and _PLAUSIBLE_CHROMA[0] <= lab.chroma <= _PLAUSIBLE_CHROMA[1]
    )
    right, left = (float(np.linalg.norm(points[temple] - points[_NOSE])) for temple in _TEMPLES)
    turned = max(right, left) > _MAX_SIDE_RATIO * max(min(right, left), 1e-6)
    inside = (points >= 0).all() and (points < reading.photo.image.size).all()
    doubts = {
        Warn.COLOUR_CAST: not plausible,
        Warn.NOT_FRONTAL: turned,
        Warn.FACE_CUT: not inside,
        Warn.LOW_CONFIDENCE: reading.verdict.confidence < _LOW_CONFIDENCE,
    }
    return [warn for warn, present in doubts.items() if present]
