"""What the readings come to: agreement, confidence, and how right the recoloured faces are."""

from collections import Counter
from collections.abc import Callable
from typing import Final

import numpy as np

from app.vision.season import Rule, axes
from eval import perturb
from eval.fit import truth_of
from eval.measure import Outcome, Photo
from eval.rivals import SEASONS, answers
from eval.spectral import Look
from eval.statistics import agreement, kappa, rank_correlation, reliability

FAMILIES: Final = ("all", *perturb.FAMILIES)
Bins = list[tuple[float, float, int]]
RuleFor = Callable[[Photo], Rule]
"""The rule by which a photo is judged: never one that was fitted on it."""
Cuts = tuple[float, float]
_OURS: Final = "this analyzer"
_SURE: Final = 0.8
_EDGES: Final = (0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.001)


def season(outcome: Outcome, rule: Rule) -> str:
    """The answer, by one rule."""
    return str(outcome.judged(rule).season)


def pairs(photos: list[Photo], rule_for: RuleFor, family: str = "all") -> list[tuple[str, str]]:
    """The season of every photo with that of each of its variants."""
    return [
        (season(photo.reading, rule_for(photo)), season(outcome, rule_for(photo)))
        for photo in photos
        for name, outcome, _ in photo.variants
        if family in {"all", name}
    ]


def print_agreement(title: str, photos: list[Photo], rule_for: RuleFor, cuts: Cuts) -> None:
    """One table: our rule and the others, by family of variants."""
    print(f"\n{title} (n = {len(photos)}): agreement in % / kappa\n")
    print("| rule |", " | ".join(FAMILIES), "| answers |")
    print("|---" * (len(FAMILIES) + 2) + "|")
    for rule in [_OURS, *answers(photos[0].seen, cuts)] if photos else []:
        cells: list[str] = []
        for family in FAMILIES:
            both = (
                pairs(photos, rule_for, family)
                if rule == _OURS
                else [
                    (answers(photo.seen, cuts)[rule], answers(seen, cuts)[rule])
                    for photo in photos
                    for name, _, seen in photo.variants
                    if family in {"all", name}
                ]
            )
            cells.append(f"{100 * agreement(both):.0f}/{kappa(both):.2f}")
        given = Counter(
            season(p.reading, rule_for(p)) if rule == _OURS else answers(p.seen, cuts)[rule] for p in photos
        )
        print("|", rule, "|", " | ".join(cells), "|", " ".join(str(given[name]) for name in SEASONS), "|")


def print_refusals(photos: list[Photo]) -> None:
    """What was refused, by family and code."""
    total = sum(len(photo.variants) + len(photo.recoloured) + len(photo.refused) for photo in photos)
    refused = Counter(f"{family} {code}" for photo in photos for family, _, code in photo.refused)
    print(f"\nRefused, and counted as neither right nor wrong, {refused.total()} of {total}:")
    print(", ".join(f"{name} {count}" for name, count in refused.most_common()))


def print_confidence(groups: dict[str, list[Photo]], rule_for: RuleFor) -> None:
    """How many answers are sure, and whether they last."""
    print("\n| answers with confidence >= 0.8 | n | share of faces | agreement in % |")
    print("|---|---|---|---|")
    for title, chosen in groups.items():
        sure = [p for p in chosen if p.reading.judged(rule_for(p)).confidence >= _SURE]
        share = len(sure) / max(1, len(chosen))
        print(f"| {title} | {len(sure)} | {share:.2f} | {100 * agreement(pairs(sure, rule_for)):.1f} |")


def kept_bins(photos: list[Photo], rule_for: RuleFor) -> Bins:
    """By confidence: how many variants got the photo's season."""
    both = [
        (own.confidence, own.season == outcome.judged(rule_for(photo)).season)
        for photo in photos
        for own in (photo.reading.judged(rule_for(photo)),)
        for _, outcome, _ in photo.variants
    ]
    return reliability([sure for sure, _ in both], [kept for _, kept in both], _EDGES)


def right_bins(photos: list[Photo], rule_for: RuleFor) -> Bins:
    """By confidence: how many recoloured faces got the season of their true colour."""
    both = [
        (outcome.judged(rule).confidence, season(outcome, rule) == true_season(look))
        for look, outcome, rule in _recoloured(photos, rule_for)
    ]
    return reliability([sure for sure, _ in both], [right for _, right in both], _EDGES)


def print_bins(title: str, bins: Bins) -> None:
    """One reliability table."""
    print(f"\n| confidence | {title} | n |\n|---|---|---|")
    for mean, share, count in bins:
        print(f"| {mean:.2f} | {share:.2f} | {count} |")


def print_truth(photos: list[Photo], rule_for: RuleFor) -> dict[str, float]:
    """Compares with the truth of recoloured faces: hue order, warm or cool, light or deep."""
    all_of = _recoloured(photos, rule_for)
    given = Counter(season(outcome, rule) for _, outcome, rule in all_of)
    hue = rank_correlation(
        [look.truth.hue for look, _, _ in all_of], [outcome.skin.usual.hue for _, outcome, _ in all_of]
    )
    depth = rank_correlation(
        [axes(look.truth)[1] for look, _, _ in all_of],
        [axes(outcome.skin.usual)[1] for _, outcome, _ in all_of],
    )
    print(f"\nRecoloured faces (n = {len(all_of)}): seasons given", dict(given))
    print(
        f"most frequent season {max(given.values()) / len(all_of):.2f}; rank correlation of depth {depth:.2f}"
    )
    for name in sorted({look.light for look, _, _ in all_of}):
        some = [part for part in all_of if part[0].light == name]
        print(f"  {name}: warm/cool {_right(some, 0):.2f}, light/deep {_right(some, 1):.2f}, n = {len(some)}")
    return {"hue_r": hue, "warm_cool": _right(all_of, 0), "light_deep": _right(all_of, 1)}


def confusion(photos: list[Photo], rule_for: RuleFor) -> list[list[int]]:
    """Rows: the true season of recoloured faces; columns: the answer."""
    table = [[0] * len(SEASONS) for _ in SEASONS]
    for look, outcome, rule in _recoloured(photos, rule_for):
        table[SEASONS.index(true_season(look))][SEASONS.index(season(outcome, rule))] += 1
    return table


def true_season(look: Look) -> str:
    """Of a skin of known colour."""
    truth = truth_of(look.truth)
    return SEASONS[(0 if truth.light else 2) + (0 if truth.warm else 1)]


def _recoloured(photos: list[Photo], rule_for: RuleFor) -> list[tuple[Look, Outcome, Rule]]:
    return [(look, outcome, rule_for(photo)) for photo in photos for look, outcome in photo.recoloured]


def _right(parts: list[tuple[Look, Outcome, Rule]], axis: int) -> float:
    def side(outcome: Outcome, rule: Rule) -> bool:
        return axes(outcome.skin.usual)[axis] > (rule.warm_limit, rule.depth_limit)[axis]

    truths = [(truth_of(look.truth).warm, truth_of(look.truth).light)[axis] for look, _, _ in parts]
    return float(np.mean([side(o, rule) == truth for (_, o, rule), truth in zip(parts, truths, strict=True)]))
