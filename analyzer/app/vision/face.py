"""Finds faces (BlazeFace, full range) and traces the one that counts with a 468-point mesh.

Bazarevsky et al., "BlazeFace: sub-millisecond neural face detection on mobile GPUs" (2019); Kartynnik et
al., "Real-time facial surface geometry from monocular video on mobile GPUs" (2019). Pre- and
post-processing follow the graphs these models were published with (MediaPipe, Apache 2.0).
"""

from dataclasses import dataclass
from math import atan2, cos, sin
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from app.vision.models import INPUT_SIDE, Model, Tensor, model_path

Points = npt.NDArray[np.float32]
"""Shape (n, 2): x to the right, y down, in pixels of the decoded picture."""

_GRID: Final = 48
"""The detector has one anchor per cell of a 48 x 48 grid."""
_MIN_SCORE: Final = 0.5
_SAME_FACE_IOU: Final = 0.3
_LOGIT_LIMIT: Final = 80.0
"""exp() of more would overflow a 32-bit float."""
_MESH_MARGIN: Final = 1.5
"""Side of the mesh's square input in units of the detected box's longer side."""
_RIGHT_EYE: Final = 0
_LEFT_EYE: Final = 1
_IRIS_SIDE: Final = 64
"""Pixels: the iris model takes a square RGB picture of this side around one eye."""
_IRIS_MARGIN: Final = 2.3
"""Side of the iris model's square in units of the distance between the corners of the eye (MediaPipe)."""
_IRIS_OUTPUT: Final = 15
"""The centre and four points of the rim, three coordinates each."""
RIGHT_EYE_CORNERS: Final = (33, 133)
LEFT_EYE_CORNERS: Final = (263, 362)
"""Mesh points, the outer corner first."""


@dataclass(frozen=True, slots=True)
class Face:
    """A detected face, in pixels of the decoded picture; the box may reach beyond its edges."""

    score: float
    left: float
    top: float
    right: float
    bottom: float
    keypoints: Points
    """Right eye, left eye, nose tip, mouth, right ear, left ear; right and left are the person's."""

    @property
    def width(self) -> float:
        """Of the box, from about temple to temple."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Of the box, from about the brows to the chin."""
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Iris:
    """One eye's iris, in pixels of the decoded picture."""

    x: float
    y: float
    radius: float


class FaceFinder:
    """The three models. Loading takes about 0.1 s; not safe for use by several threads."""

    def __init__(self) -> None:
        self._detector = Model(model_path("face_detection_full_range.tflite"))
        self._mesh = Model(model_path("face_landmark.tflite"))
        self._iris = Model(model_path("iris_landmark.tflite"))
        cells = (np.arange(_GRID, dtype=np.float32) + 0.5) / _GRID
        self._anchors = np.stack(np.meshgrid(cells, cells), axis=-1).reshape(-1, 2)

    def detect(self, image: Image.Image, margin: int = 0) -> list[Face]:
        """Finds the faces of an upright RGB picture, widest first; with a margin in pixels, larger ones."""
        picture, scale, offset = _letterbox(image, margin)
        boxes, logits = self._detector.run(picture)
        scores = _sigmoid(logits[0, :, 0])
        chosen = np.flatnonzero(scores >= _MIN_SCORE)
        raw = boxes[0, chosen].reshape(-1, 8, 2) / INPUT_SIDE
        centres = raw[:, :1] + self._anchors[chosen, np.newaxis]
        half = raw[:, 1:2] / 2
        keypoints = raw[:, 2:] + self._anchors[chosen, np.newaxis]
        points = np.concatenate([centres - half, centres + half, keypoints], axis=1)
        points = (points * INPUT_SIDE - offset) / scale
        faces = _merge(scores[chosen], points)
        return sorted(faces, key=lambda face: face.width, reverse=True)

    def trace(self, image: Image.Image, face: Face) -> tuple[Points, float]:
        """Places the mesh's 468 points on a face; with the probability, 0..1, that it is one."""
        centre = np.array([face.left + face.right, face.top + face.bottom], dtype=np.float32) / 2
        scale = max(face.width, face.height, 1) * _MESH_MARGIN / INPUT_SIDE
        eyes = face.keypoints[_LEFT_EYE] - face.keypoints[_RIGHT_EYE]
        angle = atan2(float(eyes[1]), float(eyes[0]))
        x, y = scale * cos(angle), scale * sin(angle)
        axes = np.array([[x, -y], [y, x]], dtype=np.float32)
        origin = np.asarray(centre - axes @ np.full(2, INPUT_SIDE / 2), dtype=np.float32)
        output, flag = self._mesh.run(_sample(image, axes, origin, INPUT_SIDE) / np.float32(255))
        points = np.asarray(output.reshape(-1, 3)[:, :2] @ axes.T + origin, dtype=np.float32)
        return points, float(_sigmoid(flag.reshape(1))[0])

    def find_iris(self, image: Image.Image, points: Points, corners: tuple[int, int]) -> Iris:
        """Finds the iris between two corners of an eye, given as mesh points.

        Ablavatski et al., "Real-time pupil tracking from monocular video for digital puppetry" (2020).
        """
        outer, inner = points[corners[0]], points[corners[1]]
        # The model knows left eyes: of the right one it is shown the mirror image.
        mirror = -1.0 if corners == RIGHT_EYE_CORNERS else 1.0
        direction = (outer - inner) * mirror
        scale = float(np.linalg.norm(direction)) * _IRIS_MARGIN / _IRIS_SIDE
        angle = atan2(float(direction[1]), float(direction[0]))
        x, y = scale * cos(angle), scale * sin(angle)
        axes = np.array([[x * mirror, -y], [y * mirror, x]], dtype=np.float32)
        half = np.full(2, _IRIS_SIDE / 2, dtype=np.float32)
        origin = np.asarray((outer + inner) / 2 - axes @ half, dtype=np.float32)
        outputs = self._iris.run(_sample(image, axes, origin, _IRIS_SIDE) / np.float32(255))
        (flat,) = (output for output in outputs if output.size == _IRIS_OUTPUT)
        centre, *rim = flat.reshape(-1, 3)[:, :2] @ axes.T + origin
        radius = float(np.mean([np.linalg.norm(point - centre) for point in rim]))
        return Iris(float(centre[0]), float(centre[1]), radius)


def _letterbox(image: Image.Image, margin: int) -> tuple[Tensor, float, Tensor]:
    """Fits a picture and its margin into the detector's square, padded with black, as values of -1..1.

    Returns it with the scale and the offset that lead from the picture's pixels to the square's.
    """
    scale = INPUT_SIDE / (max(image.size) + 2 * margin)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=1.0)
    left, top = (INPUT_SIDE - size[0]) // 2, (INPUT_SIDE - size[1]) // 2
    square = Image.new("RGB", (INPUT_SIDE, INPUT_SIDE))
    square.paste(small, (left, top))
    return _tensor(square) / 127.5 - 1, scale, np.array([left, top], dtype=np.float32)


def _sample(image: Image.Image, axes: Tensor, origin: Tensor, side: int) -> Tensor:
    """Cuts the turned square of `side` pixels out of the picture that `axes` and `origin` lead to."""
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=np.float32) * side @ axes.T + origin
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, image.size)
    if left >= right or top >= bottom:
        return np.zeros((side, side, 3), dtype=np.float32)
    # Bilinear sampling looks at four pixels only: shrink first, or a large face would be aliased.
    factor = max(1, int(np.linalg.norm(axes[0])))
    patch = image.reduce(factor, box=(int(left), int(top), int(right), int(bottom)))
    to_patch = axes / factor
    start = (origin - (left, top)) / factor
    coefficients = (*to_patch[0], start[0], *to_patch[1], start[1])
    square = patch.transform(
        (side, side),
        Image.Transform.AFFINE,
        tuple(float(value) for value in coefficients),
        Image.Resampling.BILINEAR,
    )
    return _tensor(square)


def _tensor(picture: Image.Image) -> Tensor:
    return np.asarray(picture, dtype=np.float32)


def _sigmoid(logits: Tensor) -> Tensor:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -_LOGIT_LIMIT, _LOGIT_LIMIT))), dtype=np.float32)


def _merge(scores: Tensor, points: Tensor) -> list[Face]:
    """Averages the detections of one face, weighted by score (BlazeFace, section 3.4: less jitter)."""
    faces: list[Face] = []
    rest = np.argsort(-scores)
    while rest.size:
        same = _iou(points[rest[0], :2], points[rest, :2]) > _SAME_FACE_IOU
        same[0] = True  # also when its box is empty: every round must use one up
        group, rest = rest[same], rest[~same]
        mean = np.average(points[group], axis=0, weights=scores[group]).astype(np.float32)
        left, top, right, bottom = (float(value) for value in mean[:2].ravel())
        faces.append(Face(float(scores[group[0]]), left, top, right, bottom, mean[2:]))
    return faces


def _iou(box: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of a box, shape (2, 2), with each of others, shape (n, 2, 2)."""
    low, high = np.maximum(box[0], others[:, 0]), np.minimum(box[1], others[:, 1])
    common = np.prod(np.maximum(high - low, 0), axis=1)
    union = np.prod(box[1] - box[0]) + np.prod(others[:, 1] - others[:, 0], axis=1) - common
    return np.asarray(common / np.maximum(union, np.finfo(np.float32).tiny), dtype=np.float32)
