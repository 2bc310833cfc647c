import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.gate import Gate, OverloadedError


def _run(test: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await test()

    asyncio.run(main())


def _gate(slots: int = 2, waiters: int = 2) -> Gate[str]:
    gate: Gate[str] = Gate(slots, waiters)
    for name in "abcdefgh"[:slots]:
        gate.add(name)
    return gate


def _fill(gate: Gate[str]) -> list[asyncio.Future[str]]:
    """Takes every slot and every place in line; returns those who wait."""
    places = [gate.join() for _ in range(2 * gate.slots)]
    assert [place.done() for place in places] == [True] * gate.slots + [False] * gate.slots
    return places[gate.slots :]


def test_a_free_slot_is_given_at_once() -> None:
    async def test() -> None:
        gate = _gate()
        assert {gate.join().result(), gate.join().result()} == {"a", "b"}
        assert (gate.free, gate.waiting) == (0, 0)

    _run(test)


def test_how_long_a_slot_was_idle_is_known_to_whoever_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        clock = iter([10.0, 10.25])
        monkeypatch.setattr("app.gate.monotonic", lambda: next(clock))
        gate: Gate[str] = Gate(1, 1)
        gate.add("a")
        gate.join()
        assert gate.idle_s == 0.25

    _run(test)


def test_those_who_wait_are_served_in_order_of_arrival() -> None:
    async def test() -> None:
        gate = _gate()
        first, second = _fill(gate)
        gate.add("a")
        assert (first.result(), second.done()) == ("a", False)
        gate.add("b")
        assert second.result() == "b"

    _run(test)


def test_a_full_line_refuses_at_once_with_the_time_to_come_back() -> None:
    async def test() -> None:
        gate = _gate(slots=2, waiters=2)
        gate.record(0.4)
        _fill(gate)
        with pytest.raises(OverloadedError) as refused:
            gate.join()
        assert refused.value.retry_after_ms == 600  # 400 ms / 2 slots x (2 waiting + 1)

    _run(test)


def test_who_gives_up_leaves_the_line() -> None:
    async def test() -> None:
        gate = _gate()
        first, second = _fill(gate)
        gate.leave(first)
        assert gate.waiting == 1
        gate.add("a")
        assert second.result() == "a"

    _run(test)


def test_a_slot_handed_to_one_who_gives_up_in_the_same_instant_is_not_lost() -> None:
    async def test() -> None:
        gate = _gate()
        first, second = _fill(gate)
        gate.add("a")
        gate.leave(first)
        assert second.result() == "a"
        gate.leave(second)
        assert gate.free == 1

    _run(test)


def test_a_slot_out_of_use_is_not_given() -> None:
    async def test() -> None:
        gate = _gate()
        gate.remove("a")
        assert gate.free == 1
        assert gate.join().result() == "b"
        assert not gate.join().done()

    _run(test)


def test_removing_a_slot_at_work_does_nothing() -> None:
    async def test() -> None:
        gate = _gate()
        gate.remove(gate.join().result())
        assert gate.free == 1

    _run(test)


def test_the_service_time_follows_the_answers() -> None:
    gate = _gate(slots=1)
    gate.record(0.1)
    assert gate.retry_after_ms == 100
    for _ in range(20):
        gate.record(1.0)
    assert 980 <= gate.retry_after_ms <= 1000


def test_the_time_to_come_back_is_never_zero() -> None:
    gate = _gate()
    gate.record(0.0)
    assert gate.retry_after_ms == 1
