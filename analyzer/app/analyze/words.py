"""What people are told, in English and Korean: problems, and the warnings and influences beside an answer.

The words are in words.json, from which the api tells them, too. Those on several photos are the api's alone.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from app.vision.influence import Cause
from app.vision.problems import Warn

Language = Literal["en", "ko"]
_DEFAULT: Final[Language] = "en"
_LANGUAGES: Final[tuple[Language, ...]] = ("en", "ko")
_MAX_RANGES: Final = 20
"""Of an Accept-Language header that are looked at; browsers send two to six."""


class Words(NamedTuple):
    """What happened, and what to do about it."""

    title: str
    advice: str


def _load() -> tuple[
    Mapping[str, Mapping[Language, Words]],
    Mapping[Warn, Mapping[Language, str]],
    Mapping[Cause, Mapping[Language, str]],
]:
    told = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    problems = {
        code: {language: Words(**words[language]) for language in _LANGUAGES}
        for code, words in told["problems"].items()
    }
    warnings = {Warn(code): words for code, words in told["warnings"].items()}
    return problems, warnings, {Cause(code): words for code, words in told["influences"].items()}


PROBLEMS, WARNINGS, INFLUENCES = _load()


def negotiate(accept_language: str | None) -> Language:
    """Chooses between English and Korean by an `Accept-Language` header (RFC 9110, 12.5.4; RFC 4647, 3.3.1).

    Each language gets the quality of the most specific range that fits it; between equals the one named first
    wins, and English where neither is named, wanted, or the header makes no sense.
    """
    ranges = [_quality(part) for part in (accept_language or "").split(",")[:_MAX_RANGES]]
    candidates = []
    for order, language in enumerate(_LANGUAGES):
        fitting = [
            (tag != "*", quality, -place)
            for place, (tag, quality) in enumerate(ranges)
            if tag == "*" or tag.partition("-")[0] == language
        ]
        if fitting:
            _, quality, place = max(fitting)
            candidates.append((quality, place, -order, language))
    if not candidates:
        return _DEFAULT
    quality, _, _, language = max(candidates)
    return language if quality > 0 else _DEFAULT


def _quality(part: str) -> tuple[str, float]:
    """Reads one range, `ko-KR;q=0.8`; a malformed weight makes it unwanted."""
    tag, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            quality = _weight(value.strip())
    return tag, quality


def _weight(value: str) -> float:
    if not value.replace(".", "", 1).isdigit() or not value.isascii():
        return 0.0
    return min(1.0, float(value))
