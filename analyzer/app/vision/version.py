"""What the answers call the rules that gave them; alone here, so that naming them loads nothing else."""

from typing import Final

MODEL_NAME: Final = "toneup-two-axes"
MODEL_VERSION: Final = "3.1.0"
"""Raised whenever the same photo may get another answer."""
