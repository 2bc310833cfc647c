"""What several photos of one person in different light bring, combined as the worker does (its together.rs).

Two kinds of photos are combined: a face as photographed in other light, whose true season is not known, and
faces recoloured with one skin in five lights, whose season is. Refused photos are left out, as the worker
does; where all are refused, there is no answer to count.
"""

from collections.abc import Callable
from itertools import combinations
from typing import Final

import numpy as np

from app.vision.problems import Warn
from app.vision.season import RULE, Season
from eval.measure import Outcome, Photo
from eval.report import season, true_season
from eval.statistics import Item, calibration_error, interval, kappa

_COUNTS: Final = (1, 2, 3, 5)
_DRAWS: Final = 12
"""Of each face and number of photos, from its variants."""
_SEED: Final = 9
_LEAST: Final = 1e-3
_HUES_OF_ONE_PERSON: Final = 14.0
_TRUSTED_LIGHT: Final = 0.7
_DOUBTFUL_COLOUR: Final = {Warn.COLOUR_CAST, Warn.MIXED_LIGHT, Warn.TOO_BRIGHT, Warn.OCCLUDED}
_SURE: Final = 0.9

Likelihoods = list[float]
"""In the order of `Season`."""


def pool(photos: list[Likelihoods]) -> Likelihoods:
    """Pools likelihoods: their product, to the power of one over the root of their effective number.

    That is the number of equally certain photos that they are worth: L. Kish, "Survey sampling" (1965).
    """
    floored = np.maximum(np.asarray(photos, dtype=np.float64), _LEAST)
    certain = np.maximum(0, 1 + (floored * np.log(floored)).sum(axis=1) / np.log(len(Season)))
    number = certain.sum() ** 2 / (certain**2).sum() if certain.any() else 1.0
    logs = np.log(floored).sum(axis=0) / np.sqrt(number)
    raised = np.exp(logs - logs.max())
    return [float(value) for value in raised / raised.sum()]


def may_be_different_people(outcomes: list[Outcome]) -> bool:
    """Whether two skins in lights in which colours can be told have hues too far apart for one person."""
    hues = [
        outcome.skin.lab.hue
        for outcome in outcomes
        if outcome.skin.light.trust >= _TRUSTED_LIGHT and not _DOUBTFUL_COLOUR & set(outcome.warnings)
    ]
    return bool(hues) and max(hues) - min(hues) > _HUES_OF_ONE_PERSON


def print_several(title: str, photos: list[Photo]) -> None:
    """Prints a table with a column for each number of photos; intervals are by person."""
    print(f"\n{title}: {len(photos)} photos, {len({p.person for p in photos})} persons; 95 % intervals\n")
    print("| measure |", " | ".join(f"{count}" for count in _COUNTS), "|")
    print("|---" * (len(_COUNTS) + 1) + "|")
    _print("kappa with the photo itself, variants in other light", photos, _own_pairs, kappa)
    _print("kappa with the true season", photos, _true_pairs, kappa)
    _print("warm or cool right", photos, lambda p, n: _sides(p, n, (Season.SPRING, Season.AUTUMN)), _mean)
    _print("light or deep right", photos, lambda p, n: _sides(p, n, (Season.SPRING, Season.SUMMER)), _mean)
    _print("season right where confidence >= 0.9", photos, _sure, _mean)
    _print("share with such a confidence", photos, lambda p, n: [c >= _SURE for c, _ in _judged(p, n)], _mean)
    _print("expected calibration error", photos, _judged, _calibration)
    _print("said to be different people, falsely", photos, _false_doubts, _mean)
    _print_strangers(photos)


def _print(
    title: str,
    photos: list[Photo],
    items: Callable[[Photo, int], list[Item]],
    measure: Callable[[list[Item]], float],
) -> None:
    cells: list[str] = []
    for count in _COUNTS:
        persons: dict[str, list[Item]] = {}
        for photo in photos:
            persons.setdefault(photo.person, []).extend(items(photo, count))
        groups = list(persons.values())
        low, high = interval(groups, measure)
        value = measure([item for group in groups for item in group])
        cells.append(f"{value:.3f} ({low:.2f} to {high:.2f})")
    print("|", title, "|", " | ".join(cells), "|")


def _print_strangers(photos: list[Photo]) -> None:
    """How often the check finds a photo of somebody else among those of one person."""
    random = np.random.default_rng(_SEED)
    cells: list[str] = []
    for count in _COUNTS:
        found: list[bool] = []
        for photo in photos:
            others = [other for other in photos if other.person != photo.person]
            stranger = others[int(random.integers(len(others)))]
            sent = _draws(photo, count - 1)
            found += [may_be_different_people([*outcomes, stranger.reading]) for outcomes in sent]
        cells.append(f"{_mean(found):.3f}" if count > 1 else "")
    print("| somebody else's photo among them is found |", " | ".join(cells), "|")


def _draws(photo: Photo, count: int) -> list[list[Outcome]]:
    """The answers to so many variants of a photo in other light, drawn from all, refused ones too."""
    random = np.random.default_rng(_SEED)
    sent: list[Outcome | None] = [outcome for _, outcome, _ in photo.variants]
    sent += [None] * len(photo.refused)
    drawn = [random.choice(len(sent), count, replace=False) for _ in range(_DRAWS)]
    answered = [[outcome for index in chosen if (outcome := sent[index]) is not None] for chosen in drawn]
    return [outcomes for outcomes in answered if outcomes or count == 0]


def _sent(photo: Photo, count: int) -> list[tuple[int, list[Outcome]]]:
    """The number of a sitting, with the answers to so many of its photos, for each choice of these."""
    chosen = [
        (number, [outcome for _, outcome in some if outcome is not None])
        for number, sitting in enumerate(photo.sittings)
        for some in combinations(sitting, count)
    ]
    return [(number, outcomes) for number, outcomes in chosen if outcomes]


def _pooled(outcomes: list[Outcome]) -> Likelihoods:
    judged = [outcome.judged(RULE).probabilities for outcome in outcomes]
    return pool([[of[name] for name in Season] for of in judged])


def _named(likelihoods: Likelihoods) -> str:
    return str(list(Season)[int(np.argmax(likelihoods))])


def _own_pairs(photo: Photo, count: int) -> list[tuple[str, str]]:
    own = season(photo.reading, RULE)
    return [(own, _named(_pooled(outcomes))) for outcomes in _draws(photo, count)]


def _true_pairs(photo: Photo, count: int) -> list[tuple[str, str]]:
    return [
        (true_season(photo.sittings[number][0][0]), _named(_pooled(outcomes)))
        for number, outcomes in _sent(photo, count)
    ]


def _sides(photo: Photo, count: int, side: tuple[Season, Season]) -> list[bool]:
    """Whether the likelier side of an axis, named by its two seasons, is the true one."""
    names = list(Season)
    return [
        (sum(_pooled(outcomes)[names.index(name)] for name in side) > 0.5)
        == (true_season(photo.sittings[number][0][0]) in side)
        for number, outcomes in _sent(photo, count)
    ]


def _judged(photo: Photo, count: int) -> list[tuple[float, bool]]:
    """Confidence, and whether the season is right."""
    pooled = [(number, _pooled(outcomes)) for number, outcomes in _sent(photo, count)]
    return [(max(of), _named(of) == true_season(photo.sittings[number][0][0])) for number, of in pooled]


def _sure(photo: Photo, count: int) -> list[bool]:
    return [right for confidence, right in _judged(photo, count) if confidence >= _SURE]


def _false_doubts(photo: Photo, count: int) -> list[bool]:
    drawn = [*_draws(photo, count), *(outcomes for _, outcomes in _sent(photo, count))]
    return [may_be_different_people(outcomes) for outcomes in drawn]


def _calibration(pairs: list[tuple[float, bool]]) -> float:
    return calibration_error(*zip(*pairs, strict=True))


def _mean(values: list[bool]) -> float:
    return float(np.mean(values)) if values else float("nan")
