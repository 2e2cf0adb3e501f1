"""What a room gives the app. Every folder of api/ with a `room.py` is a room: it is found by that file, and listed nowhere.

`room.py` says what a place in the tree cannot say; routes, commands, jobs, rules of the policy and kinds of purchases are found where they
stand: `routes.py`, `commands.py`, `jobs.py`, `policy.py`, `kinds/`.
"""

from __future__ import annotations

import functools
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TypeVar

from prometheus_client import CollectorRegistry

from api.kit.membership import MemberPart
from api.kit.roles import Role
from api.settings import Settings

T = TypeVar("T")

HOUSE = "api"


@dataclass(frozen=True)
class Check:
    """One question of /readyz: says what is wrong, or None. A process that can do without says so, and goes on."""

    ask: Callable[[], str | None]
    needed: bool = True


@dataclass(frozen=True)
class Process:
    """A queue that is worked by a process of its own: what it loads first, its sign of life, and when a fresh one takes over."""

    queue: str
    start: Callable[[Settings], None]
    worn_out: Callable[[Settings], bool]
    beat: Callable[[], None]
    beat_seconds: float


@dataclass(frozen=True)
class Room:
    """One room: `Room(__name__, "积分", …)`."""

    module: str
    word: str  # what the mall calls it
    permissions: Mapping[str, AbstractSet[Role]] = field(default_factory=dict)  # permission → the roles that hold it
    value: AbstractSet[str] = frozenset()  # those of them that make, move, price or open value
    member: MemberPart | None = None
    configure: Callable[[Settings], None] = lambda _settings: None  # what its seams read of the environment
    connect: Callable[[], None] = lambda: None  # answers what rooms below ask of it, by `answer`
    checks: Mapping[str, Check] = field(default_factory=dict)
    unfit_for_production: Callable[[], Sequence[str]] = lambda: ()  # rows of the entered mall for trying out only, a sentence each
    metrics: Callable[[CollectorRegistry], None] = lambda _registry: None
    lanes: Mapping[str, int] = field(default_factory=dict)  # queues of its own in the general worker: name → jobs at once
    processes: Mapping[str, Process] = field(default_factory=dict)  # `python -m api.jobs NAME`

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.module.split(".")[-2]

    @property
    def sentence(self) -> str:
        """What the room is: the first line of its room.py."""
        return (import_module(self.module).__doc__ or "").strip().splitlines()[0]

    def declared(self, file: str, kind: type[T]) -> list[T]:
        """Everything of a kind that stands in one of the room's files; nothing where there is no such file."""
        module = _file(self.name, file)
        values = vars(module).values() if module else ()
        return list({id(value): value for value in values if isinstance(value, kind)}.values())


@functools.cache
def every() -> tuple[Room, ...]:
    """All rooms, by name."""
    return tuple(module.ROOM for module in files("room"))


def files(name: str) -> list[ModuleType]:
    """The file of this name of every room that has one, loaded, by room."""
    return [module for room in _folders() if (module := _file(room, name))]


@functools.cache
def load() -> None:
    """Let every room declare its tables, its jobs and its kinds of purchases."""
    files("models")
    files("jobs")
    load_kinds()


@functools.cache
def load_kinds() -> None:
    """Let every room declare its kinds of purchases: each a file in its folder `kinds/`."""
    for kinds in files("kinds"):
        for file in pkgutil.iter_modules(kinds.__path__):
            import_module(f"{kinds.__name__}.{file.name}")


def member_parts() -> list[MemberPart]:
    """Every room's part in a member's life, in the order in which they are asked."""
    return sorted((room.member for room in every() if room.member), key=lambda part: part.place)


def answer(asked: list[T], by: T) -> None:
    """A room above answers what a room below asks, once however often it is connected."""
    if by not in asked:
        asked.append(by)


def _folders() -> list[str]:
    return sorted(folder.name for folder in pkgutil.iter_modules(import_module(HOUSE).__path__) if folder.ispkg and folder.name != "kit")


def _file(room: str, name: str) -> ModuleType | None:
    full = f"{HOUSE}.{room}.{name}"
    return import_module(full) if find_spec(full) else None
