"""The whole analysis of one photo, top to bottom: decode, face, skin, light, season."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from io import BytesIO
from math import prod
from typing import Final, TypeVar

import numpy as np
from PIL import Image

from app.vision.colour import hex_of
from app.vision.decode import Photo, decode
from app.vision.face import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS, Face, FaceFinder, Iris, Points
from app.vision.influence import influences
from app.vision.light import MIN_EYE_WIDTH, USUAL_LIGHT, Light
from app.vision.palettes import load_palettes
from app.vision.problems import Code, PhotoError, Warn
from app.vision.quality import check_usable
from app.vision.season import Verdict, judge
from app.vision.skin import SKIN, Skin, measure, reach_of_hair
from app.vision.version import MODEL_NAME, MODEL_VERSION

_RIVAL_WIDTH: Final = 0.6
"""A second face this wide, relative to the widest, makes it unclear whose photo it is."""
_MIN_FACE_WIDTH: Final = 64
"""Pixels of the original photo: a cheek is then about 12 wide."""
_MIN_MESH_SCORE: Final = 0.5
_SURE_MESH: Final = 0.9
"""From this score of a mesh on, no other turn is tried; on an upright face it is at 0.97 to 1."""
_MIN_TURNED: Final = 0.75
"""Score of a face that lies in a turned picture, too: four looks find four times as many where none is."""
_MARGIN: Final = 0.5
"""Of the picture's longer side, put around one in which no face was found: a face that fills it is then."""
_STEEP: Final = 0.6
"""Slope of the line of the eyes, 30 degrees, over which a face may be a lying one: its mesh is then often
badly placed, and the detector surer of the face in the turned picture."""
_LOW_CONFIDENCE: Final = 0.5
_PLAUSIBLE_HUE: Final = (25.0, 85.0)
_PLAUSIBLE_CHROMA: Final = (6.0, 45.0)
"""Degrees and Lab units: skin outside is rather the light's colour than its own."""
_MIN_EVIDENCE: Final = -4.0
"""Under it no skin in a usual light is that colour, and nothing can be said of the skin's own."""
_MIN_TRUST: Final = 0.5
"""Of the light, under which it is called coloured."""
_MAX_CHEEK_DIFFERENCE: Final = 12.0
"""Lab units between the cheeks' ab, over which they are lit by different lights."""
_MAX_CLIPPED: Final = 0.5
"""Share of the skin whose red is at the sensor's limit, over which it is rather guessed than measured."""
_MAX_SIDE_RATIO: Final = 2.2
"""Nose to one temple against nose to the other; passed at about 30 degrees of turning."""
_TRUST: Final = {Warn.COLOUR_CAST: 0.8, Warn.MIXED_LIGHT: 0.8, Warn.TOO_BRIGHT: 0.6, Warn.OCCLUDED: 0.45}
"""How far each doubt about the light, or about what is skin, leaves an answer to be believed."""
_REGIONS: Final = ("RIGHT_CHEEK", "LEFT_CHEEK", "FOREHEAD")
"""Names of the regions in `SKIN`; right and left are the person's."""
_NOSE: Final = 1
_TEMPLES: Final = (234, 454)
# How a photo without an upright face is turned, and how a point of the turned picture leads back.
_RETRIES: Final = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_180)

Picture = TypeVar("Picture", Image.Image, Image.Image | None)
Answer = dict[str, object]
"""The JSON object of an answer, as DESIGN.md gives it: plain values, ready to be serialised."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that was found out about one photo."""

    photo: Photo
    """Turned so that the face is upright."""
    turn: Image.Transpose | None
    """How it was turned from the photo as its camera meant it."""
    face: Face
    points: Points
    skin: Skin
    verdict: Verdict
    warnings: tuple[Warn, ...]

    @property
    def trust(self) -> float:
        """How far the answer can be believed, 0..1."""
        return trust_in(self.skin.light, self.warnings)


@dataclass(frozen=True, slots=True)
class _Find:
    """Faces, widest first, in a picture that may have been turned, and the mesh of the widest."""

    image: Image.Image
    turn: Image.Transpose | None
    faces: list[Face]
    points: Points
    score: float
    """Probability, 0..1, that the mesh lies on a face."""

    @property
    def is_upright(self) -> bool:
        """Whether the line of the eyes, from the person's right one to the left, leads to the right."""
        right, left = self.points[RIGHT_EYE_CORNERS[0]], self.points[LEFT_EYE_CORNERS[0]]
        along, down = (float(value) for value in left - right)
        return abs(down) <= along * _STEEP

    @property
    def is_sure(self) -> bool:
        """Whether no other look at the photo can find a better one."""
        return self.is_upright and self.score >= _SURE_MESH

    @property
    def rank(self) -> tuple[bool, float]:
        """What makes one find better than another."""
        return self.is_upright, self.score * self.faces[0].score


class Analyzer:
    """The models and data of an analysis. Loading takes about 0.3 s; not safe for use by several threads."""

    def __init__(self) -> None:
        self._faces = FaceFinder()
        self._palettes = load_palettes()

    def analyze(self, data: bytes) -> Answer:
        """Analyses a jpeg, png, webp or heic photo of one face.

        Deterministic: the same bytes get the same answer. Raises `PhotoError` if the photo is at fault.
        """
        return self.answer(self.read(decode(data)))

    def read(self, upright: Photo) -> Reading:
        """Finds and measures the face of a decoded photo. Raises `PhotoError` if the photo is at fault."""
        photo, turn, face, points = self._find(upright)
        _check_whole(photo, points)
        check_usable(photo.image, face)  # the gate on the photo's quality
        skin = measure(photo, points, self._irises(photo, points))
        # A mask is no light: its colour is told by a warning, and by how little the answer is to be believed.
        if skin.light.evidence < _MIN_EVIDENCE and not skin.occluded:
            raise PhotoError(Code.LIGHT_TOO_COLOURED, f"log evidence {skin.light.evidence:.1f}")
        doubts = _doubts(photo, points, skin)
        verdict = judge(skin.usual, skin.contrast.mean, trust_in(skin.light, doubts))
        if verdict.confidence < _LOW_CONFIDENCE:
            doubts.append(Warn.LOW_CONFIDENCE)
        return Reading(photo, turn, face, points, skin, verdict, tuple(doubts))

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
        points = (128 + 60 * np.stack([np.cos(angles * 31), np.sin(angles * 37)], axis=1)).astype(np.float32)
        skin = measure(photo, points, self._irises(photo, points))
        judge(skin.usual, skin.contrast.mean)

    def answer(self, reading: Reading) -> Answer:
        """Words a reading as the wire wants it."""
        skin, lab, verdict = reading.skin, reading.skin.lab, reading.verdict
        palette = self._palettes[verdict.subtype]
        return {
            "personalColor": verdict.season,
            "subtype": verdict.subtype,
            "undertone": verdict.undertone,
            "confidence": round(verdict.confidence, 3),
            "runnerUp": verdict.runner_up,
            "probabilities": {name: round(value, 4) for name, value in verdict.probabilities.items()},
            "skin": {
                "L": round(lab.L, 2),
                "a": round(lab.a, 2),
                "b": round(lab.b, 2),
                "chroma": round(lab.chroma, 2),
                "hue": round(lab.hue, 2),
                "ita": round(lab.ita, 2),
                "hex": skin.hex,
            },
            "contrast": round(skin.contrast.mean, 2),
            "contrasts": {
                "hair": _rounded(skin.contrast.hair),
                "brow": _rounded(skin.contrast.brow),
                "iris": _rounded(skin.contrast.iris),
            },
            "colours": {
                "skin": skin.hex,
                "lips": skin.parts.lips,
                "brow": skin.parts.brow,
                "iris": skin.parts.iris,
                "hair": skin.parts.hair,
            },
            "palette": palette.suits,
            "avoid": palette.avoid,
            "light": _light(skin),
            "face": _box(reading),
            "regions": _regions(reading),
            "influences": [
                {"code": influence.cause, "effect": round(influence.effect, 3)}
                for influence in influences(skin, reading.trust)
            ],
            "warnings": [*reading.warnings],
            "model": {"name": MODEL_NAME, "version": MODEL_VERSION},
        }

    def _find(self, upright: Photo) -> tuple[Photo, Image.Transpose | None, Face, Points]:
        """Finds the face that counts, in the turned pictures, too, if it is not upright in this one."""
        best: _Find | None = None
        for turn in (None, *_RETRIES):
            found = self._look(_turned(upright.image, turn), turn)
            if found is not None and (best is None or found.rank > best.rank):
                best = found
            if best is not None and best.is_sure:
                break
        if best is None:
            closer = self._look(upright.image, None, round(max(upright.image.size) * _MARGIN))
            best = closer if closer is not None and closer.is_sure else None
        if best is not None:
            photo = replace(upright, image=best.image, lost=_turned(upright.lost, best.turn))
            return photo, best.turn, _choose(best.faces, upright.scale), best.points
        if upright.lost is not None:
            raise PhotoError(Code.DAMAGED, "no face in what the file holds")
        check_usable(upright.image, None)  # no face: the light may tell why
        raise PhotoError(Code.NO_FACE)

    def _look(self, image: Image.Image, turn: Image.Transpose | None, margin: int = 0) -> _Find | None:
        """Looks for faces in a picture that was turned like this, with a margin in pixels around it."""
        faces = self._faces.detect(image, margin)
        if not faces:
            return None
        points, score = self._faces.trace(image, faces[0])
        if score < _MIN_MESH_SCORE or not np.isfinite(points).all():
            return None
        found = _Find(image, turn, faces, points, score)
        if turn is not None and not (found.is_upright or faces[0].score >= _MIN_TURNED):
            return None
        return found

    def _irises(self, photo: Photo, points: Points) -> tuple[Iris | None, Iris | None]:
        """Finds the irises of the right and the left eye, where the eye is large enough to show its white."""

        def iris(corners: tuple[int, int]) -> Iris | None:
            if float(np.linalg.norm(points[corners[0]] - points[corners[1]])) < MIN_EYE_WIDTH:
                return None
            return self._faces.find_iris(photo.image, points, corners)

        return iris(RIGHT_EYE_CORNERS), iris(LEFT_EYE_CORNERS)


def trust_in(light: Light, doubts: Iterable[Warn]) -> float:
    """How far an answer in this light, with these warnings, can be believed, 0..1."""
    return light.trust * prod(_TRUST.get(doubt, 1.0) for doubt in doubts)


def _turned(image: Picture, turn: Image.Transpose | None) -> Picture:
    return image if image is None or turn is None else image.transpose(turn)


def _check_whole(photo: Photo, points: Points) -> None:
    """Raises `PhotoError` (DAMAGED) if a part of the face, or of the hair above, is not in the file."""
    if photo.lost is None:
        return
    corners = np.concatenate([points, points + reach_of_hair(points)])
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, photo.image.size).astype(int).tolist()
    right, bottom = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, photo.image.size).astype(int).tolist()
    if photo.lost.crop((left, top, right, bottom)).getbbox() is not None:
        raise PhotoError(Code.DAMAGED, "a part of the face is missing")


def _choose(faces: list[Face], scale: float) -> Face:
    """Picks the widest face, if it is clearly the one meant and large enough to measure."""
    face, *others = faces
    if others and others[0].width > _RIVAL_WIDTH * face.width:
        raise PhotoError(Code.MULTIPLE_FACES)
    if face.width * scale < _MIN_FACE_WIDTH:
        raise PhotoError(Code.FACE_TOO_SMALL)
    return face


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _light(skin: Skin) -> dict[str, object]:
    """The light that was found and corrected."""
    light = skin.light
    return {
        "source": "SKIN" if skin.probe is None else "SKIN_AND_SCLERA",
        "hex": hex_of(light.factors / light.factors.max()),
        "kelvin": round(light.kelvin, -2),
        "mireds": round(light.mireds, 1),
        "spread": round(light.spread, 1),
        "trust": round(light.trust, 3),
    }


def _box(reading: Reading) -> dict[str, int]:
    """The part of the face's box inside the picture, in pixels of the upright original."""
    photo, face = reading.photo, reading.face
    corners = np.array([[face.left, face.top], [face.right, face.bottom]], dtype=np.float32)
    corners = _turned_back(np.clip(corners, 0, photo.image.size), reading)
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    sides = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    return {name: round(float(value) * photo.scale) for name, value in sides.items()}


def _regions(reading: Reading) -> list[dict[str, object]]:
    """Where the skin was looked for, in pixels of the upright original, and whether it was to be seen."""
    regions: list[dict[str, object]] = []
    for name, ring, median in zip(_REGIONS, SKIN, reading.skin.medians, strict=True):
        outline = _turned_back(np.clip(reading.points[list(ring)], 0, reading.photo.image.size), reading)
        points = np.rint(outline * reading.photo.scale).astype(int).tolist()
        regions.append({"name": name, "measured": median is not None, "points": points})
    return regions


def _turned_back(points: Points, reading: Reading) -> Points:
    """Leads points of the turned picture to those of the picture that the camera meant."""
    width, height = reading.photo.image.size
    x, y = points[:, 0], points[:, 1]
    match reading.turn:
        case Image.Transpose.ROTATE_90:
            x, y = height - y, x
        case Image.Transpose.ROTATE_270:
            x, y = y, width - x
        case Image.Transpose.ROTATE_180:
            x, y = width - x, height - y
    return np.stack([x, y], axis=1)


def _doubts(photo: Photo, points: Points, skin: Skin) -> list[Warn]:
    seen = skin.as_seen
    plausible = (
        _PLAUSIBLE_HUE[0] <= seen.hue <= _PLAUSIBLE_HUE[1]
        and _PLAUSIBLE_CHROMA[0] <= seen.chroma <= _PLAUSIBLE_CHROMA[1]
    )
    right, left = (float(np.linalg.norm(points[temple] - points[_NOSE])) for temple in _TEMPLES)
    turned = max(right, left) > _MAX_SIDE_RATIO * max(min(right, left), 1e-6)
    inside = (points >= 0).all() and (points < photo.image.size).all()
    doubts = {
        Warn.COLOUR_CAST: not plausible
        or skin.light.trust < _MIN_TRUST
        or abs(skin.light.mireds) > USUAL_LIGHT,
        Warn.MIXED_LIGHT: skin.cheek_difference > _MAX_CHEEK_DIFFERENCE,
        Warn.TOO_BRIGHT: skin.clipped > _MAX_CLIPPED,
        Warn.NOT_FRONTAL: turned,
        Warn.FACE_CUT: not inside,
        Warn.OCCLUDED: skin.occluded,
    }
    return [warn for warn, present in doubts.items() if present]
