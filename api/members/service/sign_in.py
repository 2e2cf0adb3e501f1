"""Signing in: whatever the channel proves leads to one member, who joins at the first time."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, db, limits
from api.kit.db import session
from api.malls import service as malls
from api.malls.errors import ShopNotFound
from api.members import alipay_login, phones, wechat_login
from api.members.models import Member, MemberIdentity
from api.members.proofs import ProvenIdentity
from api.members.service import consents, identities, phone_codes, sessions
from api.members.states import MemberState

PER_MEMBER = limits.Limit("sign-in-member", 20, 60)


@dataclass(frozen=True)
class Arrival:
    """How somebody came: what they agreed to, and for a new member where from."""

    consent_version: str
    source: str = "self"
    referrer_id: int | None = None
    shop_id: int | None = None


@dataclass(frozen=True)
class SignedIn:
    """Who is signed in now, with what."""

    member: Member
    tokens: sessions.Tokens
    is_new: bool


def with_wechat(js_code: str, arrival: Arrival) -> SignedIn:
    """Sign in by a code of wx.login. LoginCodeRefused, LoginBlocked, GatewaySilent, GatewayBusy."""
    with db.outside_transaction():
        proven = wechat_login.sign_in(js_code)
    return _enter(proven, arrival)


def with_alipay(auth_code: str, arrival: Arrival) -> SignedIn:
    """Sign in by a code of my.getAuthCode. LoginCodeRefused, GatewaySilent, GatewayBusy."""
    with db.outside_transaction():
        proven = alipay_login.sign_in(auth_code)
    return _enter(proven, arrival)


def with_phone(phone: str, code: str, arrival: Arrival) -> SignedIn:
    """Sign in by a code sent to the phone. PhoneInvalid, PhoneCodeWrong, PhoneCodeEnded."""
    number = phones.normalise(phone)
    phone_codes.use(number, code)
    signed_in = _enter(ProvenIdentity("phone", "", (phones.key(number),)), arrival)
    if signed_in.is_new:
        identities.assign_phone(signed_in.member, number)
    return signed_in


def _enter(proven: ProvenIdentity, arrival: Arrival) -> SignedIn:
    member = _known(proven)
    is_new = False
    if member is None:
        # Two first sign-ins of one person at once: the second waits here and sees the member.
        db.lock(proven.channel, proven.union_id or proven.subjects[0])
        member = _known(proven)
        if member is None:
            member, is_new = _join(proven, arrival), True
    limits.spend(PER_MEMBER, f"{db.mall()}:{member.id}")
    consents.give(member.id, consents.BASIC, arrival.consent_version)
    return SignedIn(member, sessions.begin(member.id, proven.channel), is_new)


def _known(proven: ProvenIdentity) -> Member | None:
    here = and_(MemberIdentity.app_id == proven.app_id, MemberIdentity.subject.in_(proven.subjects))
    same: ColumnElement[bool] = or_(here, MemberIdentity.union_id == proven.union_id) if proven.union_id else here
    rows = session.execute(
        select(Member, MemberIdentity.app_id, MemberIdentity.subject)
        .join(Member, Member.id == MemberIdentity.member_id)
        .where(MemberIdentity.channel == proven.channel, same)
        .order_by(MemberIdentity.id)
    ).all()
    exact = [row for row in rows if row.app_id == proven.app_id and row.subject in proven.subjects]
    if not rows:
        return None
    member: Member = (exact or rows)[0].Member
    _remember(member.id, proven, {row.subject for row in exact})
    return member


def _join(proven: ProvenIdentity, arrival: Arrival) -> Member:
    referrer = select(Member.id).where(Member.id == arrival.referrer_id, Member.state == MemberState.ACTIVE).scalar_subquery()
    now = clock.now()
    member = session.scalars(
        insert(Member)
        .values(
            state=MemberState.ACTIVE, moved_at=now, joined_at=now, source=arrival.source,
            referrer_id=referrer, joined_shop_id=_shop(arrival.shop_id),
        )
        .returning(Member)
    ).one()  # fmt: skip
    _remember(member.id, proven, set())
    return member


def _shop(shop_id: int | None) -> int | None:
    # A stale code on a poster must not keep anybody from joining.
    try:
        return malls.shop(shop_id).id if shop_id is not None else None
    except ShopNotFound:
        return None


def _remember(member_id: int, proven: ProvenIdentity, known: set[str]) -> None:
    fresh = [
        {
            "member_id": member_id, "channel": proven.channel, "app_id": proven.app_id, "subject": subject,
            "union_id": proven.union_id, "first_seen_at": clock.now(),
        }
        for subject in proven.subjects
        if subject not in known
    ]  # fmt: skip
    if fresh:
        session.execute(insert(MemberIdentity).values(fresh).on_conflict_do_nothing())
