"""`make pythons` tries the two ends of the range, and says so where it could not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from deploy import pythons
from deploy.pythons import Python

RANGE = ((3, 11, 2), (3, 13))


def here(*versions: str) -> list[Python]:
    return [Python(pythons.version_of(version), f"/pythons/{version}") for version in versions]


def test_the_oldest_and_the_newest_of_the_range_are_tried() -> None:
    machine = here("3.10.13", "3.11.1", "3.11.2", "3.12.1", "3.13.0", "3.13.11", "3.14.0")
    assert [str(python) for python in pythons.ends_of_range(machine, *RANGE)] == ["3.11.2", "3.13.11"]
    assert [str(python) for python in pythons.ends_of_range(here("3.9.1", "3.12.4"), *RANGE)] == ["3.12.4"]
    assert pythons.ends_of_range(here("3.9.1"), *RANGE) == []


def test_an_end_of_the_range_that_is_not_on_this_machine_is_named() -> None:
    assert pythons.untried(here("3.11.2", "3.13.4"), *RANGE) == []
    only_newest = pythons.untried(here("3.11.7", "3.13.0"), *RANGE)
    assert len(only_newest) == 1 and only_newest[0].startswith("The oldest Python of the range, 3.11.2, was not tried")
    assert len(pythons.untried([], *RANGE)) == 2


def test_nothing_of_this_mall_helps_the_empty_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "MALLBRIDGE_SECRET",
        "OCR_MODELS_DIR",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "MAKEFLAGS",
        "WECHAT_API",
    ):
        monkeypatch.setenv(name, "set")
    monkeypatch.setenv("PIP_INDEX_URL", "an index of this machine")
    bare = pythons.bare_environment()
    assert "set" not in bare.values()
    assert bare["PIP_INDEX_URL"] and bare["PATH"]


def test_a_virtual_environment_is_not_taken_for_a_python_of_the_machine(tmp_path: Path) -> None:
    assert sys.prefix != sys.base_prefix and pythons.ask(sys.executable) is None
    assert pythons.ask(str(tmp_path / "python3")) is None


def test_every_process_gets_a_port_of_its_own() -> None:
    ports = pythons.free_ports()
    assert set(ports) == set(pythons.PORTS) and len(set(ports.values())) == len(ports)
