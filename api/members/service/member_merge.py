"""Two memberships of one person become one, and can become two again: identities, phone, consents, vehicles, growth and level.

What moved is told as (kind, row, facts), so that the caller can keep it and hand it back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import ScalarSelect, func, select, update
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, states
from api.kit.db import session
from api.kit.membership import Moved, Rows
from api.members.errors import MemberClosed, MemberNotActive, MemberNotFound, MergeWithSelf
from api.members.models import Consent, FamilyMember, GrowthEntry, Member, MemberIdentity, Vehicle
from api.members.service import consents, levels, name_index, sessions
from api.members.states import MemberState

#: The rows of a member that go along as they are.
_TABLES: dict[str, Any] = {"identity": MemberIdentity, "vehicle": Vehicle, "growth_entry": GrowthEntry, "consent": Consent,
                           "family": FamilyMember}  # fmt: skip


def move(kind: str, table: Any, source_id: int, target_id: int, *only: Any) -> list[Moved]:
    """Give rows of one member to another, as they are."""
    moving = update(table).where(table.member_id == source_id, *only).values(member_id=target_id).returning(table.id)
    return [Moved(kind, row_id) for row_id in sorted(session.scalars(moving))]


def bring_back(table: Any, ids: Iterable[int], target_id: int, source_id: int, *only: Any) -> set[int]:
    """Give rows that moved back, as far as they are still there; returns which came."""
    back = update(table).where(table.id.in_(list(ids)), table.member_id == target_id, *only).values(member_id=source_id)
    return set(session.scalars(back.returning(table.id)))


def hold(member_id: int) -> int:
    """Who this member is now: itself, or the one it was merged into. Nobody holds it alone until the unit of work ends.

    Acts that add value begin with it. MemberNotFound, MemberClosed.
    """
    while True:
        query = select(Member.id, Member.folded_into_id, Member.state).where(Member.id == member_id).with_for_update(read=True)
        row = session.execute(query).first()
        if row is None:
            raise MemberNotFound()
        if row.state == MemberState.CLOSED:
            raise MemberClosed()
        if row.folded_into_id is None:
            return int(row.id)
        member_id = row.folded_into_id


def hold_alone(member_id: int) -> Member:
    """An active member, held so that nothing of value comes to it from elsewhere until the unit of work ends. MemberNotFound, MemberClosed.

    Acts that end a member, or that limit a sum of it, begin with it: a lock on rows cannot hold what does not exist yet. Rows of orders,
    receipts, sales and awards are held before it; cards and accounts after it.
    """
    # Not FOR UPDATE: rows that only name the member need not wait, what adds value to it holds it FOR SHARE.
    member = session.get(Member, member_id, with_for_update={"key_share": True}, populate_existing=True)
    if member is None:
        raise MemberNotFound()
    if member.state != MemberState.ACTIVE:
        raise MemberClosed()
    return member


def held_if_active(member_id: int) -> ScalarSelect[int]:
    """What `hold` asks, to be a part of another statement: the member's number, or NULL when it was closed or merged meanwhile."""
    query = select(Member.id).where(Member.id == member_id, Member.state == MemberState.ACTIVE)
    return query.with_for_update(read=True).scalar_subquery()


def lock_two(source_id: int, target_id: int) -> tuple[Member, Member]:
    """Both members, held until the unit of work ends. MergeWithSelf, MemberNotFound."""
    return look_at_two(source_id, target_id, hold=True)


def look_at_two(source_id: int, target_id: int, *, hold: bool = False) -> tuple[Member, Member]:
    """Both members as they are. MergeWithSelf, MemberNotFound."""
    if source_id == target_id:
        raise MergeWithSelf()
    query = select(Member).where(Member.id.in_([source_id, target_id])).order_by(Member.id)
    query = query.with_for_update(key_share=True) if hold else query
    members = {member.id: member for member in session.scalars(query.execution_options(populate_existing=True))}
    if len(members) != 2:
        raise MemberNotFound()
    return members[source_id], members[target_id]


def refuse_inactive(*members: Member) -> None:
    """Only members in good standing are merged. MemberNotActive."""
    for member in members:
        if member.state != MemberState.ACTIVE:
            raise MemberNotActive(number=member.id, state=member.state)


def counts(member_id: int) -> dict[str, int]:
    """How many rows of each kind a member has."""
    return {
        kind: session.scalar(select(func.count()).where(table.member_id == member_id)) or 0
        for kind, table in _TABLES.items()
        if kind != "growth_entry"
    }


def channels(member_id: int) -> list[str]:
    """How a member signs in: the channels of its identities, sorted."""
    return sorted(session.scalars(select(MemberIdentity.channel).where(MemberIdentity.member_id == member_id).distinct()))


def absorb(source: Member, target: Member, *, phone_of_source: bool, by: str) -> tuple[list[Moved], dict[str, Any]]:
    """Fold the source into the target; returns what moved, and what both were like before. Both are held by lock_two."""
    kept = {"source": _as_is(source), "target": _as_is(target)}
    moved = [*_move_rows(source.id, target.id), *_move_referrals(source.id, target.id)]
    level_rank, level_until_on = source.level_rank, source.level_until_on
    phone = (source.phone_key, source.phone_sealed)
    sessions.end_all(source.id, "the membership was merged into another one")
    gone: dict[str, Any] = {"nickname": None, "birthday_on": None, "phone_key": None, "phone_sealed": None, "growth": 0}
    gone |= {"level_rank": 0, "level_until_on": None}
    states.move(source, MemberState.FOLDED, by=by, facts={"into": target.id}, folded_into_id=target.id, **gone)
    _fill_gaps(target, kept["source"])
    if phone[0] is not None and (phone_of_source or target.phone_key is None):
        target.phone_key, target.phone_sealed = phone
    session.flush()
    levels.settle(target.id, level_rank, level_until_on)
    name_index.index_name(source.id, None)
    name_index.index_name(target.id, target.nickname)
    return moved, kept


def release(source: Member, target: Member, rows: Rows, kept: dict[str, Any], *, causes: Collection[str], by: str) -> list[str]:
    """Undo absorb; returns what could not return, by name. `causes`: growth earned since that belongs to the source."""
    growth = _move_growth_back(source.id, target.id, rows.get("growth_entry", {}), causes)
    lost = _return_phones(source, target, kept)
    was = kept["source"]
    back: dict[str, Any] = {"nickname": was["nickname"], "birthday_on": _day(was["birthday_on"]), "growth": was["growth"] + growth}
    states.move(source, MemberState.ACTIVE, by=by, facts={"out_of": target.id}, folded_into_id=None, **back, **_phone(was, lost, "phone"))
    target.growth -= was["growth"] + growth
    _clear_copied(target, was, kept["target"])
    lost += _give_rows_back(source.id, target.id, rows)
    session.flush()
    for member, before in ((source, was), (target, kept["target"])):
        levels.reset(member.id, before["level_rank"], _day(before["level_until_on"]))
        name_index.index_name(member.id, member.nickname)
    return lost


def unreturnable(source: Member, target: Member, rows: Rows, kept: dict[str, Any]) -> list[str]:
    """What a release would not bring back: "phone" when somebody else has it now, "vehicle" when it was removed since, and so on."""
    lost = ["phone"] if _taken(kept["source"], source, target) else []
    for kind in ("identity", "vehicle"):
        ids = list(rows.get(kind, {}))
        table = _TABLES[kind]
        there = session.scalar(select(func.count()).where(table.id.in_(ids), table.member_id == target.id)) or 0
        if there < len(ids):
            lost.append(kind)
    return lost


def _as_is(member: Member) -> dict[str, Any]:
    return {
        "nickname": member.nickname,
        "birthday_on": member.birthday_on.isoformat() if member.birthday_on else None,
        "phone_key": member.phone_key,
        "phone_sealed": member.phone_sealed.hex() if member.phone_sealed else None,
        "growth": member.growth,
        "level_rank": member.level_rank,
        "level_until_on": member.level_until_on.isoformat() if member.level_until_on else None,
    }


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _fill_gaps(target: Member, was: dict[str, Any]) -> None:
    target.growth += was["growth"]
    target.nickname = target.nickname or was["nickname"]
    target.birthday_on = target.birthday_on or _day(was["birthday_on"])


def _clear_copied(target: Member, was: dict[str, Any], before: dict[str, Any]) -> None:
    # What the survivor only had from the other membership is removed, unless it was changed since.
    if before["nickname"] is None and target.nickname == was["nickname"]:
        target.nickname = None
    if before["birthday_on"] is None and target.birthday_on == _day(was["birthday_on"]):
        target.birthday_on = None


def _move_rows(source_id: int, target_id: int) -> list[Moved]:
    moved: list[Moved] = []
    facts: dict[str, Callable[[Any], dict[str, Any] | None]] = {"identity": _identity, "vehicle": _vehicle}
    staying = {"vehicle": _twin_vehicles(source_id, target_id), "consent": _staying_consents(source_id, target_id)}
    for kind, table in _TABLES.items():
        query = select(table).where(table.member_id == source_id, table.id.not_in(staying.get(kind, []))).order_by(table.id)
        rows = session.scalars(query).all()
        moved += [Moved(kind, row.id, facts.get(kind, _nothing)(row)) for row in rows]
        values: dict[str, Any] = {"member_id": target_id}
        if kind == "vehicle" and _has_vehicle(target_id):
            values["is_default"] = False
        session.execute(update(table).where(table.id.in_([row.id for row in rows])).values(**values))
    return moved


def _nothing(_row: Any) -> None:
    return None


def _identity(row: MemberIdentity) -> dict[str, Any]:
    return {"channel": row.channel, "app_id": row.app_id, "subject": row.subject, "union_id": row.union_id}


def _vehicle(row: Vehicle) -> dict[str, Any]:
    return {"is_default": row.is_default}


def _has_vehicle(member_id: int) -> bool:
    return session.scalar(select(Vehicle.id).where(Vehicle.member_id == member_id).limit(1)) is not None


def _twin_vehicles(source_id: int, target_id: int) -> list[int]:
    plates = select(Vehicle.plate).where(Vehicle.member_id == target_id)
    return list(session.scalars(select(Vehicle.id).where(Vehicle.member_id == source_id, Vehicle.plate.in_(plates))))


def _staying_consents(source_id: int, target_id: int) -> list[int]:
    """Consents that do not go along: the target has given the same, or has taken that document back later than the source gave it."""
    theirs = session.scalars(select(Consent).where(Consent.member_id == target_id)).all()
    standing = {(row.document, row.version) for row in theirs if row.withdrawn_at is None}
    withdrawn: dict[str, Any] = {}
    for row in theirs:
        if row.withdrawn_at is not None:
            withdrawn[row.document] = max(row.withdrawn_at, withdrawn.get(row.document, row.withdrawn_at))
    own = session.scalars(select(Consent).where(Consent.member_id == source_id, Consent.withdrawn_at.is_(None)))
    return [
        row.id
        for row in own
        if (row.document, row.version) in standing
        or (row.document != consents.BASIC and row.document in withdrawn and withdrawn[row.document] >= row.given_at)
    ]


def _move_referrals(source_id: int, target_id: int) -> list[Moved]:
    moving = update(Member).where(Member.referrer_id == source_id, Member.id != target_id).values(referrer_id=target_id)
    return [Moved("referral", member_id) for member_id in session.scalars(moving.returning(Member.id))]


def _move_growth_back(source_id: int, target_id: int, known: Iterable[int], causes: Collection[str]) -> int:
    """Bring growth earned since for the source's purchases under the ids that moved; returns how much of it there is."""
    since = (GrowthEntry.member_id == target_id, GrowthEntry.cause.in_(causes), GrowthEntry.id.not_in(list(known)))
    taken = session.scalars(update(GrowthEntry).where(*since).values(member_id=source_id).returning(GrowthEntry.growth))
    return sum(taken)


def _taken(was: dict[str, Any], source: Member, target: Member) -> bool:
    """Whether the source's phone belongs to a third member now."""
    key = was["phone_key"]
    holder = session.scalar(select(Member.id).where(Member.phone_key == key)) if key else None
    return holder not in (None, source.id, target.id)


def _return_phones(source: Member, target: Member, kept: dict[str, Any]) -> list[str]:
    """Free the source's phone for it, and give the target the one it had before."""
    was, before = kept["source"], kept["target"]
    if target.phone_key is not None and target.phone_key == was["phone_key"] != before["phone_key"]:
        lost = ["survivors_phone"] if _taken(before, source, target) else []
        phone = _phone(before, lost, "survivors_phone")
        target.phone_key, target.phone_sealed = phone["phone_key"], phone["phone_sealed"]
        session.flush()
        return lost
    return ["phone"] if _taken(was, source, target) else []


def _phone(was: dict[str, Any], lost: list[str], name: str) -> dict[str, Any]:
    if was["phone_key"] is None or name in lost:
        return {"phone_key": None, "phone_sealed": None}
    return {"phone_key": was["phone_key"], "phone_sealed": bytes.fromhex(was["phone_sealed"])}


def _give_rows_back(source_id: int, target_id: int, rows: Rows) -> list[str]:
    lost = []
    for kind, table in _TABLES.items():
        known = rows.get(kind, {})
        there = bring_back(table, known, target_id, source_id)
        missing = [facts for row_id, facts in known.items() if row_id not in there]
        if kind == "identity":
            missing = [facts for facts in missing if facts is None or not _identify(source_id, facts)]
        if missing and kind in ("identity", "vehicle"):
            lost.append(kind)
    session.execute(update(Member).where(Member.id.in_(list(rows.get("referral", {}))), Member.referrer_id == target_id)
                    .values(referrer_id=source_id))  # fmt: skip
    _default_vehicles(source_id, target_id, rows.get("vehicle", {}))
    return lost


def _identify(source_id: int, facts: dict[str, Any]) -> bool:
    """Make an identity again that was dropped since (the survivor took another phone). False when it is somebody else's now."""
    made = insert(MemberIdentity).values(member_id=source_id, first_seen_at=clock.now(), **facts).on_conflict_do_nothing()
    return session.scalar(made.returning(MemberIdentity.id)) is not None


def _default_vehicles(source_id: int, target_id: int, known: Mapping[int, dict[str, Any] | None]) -> None:
    session.execute(update(Vehicle).where(Vehicle.member_id == source_id).values(is_default=False))
    default = [row_id for row_id, facts in known.items() if facts and facts["is_default"]]
    session.execute(update(Vehicle).where(Vehicle.id.in_(default), Vehicle.member_id == source_id).values(is_default=True))
    if session.scalar(select(Vehicle.id).where(Vehicle.member_id == target_id, Vehicle.is_default)) is None:
        newest = select(func.max(Vehicle.id)).where(Vehicle.member_id == target_id).scalar_subquery()
        session.execute(update(Vehicle).where(Vehicle.id == newest).values(is_default=True))
