"""Decides who may use a slot now, who waits, and who is turned away: the instance's one queue.

Rules, of which the workers' flow control depends on each: a free slot is never kept from a waiting request;
those who wait are served in order of arrival; the queue is bounded; whoever is refused is told when to
come back. Holds no locks: all calls come from one event loop.
"""

import asyncio
from collections import deque
from math import ceil
from time import monotonic
from typing import Final, Generic, TypeVar

Slot = TypeVar("Slot")

_SMOOTHING: Final = 0.2
"""Weight of the newest service time: follows a change of load within about ten answers."""


class OverloadedError(Exception):
    """Every slot is busy and the queue is full."""

    def __init__(self, retry_after_ms: int) -> None:
        super().__init__(f"overloaded, retry after {retry_after_ms} ms")
        self.retry_after_ms = retry_after_ms


class Gate(Generic[Slot]):
    """Hands out slots. A slot is whatever does the work; the gate only counts and orders."""

    def __init__(self, slots: int, waiters: int) -> None:
        """Starts with no slot: each is added with `add` once it can work."""
        self.slots: Final = slots
        self._max_waiters: Final = waiters
        self._idle: list[tuple[Slot, float]] = []
        self._waiting: deque[asyncio.Future[Slot]] = deque()
        self._service_s: float | None = None
        self.idle_s = 0.0
        """How long the slot that `join` gave last had been idle, in seconds."""

    @property
    def free(self) -> int:
        """Slots that could start at once."""
        return len(self._idle)

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._waiting)

    @property
    def retry_after_ms(self) -> int:
        """When a request that is refused now would find a place: service time / slots x (waiting + 1)."""
        service_s = 1.0 if self._service_s is None else self._service_s
        return max(1, ceil(1000 * service_s / self.slots * (self.waiting + 1)))

    def check(self) -> None:
        """Raises `OverloadedError` if `join` would: to refuse before a body is read."""
        if not self._idle and self.waiting >= self._max_waiters:
            raise OverloadedError(self.retry_after_ms)

    def join(self) -> asyncio.Future[Slot]:
        """Takes a place in line; it is done, and holds a slot, as soon as the slot is the caller's.

        A place must end in one of two ways: its slot comes back with `add`, or it is given up with `leave`.
        Raises `OverloadedError` if the line is full.
        """
        self.check()
        place: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        if self._idle:
            slot, since = self._idle.pop()  # the last used: its memory is the warmest
            self.idle_s = monotonic() - since
            place.set_result(slot)
        else:
            self._waiting.append(place)
        return place

    def leave(self, place: asyncio.Future[Slot]) -> None:
        """Gives up a place in line; a slot that was handed to it in the meantime goes to the next."""
        if place.done():
            self.add(place.result())
        else:
            self._waiting.remove(place)

    def add(self, slot: Slot) -> None:
        """Puts a slot to use: new, or back from its work. The longest waiting request gets it."""
        if self._waiting:
            self._waiting.popleft().set_result(slot)
        else:
            self._idle.append((slot, monotonic()))

    def remove(self, slot: Slot) -> None:
        """Takes an idle slot out of use. No effect on one that is at work: it is just not added again."""
        self._idle = [(idle, since) for idle, since in self._idle if idle != slot]

    def record(self, service_s: float) -> None:
        """Learns from one answer how long a slot is busy, in seconds."""
        if self._service_s is None:
            self._service_s = service_s
        else:
            self._service_s += _SMOOTHING * (service_s - self._service_s)
