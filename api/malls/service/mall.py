"""The mall itself: found by its code, its policy, its settings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from sqlalchemy import select, update

from api.kit import audit, db
from api.kit.db import session
from api.kit.http import MallNotFound
from api.kit.policy import Policy, Rules
from api.malls.errors import MallCodeTaken, PolicyContradicts
from api.malls.models import Mall

T = TypeVar("T")
R = TypeVar("R", bound=Rules)

_cache: dict[tuple[int, str], tuple[tuple[str, int], object]] = {}
_cache_lock = threading.Lock()


#: The room of staff makes the first people of a mall, by their logins, and says for each a line to hand over.
WELCOMES: list[Callable[[Sequence[str]], list[str]]] = []


#: Whoever signs people in hears at once that a shop closed, by its id.
SHOP_CLOSED: list[Callable[[int], None]] = []


def id_of(code: str) -> int:
    """The id of the mall with this public code. MallNotFound."""
    mall_id = session.scalar(select(Mall.id).where(Mall.code == code))
    if mall_id is None:
        raise MallNotFound()
    return mall_id


@dataclass(frozen=True)
class MallInfo:
    """The entered mall as it is now. `shops_version` grows with every change of a shop or an alias, `settings_version` with what is
    `cached`; `partner_events` is what any partner wants to hear of."""

    id: int
    code: str
    name: str
    timezone: str
    currency: str
    policy: Policy
    shops_version: int
    settings_version: int
    partner_events: frozenset[str]


MALL_INFO: db.Slot[MallInfo] = db.Slot()
#: Whether this unit of work changed shops or aliases, or what is `cached`: other requests must not see that before it is committed.
SHOPS_CHANGED: db.Slot[bool] = db.Slot()
SETTINGS_CHANGED: db.Slot[bool] = db.Slot()


def mall_info() -> MallInfo:
    """The entered mall with its policy, read once a unit of work, with entering it. MallNotFound."""
    held = MALL_INFO.get()
    if held is not None and held.id == db.mall():
        return held
    if (known := db.mall_row()) is not None:
        facts = {name: known[name] for name in ("id", "code", "name", "timezone", "currency", "shops_version", "settings_version")}
        return MALL_INFO.put(MallInfo(**facts, policy=Policy(known["policy"]), partner_events=frozenset(known["partner_events"])))
    row = session.execute(select(Mall.__table__).where(Mall.id == db.mall())).one_or_none()
    if row is None:
        raise MallNotFound()
    wanted = frozenset(row.partner_events)
    versions = row.shops_version, row.settings_version
    return MALL_INFO.put(MallInfo(row.id, row.code, row.name, row.timezone, row.currency, Policy(row.policy), *versions, wanted))


def forget_mall_info() -> None:
    """The mall's row was changed in this unit of work: the next `mall_info` reads it."""
    MALL_INFO.clear()
    db.forget_mall_row()


def policy(rules: type[R]) -> R:
    """The rules of one room in the entered mall's policy."""
    return mall_info().policy.of(rules)


def lock_mall() -> None:
    """Lock the mall's row against others who lock it, until this transaction ends; everything else in the mall goes on."""
    session.execute(select(Mall.id).where(Mall.id == db.mall()).with_for_update(key_share=True))


def change_policy(changes: dict[str, Any], *, by: str, why: str) -> dict[str, Any]:
    """Change some rules of the policy from now on; values are within their limits already. PolicyContradicts."""
    lock_mall()
    forget_mall_info()
    before = mall_info().policy.values()
    after = Policy(before | changes)
    if contradictions := after.contradictions():
        raise PolicyContradicts(rules=contradictions)
    session.execute(update(Mall).where(Mall.id == db.mall()).values(policy=after.differs()))
    forget_mall_info()
    changed = [name for name, value in changes.items() if before[name] != value]
    audit.record(
        by,
        "changed the policy",
        "mall",
        db.mall(),
        before={name: before[name] for name in changed},
        after={name: changes[name] for name in changed},
        why=why,
    )
    return after.values()


def open_mall(code: str, name: str, timezone: str = "Asia/Shanghai", *, administrators: Sequence[str] = ()) -> list[str]:
    """Open a new mall with its first people; returns a line for each of them, to be handed over. MallCodeTaken."""
    if session.scalar(select(Mall.id).where(Mall.code == code)) is not None:
        raise MallCodeTaken()
    made = Mall(code=code, name=name, timezone=timezone)
    session.add(made)
    session.flush()
    db.enter(made.id)
    return [line for welcome in WELCOMES for line in welcome(administrators)]


def invalidate_shops() -> None:
    """Shops or aliases were changed: every process reads them again."""
    session.execute(update(Mall).where(Mall.id == db.mall()).values(shops_version=Mall.shops_version + 1))
    SHOPS_CHANGED.put(True)
    forget_mall_info()


def invalidate_settings() -> None:
    """This unit of work changed something that rooms keep by `cached`: it reads that again itself. Others see it by the version, which the
    database counts (migration 0014 names the tables)."""
    SETTINGS_CHANGED.put(True)
    forget_mall_info()


def cached(what: str, read: Callable[[], T]) -> T:
    """What `read` gives, kept in this process until the mall's settings change: no statement meanwhile. It must not hold rows of the
    session."""
    info = mall_info()
    stamp, key = (info.code, info.settings_version), (info.id, what)
    held = _cache.get(key)
    if held is not None and held[0] == stamp:
        return cast(T, held[1])
    fresh = read()
    if not SETTINGS_CHANGED.get():
        with _cache_lock:
            _cache[key] = stamp, fresh
    return fresh


def set_partner_events(events: Collection[str]) -> None:
    """Keep with the mall which events any of its partners wants to hear of."""
    session.execute(update(Mall).where(Mall.id == db.mall()).values(partner_events=sorted(events)))
    forget_mall_info()
