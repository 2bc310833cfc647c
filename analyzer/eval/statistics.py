"""Agreement, Cohen's kappa, rank correlation and reliability."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Item = TypeVar("Item")
_DRAWS: Final = 1000
_SEED: Final = 4


def agreement(pairs: Sequence[tuple[str, str]]) -> float:
    """Share of pairs that are equal; nan if there is none."""
    return float(np.mean([one == other for one, other in pairs])) if pairs else float("nan")


def kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Cohen's kappa: agreement beyond what the answers' frequencies give by chance; 0 for a fixed answer.

    J. Cohen, "A coefficient of agreement for nominal scales" (1960).
    """
    if not pairs:
        return float("nan")
    names = {name for pair in pairs for name in pair}
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    chance = sum(first.count(name) * second.count(name) for name in names) / len(pairs) ** 2
    return 0.0 if chance == 1 else (agreement(pairs) - chance) / (1 - chance)


def interval(groups: Sequence[Sequence[Item]], measure: Callable[[list[Item]], float]) -> tuple[float, float]:
    """Bounds that hold a measure in 95 of 100 draws of as many groups, such as persons, with replacement.

    B. Efron, "Bootstrap methods: another look at the jackknife" (1979).
    """
    random = np.random.default_rng(_SEED)
    drawn: list[float] = []
    for _ in range(_DRAWS):
        chosen = random.integers(len(groups), size=len(groups))
        drawn.append(measure([item for index in chosen for item in groups[index]]))
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def calibration_error(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Expected calibration error over ten bins: how far confidence is from the share that is right."""
    bins = reliability(confidences, right, np.linspace(0, 1.0001, 11).tolist())
    total = sum(count for _, _, count in bins)
    return sum(abs(mean - share) * count for mean, share, count in bins) / total


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's: 1 if both put everything in the same order."""
    ranks = [np.argsort(np.argsort(np.asarray(values))) for values in (one, other)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def reliability(
    confidences: Sequence[float], kept: Sequence[bool], edges: Sequence[float]
) -> list[tuple[float, float, int]]:
    """For each bin of confidence: its mean, the share kept, and how many there were."""
    sure, held = np.asarray(confidences), np.asarray(kept, dtype=np.float64)
    bins: list[tuple[float, float, int]] = []
    for low, high in pairwise(edges):
        inside = (sure >= low) & (sure < high)
        if inside.any():
            bins.append((float(sure[inside].mean()), float(held[inside].mean()), int(inside.sum())))
    return bins


def best_slope(margins: Sequence[float], later: Sequence[bool], trusts: Sequence[float]) -> float:
    """The slope at which a logistic curve of the margin best tells on which side a later photo falls.

    Of a margin that is trusted in part, the rest of the probability is even. Maximum likelihood over a grid:
    there is one number to find, and the likelihood has one maximum.
    """
    margin, side, trust = np.asarray(margins), np.asarray(later), np.asarray(trusts)
    grid = np.arange(0.5, 20.01, 0.25)
    odds = margin[None, :] / grid[:, None]
    chance = 1 / (1 + np.exp(np.clip(np.where(side, -odds, odds), -50, 50)))
    losses = -np.log(trust * chance + (1 - trust) / 2).mean(axis=1)
    return float(grid[int(np.argmin(losses))])
