"""What can be done with messages: send one, read them, say which are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, case, delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, live, pages
from api.kit.db import rows_changed, session
from api.kit.membership import Moved, PhoneChange, Rows
from api.malls import service as malls
from api.members import service as members
from api.members.service import member_merge
from api.messages import wechat_push
from api.messages.errors import MessageNotFound, OfferConsentNeeded, ServiceMessageNeeded
from api.messages.models import Kind, Message, MessageWant, Push, PushGrant
from api.messages.wechat_push import Outcome

KEPT = timedelta(days=180)
EXPORT_ROWS = 10_000
REMOVED_AT_ONCE = 5000
GRANTS_AT_MOST = 50
PUSHED_AT_ONCE = 500
PUSHED_WITHIN = timedelta(hours=12)


@dataclass(frozen=True)
class Want:
    """What a member wants of one kind, as it counts today: `inbox` and `push` hold when there is no pause (any more)."""

    kind: Kind
    service: bool
    inbox: bool
    push: bool
    reason: str | None = None
    paused_until_on: date | None = None

    @property
    def template_id(self) -> str | None:
        """The WeChat template that the member may agree to for this kind."""
        return wechat_push.template_of(str(self.kind))

    def takes_offers(self, today: date) -> bool:
        """Whether an offer goes to the inbox today. Neither a pause nor a wish ever keeps service out of it."""
        return self.inbox and (self.paused_until_on is None or self.paused_until_on <= today)


@dataclass(frozen=True)
class Pushing:
    """What goes to whose phone."""

    openid: str
    kind: str
    title: str
    body: str
    at: datetime
    page: str | None


@dataclass(frozen=True)
class Inbox:
    """One page of a member's messages, and how many are unread in all."""

    items: Sequence[Message]
    next_cursor: str | None
    unread: int


def send(
    member_id: int,
    kind: Kind,
    *,
    source: str,
    title: dict[str, str],
    body: dict[str, str],
    page: str | None = None,
    expires_at: datetime | None = None,
) -> bool:
    """Put a line into a member's inbox, once for its source ("receipt:7:3"); says whether it is there because of this call.

    `title` and `body` hold zh and en; `page` is a page of the mini-program with its query. An offer that is not wanted is not sent.
    """
    today, now = clock.today(malls.mall_info().timezone), clock.now()
    if kind == Kind.OFFER and not _wants(member_id, (kind,))[0].takes_offers(today):
        return False
    made = (
        insert(Message)
        .values(
            member_id=member_id,
            kind=str(kind),
            source=source,
            title=title,
            body=body,
            page=page,
            push=_push(member_id, kind, today),
            push_state=_push_state(member_id, kind, today),
            created_at=now,
            expires_at=expires_at or now + KEPT,
        )
        .on_conflict_do_nothing()
        .returning(Message.id)
    )
    message_id = session.execute(made).scalar()
    if message_id is not None:
        live.publish("member", member_id, "message", message_id=message_id)
    return message_id is not None


_PHONE_CHANGED = {
    PhoneChange.BY_DESK: (
        {"zh": "服务台更换了您的手机号", "en": "The service desk changed your phone"},
        {
            "zh": "储值和支付密码暂停使用一段时间；可在钱包用原支付密码提前解除。若非本人办理，请立即到服务台。",
            "en": "Stored value and PIN rest for some days; your PIN ends that in the wallet. If it was not you, come to the desk at once.",
        },
    ),
    PhoneChange.BY_NEW_PHONE: (
        {"zh": "您的手机号已更换", "en": "Your phone number was changed"},
        {
            "zh": "原手机号没有验证，储值和支付密码暂停使用一段时间；可在钱包用原支付密码提前解除。若非本人操作，请立即到服务台。",
            "en": "The number before was not proven: stored value and PIN rest for some days; your PIN ends that in the wallet. "
            "If it was not you, come to the desk at once.",
        },
    ),
    PhoneChange.BY_BOTH_PHONES: (
        {"zh": "您的手机号已更换", "en": "Your phone number was changed"},
        {
            "zh": "新、原手机号都已验证。若非本人操作，请立即到服务台。",
            "en": "Both numbers were proven. If it was not you, come to the service desk at once.",
        },
    ),
}


def tell_of_phone(member_id: int, change: PhoneChange) -> None:
    """Tell a member by every channel that the account has another phone than before."""
    title, body = _PHONE_CHANGED[change]
    source = f"phone:{clock.now().isoformat()}"
    send(member_id, Kind.ACCOUNT, source=source, title=title, body=body, page="pages/wallet/wallet")


def _push(member_id: int, kind: Kind, today: date) -> Any:
    # Within the INSERT: the paths that write messages count their statements.
    no_pause = func.coalesce(MessageWant.paused_until_on <= today, True)
    wanted = select(MessageWant.push & no_pause).where(MessageWant.member_id == member_id, MessageWant.kind == str(kind))
    return func.coalesce(wanted.scalar_subquery(), True)


def _push_state(member_id: int, kind: Kind, today: date) -> Any:
    template_id = wechat_push.template_of(str(kind))
    if template_id is None:
        return None
    agreed = exists().where(PushGrant.member_id == member_id, PushGrant.template_id == template_id, PushGrant.left_count > 0)
    return case((and_(_push(member_id, kind, today), agreed), str(Push.WAITING)))


def inbox(member_id: int, *, kind: str | None = None, unread: bool = False, cursor: str | None = None, limit: int = 20) -> Inbox:
    """A member's messages, newest first, of one kind or all, read or not."""
    query = select(Message).where(Message.member_id == member_id, Message.expires_at > clock.now())
    if kind is not None:
        query = query.where(Message.kind == kind)
    if unread:
        query = query.where(Message.read_at.is_(None))
    page = pages.page(query, Message.id, cursor=cursor, limit=limit)
    return Inbox(page.items, page.next_cursor, unread_count(member_id))


def unread_count(member_id: int) -> int:
    """How many of a member's messages are unread."""
    query = select(func.count()).where(Message.member_id == member_id, Message.read_at.is_(None), Message.expires_at > clock.now())
    return int(session.scalar(query) or 0)


def read(member_id: int, message_id: int) -> Message:
    """The member has read a message. Again changes nothing. MessageNotFound."""
    message = session.get(Message, message_id)
    if message is None or message.member_id != member_id or message.expires_at <= clock.now():
        raise MessageNotFound()
    if message.read_at is None:
        message.read_at = clock.now()
        session.flush()
    return message


def read_all(member_id: int, up_to: int | None = None) -> int:
    """The member has read all, or all up to the newest one that was on the screen; how many are unread still."""
    unread = [Message.member_id == member_id, Message.read_at.is_(None)]
    if up_to is not None:
        unread.append(Message.id <= up_to)
    session.execute(update(Message).where(*unread).values(read_at=clock.now()))
    return unread_count(member_id)


# What is wanted


def wants_of(member_id: int) -> list[Want]:
    """What the member wants, kind by kind."""
    return _wants(member_id, tuple(Kind))


def set_want(
    member_id: int, kind: Kind, *, inbox: bool = True, push: bool = True, reason: str | None = None, paused_until_on: date | None = None
) -> None:
    """The member says what is wanted of a kind. ServiceMessageNeeded, OfferConsentNeeded."""
    if kind != Kind.OFFER and not inbox:
        raise ServiceMessageNeeded(kind=str(kind))
    if kind == Kind.OFFER and (inbox or push) and not members.consent_stands(member_id, "marketing"):
        raise OfferConsentNeeded()
    values: dict[str, Any] = {
        "inbox": inbox,
        "push": push,
        "reason": None if inbox and push else reason,
        "paused_until_on": paused_until_on,
        "changed_at": clock.now(),
    }
    stored = insert(MessageWant).values(member_id=member_id, kind=str(kind), **values)
    session.execute(stored.on_conflict_do_update(index_elements=["mall_id", "member_id", "kind"], set_=values))


def _wants(member_id: int, kinds: Sequence[Kind]) -> list[Want]:
    columns = (MessageWant.kind, MessageWant.inbox, MessageWant.push, MessageWant.reason, MessageWant.paused_until_on)
    rows = session.execute(select(*columns).where(MessageWant.member_id == member_id, MessageWant.kind.in_(kinds)))
    stored = {row.kind: row for row in rows}
    return [_want(member_id, kind, stored.get(kind)) for kind in kinds]


def _want(member_id: int, kind: Kind, stored: Any) -> Want:
    if kind != Kind.OFFER:
        return Want(kind, True, True, stored.push, stored.reason, stored.paused_until_on) if stored else Want(kind, True, True, True)
    if not members.consent_stands(member_id, "marketing"):
        return Want(kind, False, False, False, stored.reason if stored else None)
    return Want(kind, False, stored.inbox, stored.push, stored.reason, stored.paused_until_on) if stored else Want(kind, False, True, True)


# Pushing to the phone: one agreement, one message


def grant(member_id: int, templates: Sequence[str]) -> None:
    """The member agreed on the phone to one more message of each of these templates; those we do not use count for nothing."""
    ours = {template_id for kind in Kind if (template_id := wechat_push.template_of(str(kind)))}
    for template_id in sorted(ours.intersection(templates)):
        values = {"left_count": 1, "granted_at": clock.now()}
        more = values | {"left_count": func.least(PushGrant.left_count + 1, GRANTS_AT_MOST)}
        stored = insert(PushGrant).values(member_id=member_id, template_id=template_id, **values)
        session.execute(stored.on_conflict_do_update(index_elements=["mall_id", "member_id", "template_id"], set_=more))


def queue_pushes() -> list[int]:
    """Take messages that wait to be pushed, each once, some hundreds at a time; those that waited too long stay in the inbox only."""
    waiting = select(Message.id).where(Message.push_state == Push.WAITING).order_by(Message.id).limit(PUSHED_AT_ONCE)
    taken = update(Message).where(Message.id.in_(waiting.with_for_update(skip_locked=True)))
    late = case((Message.created_at < clock.now() - PUSHED_WITHIN, str(Push.FAILED)), else_=str(Push.QUEUED))
    rows = session.execute(taken.values(push_state=late).returning(Message.id, Message.push_state)).all()
    return [row.id for row in rows if row.push_state == Push.QUEUED]


def begin_push(message_id: int) -> Pushing | None:
    """Count one agreement of the member down for a message; what is to be sent to whom. None when there is nothing to send (any more)."""
    message = session.get(Message, message_id, with_for_update=True)
    if message is None or message.push_state != Push.QUEUED:
        return None
    openid = members.subject(message.member_id, wechat_push.CHANNEL, wechat_push.app_id())
    if openid is None or message.read_at is not None or not _take_grant(message.member_id, message.kind):
        message.push_state = str(Push.REFUSED)
        return None
    message.push_state = str(Push.SENDING)
    at = message.created_at.astimezone(ZoneInfo(malls.mall_info().timezone))
    return Pushing(openid, message.kind, message.title["zh"], message.body["zh"], at, message.page)


def end_push(message_id: int, outcome: Outcome) -> None:
    """Record the outcome of a push. Surely not sent: the agreement is given back and it is queued again; no answer: nothing changes."""
    message = session.get(Message, message_id, with_for_update=True)
    if message is None or message.push_state != Push.SENDING or outcome == Outcome.UNKNOWN:
        return
    states = {Outcome.SENT: Push.SENT, Outcome.REFUSED: Push.REFUSED, Outcome.LATER: Push.QUEUED, Outcome.WRONG: Push.FAILED}
    message.push_state = str(states[outcome])
    if outcome in (Outcome.LATER, Outcome.WRONG):
        _change_grant(message.member_id, message.kind, PushGrant.left_count + 1)
    elif outcome == Outcome.REFUSED:
        _change_grant(message.member_id, message.kind, 0)


def _take_grant(member_id: int, kind: str) -> bool:
    return _change_grant(member_id, kind, PushGrant.left_count - 1, PushGrant.left_count > 0)


def _change_grant(member_id: int, kind: str, left: Any, *only: Any) -> bool:
    grants = (PushGrant.member_id == member_id, PushGrant.template_id == wechat_push.template_of(kind), *only)
    return rows_changed(update(PushGrant).where(*grants).values(left_count=left)) == 1


# What other rooms ask


def export(member_id: int) -> dict[str, Any]:
    """A member's own messages and wishes, as JSON values, for the export the law grants."""
    columns = (Message.kind, Message.title, Message.body, Message.created_at, Message.read_at)
    rows = session.execute(select(*columns).where(Message.member_id == member_id).order_by(Message.id.desc()).limit(EXPORT_ROWS))
    return {
        "messages": [
            {
                "kind": row.kind,
                "title": row.title,
                "body": row.body,
                "created_at": row.created_at.isoformat(),
                "read_at": row.read_at.isoformat() if row.read_at else None,
            }
            for row in rows
        ],
        "wants": [
            {
                "kind": str(wish.kind),
                "inbox": wish.inbox,
                "push": wish.push,
                "reason": wish.reason,
                "paused_until_on": _day(wish.paused_until_on),
            }
            for wish in wants_of(member_id)
        ],
    }


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def forget(member_id: int) -> None:
    """The member closed the account: messages and wishes go."""
    for table in (Message, MessageWant, PushGrant):
        session.execute(delete(table).where(table.member_id == member_id))


def hand_over(from_member_id: int, into_member_id: int) -> None:
    """Two memberships became one: messages go along; of wishes those of the one that stays win."""
    session.execute(update(Message).where(Message.member_id == from_member_id).values(member_id=into_member_id))
    kept = select(MessageWant.kind).where(MessageWant.member_id == into_member_id).scalar_subquery()
    session.execute(delete(MessageWant).where(MessageWant.member_id == from_member_id, MessageWant.kind.in_(kept)))
    session.execute(update(MessageWant).where(MessageWant.member_id == from_member_id).values(member_id=into_member_id))
    # Agreements are of an openid, and the phones that gave them are known to the survivor now; of the same template the larger count stays.
    moved = select(PushGrant.template_id, PushGrant.left_count, PushGrant.granted_at).where(PushGrant.member_id == from_member_id)
    for row in session.execute(moved).all():
        stored = insert(PushGrant).values(member_id=into_member_id, **row._asdict())
        larger = func.greatest(PushGrant.left_count, stored.excluded.left_count)
        session.execute(stored.on_conflict_do_update(index_elements=["mall_id", "member_id", "template_id"], set_={"left_count": larger}))
    session.execute(delete(PushGrant).where(PushGrant.member_id == from_member_id))


def move_messages(from_member_id: int, into_member_id: int) -> list[Moved]:
    """The service desk merges two memberships: messages move so that they can be moved back. Wishes stay where they are."""
    return member_merge.move("message", Message, from_member_id, into_member_id)


def bring_back(rows: Rows, from_member_id: int, into_member_id: int) -> None:
    """Such a merge was undone: the messages that went along come back."""
    member_merge.bring_back(Message, rows.get("message", ()), from_member_id, into_member_id)


def remove_expired() -> int:
    """Messages past their time go; how many of at most REMOVED_AT_ONCE."""
    old = select(Message.id).where(Message.expires_at <= clock.now()).limit(REMOVED_AT_ONCE)
    return rows_changed(delete(Message).where(Message.id.in_(old)))
