"""The real service over real HTTP."""

import os
import signal
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.analyze.router import AnswerView
from tests.conftest import Photos
from tests.service import Service, run_service, wait_until

_SLOTS, _WAITERS = 2, 2
_HEADERS = {"x-slots", "x-free", "x-waited-ms", "x-idle-ms", "x-instance", "x-model"}


def _problem(response: httpx.Response) -> tuple[int, str]:
    """Checks that an error is a complete problem document with the instance's headers."""
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert set(document) == {"type", "title", "status", "detail", "code"}
    assert document["status"] == response.status_code
    assert response.headers.keys() >= _HEADERS
    return response.status_code, document["code"]


def _send(
    clients: ThreadPoolExecutor, count: int, service: Service, photos: Photos
) -> list[Future[httpx.Response]]:
    return [clients.submit(service.analyze, photos.face) for _ in range(count)]


def test_a_face_gets_a_season_and_all_fields(service: Service, photos: Photos) -> None:
    response = service.analyze(photos.face, user_id="7")
    assert response.status_code == 200
    assert set(response.json()) == set(AnswerView.model_fields)
    view = AnswerView.model_validate_json(response.content)
    assert response.headers["x-model"] == f"{view.model.name}/{view.model.version}"
    assert view.userId == 7
    assert 8 <= len(view.palette) <= 10
    assert response.headers.keys() >= _HEADERS
    assert response.headers["x-slots"] == "2"
    assert response.headers["x-free"] == "2"  # its own slot is free again


@pytest.mark.parametrize(
    ("sent", "expected"), [("u-1", "u-1"), ("007", "007"), ("-3", -3), ("9" * 30, "9" * 30)]
)
def test_the_user_id_comes_back_as_it_was_sent(
    service: Service, photos: Photos, sent: str, expected: int | str
) -> None:
    assert service.analyze(photos.face, user_id=sent).json()["userId"] == expected


def test_the_user_id_may_be_missing(service: Service, photos: Photos) -> None:
    assert service.analyze(photos.face).json()["userId"] is None


@pytest.mark.parametrize(("name", "code"), [("no-face.jpg", "NO_FACE"), ("group.jpg", "MULTIPLE_FACES")])
def test_the_photos_own_fault_is_a_422(service: Service, photos: Photos, name: str, code: str) -> None:
    assert _problem(service.analyze(photos.read(name))) == (422, code)


def test_garbage_is_a_415(service: Service) -> None:
    assert _problem(service.analyze(os.urandom(1000))) == (415, "NOT_AN_IMAGE")


def test_an_empty_file_is_a_415(service: Service) -> None:
    assert _problem(service.analyze(b"")) == (415, "NOT_AN_IMAGE")


@pytest.mark.parametrize("size", [10 * 1024**2 + 1, 11 * 1024**2])
def test_a_photo_over_ten_megabytes_is_a_413(service: Service, size: int) -> None:
    assert _problem(service.analyze(bytes(size))) == (413, "IMAGE_TOO_LARGE")


def test_a_body_without_declared_length_is_bounded_too(service: Service) -> None:
    boundary = {"content-type": "multipart/form-data; boundary=b"}
    start = b'--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n'
    chunks = (start if first else bytes(1024**2) for first in [True] + [False] * 12)
    response = service.client.post("/analyze-color", content=chunks, headers=boundary)
    assert _problem(response) == (413, "IMAGE_TOO_LARGE")


def test_a_request_without_a_photo_is_refused(service: Service) -> None:
    response = service.client.post("/analyze-color", files={"other": b"x"})
    assert _problem(response) == (422, "FILE_REQUIRED")


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data", "", "image"])
def test_a_body_of_another_kind_is_refused(service: Service, content_type: str) -> None:
    response = service.client.post("/analyze-color", content=b"x", headers={"content-type": content_type})
    assert _problem(response) == (400, "INVALID_REQUEST")


def test_a_photo_may_be_the_body_itself(service: Service, photos: Photos) -> None:
    form, raw = service.analyze(photos.face, user_id="7"), service.analyze_raw(photos.face, x_user_id="7")
    assert raw.status_code == 200
    assert raw.json() == form.json()
    assert service.analyze_raw(photos.face).json()["userId"] is None
    assert service.analyze_raw(photos.face, content_type="application/octet-stream").is_success
    assert _problem(service.analyze_raw(b"")) == (415, "NOT_AN_IMAGE")


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_over_ten_megabytes_is_a_413(service: Service, declared: bool) -> None:  # noqa: FBT001
    body = bytes(10 * 1024**2 + 1)
    chunks = (body[start : start + 100_000] for start in range(0, len(body), 100_000))
    response = service.client.post(
        "/analyze-color", content=body if declared else chunks, headers={"content-type": "image/png"}
    )
    assert _problem(response) == (413, "IMAGE_TOO_LARGE")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b\r\n",
        b'--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\nhalf of it',
        b'--b\r\ncontent-disposition: form-data; name="user_id"\r\n\r\n' + bytes(2000) + b"\r\n--b--\r\n",
        b'--b\r\ncontent-disposition: form-data; name="x"\r\n\r\n\r\n' * 20 + b"--b--\r\n",
        b'--b\r\ncontent-disposition: form-data; name="file"\r\n\r\n1\r\n' * 2 + b"--b--\r\n",
        b"no boundary at all",
    ],
)
def test_a_malformed_form_is_refused(service: Service, body: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    response = service.client.post("/analyze-color", content=body, headers=headers)
    assert _problem(response) == (400, "INVALID_REQUEST")


def test_the_client_chooses_the_language_of_the_words(service: Service, photos: Photos) -> None:
    english, korean = (
        service.analyze_raw(b"junk", accept_language=header) for header in ("fr, en;q=0.5", "ko-KR,en;q=0.9")
    )
    assert _problem(english) == _problem(korean) == (415, "NOT_AN_IMAGE")
    assert [answer.headers["content-language"] for answer in (english, korean)] == ["en", "ko"]
    assert english.json()["detail"].startswith("This is no photo")
    assert korean.json()["detail"].startswith("사진이 아니거나")
    answer = service.analyze_raw(photos.read("face-3.jpg"), accept_language="ko")
    assert answer.headers["content-language"] == "ko"
    assert [advice["code"] for advice in answer.json()["advice"]] == answer.json()["warnings"]


def test_the_metrics_count_what_happened(service: Service, photos: Photos) -> None:
    service.wait_until_idle()
    ok, refused = (f'analyzer_requests_total{{code="{code}"}}' for code in ("OK", "NOT_AN_IMAGE"))
    names = (ok, refused, "analyzer_inference_seconds_count")
    before = [service.metric(name) for name in names]
    service.analyze(photos.face)
    service.analyze(b"junk")
    assert [service.metric(name) for name in names] == [
        value + more for value, more in zip(before, (1, 1, 2), strict=True)
    ]
    assert service.metric("analyzer_slots") == service.metric("analyzer_slots_up") == 2
    assert service.metric("analyzer_busy") == service.metric("analyzer_waiting") == 0
    assert service.metric('analyzer_resident_bytes{process="inference",slot="1"}') > 30e6
    with ThreadPoolExecutor(1) as clients, service.frozen():
        waiting = _send(clients, 1, service, photos)
        wait_until(lambda: service.metric("analyzer_busy") == 1)
    assert waiting[0].result().is_success


def test_unknown_paths_and_methods_are_problems_too(service: Service) -> None:
    assert _problem(service.client.get("/nothing")) == (404, "NOT_FOUND")
    assert _problem(service.client.get("/analyze-color")) == (405, "METHOD_NOT_ALLOWED")


def test_probes(service: Service) -> None:
    for path in ("/healthz", "/readyz"):
        response = service.client.get(path)
        assert response.status_code == 200
        assert response.headers.keys() >= _HEADERS


def test_overload_is_refused_at_once_and_loses_nobody(service: Service, photos: Photos) -> None:
    service.wait_until_idle()
    with ThreadPoolExecutor(_SLOTS + _WAITERS) as clients:
        with service.frozen():
            admitted = _send(clients, _SLOTS + _WAITERS, service, photos)
            wait_until(lambda: service.load() == (0, _WAITERS))
            started = time.monotonic()
            refused = service.analyze(photos.face)
            elapsed = time.monotonic() - started
            assert _problem(refused) == (503, "OVERLOADED")
            assert elapsed < 1
            retry_after_ms = int(refused.headers["retry-after-ms"])
            assert retry_after_ms > 0
            assert int(refused.headers["retry-after"]) == -(-retry_after_ms // 1000)
            assert refused.headers["x-free"] == "0"
        answers = [future.result() for future in admitted]
    assert [answer.status_code for answer in answers] == [200] * (_SLOTS + _WAITERS)
    assert sum(int(answer.headers["x-waited-ms"]) > 0 for answer in answers) == _WAITERS
    assert len({answer.headers["x-instance"] for answer in answers}) == 1


def test_of_a_burst_as_many_are_admitted_as_there_are_places(service: Service, photos: Photos) -> None:
    service.wait_until_idle()
    places, count = _SLOTS + _WAITERS, 12
    with ThreadPoolExecutor(count) as clients:
        with service.frozen():
            futures = _send(clients, count, service, photos)
            wait_until(lambda: sum(future.done() for future in futures) == count - places)
        answers = [future.result() for future in futures]
    assert sorted(answer.status_code for answer in answers) == [200] * places + [503] * (count - places)


def test_a_client_that_leaves_the_line_gives_its_place_up(service: Service, photos: Photos) -> None:
    service.wait_until_idle()
    with ThreadPoolExecutor(_SLOTS + _WAITERS) as clients:
        with service.frozen():
            admitted = _send(clients, _SLOTS, service, photos)
            wait_until(lambda: service.load() == (0, 0))
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(
                    f"http://127.0.0.1:{service.port}/analyze-color",
                    files={"file": photos.face},
                    timeout=httpx.Timeout(5, read=0.3),
                )
            wait_until(lambda: service.load() == (0, 0))
        assert [future.result().status_code for future in admitted] == [200] * _SLOTS
    wait_until(lambda: service.load() == (_SLOTS, 0))


@pytest.mark.parametrize(
    "death", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGXCPU]
)
def test_an_inference_process_that_dies_fails_only_its_own_request(
    service: Service, photos: Photos, death: signal.Signals
) -> None:
    service.wait_until_idle()
    victim, survivor = service.workers()
    with ThreadPoolExecutor(_SLOTS + _WAITERS) as clients:
        with service.frozen():
            futures = _send(clients, _SLOTS, service, photos)
            wait_until(lambda: service.load() == (0, 0))
            os.kill(victim, death)
            os.kill(victim, signal.SIGCONT)
            wait_until(lambda: any(future.done() for future in futures))
        answers = sorted((future.result() for future in futures), key=lambda answer: answer.status_code)
    assert answers[0].status_code == 200
    assert _problem(answers[1]) == (500, "INTERNAL")
    service.wait_until_idle()
    assert service.metric("analyzer_process_restarts_total") >= 1
    workers = service.workers()
    assert survivor in workers
    assert victim not in workers
    assert len(workers) == _SLOTS
    assert service.analyze(photos.face).status_code == 200


def test_an_inference_process_that_hangs_fails_only_its_own_request(photos: Photos) -> None:
    with run_service(ANALYZER_SLOTS="2", ANALYZER_INFERENCE_TIMEOUT="2s") as service:
        stuck, survivor = service.workers()
        with ThreadPoolExecutor(_SLOTS) as clients:
            os.kill(stuck, signal.SIGSTOP)
            answers = [future.result() for future in _send(clients, _SLOTS, service, photos)]
        assert sorted(answer.status_code for answer in answers) == [200, 500]
        service.wait_until_idle()
        assert survivor in service.workers()
        assert stuck not in service.workers()


def test_inference_processes_have_neither_secrets_nor_network() -> None:
    with run_service(ANALYZER_SLOTS="1", OF_ANOTHER_PROGRAM="x") as service:
        (worker,) = service.workers()
        variables = Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
        names = {variable.partition(b"=")[0] for variable in variables if variable}
        assert names <= {
            *(b"ANALYZER_LOG_LEVEL", b"PYTHONDONTWRITEBYTECODE"),
            *(b"OPENBLAS_NUM_THREADS", b"OMP_NUM_THREADS"),
        }
        for status in Path(f"/proc/{worker}/task").glob("*/status"):
            assert "\nSeccomp:\t2\n" in status.read_text()
        # The pipes are local sockets; none may lead to a network.
        network = "".join(Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6", "udp", "udp6"))
        links = [os.readlink(link) for link in Path(f"/proc/{worker}/fd").iterdir()]  # noqa: PTH115
        assert not [link for link in links if link[8:-1] in network.split() and link.startswith("socket:")]


def test_an_idle_inference_process_that_dies_is_replaced_unnoticed(service: Service, photos: Photos) -> None:
    service.wait_until_idle()
    for pid in service.workers():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: service.load()[0] == 0)
    answer = service.analyze(photos.face)  # waits in line until one is back
    assert answer.status_code == 200
    service.wait_until_idle()


def test_a_hanging_inference_is_ended(photos: Photos) -> None:
    with run_service(ANALYZER_SLOTS="1", ANALYZER_INFERENCE_TIMEOUT="500ms") as service:
        (stuck,) = service.workers()
        os.kill(stuck, signal.SIGSTOP)
        assert _problem(service.analyze(photos.face)) == (500, "INTERNAL")
        service.wait_until_idle()
        assert stuck not in service.workers()
        assert service.analyze(photos.face).status_code == 200


def test_a_slow_upload_is_given_up() -> None:
    with run_service(ANALYZER_SLOTS="1", ANALYZER_READ_TIMEOUT="200ms") as service:
        head = b"POST /analyze-color HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n"
        head += b"content-type: multipart/form-data; boundary=b\r\n\r\n--b"
        with socket.create_connection(("127.0.0.1", service.port), timeout=5) as connection:
            connection.sendall(head)
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"READ_TIMEOUT" in answer
        assert service.load() == (1, 0)


def test_sigterm_finishes_what_is_running_and_ends_every_process(photos: Photos) -> None:
    with run_service(ANALYZER_SLOTS="1") as service:
        workers = service.workers()
        with ThreadPoolExecutor(_SLOTS + _WAITERS) as clients:
            with service.frozen():
                admitted = _send(clients, 2, service, photos)
                wait_until(lambda: service.load() == (0, 1))
                service.process.terminate()
            assert [future.result().status_code for future in admitted] == [200, 200]
        assert service.process.wait(10) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_inference_processes_do_not_outlive_a_killed_service() -> None:
    with run_service(ANALYZER_SLOTS="2") as service:
        workers = service.workers()
        assert len(workers) == 2
        service.process.kill()
        wait_until(lambda: not any(_is_running(pid) for pid in workers))


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # nobody may be left to reap it
