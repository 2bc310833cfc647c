"""What can be wrong with a photo: the stable codes. app.analyze.words has what a person is told."""

from enum import StrEnum


class Code(StrEnum):
    """Machine-readable reason why a photo has no answer; part of the HTTP contract."""

    IMAGE_TOO_LARGE = "IMAGE_TOO_LARGE"
    NOT_AN_IMAGE = "NOT_AN_IMAGE"
    UNSUPPORTED_FORMAT = "UNSUPPORTED_FORMAT"
    DAMAGED = "DAMAGED"
    IMAGE_TOO_SMALL = "IMAGE_TOO_SMALL"
    NO_FACE = "NO_FACE"
    MULTIPLE_FACES = "MULTIPLE_FACES"
    FACE_TOO_SMALL = "FACE_TOO_SMALL"
    TOO_DARK = "TOO_DARK"
    TOO_BRIGHT = "TOO_BRIGHT"
    GREYSCALE = "GREYSCALE"
    LIGHT_TOO_COLOURED = "LIGHT_TOO_COLOURED"
    BLURRED = "BLURRED"


class Warn(StrEnum):
    """A doubt about an answer that was given all the same."""

    COLOUR_CAST = "COLOUR_CAST"
    MIXED_LIGHT = "MIXED_LIGHT"
    TOO_BRIGHT = "TOO_BRIGHT"
    NOT_FRONTAL = "NOT_FRONTAL"
    FACE_CUT = "FACE_CUT"
    OCCLUDED = "OCCLUDED"
    LOW_CONFIDENCE = "LOW_CONFIDENCE"


class PhotoError(Exception):
    """The photo cannot be analysed and never will be: sending it again changes nothing."""

    def __init__(self, code: Code, detail: str = "") -> None:
        """Takes what developers should know in `detail`; it is logged, and never shown to a person."""
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
