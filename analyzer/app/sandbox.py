"""Takes from a process what it needs no more: network, other programs, and other processes' memory.

A seccomp filter (Linux, since 3.17) in classic BPF, which needs no privilege and works in containers: the
kernel's `Documentation/userspace-api/seccomp_filter.rst`. Libraries for it exist, but bind a system library
that not every image has, for what is one array here.
"""

import ctypes
import errno
import os
import struct
from dataclasses import dataclass
from typing import Final

_PR_SET_NO_NEW_PRIVS: Final = 38
_SET_MODE_FILTER: Final = 1
_ALL_THREADS: Final = 1
# linux/bpf_common.h, linux/seccomp.h
_LOAD: Final = 0x20
_JUMP_IF_EQUAL: Final = 0x15
_JUMP_IF_GREATER_EQUAL: Final = 0x35
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | errno.EPERM
_NUMBER_OFFSET: Final = 0
_ARCHITECTURE_OFFSET: Final = 4
_X32: Final = 0x40000000
"""From here on x86-64 has the same calls once more, for 32-bit pointers."""


@dataclass(frozen=True, slots=True)
class _Architecture:
    """Numbers of an architecture's system calls, as <asm/unistd.h> has them."""

    audit: int
    seccomp: int
    refused: tuple[int, ...]
    """socket, execve, execveat, ptrace, process_vm_readv, process_vm_writev, io_uring_setup, pidfd_getfd."""


_ARCHITECTURES: Final = {
    "x86_64": _Architecture(0xC000003E, 317, (41, 59, 322, 101, 310, 311, 425, 438)),
    "aarch64": _Architecture(0xC00000B7, 277, (198, 221, 281, 117, 270, 271, 425, 438)),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def confine() -> bool:
    """Refuses sockets and new programs to all threads of this process, for good, with EPERM.

    Files and pipes that are open stay so. False where the kernel, or its architecture, cannot do it.
    """
    architecture = _ARCHITECTURES.get(os.uname().machine)
    if architecture is None:
        return False
    code = _program(architecture)
    program = _Program(len(code) // _INSTRUCTION.size, code)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    done: int = libc.syscall(architecture.seccomp, _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(program))
    return done == 0


_INSTRUCTION: Final = struct.Struct("=HBBI")


def _program(architecture: _Architecture) -> bytes:
    """Refuses calls of another architecture, those from `_X32` on, and the named ones."""
    refused = architecture.refused
    # Jumps are relative to the next instruction; "refuse" stands behind all tests and "allow".
    tests = [(_JUMP_IF_GREATER_EQUAL, _X32), *((_JUMP_IF_EQUAL, number) for number in refused)]
    instructions = [
        (_LOAD, 0, 0, _ARCHITECTURE_OFFSET),
        (_JUMP_IF_EQUAL, 0, len(tests) + 2, architecture.audit),
        (_LOAD, 0, 0, _NUMBER_OFFSET),
        *((code, len(tests) - place, 0, value) for place, (code, value) in enumerate(tests)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in instructions)
