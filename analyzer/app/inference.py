"""One inference process: reads photos from standard input, writes answers to standard output.

It ends when its input does, so it cannot outlive the process that started it. It never logs a photo. Once its
models are loaded it has neither network nor secrets: what it decodes may be made to take it over.
"""

import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from app.limits import forbid_core_dumps, limit_memory, offer_to_oom_killer
from app.logs import set_up_logging
from app.sandbox import confine
from app.vision.analysis import Analyzer
from app.vision.problems import PhotoError
from app.wire import LENGTH, Reply

log = logging.getLogger("analyzer.inference")


def main() -> None:
    """Loads the models, warms up, says so, and serves until the input ends."""
    # The accepting process decides when to stop: a signal sent to the whole group is its business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    set_up_logging(os.environ.get("ANALYZER_LOG_LEVEL") or "info")
    forbid_core_dumps()
    offer_to_oom_killer()
    replies = _take_stdout()
    with _native_output_logged():
        analyzer = Analyzer()
        analyzer.warm_up()
    limit_memory()
    if not confine():
        log.warning("this kernel cannot keep inference processes from the network")
    _write(replies, {"ready": True})
    while (photo := _read(sys.stdin.buffer)) is not None:
        _write(replies, reply_to(analyzer, photo))


def reply_to(analyzer: Analyzer, photo: bytes) -> Reply:
    """Analyses one photo; whatever goes wrong with it is an answer, too."""
    try:
        return {"kind": "answer", "answer": analyzer.analyze(photo)}
    except PhotoError as error:
        log.debug("refused", extra={"fields": {"code": error.code, "detail": error.detail}})
        return {"kind": "refusal", "code": error.code}
    except Exception as error:
        log.exception("analysis failed", extra={"fields": {"photo_bytes": len(photo)}})
        return {"kind": "failure", "error": type(error).__name__}


def _take_stdout() -> BinaryIO:
    """Keeps the pipe for replies only: libraries that print to standard output reach standard error."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return replies


@contextmanager
def _native_output_logged() -> Iterator[None]:
    """Turns what libraries write to standard error while they load into log records, one for each line."""
    stderr = os.dup(2)
    with open(os.memfd_create("stderr"), "w+b") as caught:  # noqa: PTH123 - a descriptor, not a path
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            caught.seek(0)
            for line in caught.read().decode(errors="replace").splitlines():
                log.info("library output", extra={"fields": {"line": line}})


def _read(source: BinaryIO) -> bytes | None:
    """Reads one frame; None at the end of the input, also in the middle of a frame."""
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    photo = source.read(length)
    return photo if len(photo) == length else None


def _write(target: BinaryIO, message: object) -> None:
    body = json.dumps(message).encode()
    target.write(LENGTH.pack(len(body)) + body)
    target.flush()


if __name__ == "__main__":
    main()
