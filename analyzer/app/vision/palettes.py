"""The colours that suit each season; this project's own choice, kept as data in palettes.json."""

import json
from pathlib import Path

from app.vision.season import Season


def load_palettes() -> dict[Season, list[str]]:
    """Reads the palettes: `#RRGGBB`, the season's most typical colours first.

    Raises `KeyError` if a season has none.
    """
    raw = json.loads((Path(__file__).parent / "palettes.json").read_text(encoding="utf-8"))
    return {season: raw[season] for season in Season}
