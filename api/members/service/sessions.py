"""Sign-ins that last: a family of refresh tokens, each used once. An old one used again ends the family.

A token is <mall>.<family>.<number>.<secret>; secret n+1 is a keyed hash of secret n, and only the newest one's hash is stored.
So an old token proves by itself that it was genuine, a leaked table gives nobody a token, and an answer that got lost on the way
is given again, unchanged, to who repeats the last token within GRACE. A thief inside that moment holds the very token the
member holds: whoever of the two is second at the next rotation ends the family.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select, update

from api.kit import clock, db, identity, live, logs, pages, sealed
from api.kit.db import session
from api.kit.identity import Principal, TokenInvalid
from api.members.errors import RefreshTokenReused, SessionEnded
from api.members.models import MemberSession
from api.members.states import MemberState

log = logs.get(__name__)

IDLE_LIFE = timedelta(days=30)
WHOLE_LIFE = timedelta(days=180)
GRACE = timedelta(seconds=10)
_ENTER = "SELECT * FROM enter_as_member(%(mall)s, %(member)s, %(sign_in)s)"
MAX_STEPS = 20_000  # rotations a family can have in its whole life, at one each fifteen minutes


@dataclass(frozen=True)
class Tokens:
    """What a phone keeps. `expires_in` seconds for the access token."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int = int(identity.ACCESS_TOKEN_LIVES.total_seconds())


@dataclass(frozen=True)
class _Token:
    mall_id: int
    family: str
    seq: int
    secret: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.mall_id}.{self.family}.{self.seq}.{self.secret}"

    def next(self) -> _Token:
        """The one that follows; only this server can derive it."""
        return _Token(self.mall_id, self.family, self.seq + 1, sealed.find_key(f"refresh:{self.family}:{self.seq + 1}:{self.secret}"))

    def hash(self) -> str:
        """What is stored of it."""
        return sealed.find_key(f"refresh-hash:{self.family}:{self.seq}:{self.secret}")


def begin(member_id: int, channel: str) -> Tokens:
    """Start a family for a member who has just proved to be themselves."""
    now = clock.now()
    token = _Token(db.mall(), secrets.token_urlsafe(12), 1, secrets.token_urlsafe(32))
    session.add(
        MemberSession(
            member_id=member_id, public_id=token.family, channel=channel, token_hash=token.hash(), seq=1,
            began_at=now, rotated_at=now, expires_at=now + IDLE_LIFE, ended_at=None, end_reason=None,
        )
    )  # fmt: skip
    session.flush()
    return _tokens(member_id, token)


def refresh(refresh_token: str) -> Tokens:
    """The next pair of tokens. SessionEnded; RefreshTokenReused ends the family for everybody who holds one of its tokens."""
    shown = _read(refresh_token)
    db.enter(shown.mall_id)
    family = session.scalar(select(MemberSession).where(MemberSession.public_id == shown.family).with_for_update())
    now = clock.now()
    if family is None or family.ended_at is not None or family.expires_at <= now:
        raise SessionEnded()
    newest = _follow(shown, family.seq)
    if newest is None or not hmac.compare_digest(newest.hash(), family.token_hash):
        raise SessionEnded()
    if shown.seq == family.seq:
        return _rotate(family, shown.next(), now)
    if shown.seq == family.seq - 1 and now - family.rotated_at <= GRACE:
        return _tokens(family.member_id, newest)
    _end_reused(family)
    raise RefreshTokenReused()


def end(member_id: int, public_id: str) -> None:
    """Sign out on one device."""
    _end(MemberSession.member_id == member_id, MemberSession.public_id == public_id, reason="signed out")


def end_all(member_id: int, reason: str) -> None:
    """Sign out everywhere."""
    _end(MemberSession.member_id == member_id, reason=reason)


def enter(principal: Principal) -> Principal:
    """Enter the mall with a member's token: its sign-in runs, and the member was not folded into another. TokenInvalid. One statement."""
    arguments = {"mall": principal.mall_id, "member": principal.id, "sign_in": principal.session_id}
    row = session.connection().exec_driver_sql(_ENTER, arguments).one()
    db.mark_entered(principal.mall_id, row.mall)
    if row.member_state == MemberState.FOLDED or row.sign_in_ended_at is not None:
        raise TokenInvalid()
    return principal


def of(member_id: int, cursor: str | None, limit: int) -> pages.Page[MemberSession]:
    """A member's sign-ins, newest first."""
    return pages.page(select(MemberSession).where(MemberSession.member_id == member_id), MemberSession.id, cursor=cursor, limit=limit)


def channel_of(public_id: str) -> str | None:
    """How a running session was begun: wechat, alipay or phone."""
    return session.scalar(select(MemberSession.channel).where(MemberSession.public_id == public_id, MemberSession.ended_at.is_(None)))


def _read(text: str) -> _Token:
    mall_id, _, rest = text.partition(".")
    family, _, rest = rest.partition(".")
    seq, _, secret = rest.partition(".")
    if not (mall_id.isdecimal() and seq.isdecimal() and mall_id.isascii() and seq.isascii() and family and secret):
        raise SessionEnded()
    if int(mall_id) >= 2**63:
        raise SessionEnded()
    return _Token(int(mall_id), family, int(seq), secret)


def _follow(token: _Token, seq: int) -> _Token | None:
    if not 0 <= seq - token.seq <= MAX_STEPS:
        return None
    while token.seq < seq:
        token = token.next()
    return token


def _rotate(family: MemberSession, token: _Token, now: datetime) -> Tokens:
    ends = min(now + IDLE_LIFE, family.began_at + WHOLE_LIFE)
    session.execute(
        update(MemberSession)
        .where(MemberSession.id == family.id)
        .values(seq=token.seq, token_hash=token.hash(), rotated_at=now, expires_at=ends)
    )
    return _tokens(family.member_id, token)


def _end_reused(family: MemberSession) -> None:
    _end(MemberSession.id == family.id, reason="an old refresh token was used again")
    log.warning("a refresh token was used twice, its family is ended", member_id=family.member_id, session_number=family.id)
    db.checkpoint()  # the ending must outlive the refusal that follows


def _end(*which: object, reason: str) -> None:
    ended = (
        update(MemberSession)
        .where(*which, MemberSession.ended_at.is_(None))  # type: ignore[arg-type]
        .values(ended_at=clock.now(), end_reason=reason)
    )
    live.ask_again(["member"], session.scalars(ended.returning(MemberSession.member_id)).all())


def _tokens(member_id: int, token: _Token) -> Tokens:
    access = identity.access_token("member", member_id, token.mall_id, session_id=token.family)
    return Tokens(access, str(token))


identity.entrance("member", enter)
