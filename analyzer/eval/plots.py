"""Draws the reliability diagram and the confusion of recoloured faces, with matplotlib."""

from collections.abc import Sequence
from pathlib import Path

from eval.rivals import SEASONS

Bins = Sequence[tuple[float, float, int]]


def draw(folder: Path, kept: Bins, right: Bins, confusion: Sequence[Sequence[int]]) -> None:
    """Writes two SVG files, the same bytes for the same numbers."""
    import matplotlib as mpl  # noqa: PLC0415 - only needed here, and not installed with the analyzer

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "toneup"
    from matplotlib import pyplot as plt  # noqa: PLC0415 - as above

    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
    axes.plot([0.25, 1], [0.25, 1], color="0.7", label="as promised")
    for bins, label in ((kept, "variants with the same season"), (right, "recoloured faces that are right")):
        axes.plot([sure for sure, _, _ in bins], [share for _, share, _ in bins], "o-", label=label)
        for sure, share, count in bins:
            axes.annotate(str(count), (sure, share), textcoords="offset points", xytext=(5, -11), fontsize=8)
    axes.set(xlabel="confidence", ylabel="share", xlim=(0.2, 1), ylim=(0.2, 1.02))
    axes.legend(frameon=False)
    figure.savefig(folder / "analyzer-reliability.svg", metadata={"Date": None})
    figure, axes = plt.subplots(figsize=(4.6, 4.2), layout="constrained")
    axes.imshow(confusion, cmap="Blues")
    for row, counts in enumerate(confusion):
        for column, count in enumerate(counts):
            dark = count > max(max(line) for line in confusion) / 2
            axes.text(column, row, str(count), ha="center", va="center", color="white" if dark else "black")
    names = [name.capitalize() for name in SEASONS]
    axes.set(
        xlabel="answer",
        ylabel="truth",
        xticks=range(4),
        yticks=range(4),
        xticklabels=names,
        yticklabels=names,
    )
    figure.savefig(folder / "analyzer-confusion.svg", metadata={"Date": None})
