"""Is everything there that the installed packages need? `make setup` asks `python -m deploy.requirements`, which names what is missing.

pip does not ask: it installs what requirements.txt names and nothing else (decision 0004); what a package needs differs between Pythons.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

try:
    from packaging.markers import default_environment
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name
except ModuleNotFoundError:
    sys.exit("✗ The package packaging is missing: remove .venv and run `make setup`.")

ROOT = Path(__file__).resolve().parent.parent
FILES = ("requirements.txt", "requirements-dev.txt")

#: What a package asks for and is left out on purpose → what stands in for it. Decision 0004 gives the reasons.
STAND_INS = {"opencv-contrib-python": "opencv-contrib-python-headless"}

Environment = Mapping[str, str]


@dataclass(frozen=True)
class Package:
    """An installed package: its version, and what it says it needs."""

    version: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gap:
    """A requirement that holds for this Python and is not fulfilled: who asks for what, and which version is there instead, if any."""

    asking: str
    wanted: Requirement
    there: str | None

    def __str__(self) -> str:
        what = f"{self.wanted.name}{self.wanted.specifier}"
        return f"{self.asking} needs {what}, which is {'missing' if self.there is None else f'installed as {self.there}'}"


def installed() -> dict[str, Package]:
    """Every package of this interpreter by its canonical name."""
    packages: dict[str, Package] = {}
    for distribution in metadata.distributions():
        if name := distribution.metadata["Name"]:
            packages.setdefault(canonicalize_name(name), Package(distribution.version, tuple(distribution.requires or ())))
    return packages


def environment(python: str = "") -> dict[str, str]:
    """What markers are held against: this interpreter, or the one of another version ("3.11.2") on the same machine."""
    here = {name: str(value) for name, value in default_environment().items()}
    if python:
        here |= {"python_full_version": python, "implementation_version": python, "python_version": ".".join(python.split(".")[:2])}
    return here


def pins(markers: Environment, root: Path = ROOT) -> list[Requirement]:
    """The lines of requirements.txt and requirements-dev.txt that hold for such a Python."""
    lines = [line.split("#")[0].strip() for file in FILES for line in (root / file).read_text().splitlines()]
    return [pin for pin in map(Requirement, filter(None, lines)) if pin.marker is None or pin.marker.evaluate(dict(markers))]


def gaps(packages: Mapping[str, Package], pinned: list[Requirement], markers: Environment) -> list[Gap]:
    """What is wanted and not there: by the pins, and by the packages themselves with the extras that others ask of them."""
    wishes = [("requirements.txt", pin) for pin in pinned] + list(_wishes(packages, markers))
    open_gaps: list[Gap] = []
    for asking, wanted in wishes:
        package = packages.get(_name(wanted))
        if package is None or not wanted.specifier.contains(package.version, prereleases=True):
            open_gaps.append(Gap(asking, wanted, package.version if package else None))
    return open_gaps


def _wishes(packages: Mapping[str, Package], markers: Environment) -> Iterator[tuple[str, Requirement]]:
    waiting = [(name, "") for name in packages]
    seen: set[tuple[str, str]] = set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen or name not in packages:
            continue
        seen.add((name, extra))
        for wanted in _applying(packages[name], {**markers, "extra": extra}):
            waiting += [(_name(wanted), more) for more in wanted.extras]
            yield f"{name} {packages[name].version}", wanted


def _applying(package: Package, markers: Environment) -> Iterator[Requirement]:
    for line in package.needs:
        if not markers["extra"] and "extra ==" in line and " or " not in line:
            continue  # four of five lines, and reading them would take most of the time
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate(dict(markers)):
            yield wanted


def _name(wanted: Requirement) -> str:
    name = canonicalize_name(wanted.name)
    return STAND_INS.get(name, name)


def report(open_gaps: list[Gap], python: str) -> str:
    """The sentences for who sets Mallbridge up."""
    lines = [f"✗ {gap} (Python {python})." for gap in open_gaps]
    if any(gap.asking == "requirements.txt" for gap in open_gaps):
        return "\n".join([*lines, "Remove .venv and run `make setup` again."])
    return "\n".join([*lines, "Add it to requirements.txt, pinned: docs/decisions/0004 says how."])


def main() -> int:
    """Exit 1 with a sentence for each gap; silent where there is none."""
    markers = environment()
    if open_gaps := gaps(installed(), pins(markers), markers):
        print(report(open_gaps, platform.python_version()), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
