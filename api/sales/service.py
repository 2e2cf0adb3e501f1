"""One row per purchase. Channels report purchases; the first sighting to be scored wins, and the others learn that it did."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Table,
    and_,
    column,
    func,
    literal,
    or_,
    select,
    true,
    update,
    values,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from api.kit import clock, db, pages, records
from api.kit.db import session
from api.kit.membership import Moved, Rows
from api.kit.money import split
from api.malls import service as malls
from api.members.service import member_merge
from api.sales import queries, same_purchase
from api.sales.bulk_sightings import ReportedPurchase as ReportedPurchase
from api.sales.bulk_sightings import SightingMatch as SightingMatch
from api.sales.bulk_sightings import foresee as foresee
from api.sales.bulk_sightings import sight_all as sight_all
from api.sales.bulk_sightings import sighting_lock as sighting_lock
from api.sales.errors import RefundClash, RefundTooLarge, SaleNotFound, TendersDoNotAddUp
from api.sales.models import RefundSighting, Sale, SaleRefund, Sighting
from api.sales.policy import SalesRules
from api.sales.same_purchase import KnownPurchase, PurchaseFacts, RecognizedPurchase

#: The channel of what a shop's own till reports: it reports purchases, and never scores one.
TILL = "till"


class TenderKind(StrEnum):
    """How a part of a sale was paid."""

    WECHAT = "wechat"
    ALIPAY = "alipay"
    CARD = "card"
    CASH = "cash"
    STORED_PRINCIPAL = "stored_principal"
    STORED_BONUS = "stored_bonus"
    COUPON = "coupon"
    POINTS = "points"
    OTHER = "other"


class Tender(NamedTuple):
    """A part of what was paid, by kind (TenderKind)."""

    kind: str
    amount_fen: int


class Line(NamedTuple):
    """One line of a sale, where the channel knows it. `earns=False`: goods that earn no points (gold, tobacco, top-ups)."""

    name: str
    amount_fen: int
    earns: bool = True


@dataclass(frozen=True)
class RecordedSighting:
    """What a sighting turned out to be: of which sale, whether new, and which sighting has scored it already."""

    sale_id: int
    sighting_id: int
    is_new_sale: bool
    scored_by: int | None


@dataclass(frozen=True)
class DayTotal:
    """How many sales and how much, of one shop on one day."""

    on: date
    count: int
    paid_fen: int
    refunded_fen: int


def record_sighting(
    *,
    channel: str,
    source_type: str,
    source_id: int,
    shop_id: int,
    member_id: int | None,
    paid_at: datetime,
    minute_known: bool = True,
    paid_fen: int,
    receipt_no: str | None,
    tenders: Sequence[Tender] = (),
    external_no: str | None = None,
    lines: Sequence[Line] = (),
    earning_fen: int | None = None,
    claims: bool = False,
) -> RecordedSighting:
    """A channel reports a purchase: find its sale or record one. The same source again is the same sighting.

    `receipt_no` is the till's number, `external_no` a gateway's or order's; `earning_fen` what of it earns, where the channel knows
    it to the fen; with `claims` a sale not seen before is scored by this sighting (`scored_by` says so); for any other, call `claim`.
    TendersDoNotAddUp.
    """
    timezone = malls.mall_info().timezone
    facts = same_purchase.purchase_facts(
        channel, source_type, timezone=timezone, paid_at=paid_at, minute_known=minute_known, paid_fen=paid_fen, receipt_no=receipt_no,
        external_no=external_no, member_id=member_id,
    )  # fmt: skip
    settled = _with_remainder(tenders, paid_fen)
    source = {"channel": channel, "source_type": source_type, "source_id": source_id, "member_id": member_id}
    db.hold_locks([sighting_lock(shop_id)])
    purchases, earlier = queries.known_purchases(shop_id, [facts], source_type=source_type, source_ids=[source_id])
    if (same_source := earlier.get(source_id)) is not None:
        return RecordedSighting(same_source.sale_id, same_source.sighting_id, False, same_source.scored_by)
    recognized = same_purchase.recognize(facts, purchases)
    if recognized is None:
        values = {"receipt_no": receipt_no, "tenders": settled, "lines": [list(line) for line in lines], "earning_fen": earning_fen}
        return _record(facts, shop_id, values, source, external_no, claims=claims and member_id is not None)
    sale = session.get_one(Sale, recognized.purchase.sale_id, populate_existing=True)
    if sale.channel == TILL and channel != TILL and sale.scored_by is None:
        _assign_channel(sale, channel, settled, lines)
    if earning_fen is not None:
        _complete_facts(sale, settled, earning_fen)
    sighting = _store_sighting(recognized.purchase, facts, source, shop_id, receipt_no, external_no)
    return RecordedSighting(sale.id, sighting.id, False, sale.scored_by)


def recognize(shop_id: int, facts: PurchaseFacts) -> RecognizedPurchase | None:
    """The purchase that these facts are another sighting of, by all that was said of it so far; None: one not seen before.

    Nothing is written and nobody waits. One statement.
    """
    purchases, _ = queries.known_purchases(shop_id, [facts])
    return same_purchase.recognize(facts, purchases)


def _assign_channel(sale: Sale, channel: str, tenders: list[Any], lines: Sequence[Line]) -> None:
    """A purchase known from the till alone came through a channel that scores: it belongs to that channel now, as if it had come first."""
    sale.channel = channel
    if sum(int(amount) for _, amount in tenders) <= sale.paid_fen:
        sale.tenders, sale.lines = tenders, [list(line) for line in lines]


def _complete_facts(sale: Sale, tenders: list[Any], earning_fen: int) -> None:
    """A purchase that nobody scored yet was reported by a channel that knew less: take what this one knows to the fen."""
    if sale.scored_by is None and sale.earning_fen is None and not sale.refunded_fen and earning_fen <= sale.paid_fen:
        sale.tenders, sale.earning_fen = tenders, earning_fen


def _store_sighting(
    purchase: KnownPurchase, facts: PurchaseFacts, source: dict[str, Any], shop_id: int, receipt_no: str | None, external_no: str | None
) -> Sighting:
    sighting = Sighting(
        **source,
        sale_id=purchase.sale_id,
        shop_id=shop_id,
        paid_at=facts.paid_at,
        minute_known=facts.minute_known,
        paid_fen=facts.paid_fen,
        receipt_no=receipt_no,
        number_key=facts.number_key,
        external_no=external_no,
        external_key=facts.external_key,
        differs=same_purchase.differences(facts, purchase.first),
        seen_at=clock.now(),
    )
    session.add(sighting)
    session.flush()
    return sighting


def _with_remainder(tenders: Sequence[Tender], paid_fen: int) -> list[Any]:
    """The tenders as stored; what they leave unexplained was paid in some other way."""
    rest = paid_fen - sum(tender.amount_fen for tender in tenders)
    if rest < 0 or any(tender.amount_fen < 0 for tender in tenders):
        raise TendersDoNotAddUp(paid_fen=paid_fen)
    explained = [[str(TenderKind(tender.kind)), tender.amount_fen] for tender in tenders if tender.amount_fen]
    return [*explained, [str(TenderKind.OTHER), rest]] if rest and tenders else explained


def _record(
    facts: PurchaseFacts, shop_id: int, values: dict[str, Any], source: dict[str, Any], external_no: str | None, *, claims: bool
) -> RecordedSighting:
    """A purchase not seen before, and its first sighting, which with `claims` scores it. One statement."""
    shared = {"shop_id": shop_id, "paid_at": facts.paid_at, "minute_known": facts.minute_known, "paid_fen": facts.paid_fen}
    sale = Sale(channel=facts.channel, paid_on=facts.paid_on, recorded_at=clock.now(), **shared, **values)
    if claims:
        sale.member_id, sale.scored_at = source["member_id"], sale.recorded_at
    sighting = source | shared | {
        "receipt_no": values["receipt_no"], "number_key": facts.number_key, "external_no": external_no,
        "external_key": facts.external_key, "differs": [], "seen_at": clock.now(),
    }  # fmt: skip
    sale_values = records.new_values(sale)
    row = session.execute(_sale_and_sighting(sale_values, sighting, claims=claims)).one()
    records.adopt(sale, row.sale_id, sale_values | {"scored_by": row.id if claims else None})
    return RecordedSighting(row.sale_id, row.id, True, sale.scored_by)


def _sale_and_sighting(sale: dict[str, Any], sighting: dict[str, Any], *, claims: bool) -> Any:
    """The sale and its sighting, whose number is drawn first so that the sale can name it."""
    sales, sightings = cast(Table, Sale.__table__).c, cast(Table, Sighting.__table__).c
    drawn = select(func.nextval(func.pg_get_serial_sequence(Sighting.__tablename__, "id")).label("id")).cte("drawn")
    columns = {name: literal(value, sales[name].type) for name, value in sale.items()} | ({"scored_by": drawn.c.id} if claims else {})
    new_sale = (
        insert(Sale)
        .from_select(list(columns), select(*columns.values()).select_from(drawn), include_defaults=False)
        .returning(Sale.id)
        .cte("new_sale")
    )
    sighting_values = [literal(value, sightings[name].type) for name, value in sighting.items()]
    row = select(drawn.c.id, new_sale.c.id, *sighting_values).select_from(drawn).join(new_sale, true())
    return insert(Sighting).from_select(["id", "sale_id", *sighting], row, include_defaults=False).returning(Sighting.sale_id, Sighting.id)


def claim_score(sale_id: int, sighting_id: int, member_id: int) -> bool:
    """Let this sighting score the sale for the member. False when another sighting was first; True again for the same one."""
    return claim(sale_id, sighting_id, member_id) is not None


def claim(sale_id: int, sighting_id: int, member_id: int) -> Sale | None:
    """Like claim_score, and gives the sale, held until the unit of work ends. One statement."""
    open_to_claim = or_(Sale.scored_by.is_(None), Sale.scored_by == sighting_id)
    loaded = session.identity_map.get(session.identity_key(Sale, sale_id))
    if loaded is not None:
        session.expire(loaded)
    claimed = (
        update(Sale)
        .where(Sale.id == sale_id, open_to_claim)
        .values(
            scored_by=sighting_id,
            member_id=func.coalesce(Sale.member_id, member_id),
            scored_at=func.coalesce(Sale.scored_at, clock.now()),
        )
        .returning(Sale)
    )
    return session.scalar(claimed.execution_options(synchronize_session=False, populate_existing=True))


_OF_MEMBERS: dict[str, Any] = {"sale": Sale, "sighting": Sighting}


def lock_all(member_id: int, ids: Iterable[int] | None = None) -> None:
    """Hold a member's sales, all or these: their scoring and their refunds wait."""
    query = select(Sale.id).where(Sale.member_id == member_id).order_by(Sale.id).with_for_update()
    session.execute(query if ids is None else query.where(Sale.id.in_(list(ids)))).all()


def count_of(member_id: int) -> int:
    """How many purchases a member has."""
    return session.scalar(select(func.count()).where(Sale.member_id == member_id)) or 0


def hand_over(from_member_id: int, into_member_id: int) -> list[Moved]:
    """Two memberships became one: the purchases of the one are the other's. Returns what moved."""
    return [moved for kind, table in _OF_MEMBERS.items() for moved in member_merge.move(kind, table, from_member_id, into_member_id)]


def bring_back(rows: Rows, from_member_id: int, into_member_id: int) -> None:
    """The merge was undone: the purchases that went along come back."""
    for kind, table in _OF_MEMBERS.items():
        member_merge.bring_back(table, rows.get(kind, ()), from_member_id, into_member_id)


def reassign(sale: Sale, member_id: int) -> None:
    """The buyer was merged into another member while the purchase was being scored."""
    sale.member_id = member_id
    session.flush()


def read(sale_id: int) -> Sale:
    """A sale as it is now. SaleNotFound."""
    sale = session.get(Sale, sale_id, populate_existing=True)
    if sale is None:
        raise SaleNotFound()
    return sale


def recorded(sighting: RecordedSighting) -> Sale:
    """The sale that this unit of work has just recorded and nobody else can hold. No statement."""
    return session.get_one(Sale, sighting.sale_id)


def lock(sale_id: int) -> Sale:
    """A sale, held until the unit of work ends: its scoring and its refunds come one after the other. SaleNotFound."""
    sale = session.get(Sale, sale_id, populate_existing=True, with_for_update=True)
    if sale is None:
        raise SaleNotFound()
    return sale


def read_refund(sale_refund_id: int) -> SaleRefund:
    """A recorded refund. SaleNotFound."""
    refund = session.get(SaleRefund, sale_refund_id)
    if refund is None:
        raise SaleNotFound()
    return refund


def refunds_of(sale_ids: Collection[int]) -> list[SaleRefund]:
    """Every refund of these sales, oldest first. One statement."""
    return list(session.scalars(select(SaleRefund).where(SaleRefund.sale_id.in_(sale_ids)).order_by(SaleRefund.id)))


def sighting(sighting_id: int) -> Sighting:
    """One sighting. SaleNotFound."""
    row = session.get(Sighting, sighting_id)
    if row is None:
        raise SaleNotFound()
    return row


def sightings_of(sale_id: int) -> list[Sighting]:
    """Every sighting of a sale, oldest first."""
    return list(session.scalars(select(Sighting).where(Sighting.sale_id == sale_id).order_by(Sighting.id)))


def refunded_purchases(
    shop_id: int, receipt_no: str, *, until: datetime, paid_on: date | None = None, scored_in: str | None = None
) -> list[Sale]:
    """The purchases that a refund under this till number may give back, newest first: by all sightings, paid before an instant (on a day
    of the mall's own; scored by a channel). Several: the number alone cannot tell. At most 20, one statement."""
    number = Sighting.number_key == same_purchase.number_key(receipt_no)
    sale_ids = select(Sighting.sale_id).where(Sighting.shop_id == shop_id, number)
    query = select(Sale).where(Sale.id.in_(sale_ids), Sale.paid_at < until)
    if paid_on is not None:
        query = query.where(Sale.paid_on == paid_on)
    if scored_in is not None:
        scoring = aliased(Sighting)
        query = query.where(select(scoring.id).where(scoring.id == Sale.scored_by, scoring.channel == scored_in).exists())
    return list(session.scalars(query.order_by(Sale.paid_at.desc(), Sale.id).limit(20)))


def refund(sale_id: int, *, amount_fen: int, source_type: str, source_id: int, at: datetime, earning_fen: int | None = None) -> SaleRefund:
    """Record money given back; `earning_fen` says how much of what earned comes back, where that is known (else in proportion).

    The same source again is the same refund; so is the same amount of the same sale reported by another source, once for each of its
    refunds. RefundTooLarge, RefundClash, SaleNotFound.
    """
    sale = lock(sale_id)
    if (earlier := _refunded_before(source_type, source_id)) is not None:
        if (earlier.sale_id, earlier.amount_fen) != (sale_id, amount_fen):
            raise RefundClash()
        return earlier
    if sale.refunded_fen and (same := _join_refund(sale_id, amount_fen, source_type, source_id)) is not None:
        return same
    before = sale.refunded_fen
    if amount_fen <= 0 or before + amount_fen > sale.paid_fen:
        raise RefundTooLarge(paid_fen=sale.paid_fen, refunded_fen=before)
    measured, measured_before = _measure_of(sale, amount_fen, earning_fen), sale.refunded_measure_fen
    sale.refunded_fen = before + amount_fen
    if sale.earning_fen is not None:
        sale.refunded_earning_fen += measured
    new_refund = session.execute(
        insert(SaleRefund)
        .values(
            sale_id=sale_id,
            amount_fen=amount_fen,
            refunded_before_fen=before,
            measure_fen=measured,
            measure_before_fen=measured_before,
            source_type=source_type,
            source_id=source_id,
            refunded_at=at,
        )
        .returning(SaleRefund)
    ).scalar_one()
    session.flush()
    return new_refund


def _measure_of(sale: Sale, amount_fen: int, earning_fen: int | None) -> int:
    """How much of the sale's measure a refund takes."""
    if sale.earning_fen is None:
        return amount_fen
    left = sale.earning_fen - sale.refunded_earning_fen
    if earning_fen is None:
        earning_fen = split(left, [amount_fen, sale.paid_fen - sale.refunded_fen - amount_fen])[0]
    return min(earning_fen, left)


def _refunded_before(source_type: str, source_id: int) -> SaleRefund | None:
    later = select(RefundSighting.sale_refund_id).where(RefundSighting.source_type == source_type, RefundSighting.source_id == source_id)
    first = (SaleRefund.source_type == source_type) & (SaleRefund.source_id == source_id)
    return session.scalars(select(SaleRefund).where(first | (SaleRefund.id == later.scalar_subquery()))).one_or_none()


def join_refund(sale_id: int, *, amount_fen: int, source_type: str, source_id: int) -> SaleRefund | None:
    """A refund that another source reported already: remember that this one did too. None, and nothing changes, when nobody did.

    SaleNotFound.
    """
    lock(sale_id)
    return _refunded_before(source_type, source_id) or _join_refund(sale_id, amount_fen, source_type, source_id)


def _join_refund(sale_id: int, amount_fen: int, source_type: str, source_id: int) -> SaleRefund | None:
    """The oldest refund of this amount that this source has not reported yet, if another one has. The sale is held."""
    source = same_purchase.source_of(source_type)
    reported = select(RefundSighting.id).where(RefundSighting.sale_refund_id == SaleRefund.id, RefundSighting.teller == source)
    query = select(SaleRefund).where(SaleRefund.sale_id == sale_id, SaleRefund.amount_fen == amount_fen, ~reported.exists())
    for refund in session.scalars(query.order_by(SaleRefund.id)):
        if same_purchase.source_of(refund.source_type) != source:
            session.add(RefundSighting(sale_refund_id=refund.id, teller=source, source_type=source_type, source_id=source_id))
            session.flush()
            return refund
    return None


def paid_through_us(sale_id: int) -> bool:
    """Whether a sale was paid by an order of the mall's own, so that the mall holds the money and gives it back."""
    ours = select(Sighting.id).where(Sighting.sale_id == sale_id, Sighting.source_type.startswith("order:"))
    return session.scalar(ours.limit(1)) is not None


def known_numbers(shop_id: int, keys: Collection[str]) -> set[str]:
    """Which of these numbers (as `same_purchase.number_key` writes them) any sighting of the shop has. One statement."""
    query = select(Sighting.number_key).where(Sighting.shop_id == shop_id, Sighting.number_key.in_(keys)).distinct()
    return {str(key) for key in session.scalars(query)}


def differing_sightings(since: datetime, *, channel: str) -> dict[int, tuple[list[str], int]]:
    """Sales of which another channel than this reported something different since an instant: sale → what, and the amount in fen it named.

    At most 1,000, one statement.
    """
    differing = (Sighting.seen_at >= since) & (Sighting.channel != channel) & (func.jsonb_array_length(Sighting.differs) > 0)
    query = select(Sighting.sale_id, Sighting.differs, Sighting.paid_fen).where(differing)
    rows = session.execute(query.order_by(Sighting.id.desc()).limit(1000))
    return {sale_id: (list(differs), paid_fen) for sale_id, differs, paid_fen in rows}


def earning_base(sale: Sale) -> int:
    """The part of a sale that earns, in fen: money and stored-value principal, net of coupons and points, as the mall's policy says."""
    if sale.earning_fen is not None:
        return sale.earning_fen
    policy = malls.policy(SalesRules)
    barred = {
        TenderKind.STORED_PRINCIPAL: not policy.earn_on_principal,
        TenderKind.STORED_BONUS: not policy.earn_on_bonus,
        TenderKind.COUPON: not policy.earn_on_coupons,
        TenderKind.POINTS: not policy.earn_on_points,
    }
    not_money = sum(int(amount) for kind, amount in sale.tenders if barred.get(TenderKind(kind), False))
    not_goods = sum(int(amount) for _, amount, earns in sale.lines if not earns)
    return max(0, sale.paid_fen - not_money - not_goods)


def sales_of_mall(
    *, shop_id: int | None = None, member_id: int | None = None, on: date | None = None, cursor: str | None = None, limit: int = 20
) -> pages.Page[Sale]:
    """Sales, newest purchase first, of the mall, one shop or one member; `on`: of that day of the mall's own."""
    query = select(Sale)
    if shop_id is not None:
        query = query.where(Sale.shop_id == shop_id)
    if member_id is not None:
        query = query.where(Sale.member_id == member_id)
    if on is not None:
        query = query.where(_paid_on(on, malls.mall_info().timezone))
    return pages.page(query, Sale.paid_at, Sale.id, cursor=cursor, limit=limit)


def counts_within(channel: str, windows: Sequence[tuple[datetime, datetime]]) -> dict[int, list[int]]:
    """How many purchases of a channel each shop had in each half-open window: shop → a number a window. One statement."""
    spans = values(
        column("place", BigInteger), column("begins_at", DateTime(timezone=True)), column("ends_at", DateTime(timezone=True)), name="spans"
    ).data([(place, begins, ends) for place, (begins, ends) in enumerate(windows)])
    within = (Sale.paid_at >= spans.c.begins_at) & (Sale.paid_at < spans.c.ends_at) & (Sale.channel == channel)
    rows = session.execute(
        select(Sale.shop_id, spans.c.place, func.count()).select_from(spans).join(Sale, within).group_by(Sale.shop_id, spans.c.place)
    )
    counted: dict[int, list[int]] = {}
    for shop_id, place, count in rows:
        counted.setdefault(shop_id, [0] * len(windows))[place] = count
    return counted


def day_total(shop_id: int, on: date | None = None) -> DayTotal:
    """What a shop sold on a day of the mall's own (today by default), as far as the mall knows."""
    timezone = malls.mall_info().timezone
    day = on or clock.today(timezone)
    row = session.execute(
        select(func.count(Sale.id), func.coalesce(func.sum(Sale.paid_fen), 0), func.coalesce(func.sum(Sale.refunded_fen), 0)).where(
            Sale.shop_id == shop_id, _paid_on(day, timezone)
        )
    ).one()
    return DayTotal(day, int(row[0]), int(row[1]), int(row[2]))


def _paid_on(day: date, timezone: str) -> ColumnElement[bool]:
    begins, ends = clock.midnight(day, timezone), clock.midnight(day + timedelta(days=1), timezone)
    return and_(Sale.paid_at >= begins, Sale.paid_at < ends)
