"""Takes the readings of every photo, of its variants and of its recoloured forms, on all cores."""

import sys
from collections.abc import Collection
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image

from app.vision.analysis import Analyzer, Reading, trust_in
from app.vision.decode import decode
from app.vision.face import Points
from app.vision.problems import PhotoError, Warn
from app.vision.season import Rule, Verdict, judge
from app.vision.skin import Skin
from eval.perturb import FAMILIES, LIGHT_FAMILIES, variants
from eval.photos import Case, Part
from eval.rivals import Seen, look
from eval.spectral import Look, looks, recolour, sittings

LOOKS_PER_FACE: Final = 5
SITTINGS_PER_FACE: Final = 3
_SEED: Final = 20_000
_SITTINGS_SEED: Final = 21_000
_GATE: Final = {Warn.COLOUR_CAST, Warn.MIXED_LIGHT, Warn.NOT_FRONTAL, Warn.FACE_CUT, Warn.OCCLUDED}
_MAX_CLIPPED: Final = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is kept of a reading: without its picture, of which there are thousands."""

    skin: Skin
    warnings: tuple[Warn, ...]

    @property
    def trust(self) -> float:
        """How far an answer can be believed, 0..1."""
        return trust_in(self.skin.light, self.warnings)

    def judged(self, rule: Rule) -> Verdict:
        """What a rule says of it."""
        return judge(self.skin.usual, self.skin.contrast.mean, self.trust, rule)


@dataclass(slots=True)
class Photo:
    """What came of one face."""

    name: str
    person: str
    part: Part
    reading: Outcome
    seen: Seen
    variants: list[tuple[str, Outcome, Seen]] = field(default_factory=list)
    refused: list[tuple[str, str, str]] = field(default_factory=list)
    """Family, name and code of the variants that got no answer."""
    recoloured: list[tuple[Look, Outcome]] = field(default_factory=list)
    sittings: list[list[tuple[Look, Outcome | None]]] = field(default_factory=list)
    """One skin in several lights each; None where a photo got no answer."""

    @property
    def gated(self) -> bool:
        """Whether it would pass for a good photo: no warning about light or pose, the eyes' white in view."""
        skin = self.reading.skin
        return (
            not _GATE & set(self.reading.warnings) and skin.probe is not None and skin.clipped < _MAX_CLIPPED
        )


def measure(cases: list[Case]) -> list[Photo]:
    """Reads everything; faces that are refused as they came are named and left out."""
    drawn = looks(len(cases) * LOOKS_PER_FACE, _SEED)
    wanted = [drawn[index * LOOKS_PER_FACE : (index + 1) * LOOKS_PER_FACE] for index in range(len(cases))]
    with ProcessPoolExecutor() as pool:
        photos = list(pool.map(_measure, cases, wanted))
    return [photo for photo in photos if photo is not None]


def measure_sittings(cases: list[Case]) -> list[Photo]:
    """Reads every photo, its variants in other light, and its face with other skins, each in all lights."""
    drawn = sittings(len(cases) * SITTINGS_PER_FACE, _SITTINGS_SEED)
    per_face = [
        drawn[index * SITTINGS_PER_FACE : (index + 1) * SITTINGS_PER_FACE] for index in range(len(cases))
    ]
    with ProcessPoolExecutor() as pool:
        photos = list(pool.map(_measure_sittings, cases, per_face))
    return [photo for photo in photos if photo is not None]


def jpeg(image: Image.Image, quality: int) -> bytes:
    """A picture as a JPEG with full colour resolution."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


@cache
def _analyzer() -> Analyzer:
    """One for each process."""
    return Analyzer()


def _measure(case: Case, drawn: list[Look]) -> Photo | None:
    begun = _begin(case, FAMILIES)
    if begun is None:
        return None
    photo, reading, mesh = begun
    for wanted in drawn:
        image = recolour(case.image, mesh, reading.skin.linear_seen, wanted)
        try:
            photo.recoloured.append((wanted, _outcome(_read(jpeg(image, 92))[0])))
        except PhotoError as error:
            photo.refused.append(("recoloured", wanted.light, error.code))
    return photo


def _measure_sittings(case: Case, drawn: list[list[Look]]) -> Photo | None:
    begun = _begin(case, LIGHT_FAMILIES)
    if begun is None:
        return None
    photo, reading, mesh = begun

    def answer(look: Look) -> Outcome | None:
        image = recolour(case.image, mesh, reading.skin.linear_seen, look)
        try:
            return _outcome(_read(jpeg(image, 92))[0])
        except PhotoError:
            return None

    photo.sittings = [[(look, answer(look)) for look in sitting] for sitting in drawn]
    return photo


def _begin(case: Case, families: Collection[str]) -> tuple[Photo, Reading, Points] | None:
    """Reads a photo and its variants of some families; None if it is refused as it came."""
    try:
        reading, seen = _read(jpeg(case.image, 95))
    except PhotoError as error:
        print(f"eval: {case.name} is not usable: {error.code}", file=sys.stderr)
        return None
    photo = Photo(case.name, case.person, case.part, _outcome(reading), seen)
    mesh = (reading.points * reading.photo.scale).astype(np.float32)
    for variant in variants(case.image, mesh):
        if variant.family not in families:
            continue
        try:
            reading_then, seen = _read(variant.encoded())
            photo.variants.append((variant.family, _outcome(reading_then), seen))
        except PhotoError as error:
            photo.refused.append((variant.family, variant.name, error.code))
    return photo, reading, mesh


def _outcome(reading: Reading) -> Outcome:
    return Outcome(reading.skin, reading.warnings)


def _read(data: bytes) -> tuple[Reading, Seen]:
    reading = _analyzer().read(decode(data))
    face = reading.face
    return reading, look(reading.photo.image, (face.left, face.top, face.right, face.bottom))
