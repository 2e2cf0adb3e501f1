"""What a decision asks the database, each in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Integer, and_, case, column, delete, func, literal, or_, select, table, true, union_all, update
from sqlalchemy.dialects.postgresql import ENUM, insert

from api.kit import clock
from api.kit.db import session
from api.members.models import Member
from api.receipts.decision import Habits
from api.receipts.models import BAND_PLACES, ReaderBeat, Receipt, ReceiptPhoto, ReceiptReview
from api.receipts.states import ReceiptState, ReviewState
from api.sales.models import Sale, Sighting

JOB_STATUS = ENUM("todo", name="procrastinate_job_status", create_type=False)
MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(days=7)
SCORED = ReceiptState.SCORED
GONE = (ReceiptState.REFUSED, ReceiptState.WITHDRAWN, ReceiptState.SET_ASIDE, ReceiptState.TAKEN_BACK)
UNREAD = (ReceiptState.RECEIVED, ReceiptState.READING)  # nothing is known of them yet: many of them must not hide what is decided


def habits(
    receipt: Receipt,
    *,
    shop_id: int | None,
    paid_on: date | None,
    cashier: str | None,
    merchant: str | None,
    fresh_days: int,
    fresh_purchases: int,
) -> tuple[Habits, bool]:
    """How the member had been sending when this receipt came, and whether this printed name was settled as this shop's before.

    What was sent after it does not count: of many that are decided at once, in whatever order, the first ones are within the limits.
    """
    now, member_id = clock.now(), receipt.member_id
    earlier = and_(Receipt.member_id == member_id, Receipt.id <= receipt.id, Receipt.sent_at > receipt.sent_at - WEEK)
    first_photo = and_(ReceiptPhoto.receipt_id == Receipt.id, ReceiptPhoto.position == 1)
    picture = select(ReceiptPhoto.sha256).where(first_photo).correlate(Receipt).scalar_subquery()
    sent = (
        select(
            # A phone that sends the same picture again and again has one receipt.
            func.count(picture.distinct()).filter(Receipt.sent_at > receipt.sent_at - HOUR).label("hour"),
            func.count().filter(Receipt.sent_at > receipt.sent_at - DAY).label("day"),
            func.count().label("week"),
        )
        .where(earlier, Receipt.state != ReceiptState.WITHDRAWN)
        .subquery()
    )
    at_shop = and_(Receipt.shop_id == shop_id, Receipt.state == SCORED)
    scored = select(func.count()).where(at_shop, Receipt.member_id == member_id, Receipt.paid_on == paid_on).scalar_subquery()
    till = (
        select(func.count().label("all"), func.count().filter(Receipt.member_id == member_id).label("own"))
        .where(at_shop, Receipt.cashier == cashier, Receipt.paid_at > now - WEEK)
        .subquery()
    )
    name_settled = select(literal(1)).where(at_shop, Receipt.merchant == merchant).exists()
    alone = _alone(member_id, now, timedelta(days=max(fresh_days, 7))).subquery()
    joined = select(Member.joined_at).where(Member.id == member_id).scalar_subquery()
    row = session.execute(
        select(
            sent.c.hour, sent.c.day, sent.c.week, scored, till.c.all, till.c.own, name_settled,
            alone.c.day, alone.c.week, alone.c.all,
            and_(joined > now - timedelta(days=fresh_days), _known_otherwise(member_id) < fresh_purchases),
        ).join_from(sent, till, true()).join(alone, true())
    ).one()  # fmt: skip
    return Habits(row[3], row[0], row[1], row[2], row[4], row[5], row[7], row[8], row[9], bool(row[10])), bool(row[6])


def _alone(member_id: int, now: datetime, longest: timedelta) -> Any:
    """What scored of the member's receipts without a person, in sum."""
    by_person = select(literal(1)).where(ReceiptReview.receipt_id == Receipt.id, ReceiptReview.state == ReviewState.APPROVED).exists()
    total = func.coalesce(func.sum(Receipt.paid_fen), 0).cast(BigInteger)
    return select(
        func.coalesce(func.sum(Receipt.paid_fen).filter(Receipt.decided_at > now - DAY), 0).cast(BigInteger).label("day"),
        func.coalesce(func.sum(Receipt.paid_fen).filter(Receipt.decided_at > now - WEEK), 0).cast(BigInteger).label("week"),
        total.label("all"),
    ).where(
        Receipt.member_id == member_id,
        Receipt.state.in_((SCORED, ReceiptState.RETURNED)),
        Receipt.decided_at > now - longest,
        ~by_person,
    )


def _known_otherwise(member_id: int) -> Any:
    """How many of the member's purchases are known by payments, tills or reviews."""
    elsewhere = select(literal(1)).where(Sighting.sale_id == Sale.id, Sighting.channel != "receipt").exists()
    reviewed = select(literal(1)).where(
        Receipt.sale_id == Sale.id, ReceiptReview.receipt_id == Receipt.id, ReceiptReview.state == ReviewState.APPROVED
    ).exists()  # fmt: skip
    return select(func.count()).where(Sale.member_id == member_id, or_(elsewhere, reviewed)).scalar_subquery()


@dataclass(frozen=True)
class Near:
    """A receipt that may be of the same paper, and the photo that resembles, if one does."""

    receipt_id: int
    member_id: int
    state: str
    moved_at: datetime
    shop_id: int | None
    paid_fen: int | None
    paid_at: datetime | None
    paid_on: date | None
    minute_known: bool
    number_key: str | None
    reading: dict[str, Any] | None
    sha256: str | None
    bands: list[int] | None


def near(
    receipt_id: int,
    *,
    shop_id: int | None,
    number_key: str | None,
    paid_at: datetime | None,
    paid_fen: int | None,
    sha256: Sequence[str],
    bands: Sequence[int],
) -> list[Near]:
    """Receipts of anybody with the same number, the same amount that day, the same minute, or a like picture. At most 60."""
    facts = (
        Receipt.id.label("receipt_id"),
        Receipt.member_id,
        Receipt.state,
        Receipt.moved_at,
        Receipt.shop_id,
        Receipt.paid_fen,
        Receipt.paid_at,
        Receipt.paid_on,
        Receipt.minute_known,
        Receipt.number_key,
        Receipt.reading,
    )
    alive = and_(Receipt.id != receipt_id, Receipt.state.not_in((*GONE, *UNREAD)))
    bare = (literal(None, ReceiptPhoto.sha256.type).label("sha256"), literal(None, ReceiptPhoto.bands.type).label("bands"))
    parts: list[Any] = []
    if shop_id is not None and number_key is not None:
        parts.append(select(*facts, *bare).where(alive, Receipt.shop_id == shop_id, Receipt.number_key == number_key).limit(20))
    if shop_id is not None and paid_at is not None:
        around = Receipt.paid_at.between(paid_at - DAY, paid_at + DAY)
        minute = Receipt.paid_at.between(paid_at - MINUTE, paid_at + MINUTE)
        like_facts = or_(minute, Receipt.paid_fen == paid_fen)
        parts.append(select(*facts, *bare).where(alive, Receipt.shop_id == shop_id, around, like_facts).limit(20))
    like = or_(ReceiptPhoto.sha256.in_(sha256), *(ReceiptPhoto.band(place).in_(bands) for place in BAND_PLACES))
    joined = select(*facts, ReceiptPhoto.sha256, ReceiptPhoto.bands).join(ReceiptPhoto, ReceiptPhoto.receipt_id == Receipt.id)
    parts.append(joined.where(alive, like).order_by(Receipt.id.desc()).limit(20))
    rows = session.execute(union_all(*(select(part.subquery()) for part in parts)))
    return [Near(*row) for row in rows]


def scored_purchases(shop_id: int, sale_ids: Sequence[int], paid_fen: int, until: datetime) -> list[Receipt]:
    """Scored receipts of a shop that a refund slip may speak of: of these sales, else of the same amount. Newest first, at most 5."""
    scored = select(Receipt).where(Receipt.shop_id == shop_id, Receipt.state == SCORED).order_by(Receipt.paid_at.desc()).limit(5)
    if sale_ids and (receipts := session.scalars(scored.where(Receipt.sale_id.in_(sale_ids))).all()):
        return list(receipts)
    return list(session.scalars(scored.where(Receipt.paid_fen == paid_fen, Receipt.paid_at <= until)))


def next_case(staff_id: int, own_members: Sequence[int], until: datetime, besides: int | None = None) -> int | None:
    """Take the case with the oldest promise that this reviewer may decide; two reviewers never get the same one.

    A case that the reviewer holds already comes first, so asking again takes no further one; `besides` leaves one out.
    """
    now = clock.now()
    eligible = (
        select(ReceiptReview.id)
        .where(
            ReceiptReview.state.in_((ReviewState.OPEN, ReviewState.SECOND)),
            ReceiptReview.id.is_distinct_from(besides),
            ReceiptReview.first_by.is_distinct_from(staff_id),
            ReceiptReview.member_id.not_in(own_members),
        )
        .order_by(ReceiptReview.due_at, ReceiptReview.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    in_hand = eligible.where(ReceiptReview.taken_by == staff_id, ReceiptReview.hold_ends_at >= now)
    free = eligible.where(or_(ReceiptReview.hold_ends_at.is_(None), ReceiptReview.hold_ends_at < now))
    taken = (
        update(ReceiptReview)
        .where(ReceiptReview.id == func.coalesce(in_hand.scalar_subquery(), free.scalar_subquery()))
        .values(taken_by=staff_id, hold_ends_at=until)
        .returning(ReceiptReview.id)
        .execution_options(synchronize_session=False)
    )
    return session.execute(taken).scalar()


def queue_now() -> Any:
    """The review queue as it stands: cases, when the oldest was opened, the next promise, promises that are past. One row."""
    late = func.count().filter(ReceiptReview.due_at < clock.now())
    counted = select(
        func.count().label("cases"),
        func.min(ReceiptReview.opened_at).label("oldest_at"),
        func.min(ReceiptReview.due_at).label("next_due_at"),
        late.label("late"),
    )
    return session.execute(counted.where(ReceiptReview.state.in_((ReviewState.OPEN, ReviewState.SECOND)))).one()


def sent_by_hour(since: datetime, until: datetime, timezone: str) -> list[Any]:
    """Receipts sent in a time, by the hour of the mall's own day and where they stand now: hour, state, receipts."""
    hour = func.extract("hour", func.timezone(timezone, Receipt.sent_at)).cast(Integer)
    query = select(hour.label("hour"), Receipt.state, func.count().label("receipts"))
    return list(session.execute(query.where(Receipt.sent_at >= since, Receipt.sent_at < until).group_by(hour, Receipt.state)))


def decided_by_state(since: datetime, until: datetime) -> list[Any]:
    """Receipts decided in a time: state, receipts, points given by them."""
    points = func.coalesce(func.sum(Receipt.award["points"].astext.cast(BigInteger)), 0).cast(BigInteger)
    query = select(Receipt.state, func.count().label("receipts"), points.label("points"))
    return list(session.execute(query.where(Receipt.decided_at >= since, Receipt.decided_at < until).group_by(Receipt.state)))


def reviewed(since: datetime, until: datetime) -> Any:
    """Cases decided by people in a time: how many, how many of them late, seconds from opening to decision on average. One row."""
    late = func.count().filter(ReceiptReview.decided_at > ReceiptReview.due_at)
    seconds = func.avg(func.extract("epoch", ReceiptReview.decided_at - ReceiptReview.opened_at)).cast(Integer)
    query = select(func.count().label("cases"), late.label("late"), seconds.label("seconds"))
    decided = ReceiptReview.state.in_((ReviewState.APPROVED, ReviewState.REFUSED))
    return session.execute(query.where(ReceiptReview.decided_at >= since, ReceiptReview.decided_at < until, decided)).one()


def record_of_member(member_id: int, since: datetime) -> Any:
    """What a member has sent since then: receipts, scored, refused, shops, points, the largest purchase. One row."""
    return session.execute(_record(Receipt.shop_id).where(Receipt.member_id == member_id, Receipt.sent_at >= since)).one()


def record_of_shop(shop_id: int, since: datetime) -> Any:
    """What was sent of a shop's purchases since then, by everybody; columns as `record_of_member`, members in place of shops."""
    return session.execute(_record(Receipt.member_id).where(Receipt.shop_id == shop_id, Receipt.paid_at >= since)).one()


def _record(counterparts: Any) -> Any:
    scored = Receipt.state == SCORED
    points = func.sum(Receipt.award["points"].astext.cast(BigInteger)).filter(scored)
    return select(
        func.count().label("receipts"),
        func.count().filter(scored).label("scored"),
        func.count().filter(Receipt.state == ReceiptState.REFUSED).label("refused"),
        func.count(counterparts.distinct()).label("others"),
        func.coalesce(points, 0).cast(BigInteger).label("points"),
        func.coalesce(func.avg(Receipt.paid_fen).filter(scored), 0).cast(BigInteger).label("usual_fen"),
        func.coalesce(func.max(Receipt.paid_fen).filter(scored), 0).label("largest_fen"),
    )


def latest_of_member(member_id: int, but: int, most: int) -> list[Receipt]:
    """The member's newest receipts but one."""
    query = select(Receipt).where(Receipt.member_id == member_id, Receipt.id != but)
    return list(session.scalars(query.order_by(Receipt.sent_at.desc(), Receipt.id.desc()).limit(most)))


def latest_of_shop(shop_id: int, but: int, most: int) -> list[Receipt]:
    """The newest purchases of a shop that were sent, but one."""
    query = select(Receipt).where(Receipt.shop_id == shop_id, Receipt.id != but, Receipt.paid_at.is_not(None))
    return list(session.scalars(query.order_by(Receipt.paid_at.desc(), Receipt.id.desc()).limit(most)))


def waiting_to_be_read(limit: int) -> int:
    """How many photos wait in the reader's queue, counted up to the limit."""
    jobs = table("procrastinate_jobs", column("queue_name"), column("status", JOB_STATUS))
    first = select(literal(1)).select_from(jobs).where(jobs.c.queue_name == "ocr", jobs.c.status == "todo").limit(limit)
    return session.scalar(select(func.count()).select_from(first.subquery())) or 0


def concentration(since: datetime, least: int) -> list[Any]:
    """Cashiers whose scored receipts go to few members: shop, cashier, receipts, members, the busiest member's count. At most 100."""
    pairs = (
        select(Receipt.shop_id, Receipt.cashier, Receipt.member_id, func.count().label("receipts"), func.sum(Receipt.paid_fen).label("fen"))
        .where(Receipt.state == SCORED, Receipt.decided_at > since)
        .group_by(Receipt.shop_id, Receipt.cashier, Receipt.member_id)
        .subquery()
    )
    top = func.max(pairs.c.receipts)
    total = func.sum(pairs.c.receipts)
    busiest = func.max(case((pairs.c.receipts == _most_of(pairs), pairs.c.member_id)))
    return list(
        session.execute(
            select(
                pairs.c.shop_id,
                pairs.c.cashier,
                total.cast(BigInteger).label("receipts"),
                func.count().label("members"),
                top.label("top_receipts"),
                func.sum(pairs.c.fen).cast(BigInteger).label("paid_fen"),
                busiest.label("top_member_id"),
            )
            .group_by(pairs.c.shop_id, pairs.c.cashier)
            .having(total >= least)
            .order_by((top * 100 / total).desc(), total.desc())
            .limit(100)
        )
    )


def _most_of(pairs: Any) -> Any:
    same_till = pairs.alias()
    return (
        select(func.max(same_till.c.receipts))
        .where(same_till.c.shop_id == pairs.c.shop_id, same_till.c.cashier.is_not_distinct_from(pairs.c.cashier))
        .scalar_subquery()
    )


def record_heartbeat(reader: str, photos: int) -> None:
    """Write down that this reader read its known picture rightly just now; readers without a heartbeat for long are forgotten."""
    now = clock.now()
    row = {"reader": reader, "healthy_at": now, "photos": photos}
    session.execute(insert(ReaderBeat).values(**row).on_conflict_do_update(index_elements=["reader"], set_=row))
    session.execute(delete(ReaderBeat).where(ReaderBeat.healthy_at < now - DAY))


def last_heartbeat() -> datetime | None:
    """When a reader was last known to be well."""
    return session.scalar(select(func.max(ReaderBeat.healthy_at)))
