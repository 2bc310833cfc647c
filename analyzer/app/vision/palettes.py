"""The colours that suit each subtype, and those that do not: data in palettes.json, with their sources."""

import json
from dataclasses import dataclass
from pathlib import Path

from app.vision.season import Subtype


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as `#RRGGBB`, the most typical ones first, neutrals last."""

    suits: list[str]
    avoid: list[str]


def load_palettes() -> dict[Subtype, Palette]:
    """Reads the palettes. Raises `KeyError` if a subtype has none."""
    raw = json.loads((Path(__file__).parent / "palettes.json").read_text(encoding="utf-8"))["subtypes"]
    return {name: Palette(raw[name]["suits"], raw[name]["avoid"]) for name in Subtype}
