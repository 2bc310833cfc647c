"""Runs the whole evaluation: `python -m eval [--plots FOLDER]`, from the folder analyzer/.

The photos come in three parts that share neither a person nor a picture (photos.py). The shipped rule is
fitted on one and reported on the second. To report on both, each is also judged by a rule fitted on the
other: "held out" below. `--fit` instead prints what the constants marked *fitted* come out as, and looks at
the first part only; `--unseen` looks at the third, which is for the end of a change of the method: who looks
at it while choosing has seen it; `--several` looks at what several photos in one analysis bring, on the first
two (several.py). The last line is for machines: its figures are those of the held-out faces.
"""

import argparse
from io import BytesIO
from pathlib import Path
from statistics import median
from time import process_time
from typing import Final

from PIL import Image

from app.vision.analysis import Analyzer
from app.vision.season import RULE, Rule
from eval import figures, plots, report, several
from eval.fit import fit_rule, print_fit
from eval.measure import Photo, measure, measure_sittings
from eval.photos import Part, load_cases
from eval.statistics import kappa

_CPU_REPEATS: Final = 30
_CPU_SIZE: Final = (3000, 4000)
_CPU_BYTES: Final = 500_000


def main() -> None:
    """Runs everything and prints it."""
    parser = argparse.ArgumentParser(prog="eval", description=__doc__)
    parser.add_argument("--plots", type=Path, help="writes the plots into this folder; wants matplotlib")
    parser.add_argument("--fit", action="store_true", help="prints the constants as fitted anew")
    parser.add_argument("--unseen", action="store_true", help="looks at the third part alone")
    parser.add_argument(
        "--several", action="store_true", help="combines photos of one face in different lights"
    )
    options = parser.parse_args()
    if options.unseen:
        figures.print_figures("Unseen faces", measure(load_cases((Part.UNSEEN,))))
        return
    if options.several:
        for part in (Part.FIT, Part.REPORT):
            several.print_several(f"Part to {part}", measure_sittings(load_cases((part,))))
        return
    if options.fit:
        print_fit(measure(load_cases((Part.FIT,))))
        return
    cases = load_cases((Part.FIT, Part.REPORT))
    photos = measure(cases)
    report_half = [photo for photo in photos if photo.part is Part.REPORT]
    fit_half = [photo for photo in photos if photo.part is Part.FIT]
    rules = {Part.FIT: fit_rule(report_half), Part.REPORT: fit_rule(fit_half)}
    print("rules: shipped", RULE, "fitted on one half", rules[Part.REPORT], "on the other", rules[Part.FIT])

    def held_out(photo: Photo) -> Rule:
        return rules[photo.part]

    def shipped(_: Photo) -> Rule:
        return RULE

    hsv = [photo.seen.centre_hsv for photo in fit_half]
    cuts = median(hue for hue, _, _ in hsv), median(value for _, _, value in hsv)
    gated = [photo for photo in photos if photo.gated]
    report_gated = [photo for photo in report_half if photo.gated]
    report.print_agreement("All usable faces, held out", photos, held_out, cuts)
    report.print_agreement("All faces that pass the gate, held out", gated, held_out, cuts)
    report.print_agreement("The half to report on, shipped rule", report_half, shipped, cuts)
    report.print_agreement("Of these, those that pass the gate", report_gated, shipped, cuts)
    report.print_refusals(photos)
    report.print_confidence({"all faces, held out": photos, "those that pass the gate": gated}, held_out)
    report.print_confidence({"half to report on": report_half, "gated": report_gated}, shipped)
    kept, right = report.kept_bins(photos, held_out), report.right_bins(photos, held_out)
    report.print_bins("survives", kept)
    report.print_bins("right on recoloured faces", right)
    report.print_truth(report_half, shipped)
    figures.print_figures("The half to report on", report_half)
    truth = report.print_truth(photos, held_out)
    if options.plots:
        plots.draw(options.plots, kept, right, report.confusion(photos, held_out))
    values = {
        "kappa_all": kappa(report.pairs(photos, held_out)),
        "kappa_gated": kappa(report.pairs(gated, held_out)),
        **truth,
        "cpu_ms": _cpu_ms(max((case.image for case in cases), key=lambda image: image.width * image.height)),
    }
    print("eval", *(f"{name}={value:.{1 if name == 'cpu_ms' else 3}f}" for name, value in values.items()))


def _cpu_ms(image: Image.Image) -> float:
    """CPU of decoding and analysing a 12 MP photo, 3:4 as phones take them, under 500 kB; in milliseconds.

    The least of many: what else runs on a machine slows a process down, and nothing makes it faster.
    """
    analyzer = Analyzer()
    analyzer.warm_up()
    upright = image.crop((0, 0, image.width, image.width * 4 // 3))
    large = upright.resize(_CPU_SIZE)
    data = b""
    for quality in range(75, 20, -3):
        buffer = BytesIO()
        large.save(buffer, "JPEG", quality=quality)
        data = buffer.getvalue()
        if len(data) < _CPU_BYTES:
            break
    times: list[float] = []
    for _ in range(_CPU_REPEATS):
        started = process_time()
        analyzer.analyze(data)
        times.append(1000 * (process_time() - started))
    return min(times)


if __name__ == "__main__":
    main()
