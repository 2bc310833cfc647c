"""What travels on the pipes between the accepting process and an inference process.

Every frame is its length as four bytes, big endian, and as many bytes. To the inference process go photos as
they came; back come JSON objects: first `{"ready": true}`, then one `Reply` for each photo, in order.
"""

import struct
from typing import Final, Literal, TypedDict

LENGTH: Final = struct.Struct(">I")
MAX_REPLY_BYTES: Final = 1 << 16


class Answered(TypedDict):
    """The photo has an answer."""

    kind: Literal["answer"]
    answer: dict[str, object]


class Refused(TypedDict):
    """The photo is at fault."""

    kind: Literal["refusal"]
    code: str


class Failed(TypedDict):
    """The analyzer is at fault; its log says how."""

    kind: Literal["failure"]
    error: str


Reply = Answered | Refused | Failed
