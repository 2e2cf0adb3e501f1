"""What the desk reads beside the queue: today in numbers, what is known of a case's member and shop, a shop's own receipts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from api.kit import clock, pages
from api.malls import service as malls
from api.members import service as members
from api.members.models import Member
from api.receipts import queries, review
from api.receipts.models import Receipt
from api.receipts.states import ReceiptState

HISTORY = timedelta(days=90)
RECENT = 6  # receipts shown of a member and of a shop
#: What a shop hears of: its purchases that were sent and neither taken back by the shopper nor set aside.
TOLD = (ReceiptState.IN_REVIEW, ReceiptState.SCORED, ReceiptState.REFUSED, ReceiptState.RETURNED, ReceiptState.TAKEN_BACK)
DECIDED = (ReceiptState.SCORED, ReceiptState.REFUSED, ReceiptState.TAKEN_BACK, ReceiptState.RETURNED)


@dataclass(frozen=True)
class Today:
    """One day of the mall's own. Counts of receipts, times in seconds; `hours` are those with a receipt, in order."""

    on: date
    queue: Any
    decided: int
    by_people: int
    late: int
    usual_seconds: int | None
    points: int
    states: Mapping[str, int]
    hours: Sequence[tuple[int, Mapping[str, int]]]

    @property
    def automatic(self) -> int:
        """Receipts that were decided with nobody looking."""
        return max(0, self.decided - self.by_people)


def today(on: date | None) -> Today:
    """Queue, promises, automatic share, points given, receipts by hour and outcome. Four statements, whatever the mall's size."""
    timezone = malls.mall_info().timezone
    day = on or clock.today(timezone)
    since, until = clock.midnight(day, timezone), clock.midnight(day + timedelta(days=1), timezone)
    decided, people = queries.decided_by_state(since, until), queries.reviewed(since, until)
    states = {row.state: row.receipts for row in decided}
    return Today(
        day,
        queries.queue_now(),
        sum(states.get(state, 0) for state in DECIDED),
        people.cases,
        people.late,
        people.seconds,
        sum(row.points for row in decided if row.state == ReceiptState.SCORED),
        states,
        _hours(queries.sent_by_hour(since, until, timezone)),
    )


def _hours(rows: Sequence[Any]) -> list[tuple[int, dict[str, int]]]:
    hours: dict[int, dict[str, int]] = {}
    for row in rows:
        hours.setdefault(row.hour, {})[row.state] = row.receipts
    return sorted(hours.items())


@dataclass(frozen=True)
class History:
    """What is known of the member and of the shop of a case, over HISTORY. `shops` names every shop that occurs."""

    member: Member
    level: str | None
    of_member: Any
    latest_of_member: Sequence[Receipt]
    of_shop: Any | None
    latest_of_shop: Sequence[Receipt]
    shops: Mapping[int, str]


def history(review_id: int) -> History:
    """History of a case's member and shop. ReviewNotFound."""
    case = review.dossier(review_id)
    receipt = case.receipt
    named = {int(correction.value) for correction in case.corrections if correction.field == "shop_id" and correction.value.isdecimal()}
    since, member = clock.now() - HISTORY, members.of_any_state(receipt.member_id)
    level = members.level_of(member.level_rank)
    of_member = queries.latest_of_member(member.id, receipt.id, RECENT)
    of_shop = queries.latest_of_shop(receipt.shop_id, receipt.id, RECENT) if receipt.shop_id else []
    return History(
        member,
        level.name if level else None,
        queries.record_of_member(member.id, since),
        of_member,
        queries.record_of_shop(receipt.shop_id, since) if receipt.shop_id else None,
        of_shop,
        malls.shop_names(named | {receipt.shop_id for receipt in (*of_member, *of_shop) if receipt.shop_id}),
    )


def receipts_of_shop(shop_id: int, *, on: date | None, cursor: str | None, limit: int) -> pages.Page[Receipt]:
    """Receipts of a shop's purchases on a day of the mall's own (today when left out), the newest purchase first."""
    timezone = malls.mall_info().timezone
    day = on or clock.today(timezone)
    since, until = clock.midnight(day, timezone), clock.midnight(day + timedelta(days=1), timezone)
    query = select(Receipt).where(Receipt.shop_id == shop_id, Receipt.paid_at >= since, Receipt.paid_at < until, Receipt.state.in_(TOLD))
    return pages.page(query, Receipt.paid_at, Receipt.id, cursor=cursor, limit=limit)
