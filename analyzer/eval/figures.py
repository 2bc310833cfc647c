"""What the shipped rule reaches on faces it was not fitted on, each figure with its interval by person."""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from app.vision.season import RULE, axes
from eval.fit import truth_of
from eval.measure import Photo
from eval.report import FAMILIES, season, true_season
from eval.statistics import Item, calibration_error, interval, kappa, rank_correlation

_SURE: Final = 0.9
_REFUSED: Final = "refused"
_STOPS: Final = ("+0.5 EV", "+1.0 EV")


def print_figures(title: str, photos: list[Photo]) -> None:
    """Prints every figure that docs/analyzer.md gives with its interval."""
    print(f"\n{title}, shipped rule: {len(photos)} photos, {len({p.person for p in photos})} persons\n")
    print("| measure | value | 95 % interval |\n|---|---|---|")
    for group, chosen in (
        ("all", photos),
        ("without warnings", [p for p in photos if not p.reading.warnings]),
    ):
        _print(f"kappa, {group} ({len(chosen)}), refusals disagree", chosen, _pairs_and_refusals, kappa)
        _print(f"kappa, {group}, refusals left out", chosen, _pairs, kappa)
    for family in FAMILIES[1:]:
        _print(f"kappa, {family}", photos, partial(_pairs, family=family), kappa)
    _print("hue rank", photos, _hues, lambda pairs: rank_correlation(*zip(*pairs, strict=True)))
    _print("warm or cool right", photos, lambda photo: _sides(photo, 0), _mean)
    _print("light or deep right", photos, lambda photo: _sides(photo, 1), _mean)
    _print("season right where confidence >= 0.9", photos, _sure, _mean)
    _print("share with such a confidence", photos, lambda p: [sure >= _SURE for sure, _ in _judged(p)], _mean)
    _print(
        "expected calibration error",
        photos,
        _judged,
        lambda pairs: calibration_error(*zip(*pairs, strict=True)),
    )
    for stops in _STOPS:
        _print(f"{stops} refused as TOO_BRIGHT", photos, partial(_too_bright, stops=stops), _mean)


def _print(
    title: str,
    photos: list[Photo],
    items: Callable[[Photo], list[Item]],
    measure: Callable[[list[Item]], float],
) -> None:
    persons: dict[str, list[Item]] = {}
    for photo in photos:
        persons.setdefault(photo.person, []).extend(items(photo))
    groups = list(persons.values())
    low, high = interval(groups, measure)
    print(
        f"| {title} | {measure([item for group in groups for item in group]):.3f} | {low:.2f} to {high:.2f} |"
    )


def _pairs(photo: Photo, family: str = "all") -> list[tuple[str, str]]:
    own = season(photo.reading, RULE)
    return [(own, season(later, RULE)) for name, later, _ in photo.variants if family in {"all", name}]


def _pairs_and_refusals(photo: Photo) -> list[tuple[str, str]]:
    own = season(photo.reading, RULE)
    refused = [(own, _REFUSED) for family, *_ in photo.refused if family != "recoloured"]
    return _pairs(photo) + refused


def _hues(photo: Photo) -> list[tuple[float, float]]:
    return [(look.truth.hue, outcome.skin.usual.hue) for look, outcome in photo.recoloured]


def _sides(photo: Photo, axis: int) -> list[bool]:
    limit = (RULE.warm_limit, RULE.depth_limit)[axis]
    return [
        (axes(outcome.skin.usual)[axis] > limit)
        == (truth_of(look.truth).warm, truth_of(look.truth).light)[axis]
        for look, outcome in photo.recoloured
    ]


def _judged(photo: Photo) -> list[tuple[float, bool]]:
    return [
        (outcome.judged(RULE).confidence, season(outcome, RULE) == true_season(look))
        for look, outcome in photo.recoloured
    ]


def _sure(photo: Photo) -> list[bool]:
    return [right for sure, right in _judged(photo) if sure >= _SURE]


def _too_bright(photo: Photo, stops: str) -> list[bool]:
    return [any((name, code) == (stops, "TOO_BRIGHT") for _, name, code in photo.refused)]


def _mean(values: list[bool]) -> float:
    return float(np.mean(values)) if values else float("nan")
