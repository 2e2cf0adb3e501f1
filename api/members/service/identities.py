"""One member over all identities: a verified phone joins two memberships of the same person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, db, identity, live, logs, rooms, sealed, states
from api.kit.db import session
from api.kit.membership import PhoneChange
from api.members import alipay_login, phones, wechat_login
from api.members.errors import MemberClosed, MergeNeeded, NoPhoneYet, OldPhoneUnproven, PhoneProofMisplaced, PhoneProofUsed
from api.members.models import Consent, GrowthEntry, Member, MemberIdentity, MemberSession, SpentProof, Vehicle
from api.members.service import family, name_index, phone_codes, profile, sessions
from api.members.states import MemberState

log = logs.get(__name__)


@dataclass(frozen=True)
class PhoneJoined:
    """The member who has the phone now; an older one when two memberships became one. `access_token` is this member's."""

    member: Member
    access_token: str
    folded: bool
    expires_in: int = int(identity.ACCESS_TOKEN_LIVES.total_seconds())


def with_wechat_phone(member_id: int, session_id: str, code: str) -> PhoneJoined:
    """Join the phone behind WeChat's phone button. PhoneProofRefused, MergeNeeded, GatewaySilent."""
    with db.outside_transaction():
        phone = wechat_login.phone(code)
    return join_phone(member_id, session_id, phone)


def with_alipay_phone(member_id: int, session_id: str, payload: Mapping[str, str]) -> PhoneJoined:
    """Join the phone that Alipay sealed. PhoneProofRefused, PhoneProofUsed, PhoneProofMisplaced, MergeNeeded."""
    # The payload names neither a user nor a time: it counts once, and only within a sign-in that Alipay itself proved.
    if sessions.channel_of(session_id) != "alipay":
        raise PhoneProofMisplaced()
    phone = alipay_login.phone(payload)
    _use_payload_once(member_id, payload["response"])
    return join_phone(member_id, session_id, phone)


def join_phone(member_id: int, session_id: str, phone: str, *, proven_before: str | None = None) -> PhoneJoined:
    """Give a normalised, verified phone to the member; when another member has it, the younger is folded into the older.

    A phone in place of another one is told, and without a proof of the one before what is worth money rests. MergeNeeded when the younger
    holds value: the service desk merges those.
    """
    db.lock("phone", phones.key(phone))
    member, holder = _lock(member_id, phones.key(phone))
    kept, folded = member, False
    if holder is not None and holder.id != member.id:
        kept, younger = sorted((member, holder), key=lambda member: (member.joined_at, member.id))
        _fold(younger, kept)
        folded = True
    if kept.phone_key != phones.key(phone):
        before = sealed.unseal(kept.phone_sealed) if kept.phone_sealed else None
        both = before is not None and before == proven_before
        assign_phone(kept, phone, proven_since=_joined_at(kept) if both else None)
        if before is not None:
            _tell_of_change(kept.id, before, phone, PhoneChange.BY_BOTH_PHONES if both else PhoneChange.BY_NEW_PHONE)
    token = identity.access_token("member", kept.id, db.mall(), session_id=session_id)
    return PhoneJoined(kept, token, folded)


def send_code_to_own_phone(member_id: int) -> None:
    """Send a code to the phone that the member has. NoPhoneYet, and what phone_codes.send_code refuses."""
    held = profile.get(member_id).phone_sealed
    if held is None:
        raise NoPhoneYet()
    phone_codes.send_code(sealed.unseal(held))


def change_phone(member_id: int, session_id: str, phone: str, *, code: str, old_code: str | None) -> PhoneJoined:
    """Move to a new phone with a code sent to it, and one sent to the phone before. OldPhoneUnproven, PhoneCodeWrong, MergeNeeded."""
    number, held = phones.normalise(phone), profile.get(member_id).phone_sealed
    before = sealed.unseal(held) if held is not None else None
    proofs = [("code", number, code)]
    if before is not None:
        if old_code is None:
            raise OldPhoneUnproven()
        proofs.append(("old_code", before, old_code))
    phone_codes.use_all(proofs)
    return join_phone(member_id, session_id, number, proven_before=before)


def recover(member_id: int, phone: str) -> Member:
    """The service desk gives a member a new phone, whose code was read out to it; every sign-in ends, also on a lost device.

    The phone before is told, and each room does its part: what is worth money rests. MergeNeeded when another member has that phone: two
    memberships are joined only by a merge.
    """
    number = phones.normalise(phone)
    db.lock("phone", phones.key(number))
    member, holder = _lock(member_id, phones.key(number))
    if holder is not None and holder.id != member.id:
        raise MergeNeeded()
    before = sealed.unseal(member.phone_sealed) if member.phone_sealed else None
    assign_phone(member, number)
    sessions.end_all(member_id, "the service desk recovered the account")
    _tell_of_change(member_id, before, number, PhoneChange.BY_DESK)
    return member


def _tell_of_change(member_id: int, before: str | None, now: str, change: PhoneChange) -> None:
    if before is not None and before != now:
        phone_codes.tell_of_change(before, now, change)
    for part in rooms.member_parts():
        part.phone_changed(member_id, change)


def _joined_at(member: Member) -> datetime | None:
    own = (MemberIdentity.member_id == member.id, MemberIdentity.channel == "phone", MemberIdentity.subject == member.phone_key)
    return session.scalar(select(MemberIdentity.first_seen_at).where(*own))


def assign_phone(member: Member, phone: str, *, proven_since: datetime | None = None) -> None:
    """Give a free phone to a member, in place of the one before, whose standing goes over to it when both were proven."""
    key = phones.key(phone)
    member.phone_key, member.phone_sealed = key, sealed.seal(phone)
    session.execute(
        delete(MemberIdentity).where(
            MemberIdentity.member_id == member.id, MemberIdentity.channel == "phone", MemberIdentity.subject != key
        )
    )
    session.execute(
        insert(MemberIdentity)
        .values(member_id=member.id, channel="phone", app_id="", subject=key, first_seen_at=proven_since or clock.now())
        .on_conflict_do_nothing()
    )
    session.flush()


def _lock(member_id: int, phone_key: str) -> tuple[Member, Member | None]:
    # Both rows in one order, so that two at once cannot deadlock.
    rows = session.scalars(
        select(Member)
        .where(or_(Member.id == member_id, Member.phone_key == phone_key))
        .order_by(Member.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    member = next((row for row in rows if row.id == member_id), None)
    if member is None or member.state != MemberState.ACTIVE:
        raise MemberClosed()
    return member, next((row for row in rows if row.phone_key == phone_key), None)


def _use_payload_once(member_id: int, response: str) -> None:
    digest = sealed.find_key(f"alipay-phone:{response}")
    spent = (
        insert(SpentProof)
        .values(kind="alipay-phone", digest=digest, member_id=member_id, spent_by=f"member:{member_id}", spent_at=clock.now())
        .on_conflict_do_nothing()
        .returning(SpentProof.id)
    )
    if session.execute(spent).scalar() is None:
        raise PhoneProofUsed()


def _fold(younger: Member, older: Member) -> None:
    parts = rooms.member_parts()
    if any(part.holds_value(younger.id) for part in parts):
        raise MergeNeeded()
    _move_identities(younger.id, older.id)
    _move_consents(younger.id, older.id)
    _move_vehicles(younger.id, older.id)
    family.hand_over(younger.id, older.id)
    for part in parts:
        part.fold(younger.id, older.id)
    for table in (MemberSession, GrowthEntry):
        session.execute(update(table).where(table.member_id == younger.id).values(member_id=older.id))
    session.execute(update(Member).where(Member.referrer_id == younger.id, Member.id != older.id).values(referrer_id=older.id))
    older.growth += younger.growth
    older.nickname = older.nickname or younger.nickname
    name_index.index_name(younger.id, None)
    name_index.index_name(older.id, older.nickname)
    older.birthday_on = older.birthday_on or younger.birthday_on
    gone: dict[str, Any] = {"nickname": None, "birthday_on": None, "phone_key": None, "phone_sealed": None, "growth": 0}
    facts = {"into": older.id}
    states.move(younger, MemberState.FOLDED, by=f"member:{older.id}", facts=facts, folded_into_id=older.id, **gone)
    live.ask_again(["member"], [younger.id])
    log.info("two memberships became one", member_id=older.id, folded_id=younger.id)


def _move_identities(source: int, target: int) -> None:
    session.execute(delete(MemberIdentity).where(MemberIdentity.member_id == source, MemberIdentity.channel == "phone"))
    # In the membership that stays they are new: one joined within a sign-in proves nothing of it for a time.
    session.execute(update(MemberIdentity).where(MemberIdentity.member_id == source).values(member_id=target, first_seen_at=clock.now()))


def _move_consents(source: int, target: int) -> None:
    held = select(Consent.document, Consent.version).where(Consent.member_id == target, Consent.withdrawn_at.is_(None))
    twins = [tuple(row) for row in session.execute(held)]
    for document, version in twins:
        session.execute(
            delete(Consent).where(
                Consent.member_id == source, Consent.document == document, Consent.version == version, Consent.withdrawn_at.is_(None)
            )
        )
    session.execute(update(Consent).where(Consent.member_id == source).values(member_id=target))


def _move_vehicles(source: int, target: int) -> None:
    held = select(Vehicle.plate).where(Vehicle.member_id == target).scalar_subquery()
    session.execute(delete(Vehicle).where(Vehicle.member_id == source, Vehicle.plate.in_(held)))
    session.execute(update(Vehicle).where(Vehicle.member_id == source).values(member_id=target, is_default=False))
