"""Who somebody is, proven again within a sign-in: a session alone may be in other hands.

What was joined to a membership of others proves nothing for a time: the session that joined it may have been in other hands too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Row, select

from api.kit import clock, db
from api.kit.db import session
from api.members import alipay_login, wechat_login
from api.members.errors import ProofOfAnother
from api.members.models import MemberIdentity
from api.members.proofs import ProvenIdentity

WALLETS = ("wechat", "alipay")
#: One arrival may leave several identities, each with its own moment.
TOGETHER = timedelta(seconds=1)

_Identity = Row[str, str, str, str | None, datetime]  # channel, app_id, subject, union_id, first_seen_at


def channels(member_id: int, after: timedelta) -> list[str]:
    """The channels that prove now who the member is: phone, wechat, alipay."""
    rows = _identities(member_id)
    return sorted({row.channel for row in rows if _proves_from(row, rows, after) is None})


def phone_proves_from(member_id: int, after: timedelta) -> datetime | None:
    """From when a code on the member's phone proves who they are; None when it does now."""
    rows = _identities(member_id)
    return next((_proves_from(row, rows, after) for row in rows if row.channel == "phone"), None)


def by_wechat(member_id: int, js_code: str, after: timedelta) -> datetime | None:
    """The member's own WeChat signed in a moment ago; says from when that proves who they are, None for now.

    ProofOfAnother, LoginCodeRefused, LoginBlocked, GatewaySilent, GatewayBusy.
    """
    with db.outside_transaction():
        proven = wechat_login.sign_in(js_code)
    return _wallet_proves_from(member_id, proven, after)


def by_alipay(member_id: int, auth_code: str, after: timedelta) -> datetime | None:
    """The member's own Alipay signed in a moment ago; says from when that proves who they are, None for now.

    ProofOfAnother, LoginCodeRefused, GatewaySilent, GatewayBusy.
    """
    with db.outside_transaction():
        proven = alipay_login.sign_in(auth_code)
    return _wallet_proves_from(member_id, proven, after)


def _identities(member_id: int) -> Sequence[_Identity]:
    columns = (
        MemberIdentity.channel, MemberIdentity.app_id, MemberIdentity.subject, MemberIdentity.union_id, MemberIdentity.first_seen_at,
    )  # fmt: skip
    return session.execute(select(*columns).where(MemberIdentity.member_id == member_id).order_by(MemberIdentity.first_seen_at)).all()


def _proves_from(row: _Identity, rows: Sequence[_Identity], after: timedelta) -> datetime | None:
    opened_it = row.first_seen_at <= rows[0].first_seen_at + TOGETHER
    proves_from: datetime = row.first_seen_at + after
    return None if opened_it or proves_from <= clock.now() else proves_from


def _wallet_proves_from(member_id: int, proven: ProvenIdentity, after: timedelta) -> datetime | None:
    rows = _identities(member_id)
    own = [
        row
        for row in rows
        if row.channel == proven.channel
        and ((row.app_id == proven.app_id and row.subject in proven.subjects) or (proven.union_id and row.union_id == proven.union_id))
    ]
    if not own:
        raise ProofOfAnother()
    return _proves_from(own[0], rows, after)
