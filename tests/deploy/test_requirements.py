"""What a package needs and nobody installed is named at setup, for this Python and for every other of the range."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy import requirements
from deploy.requirements import Package

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
OLDEST, NEWEST = (re.search(rf"^{name}_PYTHON := (\S+)$", MAKEFILE, re.M)[1] for name in ("OLDEST", "NEWEST"))  # type: ignore[index]
REDIS = Package("8.1.0", ('async-timeout>=4.0.3; python_full_version < "3.11.3"', 'hiredis>=3; extra == "hiredis"'))


def sentences(packages: dict[str, Package], python: str, *pins: str) -> list[str]:
    markers = requirements.environment(python)
    return [str(gap) for gap in requirements.gaps(packages, [Requirement(pin) for pin in pins], markers)]


def test_a_missing_module_is_named_with_who_needs_it() -> None:
    assert sentences({"redis": REDIS}, "3.11.2") == ["redis 8.1.0 needs async-timeout>=4.0.3, which is missing"]
    assert sentences({"redis": REDIS, "async-timeout": Package("5.0.1")}, "3.11.2") == []


@pytest.mark.parametrize(("python", "needed"), [("3.11.2", True), ("3.11.3", False), ("3.11.7", False), ("3.13.0", False)])
def test_markers_are_held_against_the_python_that_is_asked_about(python: str, needed: bool) -> None:
    assert bool(sentences({"redis": REDIS}, python)) is needed


def test_a_version_that_does_not_fit_is_named() -> None:
    packages = {"redis": REDIS, "async-timeout": Package("3.0.1")}
    assert sentences(packages, "3.11.2") == ["redis 8.1.0 needs async-timeout>=4.0.3, which is installed as 3.0.1"]


def test_extras_count_where_another_package_asks_for_them_and_nowhere_else() -> None:
    library = Package(
        "3.7", ('shapely>=2; extra == "reading"', 'torch; extra == "training"', 'pyclipper; extra == "all" or extra == "reading"')
    )
    assert sentences({"library": library}, OLDEST) == []
    assert sentences({"library": library, "reader": Package("1", ("Library[reading]>=3",))}, OLDEST) == [
        "library 3.7 needs shapely>=2, which is missing",
        "library 3.7 needs pyclipper, which is missing",
    ]


def test_what_stands_in_for_a_package_counts_in_its_version() -> None:
    wanting = Package("3.7", ("opencv-contrib-python==4.10.0.84",))
    standing_in = {"paddlex": wanting, "opencv-contrib-python-headless": Package("4.10.0.84")}
    assert sentences(standing_in, OLDEST) == []
    assert sentences(standing_in | {"opencv-contrib-python-headless": Package("4.11")}, OLDEST) == [
        "paddlex 3.7 needs opencv-contrib-python==4.10.0.84, which is installed as 4.11"
    ]
    assert len(sentences({"paddlex": wanting}, OLDEST)) == 1


def test_a_pin_that_was_not_installed_is_named() -> None:
    assert sentences({}, OLDEST, "Flask==3.1.3") == ["requirements.txt needs Flask==3.1.3, which is missing"]


def test_setup_ends_with_a_sentence_for_each_gap(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    everything = requirements.installed()
    monkeypatch.setattr(requirements, "installed", lambda: {name: package for name, package in everything.items() if name != "redis"})
    assert requirements.main() == 1
    printed = capsys.readouterr().err
    assert "✗ requirements.txt needs redis==" in printed and "which is missing (Python 3." in printed
    assert "Remove .venv and run `make setup` again." in printed
    assert re.search(r"^\t@\$\(BIN\)/python -m deploy\.requirements$", MAKEFILE, re.M)


@pytest.mark.parametrize("python", [OLDEST, "3.11.3", "3.12.0", f"{NEWEST}.0"])
def test_every_python_of_the_range_gets_what_its_packages_need(python: str) -> None:
    """The pins that hold for it, as if they were installed; nothing that a virtual environment may bring by itself counts."""
    markers, here = requirements.environment(python), requirements.installed()
    pins = requirements.pins(markers)
    packages = {
        canonicalize_name(pin.name): Package(next(iter(pin.specifier)).version, here.get(canonicalize_name(pin.name), Package("")).needs)
        for pin in pins
    }
    assert [str(gap) for gap in requirements.gaps(packages, pins, markers)] == []


def test_a_stand_in_is_listed_only_while_somebody_asks_for_what_it_replaces() -> None:
    wishes = {canonicalize_name(Requirement(need).name) for package in requirements.installed().values() for need in package.needs}
    assert set(requirements.STAND_INS) <= wishes
    assert not set(requirements.STAND_INS) & set(requirements.installed())


def test_the_range_of_pythons_is_the_same_wherever_it_is_told() -> None:
    major, minor = NEWEST.split(".")
    promised = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert promised == f">={OLDEST},<{major}.{int(minor) + 1}"
    assert f"Python {OLDEST} to {NEWEST} and make are enough" in (ROOT / "README.md").read_text()


def another_python(folder: Path, version: str) -> Path:
    """This interpreter, which says that it is another version."""
    full = (*map(int, version.split(".")), "final", 0)
    code = f"import sys, platform; sys.version_info = {full}; platform.python_version = lambda: '{version}'; exec(sys.argv[2])"
    program = folder / f"python{version}"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$@"\n')
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("version", "fits"), [("3.10.13", False), ("3.11.1", False), (OLDEST, True), (f"{NEWEST}.9", True), ("3.14.0", False)]
)
def test_make_refuses_a_python_outside_the_range_with_a_sentence(tmp_path: Path, version: str, fits: bool) -> None:
    (tmp_path / "Makefile").write_text(f"include {ROOT}/Makefile\nasked:\n\t@$(right_python)\n")
    python = another_python(tmp_path, version)
    made = subprocess.run(
        ["make", "--no-print-directory", "asked", f"PYTHON={python}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (made.returncode == 0) is fits, made.stdout + made.stderr
    refusal = f"Python {OLDEST} to {NEWEST} is needed, and {python} is {version}: set PYTHON=/path/to/python{NEWEST}.\n"
    assert made.stdout == ("" if fits else refusal)


def test_a_command_that_cannot_load_the_app_says_why(tmp_path: Path) -> None:
    """Not “No such command”, which is what flask says after it lost the app."""
    (tmp_path / "redis.py").write_text("import async_timeout_of_long_ago\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "ledger", "prove"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "The app cannot be loaded: No module named 'async_timeout_of_long_ago'" in done.stderr.splitlines()[-1]
    assert "No such command" not in done.stderr
