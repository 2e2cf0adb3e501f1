"""The mall's policy: rules the operator may set, with their default, their limits and their meaning. The mall stores what differs.

Each room declares its rules as a frozen dataclass in its `policy.py` and reads them as `malls.policy(PointsRules)`.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar, cast, get_type_hints

from api.kit import rooms

R = TypeVar("R", bound="Rules")

A_MILLION = 1_000_000
TEN_YEARS = 3650  # days


def number(default: int, low: int, high: int, says: str) -> Any:
    """A rule that is a whole number within limits."""
    return field(default=default, metadata={"min": low, "max": high, "says": says})


def choice(default: str, choices: tuple[str, ...], says: str) -> Any:
    """A rule that is one of some words."""
    return field(default=default, metadata={"choices": choices, "says": says})


def yes(default: bool, says: str) -> Any:
    """A rule that holds or does not."""
    return field(default=default, metadata={"says": says})


@dataclass(frozen=True)
class Rules:
    """The rules of one room. Amounts in fen, times in the unit of the name. `place` is where they stand on the page of the policy."""

    place: ClassVar[int] = 100

    def contradictions(self) -> list[str]:
        """The rules that cannot hold together; empty when all can."""
        return []


class Policy:
    """The rules in force in one mall, read of what it stores. A stored value that today's limits refuse gives way to the default."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        self._stored = stored
        self._read: dict[type[Rules], Rules] = {}

    def of(self, rules: type[R]) -> R:
        """The rules of one room."""
        if rules not in self._read:
            own = {item.name: self._stored[item.name] for item in dataclasses.fields(rules) if item.name in self._stored}
            wrong = problems(own)
            self._read[rules] = rules(**{name: value for name, value in own.items() if name not in wrong})
        return cast(R, self._read[rules])

    def values(self) -> dict[str, Any]:
        """Every rule of every room, by name."""
        return {name: value for rules in every() for name, value in dataclasses.asdict(self.of(rules)).items()}

    def differs(self) -> dict[str, Any]:
        """What is not the default, as it is stored."""
        return {name: value for name, value in self.values().items() if value != fields()[name].default}

    def contradictions(self) -> list[str]:
        """The rules that cannot hold together; empty when all can."""
        return [name for rules in every() for name in self.of(rules).contradictions()]


@functools.cache
def every() -> tuple[type[Rules], ...]:
    """The rules of every room that has some, in the order of the page."""
    listed_rules = [
        value for module in rooms.files("policy") for value in vars(module).values() if isinstance(value, type) and issubclass(value, Rules)
    ]
    return tuple(sorted({rules for rules in listed_rules if rules is not Rules}, key=lambda rules: (rules.place, rules.__module__)))


@functools.cache
def fields() -> dict[str, dataclasses.Field[Any]]:
    """Every rule there is, by name; no two rooms have one of the same name."""
    listed = [item for rules in every() for item in dataclasses.fields(rules)]
    named = {item.name: item for item in listed}
    assert len(named) == len(listed), "two rooms have a rule of the same name"
    return named


@functools.cache
def types() -> dict[str, type]:
    """The type of every rule there is, by name."""
    return {name: kind for rules in every() for name, kind in get_type_hints(rules).items() if name in fields()}


def problems(values: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with these values, by field; empty when nothing is."""
    return {name: wrong for name, value in values.items() if (wrong := _wrong(name, value))}


def _wrong(name: str, value: Any) -> str | None:
    if name not in fields():
        return "there is no such rule"
    limits = fields()[name].metadata
    if type(value) is not types()[name]:
        return f"must be a {types()[name].__name__}"
    if "choices" in limits and value not in limits["choices"]:
        return f"must be one of {', '.join(limits['choices'])}"
    if "min" in limits and not limits["min"] <= value <= limits["max"]:
        return f"must be {limits['min']} to {limits['max']}"
    return None
