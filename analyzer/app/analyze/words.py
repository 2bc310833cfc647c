"""What people are told, in English and Korean: every problem, and every warning beside an answer."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from app.vision.problems import Code, Warn

Language = Literal["en", "ko"]
_DEFAULT: Final[Language] = "en"
_LANGUAGES: Final[tuple[Language, ...]] = ("en", "ko")
_MAX_RANGES: Final = 20
"""Of an Accept-Language header that are looked at; browsers send two to six."""


class Words(NamedTuple):
    """What happened, and what to do about it."""

    title: str
    advice: str


PROBLEMS: Final[Mapping[str, Mapping[Language, Words]]] = {
    Code.IMAGE_TOO_LARGE: {
        "en": Words(
            "Image too large", "The photo may have 10 MB and 50 megapixels at most. Send a smaller one."
        ),
        "ko": Words(
            "사진이 너무 큼", "사진은 10MB, 5천만 화소까지 올릴 수 있어요. 더 작은 사진을 보내 주세요."
        ),
    },
    Code.NOT_AN_IMAGE: {
        "en": Words(
            "Not an image",
            "This is no photo, or it is damaged. Send it again as a JPEG, PNG, WebP or HEIC file.",
        ),
        "ko": Words(
            "사진이 아님",
            "사진이 아니거나 손상된 파일이에요. JPEG, PNG, WebP, HEIC 파일로 다시 보내 주세요.",
        ),
    },
    Code.UNSUPPORTED_FORMAT: {
        "en": Words(
            "Unsupported image format",
            "This image format is not supported. Send a still photo as a JPEG, PNG, WebP or HEIC file.",
        ),
        "ko": Words(
            "지원하지 않는 형식",
            "지원하지 않는 이미지 형식이에요. 움직이지 않는 JPEG, PNG, WebP, HEIC 사진을 보내 주세요.",
        ),
    },
    Code.IMAGE_TOO_SMALL: {
        "en": Words(
            "Image too small", "The photo is too small. Send the original, not a preview or a thumbnail."
        ),
        "ko": Words("사진이 너무 작음", "사진이 너무 작아요. 미리보기가 아닌 원본 사진을 보내 주세요."),
    },
    Code.NO_FACE: {
        "en": Words(
            "No face found",
            "No face was found. Take the photo from the front, in good light, with all of your face in view.",
        ),
        "ko": Words(
            "얼굴을 찾지 못함",
            "얼굴을 찾지 못했어요. 밝은 곳에서 정면을 보고 얼굴 전체가 나오게 찍어 주세요.",
        ),
    },
    Code.MULTIPLE_FACES: {
        "en": Words(
            "Several faces found", "There are several faces in the photo. Send one of yourself alone."
        ),
        "ko": Words("얼굴이 여럿임", "사진에 여러 사람이 있어요. 혼자 나온 사진을 보내 주세요."),
    },
    Code.FACE_TOO_SMALL: {
        "en": Words("Face too small", "Your face is too small in the photo. Take it from closer by."),
        "ko": Words("얼굴이 너무 작음", "사진 속 얼굴이 너무 작아요. 더 가까이에서 찍어 주세요."),
    },
    Code.TOO_DARK: {
        "en": Words("Too dark", "The photo is too dark. Take it in daylight, facing a window."),
        "ko": Words("너무 어두움", "사진이 너무 어두워요. 낮에 창가를 바라보고 찍어 주세요."),
    },
    Code.TOO_BRIGHT: {
        "en": Words("Overexposed", "The photo is overexposed. Take it without flash and out of direct sun."),
        "ko": Words("너무 밝음", "사진이 너무 밝아요. 플래시를 끄고 직사광선을 피해서 다시 찍어 주세요."),
    },
    Code.GREYSCALE: {
        "en": Words(
            "No colour in the photo", "The photo has no colour. Send a colour photo without a filter."
        ),
        "ko": Words("흑백 사진", "색이 없는 사진이에요. 필터를 쓰지 않은 컬러 사진을 보내 주세요."),
    },
    Code.BLURRED: {
        "en": Words("Blurred", "The photo is blurred. Wipe the lens, hold still and focus on your face."),
        "ko": Words(
            "사진이 흐림",
            "사진이 흐려요. 렌즈를 닦고 얼굴에 초점을 맞춘 뒤 흔들리지 않게 찍어 주세요.",
        ),
    },
    "INVALID_REQUEST": {
        "en": Words("Invalid request", "The request cannot be understood."),
        "ko": Words("잘못된 요청", "요청을 이해할 수 없어요."),
    },
    "FILE_REQUIRED": {
        "en": Words("No photo in the request", "Send the photo as a file in a part named file."),
        "ko": Words("사진 없음", "사진을 file이라는 이름의 파일로 보내 주세요."),
    },
    "READ_TIMEOUT": {
        "en": Words("Upload too slow", "The photo did not arrive in time. Send it again."),
        "ko": Words("전송 시간 초과", "사진이 제때 도착하지 않았어요. 다시 보내 주세요."),
    },
    "OVERLOADED": {
        "en": Words("All slots are busy", "All slots are busy and the queue is full. Try again shortly."),
        "ko": Words("요청이 많음", "지금은 요청이 많아요. 잠시 후 다시 시도해 주세요."),
    },
    "NOT_READY": {
        "en": Words("Starting", "The models are being loaded. Try again shortly."),
        "ko": Words("준비 중", "분석을 준비하고 있어요. 잠시 후 다시 시도해 주세요."),
    },
    "NOT_FOUND": {
        "en": Words("Not found", "There is nothing at this address."),
        "ko": Words("찾을 수 없음", "이 주소에는 아무것도 없어요."),
    },
    "METHOD_NOT_ALLOWED": {
        "en": Words("Method not allowed", "This address does not take that method."),
        "ko": Words("허용되지 않는 메서드", "이 주소에서는 쓸 수 없는 메서드예요."),
    },
    "INTERNAL": {
        "en": Words("Internal error", "The analysis failed. Send the photo again."),
        "ko": Words("내부 오류", "분석에 실패했어요. 사진을 다시 보내 주세요."),
    },
}

WARNINGS: Final[Mapping[Warn, Mapping[Language, str]]] = {
    Warn.COLOUR_CAST: {
        "en": "The light has a strong colour of its own. Take the photo in daylight, with the lamps off.",
        "ko": "조명에 색이 많이 섞여 있어요. 전등을 끄고 자연광에서 찍어 주세요.",
    },
    Warn.MIXED_LIGHT: {
        "en": "Your face is lit by two kinds of light. Turn off the lamps and face a window.",
        "ko": "얼굴에 서로 다른 빛이 섞여 있어요. 전등을 끄고 창을 바라보고 찍어 주세요.",
    },
    Warn.NOT_FRONTAL: {
        "en": "Your head is turned. Look straight into the camera.",
        "ko": "고개가 돌아가 있어요. 카메라를 정면으로 봐 주세요.",
    },
    Warn.FACE_CUT: {
        "en": "Part of your face is outside the photo. Keep all of it in view.",
        "ko": "얼굴 일부가 사진 밖으로 나갔어요. 얼굴 전체가 나오게 찍어 주세요.",
    },
    Warn.OCCLUDED: {
        "en": "Something covers your face. Take off mask and glasses, and move your hair aside.",
        "ko": "얼굴을 가린 것이 있어요. 마스크와 안경을 벗고 머리카락을 넘겨 주세요.",
    },
    Warn.LOW_CONFIDENCE: {
        "en": "This answer is unsure. A second photo in daylight, without make-up or filter, will tell more.",
        "ko": "확실하지 않은 결과예요. 자연광에서 화장과 필터 없이 한 번 더 찍어 보세요.",
    },
}


def negotiate(accept_language: str | None) -> Language:
    """Chooses between English and Korean by an `Accept-Language` header (RFC 9110, 12.5.4; RFC 4647, 3.3.1).

    Each language gets the quality of the most specific range that fits it; between equals the one named first
    wins, and English where neither is named, wanted, or the header makes no sense.
    """
    ranges = [_quality(part) for part in (accept_language or "").split(",")[:_MAX_RANGES]]
    candidates = []
    for order, language in enumerate(_LANGUAGES):
        fitting = [
            (tag != "*", quality, -place)
            for place, (tag, quality) in enumerate(ranges)
            if tag == "*" or tag.partition("-")[0] == language
        ]
        if fitting:
            _, quality, place = max(fitting)
            candidates.append((quality, place, -order, language))
    if not candidates:
        return _DEFAULT
    quality, _, _, language = max(candidates)
    return language if quality > 0 else _DEFAULT


def _quality(part: str) -> tuple[str, float]:
    """Reads one range, `ko-KR;q=0.8`; a malformed weight makes it unwanted."""
    tag, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            quality = _weight(value.strip())
    return tag, quality


def _weight(value: str) -> float:
    if not value.replace(".", "", 1).isdigit() or not value.isascii():
        return 0.0
    return min(1.0, float(value))
