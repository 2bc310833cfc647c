"""Runs the whole evaluation: `python -m eval [--plots FOLDER]`, from the folder analyzer/.

`--fit` instead prints what the constants marked *fitted* come out as, on the photos to fit on, which is all
it looks at. Those and the photos to report on have neither a person nor a picture in common (photos.py). The
last line is for machines.
"""

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from pathlib import Path
from statistics import median
from time import process_time
from typing import Final

import numpy as np
from PIL import Image

from app.vision.analysis import Analyzer, Reading
from app.vision.colour import Lab
from app.vision.decode import decode
from app.vision.problems import PhotoError, Warn
from app.vision.season import DEPTH_LIMIT, Verdict, light_log_odds, margins, warm_log_odds
from app.vision.skin import Skin
from eval import plots
from eval.perturb import Perturbed, variants
from eval.photos import Case, load_cases
from eval.rivals import SEASONS, Seen, answers, look
from eval.spectral import Look, looks, recolour
from eval.statistics import agreement, best_slope, kappa, rank_correlation, reliability

FAMILIES: Final = ("all", "mild", "severe", "exposure", "codec", "geometry", "background")
_OURS: Final = "this analyzer"
_LOOKS_PER_FACE: Final = 5
_SEED: Final = 20_000
_SURE: Final = 0.8
_EDGES: Final = (0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.001)
_GATE: Final = {Warn.COLOUR_CAST, Warn.MIXED_LIGHT, Warn.NOT_FRONTAL, Warn.FACE_CUT}
_MAX_CLIPPED: Final = 0.1
_CPU_REPEATS: Final = 12


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is kept of a reading: without its picture, of which there are thousands."""

    skin: Skin
    verdict: Verdict
    warnings: tuple[Warn, ...]


@dataclass(slots=True)
class Photo:
    """What came of one face."""

    case: Case
    reading: Outcome
    seen: Seen
    variants: list[tuple[str, Outcome, Seen]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    recoloured: list[tuple[Look, Outcome]] = field(default_factory=list)

    @property
    def gated(self) -> bool:
        """Whether it would pass for a good photo: no warning about light or pose, the eyes' white in view."""
        skin = self.reading.skin
        return (
            not _GATE & set(self.reading.warnings) and skin.probe is not None and skin.clipped < _MAX_CLIPPED
        )

    @property
    def season(self) -> str:
        """Of the photo as it came."""
        return str(self.reading.verdict.season)


def main() -> None:
    """Runs everything and prints it."""
    parser = argparse.ArgumentParser(prog="eval", description=__doc__)
    parser.add_argument("--plots", type=Path, help="writes the plots into this folder; wants matplotlib")
    parser.add_argument("--fit", action="store_true", help="prints the constants as fitted anew")
    options = parser.parse_args()
    analyzer = Analyzer()
    analyzer.warm_up()
    if options.fit:
        _print_fit(_measure(analyzer, [case for case in load_cases() if case.fit]))
        return
    photos = _measure(analyzer, load_cases())
    report = [photo for photo in photos if not photo.case.fit]
    cuts = _cuts(photos)
    for title, chosen in (
        ("All usable faces, both halves", photos),
        ("Faces to report on", report),
        ("Faces to report on that pass the gate", [photo for photo in report if photo.gated]),
        ("All faces that pass the gate", [photo for photo in photos if photo.gated]),
    ):
        _print_agreement(title, chosen, cuts)
    _print_refusals(photos)
    _print_confidence(photos, report)
    truth = _print_truth(report)
    _print_depth_order([photo for photo in photos if photo.case.fit], report)
    if options.plots:
        plots.draw(options.plots, _bins(report), _confusion(report))
    values = {
        "kappa_all": kappa(_pairs(report, "all")),
        "kappa_gated": kappa(_pairs([photo for photo in report if photo.gated], "all")),
        **truth,
        "cpu_ms": _cpu_ms(analyzer, photos[0].case.image),
    }
    print("eval", *(f"{name}={value:.{1 if name == 'cpu_ms' else 3}f}" for name, value in values.items()))


def _measure(analyzer: Analyzer, cases: list[Case]) -> list[Photo]:
    drawn = looks(len(cases) * _LOOKS_PER_FACE, _SEED)
    photos: list[Photo] = []
    for index, case in enumerate(cases):
        try:
            reading, seen = _read(analyzer, _jpeg(case.image, 95))
        except PhotoError as error:
            print(f"eval: {case.name} is not usable: {error.code}", file=sys.stderr)
            continue
        photo = Photo(case, _outcome(reading), seen)
        mesh = (reading.points * reading.photo.scale).astype(np.float32)
        for variant in variants(case.image, mesh):
            _add(analyzer, photo, variant)
        for wanted in drawn[index * _LOOKS_PER_FACE : (index + 1) * _LOOKS_PER_FACE]:
            image = recolour(case.image, mesh, reading.skin.linear_seen, wanted)
            try:
                photo.recoloured.append((wanted, _outcome(_read(analyzer, _jpeg(image, 92))[0])))
            except PhotoError as error:
                photo.refused[f"recoloured {error.code}"] += 1
        photos.append(photo)
    return photos


def _add(analyzer: Analyzer, photo: Photo, variant: Perturbed) -> None:
    try:
        reading, seen = _read(analyzer, variant.encoded())
        photo.variants.append((variant.family, _outcome(reading), seen))
    except PhotoError as error:
        photo.refused[f"{variant.family} {error.code}"] += 1


def _outcome(reading: Reading) -> Outcome:
    return Outcome(reading.skin, reading.verdict, reading.warnings)


def _read(analyzer: Analyzer, data: bytes) -> tuple[Reading, Seen]:
    reading = analyzer.read(decode(data))
    face = reading.face
    return reading, look(reading.photo.image, (face.left, face.top, face.right, face.bottom))


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def _pairs(photos: list[Photo], family: str) -> list[tuple[str, str]]:
    """The season of every photo with that of each of its variants."""
    return [
        (photo.season, str(reading.verdict.season))
        for photo in photos
        for name, reading, _ in photo.variants
        if family in {"all", name}
    ]


def _cuts(photos: list[Photo]) -> tuple[float, float]:
    middles = [photo.seen.centre_hsv for photo in photos if photo.case.fit]
    return median(hue for hue, _, _ in middles), median(value for _, _, value in middles)


def _print_agreement(title: str, photos: list[Photo], cuts: tuple[float, float]) -> None:
    print(f"\n{title} (n = {len(photos)}): agreement in % / kappa\n")
    print("| rule |", " | ".join(FAMILIES), "| answers |")
    print("|---" * (len(FAMILIES) + 2) + "|")
    rules = [_OURS, *answers(photos[0].seen, cuts)] if photos else []
    for rule in rules:
        cells: list[str] = []
        for family in FAMILIES:
            pairs = _pairs(photos, family)
            if rule != _OURS:
                pairs = [
                    (answers(photo.seen, cuts)[rule], answers(seen, cuts)[rule])
                    for photo in photos
                    for name, _, seen in photo.variants
                    if family in {"all", name}
                ]
            cells.append(f"{100 * agreement(pairs):.0f}/{kappa(pairs):.2f}")
        given = Counter(p.season if rule == _OURS else answers(p.seen, cuts)[rule] for p in photos)
        counts = " ".join(f"{given[name]}" for name in SEASONS)
        print("|", rule, "|", " | ".join(cells), "|", counts, "|")


def _print_refusals(photos: list[Photo]) -> None:
    total = sum(len(photo.variants) + photo.refused.total() for photo in photos)
    refused = sum((photo.refused for photo in photos), Counter[str]())
    print(
        f"\nVariants and recoloured photos refused, and counted as neither right nor wrong, of about {total}:"
    )
    print(", ".join(f"{name} {count}" for name, count in refused.most_common()))


def _print_confidence(photos: list[Photo], report: list[Photo]) -> None:
    print("\n| answers with confidence >= 0.8 | n | share of faces | agreement in % |")
    print("|---|---|---|---|")
    for title, chosen in (
        ("all faces", photos),
        ("faces to report on", report),
        ("faces to report on, gated", [photo for photo in report if photo.gated]),
        ("all faces, gated", [photo for photo in photos if photo.gated]),
    ):
        sure = [photo for photo in chosen if photo.reading.verdict.confidence >= _SURE]
        share = len(sure) / max(1, len(chosen))
        print(f"| {title} | {len(sure)} | {share:.2f} | {100 * agreement(_pairs(sure, 'all')):.0f} |")
    print("\n| confidence, faces to report on | survives | n |\n|---|---|---|")
    for mean, kept, count in _bins(report):
        print(f"| {mean:.2f} | {kept:.2f} | {count} |")


def _bins(photos: list[Photo]) -> list[tuple[float, float, int]]:
    both = [
        (photo.reading.verdict.confidence, photo.season == str(reading.verdict.season))
        for photo in photos
        for _, reading, _ in photo.variants
    ]
    return reliability([sure for sure, _ in both], [kept for _, kept in both], _EDGES)


def _print_truth(photos: list[Photo]) -> dict[str, float]:
    """Compares with the truth of recoloured faces: hue order, warm or cool, light or deep."""
    pairs = _recoloured(photos)
    given = Counter(str(reading.verdict.season) for _, reading in pairs)
    limit = _depth_limit()
    hue = rank_correlation([t.hue for t, _ in pairs], [r.skin.lab.hue for _, r in pairs])
    warm = float(np.mean([(warm_log_odds(t) > 0) == (r.verdict.p_warm > 1 / 2) for t, r in pairs]))
    light = float(np.mean([(_depth(t) > limit) == (r.verdict.p_light > 1 / 2) for t, r in pairs]))
    print(f"\nRecoloured faces of the photos to report on (n = {len(pairs)}): seasons given", dict(given))
    print(f"truly warm {np.mean([warm_log_odds(t) > 0 for t, _ in pairs]):.2f}", end=", ")
    print(f"truly light {np.mean([_depth(t) > limit for t, _ in pairs]):.2f}")
    print("most frequent season:", f"{max(given.values()) / len(pairs):.2f}")
    for name in sorted({wanted.light for photo in photos for wanted, _ in photo.recoloured}):
        some = [(w.truth, r) for p in photos for w, r in p.recoloured if w.light == name]
        right = np.mean([(warm_log_odds(t) > 0) == (r.verdict.p_warm > 1 / 2) for t, r in some])
        print(f"  {name}: warm/cool right {right:.2f} (n = {len(some)})")
    return {"hue_r": hue, "warm_cool": warm, "light_deep": light}


def _print_depth_order(fit: list[Photo], report: list[Photo]) -> None:
    """How well light and deep are told apart once brightness is matched on the fitting half."""

    def measured(outcome: Outcome) -> float:
        return light_log_odds(outcome.skin.lab, outcome.skin.relative_lightness)

    middle = median(measured(outcome) for _, outcome in _recoloured(fit))
    pairs = _recoloured(report)
    order = rank_correlation([_depth(t) for t, _ in pairs], [measured(outcome) for _, outcome in pairs])
    right = np.mean([(_depth(t) > _depth_limit()) == (measured(outcome) > middle) for t, outcome in pairs])
    print(f"depth: rank correlation {order:.2f}; right if split at the fitting half's middle {right:.2f}")


def _depth(skin: Lab) -> float:
    return light_log_odds(skin)


@cache
def _depth_limit() -> float:
    """Between truly light and truly deep: the middle of the skins drawn, as photos' lightness is relative."""
    return median(_depth(look.truth) for look in looks(400, _SEED))


def _recoloured(photos: list[Photo]) -> list[tuple[Lab, Outcome]]:
    return [(wanted.truth, reading) for photo in photos for wanted, reading in photo.recoloured]


def _confusion(photos: list[Photo]) -> list[list[int]]:
    """Rows: the true season of recoloured faces; columns: the answer."""
    table = [[0] * len(SEASONS) for _ in SEASONS]
    limit = _depth_limit()
    for truth, reading in _recoloured(photos):
        warm, light = warm_log_odds(truth) > 0, _depth(truth) > limit
        row = (0 if light else 2) if warm else (1 if light else 3)
        table[row][SEASONS.index(str(reading.verdict.season))] += 1
    return table


def _print_fit(photos: list[Photo]) -> None:
    probes = [photo.reading.skin.probe for photo in photos]
    seen = [probe for probe in probes if probe is not None]
    chromaticity = np.median([probe.chromaticity for probe in seen], axis=0)
    print("fit: white of the eye", chromaticity.round(3), "brightest", median(p.brightest for p in seen))
    for axis, name in enumerate(("hue", "depth")):
        start = [margins(p.reading.skin.lab, p.reading.skin.relative_lightness)[axis] for p in photos]
        middle = median(start)
        both = [
            (own - middle, margins(r.skin.lab, r.skin.relative_lightness)[axis] - middle)
            for own, photo in zip(start, photos, strict=True)
            for _, r, _ in photo.variants
        ]
        slope = best_slope([own for own, _ in both], [later > 0 for _, later in both])
        print(f"fit: {name} limit moves by {middle:+.2f}, slope {slope}")
    print("fit: depth limit now", DEPTH_LIMIT)


def _cpu_ms(analyzer: Analyzer, image: Image.Image) -> float:
    """CPU of decoding and analysing one 12 MP photo of about 500 kB, median, in milliseconds."""
    scale = (12e6 / (image.width * image.height)) ** 0.5
    large = image.resize((round(image.width * scale), round(image.height * scale)))
    buffer = BytesIO()
    large.save(buffer, "JPEG", quality=60)
    data = buffer.getvalue()
    times: list[float] = []
    for _ in range(_CPU_REPEATS):
        started = process_time()
        analyzer.analyze(data)
        times.append(1000 * (process_time() - started))
    return median(times)


if __name__ == "__main__":
    main()
