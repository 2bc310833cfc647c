import subprocess
import sys
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parents[1]
_CONFINED = """
import threading
from app.sandbox import confine
begun, go = threading.Event(), threading.Event()
def later():
    begun.set()
    go.wait()
    attempt()
def attempt():
    try:
        {attempt}
    except PermissionError:
        print("refused")
    else:
        print("allowed")
thread = threading.Thread(target=later)
thread.start()
begun.wait()
assert confine()
attempt()
go.set()
thread.join()
"""


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        ("import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM)", "refused"),
        ("import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)", "refused"),
        ("import socket; socket.socket(socket.AF_UNIX)", "refused"),
        ("import os; os.execv('/bin/true', ['true'])", "refused"),
        ("import subprocess; subprocess.run(['/bin/true'])", "refused"),
        ("open('/proc/self/status').read()", "allowed"),
        ("import numpy; numpy.linalg.inv(numpy.eye(50))", "allowed"),
    ],
)
def test_a_confined_process_has_no_network_and_no_other_programs_in_any_thread(
    attempt: str, expected: str
) -> None:
    source = _CONFINED.format(attempt=attempt)
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=_FOLDER, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == [expected] * 2, done
