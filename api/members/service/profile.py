"""A member's own data: read, changed, exported, closed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import ScalarSelect, delete, select

from api.kit import audit, clock, live, membership, once, pages, rooms, sealed, states
from api.kit.db import session
from api.members import phones
from api.members.errors import BirthdayFixed, MemberClosed, MemberNotFound
from api.members.models import (
    Consent,
    FamilyMember,
    GrowthEntry,
    LevelChange,
    Member,
    MemberIdentity,
    MemberSession,
    PhoneCode,
    TextMessage,
    Vehicle,
)
from api.members.service import consents, member_merge, name_index, sessions
from api.members.states import MemberState

EXPORT_ROWS = 10_000

#: How the audit log calls the opening of a record, and how long it then stays open to that person.
OPENED = "opened a member's record"
STAYS_OPEN = timedelta(minutes=30)

#: Sign-ins of a closed account stay so long: until then an access token of theirs may still be shown, and must be refused.
SIGN_INS_STAY = timedelta(days=1)


def get(member_id: int) -> Member:
    """An active member. MemberNotFound, MemberClosed."""
    member = of_any_state(member_id)
    if member.state != MemberState.ACTIVE:
        raise MemberClosed()
    return member


def of_any_state(member_id: int) -> Member:
    """A member of this mall, closed and folded ones too. MemberNotFound."""
    member = session.get(Member, member_id)
    if member is None:
        raise MemberNotFound()
    return member


def surviving(member_id: int) -> int:
    """The number of the member whom this one was folded into, or its own."""
    while (into := of_any_state(member_id).folded_into_id) is not None:
        member_id = into
    return member_id


def lookup_by_phone(phone: str) -> Member | None:
    """The member with this verified phone, in whatever form it is written. PhoneInvalid."""
    return session.scalar(select(Member).where(Member.phone_key == phones.key(phones.normalise(phone))))


def change(member_id: int, *, nickname: str | None = None, birthday_on: date | None = None) -> Member:
    """Change what the member may change. BirthdayFixed: benefits hang on the birthday, so it is entered once."""
    member = get(member_id)
    if nickname is not None:
        member.nickname = nickname
        name_index.index_name(member_id, nickname)
    if birthday_on is not None and birthday_on != member.birthday_on:
        if member.birthday_on is not None:
            raise BirthdayFixed()
        member.birthday_on = birthday_on
    session.flush()
    return member


def correct_birthday(member_id: int, birthday_on: date | None) -> tuple[date | None, Member]:
    """Staff correct a birthday; returns what it was before."""
    member = get(member_id)
    before, member.birthday_on = member.birthday_on, birthday_on
    session.flush()
    return before, member


def close(member_id: int) -> None:
    """Close the account (注销): personal data goes, the number stays in ledgers and says nothing. Other rooms may refuse first.

    MemberNotFound, MemberClosed.
    """
    parts = rooms.member_parts()
    for part in parts:
        part.lock(member_id)
    member = member_merge.hold_alone(member_id)
    for part in parts:
        part.refuse_closing(member_id)
    for part in parts:
        part.forget(member_id)
    for table in (MemberIdentity, Vehicle, FamilyMember):
        session.execute(delete(table).where(table.member_id == member_id))
    if member.phone_key is not None:
        for sent in (PhoneCode, TextMessage):
            session.execute(delete(sent).where(sent.phone_key == member.phone_key))
    folded = session.scalars(select(Member.id).where(Member.folded_into_id == member_id)).all()
    once.forget([f"member:{number}" for number in (member_id, *folded)])
    live.forget("member", member_id)
    name_index.index_name(member_id, None)
    consents.end_standing(member_id)
    sessions.end_all(member_id, "the account was closed")
    gone: dict[str, Any] = {"nickname": None, "birthday_on": None, "phone_key": None, "phone_sealed": None, "level_until_on": None}
    states.move(member, MemberState.CLOSED, by=f"member:{member_id}", reason="closed by the member", **gone)


def forget_late() -> None:
    """Each night: what of closed accounts came in late, or had to be kept for a time."""
    for part in rooms.member_parts():
        part.forget_late()
    closed = select(Member.id).where(Member.state == MemberState.CLOSED, Member.moved_at < clock.now() - SIGN_INS_STAY)
    session.execute(delete(MemberSession).where(MemberSession.member_id.in_(closed)))


def identities_of(member_id: int, cursor: str | None, limit: int) -> pages.Page[MemberIdentity]:
    """How a member is known to channels, newest first."""
    return pages.page(select(MemberIdentity).where(MemberIdentity.member_id == member_id), MemberIdentity.id, cursor=cursor, limit=limit)


def subject(member_id: int, channel: str, app_id: str) -> str | None:
    """How a wallet's app knows the member (openid, open_id or user_id), or None when they never signed in there."""
    return session.scalar(select(subject_query(member_id, channel, app_id)))


def subject_query(member_id: int, channel: str, app_id: str) -> ScalarSelect[str]:
    """What `subject` asks, to be a part of another statement."""
    query = select(MemberIdentity.subject).where(
        MemberIdentity.member_id == member_id, MemberIdentity.channel == channel, MemberIdentity.app_id == app_id
    )
    return query.order_by(MemberIdentity.id).limit(1).scalar_subquery()


def by_identity(channel: str, app_id: str, subject: str) -> int | None:
    """The active member whom a wallet's app knows by this name, or None."""
    query = select(MemberIdentity.member_id).where(
        MemberIdentity.channel == channel, MemberIdentity.app_id == app_id, MemberIdentity.subject == subject
    )
    member_id = session.scalar(query)
    return surviving(member_id) if member_id is not None else None


def refuse_unopened(member_id: int, who: str, *, within: timedelta = STAYS_OPEN) -> None:
    """What stands in a record is shown to whom opened it with a reason lately. RecordNotOpened."""
    if not audit.was_done_since(who, OPENED, "member", member_id, since=clock.now() - within):
        raise membership.RecordNotOpened()


def export(member_id: int) -> dict[str, Any]:
    """Everything this mall holds about the member, as JSON values; under `rooms` what other rooms add, by name."""
    member = get(member_id)
    return {
        "made_at": clock.now().isoformat(),
        "member": _profile(member),
        "identities": _rows(MemberIdentity, member_id, "channel", "app_id", "subject", "union_id", "first_seen_at"),
        "consents": _rows(Consent, member_id, "document", "version", "given_at", "withdrawn_at"),
        "vehicles": _rows(Vehicle, member_id, "plate", "is_default", "added_at"),
        "family": _rows(FamilyMember, member_id, "relation", "nickname", "birth_year", "birth_month", "added_at"),
        "sign_ins": _rows(MemberSession, member_id, "channel", "began_at", "rotated_at", "ended_at", "end_reason"),
        "growth": _rows(GrowthEntry, member_id, "growth", "cause", "earned_at"),
        "level_changes": _rows(LevelChange, member_id, "from_rank", "to_rank", "reason", "growth", "changed_at"),
        "rooms": {name: rows(member_id) for part in rooms.member_parts() for name, rows in part.exports.items()},
    }


def _profile(member: Member) -> dict[str, Any]:
    return {
        "number": member.id,
        "nickname": member.nickname,
        "birthday_on": member.birthday_on.isoformat() if member.birthday_on else None,
        "phone": sealed.unseal(member.phone_sealed) if member.phone_sealed else None,
        "level_rank": member.level_rank,
        "growth": member.growth,
        "joined_at": member.joined_at.isoformat(),
        "source": member.source,
        "joined_shop_id": member.joined_shop_id,
        "invited_by_somebody": member.referrer_id is not None,
    }


def _rows(table: Any, member_id: int, *columns: str) -> list[dict[str, Any]]:
    wanted = select(*(getattr(table, name) for name in columns)).where(table.member_id == member_id)
    rows = session.execute(wanted.order_by(table.id.desc()).limit(EXPORT_ROWS))
    return [{name: _plain(value) for name, value in row._mapping.items()} for row in rows]


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
