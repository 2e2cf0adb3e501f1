"""Acts of value that take two people: asked by one, decided by another human being, done as they were asked.

A room says in its routes what takes two (`two_people`); the room of staff answers who counts as another person.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, or_, select

from api.approvals.errors import ApprovalNotFound, ApprovalOpen, ApprovalOutdated
from api.approvals.models import Approval
from api.approvals.states import ApprovalState
from api.kit import audit, clock, identity, pages, sealed, states
from api.kit.db import session

#: How long a request waits.
WAITS = timedelta(days=7)
GONE = b""  # what was asked is kept as people may see it; the whole of it only while it waits


@dataclass(frozen=True)
class Act:
    """Something that takes two people. `before` reads what it would change, so that nobody approves what is not there any more."""

    name: str
    approver: str  # the permission of who may approve it
    fields: frozenset[str]  # what may be asked, as it is shown to who decides
    run: Callable[[dict[str, Any], Mapping[str, Any]], None]  # does it for who asked: the body, the values of the address
    before: Callable[[dict[str, Any], Mapping[str, Any]], dict[str, Any] | None]


@dataclass(frozen=True)
class Waiting:
    """Requests for a second person that a room keeps in a table of its own, where they wait as long as every other.

    `waits` is the state in which one waits, since it came there; `ends` where it goes when nobody decides; `asked_by` names the column of
    who asked, and `needs` the permission to ask, by the kind of account. What a shopper asked for does not end by waiting.
    """

    model: type[Any]
    waits: StrEnum
    ends: StrEnum
    asked_by: str
    needs: Mapping[str, str]

    def refuse_unfit(self, request: Any, decider: str) -> None:
        """Only another person decides, in time, and for somebody who still may ask. AnotherPersonNeeded, ApprovalOutdated."""
        asker = str(getattr(request, self.asked_by))
        refuse_alone(asker, decider, since=request.moved_at)
        if request.state != self.waits or asker.partition(":")[0] not in self.needs:
            return
        if request.moved_at + WAITS <= clock.now() or not identity.still_may(asker, self.needs[asker.partition(":")[0]]):
            raise ApprovalOutdated()

    def end_late(self) -> int:
        """End what nobody decided in time; returns how many."""
        asker = getattr(self.model, self.asked_by)
        by_staff = or_(*(asker.startswith(f"{kind}:") for kind in self.needs))
        late = select(self.model).where(self.model.state == self.waits, self.model.moved_at <= clock.now() - WAITS, by_staff).limit(1000)
        return sum(states.try_move(request, self.ends, by="system", reason=IN_TIME) for request in session.scalars(late))


#: Every table of requests besides the one of this room; their rooms name them when they are connected.
WAITING: list[Waiting] = []
IN_TIME = "nobody decided in time"

#: Every act that takes two people, by name.
ACTS: dict[str, Act] = {}
#: The room of staff refuses two that are not two human beings apart: asker, decider, since when. AnotherPersonNeeded.
JUDGES: list[Callable[[str, str, datetime], None]] = []


def refuse_alone(asker: str, decider: str, *, since: datetime | None = None) -> None:
    """Refuse unless these two are two people who can agree about value, now and since it was asked. AnotherPersonNeeded."""
    for refuse in JUDGES:
        refuse(asker, decider, since or clock.now())


def ask(
    act: Act, body: dict[str, Any], place: Mapping[str, Any], *, asked: dict[str, Any], subject: str | None, why: str | None, by: str
) -> Approval:
    """Keep an act for a second person. ApprovalOpen when the same subject waits already."""
    open_request = Approval.act == act.name, Approval.subject == subject, Approval.state == ApprovalState.PROPOSED
    if subject is not None and session.scalar(select(Approval.id).where(*open_request).limit(1)) is not None:
        raise ApprovalOpen()
    now = clock.now()
    made = Approval(
        state=str(ApprovalState.PROPOSED), moved_at=now, act=act.name, subject=subject, place=dict(place),
        request=sealed.seal(json.dumps(body)), asked=asked, before=act.before(body, place), why=why, asked_by=by, asked_at=now,
        expires_at=now + WAITS,
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit.record(by, "asked for a second person", "approval", made.id, before=made.before, after={"act": act.name} | asked, why=why)
    return made


def approve(approval_id: int, *, by: str, permissions: Collection[str]) -> Approval:
    """Do what somebody else asked for. ApprovalNotFound, AnotherPersonNeeded, ApprovalOutdated, WrongState, and what the act refuses."""
    approval = read(approval_id, by=by, permissions=permissions)
    act = ACTS[approval.act]
    if act.approver not in permissions:
        raise ApprovalNotFound()
    refuse_alone(approval.asked_by, by, since=approval.asked_at)
    if approval.state == ApprovalState.PROPOSED and approval.expires_at <= clock.now():
        raise states.WrongState(state=str(ApprovalState.EXPIRED), wanted=str(ApprovalState.DONE))
    body = json.loads(sealed.unseal(approval.request)) if approval.request else {}
    states.move(approval, ApprovalState.DONE, by=by, reason="approved by a second person", decided_by=by, request=GONE)
    if act.before(body, approval.place) != approval.before:
        raise ApprovalOutdated()
    act.run(body, approval.place | {"asked_by": approval.asked_by})
    audit.record(by, "approved", "approval", approval.id, after={"act": act.name, "asked_by": approval.asked_by})
    return approval


def reject(approval_id: int, *, by: str, permissions: Collection[str], why: str) -> Approval:
    """Turn a request down; one may withdraw one's own. ApprovalNotFound, WrongState."""
    approval = read(approval_id, by=by, permissions=permissions)
    states.move(approval, ApprovalState.REJECTED, by=by, reason=why, decided_by=by, request=GONE)
    audit.record(by, "turned down", "approval", approval.id, after={"act": approval.act, "asked_by": approval.asked_by}, why=why)
    return approval


def read(approval_id: int, *, by: str, permissions: Collection[str]) -> Approval:
    """One request, for who asked it and who may decide it. ApprovalNotFound."""
    approval = session.get(Approval, approval_id, populate_existing=True)
    if approval is None or not (approval.asked_by == by or approval.act in decidable(permissions)):
        raise ApprovalNotFound()
    return approval


def decidable(permissions: Collection[str]) -> list[str]:
    """The acts that somebody with these permissions may approve."""
    return sorted(name for name, act in ACTS.items() if act.approver in permissions)


def listed(
    *, by: str, permissions: Collection[str], state: str | None, act: str | None, cursor: str | None, limit: int
) -> pages.Page[Approval]:
    """What I asked and what I may decide, newest first."""
    own_or_decidable = or_(Approval.asked_by == by, Approval.act.in_(decidable(permissions)))
    return _page(select(Approval).where(own_or_decidable), state, act, cursor, limit)


def every(*, state: str | None, act: str | None, cursor: str | None, limit: int) -> pages.Page[Approval]:
    """Every request of the mall, newest first."""
    return _page(select(Approval), state, act, cursor, limit)


def _page(query: Select[Any], state: str | None, act: str | None, cursor: str | None, limit: int) -> pages.Page[Approval]:
    if state is not None:
        query = query.where(Approval.state == state)
    if act is not None:
        query = query.where(Approval.act == act)
    return pages.page(query, Approval.id, cursor=cursor, limit=limit)


def expire() -> int:
    """End what waited too long; returns how many."""
    late = select(Approval).where(Approval.state == ApprovalState.PROPOSED, Approval.expires_at <= clock.now()).limit(1000)
    return sum(_end(approval) for approval in session.scalars(late)) + sum(waiting.end_late() for waiting in WAITING)


def _end(approval: Approval) -> bool:
    return states.try_move(approval, ApprovalState.EXPIRED, by="system", reason=IN_TIME, request=GONE)
