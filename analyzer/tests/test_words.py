import re

import pytest

from app.analyze.words import INFLUENCES, PROBLEMS, WARNINGS, Language, negotiate
from app.vision.influence import Cause
from app.vision.problems import Code, Warn


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "en"),
        ("", "en"),
        ("ko", "ko"),
        ("KO-kr", "ko"),
        ("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko"),
        ("en-GB,en;q=0.9,ko;q=0.8", "en"),
        ("en;q=0.3, ko;q=0.4", "ko"),
        ("fr-FR, ko;q=0.2, en;q=0.1", "ko"),
        ("fr", "en"),
        ("*", "en"),
        ("*, en;q=0", "ko"),
        ("ko;q=0, *", "en"),
        ("ko;q=0", "en"),
        ("ko, en", "ko"),
        ("en, ko", "en"),
        ("ko;q=0.5, *;q=0.9", "en"),
        ("korean", "en"),
        ("ko;q=high", "en"),
        ("ko;q=nan, en;q=0.1", "en"),
        ("ko;q=1e400", "en"),
        (";;;,,,=", "en"),
        (", " * 10_000 + "ko", "en"),
    ],
)
def test_the_language_with_the_highest_quality_is_chosen(header: str | None, expected: Language) -> None:
    assert negotiate(header) == expected


def test_every_code_has_words_in_both_languages() -> None:
    assert PROBLEMS.keys() > set(Code)
    assert WARNINGS.keys() == set(Warn)
    assert INFLUENCES.keys() == set(Cause)
    for words in PROBLEMS.values():
        for language in ("en", "ko"):
            assert all(words[language])
            assert bool(re.search("[가-힣]", words[language].advice)) is (language == "ko")
    for advice in (*WARNINGS.values(), *INFLUENCES.values()):
        assert re.search("[가-힣]", advice["ko"])
        assert not re.search("[가-힣]", advice["en"])
