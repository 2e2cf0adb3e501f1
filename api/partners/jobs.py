"""Background work of partners: create deliveries, send what is due, send again, find what has no job."""

from __future__ import annotations

import secrets
from datetime import datetime

from api.kit import clock, db, jobs, logs
from api.partners import sending, service
from api.partners.service.dispatch import DELIVER
from api.partners.service.events import SPREAD
from api.partners.service.redelivery import RESEND

log = logs.get(__name__)

QUEUE = "partners"
TURN_SECONDS = 20.0  # after so long the next endpoint gets the place


@jobs.job(queue=QUEUE, keeps=SPREAD)
def spread() -> None:
    """Create the deliveries of each new event."""
    service.fan_out()


@jobs.job(queue=QUEUE, transaction=False, keeps=DELIVER)
def deliver(mall_id: int, endpoint_id: int) -> None:
    """Send what is due to one endpoint, one request at a time; no connection to the database is held while the partner answers."""
    turn, ends = secrets.token_hex(8), clock.monotonic() + TURN_SECONDS
    while outgoing := db.in_mall(mall_id, lambda: service.next_request(endpoint_id, turn, over=clock.monotonic() > ends)):
        result = sending.post(outgoing)
        record_result(mall_id, outgoing, result)


def record_result(mall_id: int, outgoing: sending.OutgoingRequest, result: sending.SendResult) -> None:
    """Record the result of a request."""
    db.in_mall(mall_id, lambda: service.record_result(outgoing, result))


@jobs.job(queue=QUEUE, keeps=RESEND)
def resend(endpoint_id: int, since: str, by: str, beyond: int = 0) -> None:
    """Send again what was given up since then, some at once."""
    following = service.resend_failed(endpoint_id, datetime.fromisoformat(since), by=by, beyond=beyond)
    if following is not None:
        jobs.later(resend, endpoint_id=endpoint_id, since=since, by=by, beyond=following)


@jobs.nightly("* * * * *")
def sweep() -> None:
    """Find notices to partners that are due and have no job, and give up those that waited too long."""
    if overdue := service.sweep():
        log.warning("notices to partners were overdue", found=overdue)


@jobs.nightly("45 19 * * *")
def forget_old() -> None:
    """Remove events past the time they are kept, some hundreds at once."""
    if service.forget_old():
        jobs.later(forget_more)


@jobs.job()
def forget_more() -> None:
    """The next ones, in a transaction of their own."""
    if service.forget_old():
        jobs.later(forget_more)
