"""Reads from an embedded ICC profile how its primaries relate to sRGB.

Phones write Display P3. Read as sRGB, its skin loses about a tenth of its chroma. Only the colours that
are measured need converting, so a 3x3 matrix on linear light does, and no pass over the photo.
"""

import struct
from typing import Final

import numpy as np

from app.vision.colour import FloatArray

# XYZ under D50 (the profile connection space, Bradford-adapted) to linear sRGB: B. Lindbloom.
_D50_TO_SRGB: Final = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)
_HEADER_BYTES: Final = 128
_MAX_TAGS: Final = 100
_COLUMNS: Final = (b"rXYZ", b"gXYZ", b"bXYZ")


def matrix_to_srgb(profile: bytes | None) -> FloatArray | None:
    """Finds the matrix from the profile's linear RGB to linear sRGB.

    None if there is no profile, it is as good as sRGB, is not of the matrix kind, or is damaged: the photo
    is then read as sRGB. The profile's tone curve is taken to be sRGB's, as it is for Display P3.
    """
    if not profile or profile[16:20] != b"RGB ":
        return None
    try:
        columns = _colorants(profile)
    except struct.error:
        return None
    if len(columns) < len(_COLUMNS):
        return None
    matrix = _D50_TO_SRGB @ np.array([columns[name] for name in _COLUMNS]).T
    # A sane matrix keeps white white; anything else is a broken or hostile profile.
    if not np.allclose(matrix.sum(axis=1), 1, atol=0.05) or np.allclose(matrix, np.eye(3), atol=0.01):
        return None
    return np.asarray(matrix, dtype=np.float32)


def _colorants(profile: bytes) -> dict[bytes, tuple[float, ...]]:
    """Reads the `XYZType` tags of the three primaries (ICC.1:2022, 7.3 and 10.31)."""
    (count,) = struct.unpack_from(">I", profile, _HEADER_BYTES)
    found: dict[bytes, tuple[float, ...]] = {}
    for index in range(min(count, _MAX_TAGS)):
        name, offset, _ = struct.unpack_from(">4sII", profile, _HEADER_BYTES + 4 + 12 * index)
        if name in _COLUMNS:
            found[name] = tuple(v / 65536 for v in struct.unpack_from(">3i", profile, offset + 8))
    return found
