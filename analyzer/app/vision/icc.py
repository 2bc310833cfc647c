"""Reads embedded ICC profiles: how the codes of a photo become sRGB.

Phones write Display P3. Read as sRGB, its skin loses about a tenth of its chroma. Only the colours that
are measured need converting, so a 3x3 matrix on linear light does, and no pass over the photo. Whatever is
not that simple (other tone curves, tables, CMYK) is rare, and goes through LittleCMS.
"""

import struct
from io import BytesIO
from typing import Final

import numpy as np
from PIL import ImageCms

from app.vision.colour import FloatArray

# XYZ under D50 (the profile connection space, Bradford-adapted) to linear sRGB: B. Lindbloom.
_D50_TO_SRGB: Final = np.array(
    [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
)
# CIE 1931 chromaticities (ITU-T H.273, table 2) of those wide enough to matter: white, red, green and blue.
_PRIMARIES: Final = {
    9: (0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
_BRADFORD: Final = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50: Final = np.array([0.96422, 1.0, 0.82521])
_MAX_GAIN: Final = 4.0
"""Of a channel over another; ProPhoto's, the widest in use, are 2."""
_MIN_OWN: Final = 0.5
"""Of a channel over itself: under it, a red would be no red any more."""
_HEADER_BYTES: Final = 128
_SPACE: Final = slice(16, 20)
_MAX_TAGS: Final = 100
_COLUMNS: Final = (b"rXYZ", b"gXYZ", b"bXYZ")
_CURVES: Final = (b"rTRC", b"gTRC", b"bTRC")
_TABLE: Final = b"A2B0"
_NUMBERS: Final = b"cicp"
_CURVE_SAMPLES: Final = (0.2, 0.5, 0.8)
_CURVE_TOLERANCE: Final = 0.006
"""Of linear light, 0..1. Display P3 and the kinds of sRGB are within 0.001, a gamma of 2.2 is 0.008 off."""
_SRGB_AT_SAMPLES: Final = (0.0331, 0.2140, 0.6038)
_PARAMETERS: Final = (1, 3, 4, 5, 7)

Tags = dict[bytes, int]
"""Offsets of a profile's tags."""


def matrix_to_srgb(profile: bytes | None) -> FloatArray | None:
    """Finds the matrix from the profile's linear RGB to linear sRGB.

    None if there is no profile, it is as good as sRGB, is not of the simple kind (a matrix, and sRGB's own
    tone curve, as Display P3 has it), or is damaged.
    """
    if not profile or profile[_SPACE] != b"RGB ":
        return None
    try:
        tags = _tags(profile)
        if not _is_simple(profile, tags):
            return None
        columns = [
            [v / 65536 for v in struct.unpack_from(">3i", profile, tags[name] + 8)] for name in _COLUMNS
        ]
    except (struct.error, KeyError):
        return None
    return _checked(_D50_TO_SRGB @ np.array(columns).T)


def matrix_of_primaries(number: int) -> FloatArray | None:
    """Finds the matrix to linear sRGB for a coded set of primaries (ITU-T H.273); None: as good as sRGB."""
    return matrix_of_chromaticities(*_PRIMARIES[number]) if number in _PRIMARIES else None


def matrix_of_chromaticities(*xy: float) -> FloatArray | None:
    """Finds the matrix to linear sRGB for the places of white, red, green and blue in CIE 1931's diagram.

    White stays white. None: as good as sRGB, or not sane.
    """
    try:
        white, red, green, blue = (
            np.array([x / y, 1, (1 - x - y) / y]) for x, y in zip(xy[::2], xy[1::2], strict=True)
        )
        columns = np.stack([red, green, blue], axis=1)
        columns = columns * np.linalg.solve(columns, white)
        adapted = np.linalg.inv(_BRADFORD) @ np.diag(_BRADFORD @ _D50 / (_BRADFORD @ white)) @ _BRADFORD
    except (ZeroDivisionError, ValueError, np.linalg.LinAlgError):
        return None
    return _checked(_D50_TO_SRGB @ adapted @ columns)


def coded_numbers(profile: bytes) -> tuple[int, int] | None:
    """Reads the primaries and the transfer curve that a profile names by number (ICC.1:2022, `cicp`)."""
    try:
        offset = _tags(profile).get(_NUMBERS)
        if offset is None or profile[offset : offset + 4] != _NUMBERS:
            return None
        primaries, transfer = struct.unpack_from(">BB", profile, offset + 8)
    except struct.error:
        return None
    return primaries, transfer


def transform_to_srgb(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Builds the conversion of a whole picture of `mode`, RGB or CMYK, to sRGB codes.

    None if there is no profile, a matrix does for it, it belongs to another mode, or is damaged.
    """
    space = {"RGB": b"RGB ", "CMYK": b"CMYK"}.get(mode)
    if not profile or profile[_SPACE] != space:
        return None
    try:
        if mode == "RGB" and _is_simple(profile, _tags(profile)):
            return None
        return ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, struct.error, OSError, ValueError):
        return None


def _checked(matrix: FloatArray) -> FloatArray | None:
    """A sane matrix keeps white white; anything else is a broken or hostile profile."""
    if not np.isfinite(matrix).all() or np.abs(matrix).max() > _MAX_GAIN or np.diag(matrix).min() < _MIN_OWN:
        return None
    if not np.allclose(matrix.sum(axis=1), 1, atol=0.05) or np.allclose(matrix, np.eye(3), atol=0.01):
        return None
    return np.asarray(matrix, dtype=np.float32)


def _is_simple(profile: bytes, tags: Tags) -> bool:
    """Tells whether matrix and tone curve describe the profile, and the curve is sRGB's or not told."""
    if _TABLE in tags or not all(name in tags for name in _COLUMNS):
        return False
    return all(_is_srgb_curve(profile, tags[name]) for name in _CURVES if name in tags)


def _is_srgb_curve(profile: bytes, offset: int) -> bool:
    return all(
        abs(_curve_at(profile, offset, code) - linear) < _CURVE_TOLERANCE
        for code, linear in zip(_CURVE_SAMPLES, _SRGB_AT_SAMPLES, strict=True)
    )


def _curve_at(profile: bytes, offset: int, code: float) -> float:
    """Evaluates a tone curve, `curv` or `para`, at a code of 0..1 (ICC.1:2022, 10.6 and 10.18)."""
    kind = profile[offset : offset + 4]
    if kind == b"para":
        (function,) = struct.unpack_from(">H", profile, offset + 8)
        if function >= len(_PARAMETERS):
            return 0.0
        values = struct.unpack_from(f">{_PARAMETERS[function]}i", profile, offset + 12)
        g, a, b, c, d, e, f = [v / 65536 for v in values] + _DEFAULTS[function]
        return float(max(0.0, a * code + b) ** g + e if code >= d else c * code + f)
    (count,) = struct.unpack_from(">I", profile, offset + 8)
    if count == 0:
        return code
    if count == 1:
        (gamma,) = struct.unpack_from(">H", profile, offset + 12)
        return float(code ** (gamma / 256))
    place = code * (count - 1)
    low, high = struct.unpack_from(">2H", profile, offset + 12 + 2 * int(place))
    return float((low + (high - low) * (place % 1)) / 65535)


# What completes each function's parameters to those of Y = (aX + b)^g + e for X >= d, else cX + f.
# Functions 1 and 2, whose d is -b/a, are used by no common profile: the samples lie above it in any case.
_DEFAULTS: Final[tuple[list[float], ...]] = (
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 0.0],
    [0.0, 0.0],
    [],
)


def _tags(profile: bytes) -> Tags:
    """Reads the tag table (ICC.1:2022, 7.3)."""
    (count,) = struct.unpack_from(">I", profile, _HEADER_BYTES)
    found: Tags = {}
    for index in range(min(count, _MAX_TAGS)):
        name, offset, _ = struct.unpack_from(">4sII", profile, _HEADER_BYTES + 4 + 12 * index)
        found[name] = offset
    return found
