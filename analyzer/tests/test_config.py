from pathlib import Path

import pytest

from app.config import ConfigError, load_config, usable_cores


def test_defaults_need_no_variable() -> None:
    config = load_config({}, cores=4)
    assert (config.host, config.port, config.slots, config.waiters) == ("127.0.0.1", 28000, 4, 4)


def test_zero_slots_means_one_per_core() -> None:
    assert load_config({"ANALYZER_SLOTS": "0"}, cores=3).slots == 3


def test_one_slot_still_lets_two_wait() -> None:
    assert load_config({"ANALYZER_SLOTS": "1"}, cores=8).waiters == 2


@pytest.mark.parametrize(
    ("listen", "expected"), [("10.0.0.1:80", ("10.0.0.1", 80)), ("[::1]:8000", ("::1", 8000))]
)
def test_addresses(listen: str, expected: tuple[str, int]) -> None:
    config = load_config({"ANALYZER_LISTEN": listen}, cores=1)
    assert (config.host, config.port) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ANALYZER_LISTEN", "8000"),
        ("ANALYZER_LISTEN", "localhost:http"),
        ("ANALYZER_LISTEN", "localhost:70000"),
        ("ANALYZER_SLOTS", "-1"),
        ("ANALYZER_SLOTS", "65"),
        ("ANALYZER_SLOTS", "many"),
        ("ANALYZER_INFERENCE_TIMEOUT", "10"),
        ("ANALYZER_INFERENCE_TIMEOUT", "0s"),
        ("ANALYZER_READ_TIMEOUT", "soon"),
        ("ANALYZER_LOG_LEVEL", "loud"),
    ],
)
def test_a_bad_value_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=rf"^{name}: expected .*, got '{value}'$"):
        load_config({name: value}, cores=1)


@pytest.mark.parametrize(("unit", "expected"), [("250ms", 0.25), ("15s", 15.0), ("2m", 120.0)])
def test_durations_carry_their_unit(unit: str, expected: float) -> None:
    assert load_config({"ANALYZER_INFERENCE_TIMEOUT": unit}, cores=1).timeout_s == expected


def test_a_container_quota_bounds_the_cores(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert usable_cores(tmp_path) == 1


def test_no_quota_leaves_the_affinity(tmp_path: Path) -> None:
    everything = usable_cores(tmp_path / "none")
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert usable_cores(tmp_path) == everything


def test_the_older_cgroup_is_understood(tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("100000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert usable_cores(tmp_path) == 1
