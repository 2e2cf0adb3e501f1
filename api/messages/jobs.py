"""Messages past their time go; those that were agreed to are pushed to the phone."""

from __future__ import annotations

from api.kit import db, jobs
from api.messages import service, wechat_push
from api.messages.wechat_push import Outcome


@jobs.nightly("25 19 * * *")
def remove_expired() -> None:
    """Remove messages past their time, some thousands at once."""
    if service.remove_expired() == service.REMOVED_AT_ONCE:
        jobs.later(remove_more)


@jobs.job()
def remove_more() -> None:
    """The next ones, in a transaction of their own."""
    if service.remove_expired() == service.REMOVED_AT_ONCE:
        jobs.later(remove_more)


class StillBusy(Exception):
    """WeChat was busy: the job is tried again a little later."""


@jobs.nightly("* * * * *")
def push_waiting() -> None:
    """Put one job in for each message that waits to be pushed."""
    for message_id in service.queue_pushes():
        jobs.later(push, message_id=message_id)


@jobs.job(transaction=False)
def push(mall_id: int, message_id: int) -> None:
    """Push one message: count the agreement down, send, record; no connection is held while WeChat answers."""
    pushing = db.in_mall(mall_id, lambda: service.begin_push(message_id))
    if pushing is None:
        return
    outcome = wechat_push.send(pushing.openid, pushing.kind, title=pushing.title, body=pushing.body, at=pushing.at, page=pushing.page)
    db.in_mall(mall_id, lambda: service.end_push(message_id, outcome))
    if outcome == Outcome.LATER:
        raise StillBusy()
