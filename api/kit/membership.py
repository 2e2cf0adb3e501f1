"""A room's part in a member's life: two memberships that become one and part again, an account that closes, a member's own export."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from api.kit.errors import Forbidden

_WHOLE = re.compile("[0-9]{1,19}", re.ASCII)


class Moved(NamedTuple):
    """A row that went from one member to the other, with what must be known to bring it back."""

    kind: str
    row_id: int
    facts: dict[str, Any] | None = None


#: What moved in a merge, as it was kept: kind → row → facts.
Rows = Mapping[str, Mapping[int, dict[str, Any] | None]]


class PhoneChange(StrEnum):
    """Who gave an account another phone, and with what."""

    BY_DESK = "by_desk"
    BY_BOTH_PHONES = "by_both_phones"  # the member, with a code of the phone before as well
    BY_NEW_PHONE = "by_new_phone"  # the member, without a proof of the phone before


class Lock(Protocol):
    """Hold a member's rows, all or these, until the unit of work ends."""

    def __call__(self, member_id: int, ids: Iterable[int] | None = None, /) -> None: ...


def _nothing(*_: Any) -> None:
    """The room has no part in it."""


def _no_rows(_from: int, _into: int) -> list[Moved]:
    return []


class RecordNotOpened(Forbidden):
    """Open this member's record with a reason first; it stays open for half an hour."""


#: How a request or a filter names the one member that it reads.
_NAMES = ("member_id", "source_id", "target_id")
#: The same beside a kind: the field of the kind, and that of the number. A number without a kind is the member's too.
_NAMES_OF_A_KIND = (("owner_kind", "owner_id"), ("subject_type", "subject_id"))
#: Who did something, as the log calls them: member:17.
_DOER, _DOER_PREFIX = "who", "member:"
_ALL_NAMES = frozenset((*_NAMES, *(number for _, number in _NAMES_OF_A_KIND), _DOER))

#: The room of members says whether somebody of the mall's staff (a principal) may read what one member has, or raises its refusal.
READS_ONE: list[Callable[[Any, int], None]] = []


def refuse_unopened(who: Any, member_id: int) -> None:
    """What one member has is shown to whom opened the record with a reason."""
    for ask in READS_ONE:
        ask(who, member_id)


def named_in(values: Iterable[tuple[str, Any]]) -> set[int]:
    """The members whose records alone are read with these values of an address or a filter; a name may come twice."""
    given: dict[str, list[str]] = {}
    for name, value in values:
        given.setdefault(name, []).append(str(value))
    texts = [text for name in _NAMES for text in given.get(name, ())]
    for kind, number in _NAMES_OF_A_KIND:
        texts += given.get(number, ()) if "member" in given.get(kind, ("member",)) else ()
    texts += [text.removeprefix(_DOER_PREFIX) for text in given.get(_DOER, ()) if text.startswith(_DOER_PREFIX)]
    return {member_id for text in texts if (member_id := number_of(text)) is not None}


def may_name_one(names: Iterable[str]) -> bool:
    """Whether a request with these parts or filters can read what one member alone has."""
    return not _ALL_NAMES.isdisjoint(names)


@dataclass(frozen=True)
class MemberPart:
    """What a room does in a member's life. It leaves out where it has no part.

    `place` says when it is asked: causes before what they bring about (orders, receipts, sales, points), the order in which every flow
    locks. `kind` is the name of the rows that `lock` holds, as `hand_over` calls them.
    """

    place: int
    kind: str = ""
    lock: Lock = _nothing
    counts: Mapping[str, str] = field(default_factory=dict)  # what a merge shows of each side: name (amounts end in _fen) → what it says
    count: Callable[[int], Mapping[str, int]] = lambda _member_id: {}
    hand_over: Callable[[int, int], list[Moved]] = _no_rows  # a merge by two people: from, into
    bring_back: Callable[[Rows, int, int], None] = _nothing  # it was undone: what moved, from, into
    holds_value: Callable[[int], bool] = lambda _member_id: False  # who holds any is not folded without a merge
    fold: Callable[[int, int], Any] = _nothing  # a member without value is folded into another when signing in: from, into
    refuse_closing: Callable[[int], None] = _nothing  # raises the room's own refusal
    phone_changed: Callable[[int, PhoneChange], Any] = _nothing  # the account has another phone than before
    forget: Callable[[int], Any] = _nothing  # the account was closed
    forget_late: Callable[[], Any] = _nothing  # each night: what of closed accounts came in since, or had to be kept for a time
    exports: Mapping[str, Callable[[int], Any]] = field(default_factory=dict)  # name → JSON values of the member's own export


def number_of(value: object) -> int | None:
    """The member's number that a filter names, however a schema of ours lets it be written; None for anything else."""
    text = str(value).strip()
    number = int(text) if _WHOLE.fullmatch(text) else None
    return number if number is not None and number < 2**63 else None
