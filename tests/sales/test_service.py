"""One row per purchase, scored once, refunded at most once over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from api.kit import clock, db
from api.kit.db import session
from api.sales import service as sales
from api.sales.errors import RefundClash, RefundTooLarge, SaleNotFound, TendersDoNotAddUp
from api.sales.models import Sale, SaleRefund, Sighting
from api.sales.same_purchase import Tie, purchase_facts
from api.sales.service import Line, Tender
from tests.factories import make_member, make_shop, make_sighted
from tests.ledger.test_service import together


@pytest.fixture
def shop(inside: int) -> int:
    return make_shop().id


def test_a_purchase_told_by_two_channels_is_one_sale(shop: int) -> None:
    paid = make_sighted(shop_id=shop, channel="payment", external_no="4200001", receipt_no=None)
    slip = make_sighted(shop_id=shop, channel="receipt", receipt_no="A0123")
    assert (paid.is_new_sale, slip.is_new_sale) == (True, False)
    assert paid.sale_id == slip.sale_id
    assert [seen.channel for seen in sales.sightings_of(paid.sale_id)] == ["payment", "receipt"]


def test_the_same_source_told_twice_is_one_sighting(shop: int) -> None:
    first = make_sighted(shop_id=shop, source_id=5)
    again = make_sighted(shop_id=shop, source_id=5, paid_fen=1)
    assert (again.sighting_id, again.is_new_sale) == (first.sighting_id, False)


def test_the_same_minute_and_amount_in_another_shop_is_another_sale(shop: int) -> None:
    assert make_sighted(shop_id=shop).sale_id != make_sighted(shop_id=make_shop().id).sale_id


def test_the_first_sighting_to_be_scored_wins(shop: int) -> None:
    paid = make_sighted(shop_id=shop, channel="payment", receipt_no=None)
    slip = make_sighted(shop_id=shop)
    mine, other = make_member().id, make_member().id
    assert sales.claim_score(paid.sale_id, paid.sighting_id, mine)
    assert sales.claim_score(paid.sale_id, paid.sighting_id, mine)
    assert not sales.claim_score(slip.sale_id, slip.sighting_id, other)
    third = make_sighted(shop_id=shop, channel="circle", receipt_no=None)
    assert third.scored_by == paid.sighting_id
    assert sales.read(paid.sale_id).member_id == mine


def test_a_sighting_that_claims_scores_a_sale_not_seen_before_and_no_other(shop: int) -> None:
    mine, other = make_member().id, make_member().id
    paid = make_sighted(shop_id=shop, channel="payment", receipt_no=None, member_id=mine, claims=True)
    assert paid.scored_by == paid.sighting_id
    sale = sales.recorded(paid)
    session.refresh(sale)
    assert (sale.member_id, sale.scored_by, sale.scored_at) == (mine, paid.sighting_id, sale.recorded_at)
    slip = make_sighted(shop_id=shop, member_id=other, claims=True)
    assert (slip.sale_id, slip.is_new_sale, slip.scored_by) == (paid.sale_id, False, paid.sighting_id)
    nobodys = make_sighted(shop_id=shop, paid_fen=777, claims=True)
    assert nobodys.scored_by is None
    assert sales.read(nobodys.sale_id).scored_at is None


def test_a_sighting_says_what_it_tells_differently(shop: int) -> None:
    make_sighted(shop_id=shop, receipt_no="202603010001", paid_fen=5_000)
    other = make_sighted(shop_id=shop, receipt_no="202603010001", paid_fen=50_000)
    assert sales.sighting(other.sighting_id).differs == ["paid_fen"]
    assert sales.read(other.sale_id).paid_fen == 5_000


def test_a_sighting_is_few_statements(shop: int, statements) -> None:
    make_sighted(shop_id=shop)
    with statements() as seen:
        made = make_sighted(shop_id=shop, paid_fen=777)
        assert made.is_new_sale
    assert len(seen) <= 5, seen


def test_only_money_and_principal_earn(shop: int) -> None:
    tenders = [
        Tender("wechat", 5_000),
        Tender("stored_principal", 1_000),
        Tender("stored_bonus", 300),
        Tender("coupon", 2_000),
        Tender("points", 700),
    ]
    sale = sales.read(make_sighted(shop_id=shop, paid_fen=10_000, tenders=tenders).sale_id)
    assert sales.earning_base(sale) == 5_000 + 1_000 + 1_000  # the unexplained 1,000 is some other money


def test_goods_that_do_not_earn_are_left_out(shop: int) -> None:
    lines = [Line("金条", 8_000, earns=False), Line("红绳", 2_000)]
    sale = sales.read(make_sighted(shop_id=shop, paid_fen=10_000, lines=lines).sale_id)
    assert sales.earning_base(sale) == 2_000


def test_tenders_above_what_was_paid_are_refused(shop: int) -> None:
    with pytest.raises(TendersDoNotAddUp):
        make_sighted(shop_id=shop, paid_fen=100, tenders=[Tender("cash", 101)])


def test_refunds_never_exceed_what_was_paid(shop: int) -> None:
    sale_id = make_sighted(shop_id=shop, paid_fen=10_000).sale_id
    now = clock.now()
    sales.refund(sale_id, amount_fen=6_000, source_type="slip", source_id=1, at=now)
    with pytest.raises(RefundTooLarge):
        sales.refund(sale_id, amount_fen=4_001, source_type="slip", source_id=2, at=now)
    second = sales.refund(sale_id, amount_fen=4_000, source_type="slip", source_id=3, at=now)
    assert (second.refunded_before_fen, sales.read(sale_id).refunded_fen) == (6_000, 10_000)


def test_the_same_refund_counts_once(shop: int) -> None:
    sale_id = make_sighted(shop_id=shop, paid_fen=10_000).sale_id
    first = sales.refund(sale_id, amount_fen=6_000, source_type="slip", source_id=1, at=clock.now())
    assert sales.refund(sale_id, amount_fen=6_000, source_type="slip", source_id=1, at=clock.now()).id == first.id
    with pytest.raises(RefundClash):
        sales.refund(sale_id, amount_fen=100, source_type="slip", source_id=1, at=clock.now())
    with pytest.raises(SaleNotFound):
        sales.refund(999_999, amount_fen=100, source_type="slip", source_id=9, at=clock.now())


def test_a_refund_slip_finds_its_sale(shop: int) -> None:
    at = clock.now()
    made = make_sighted(shop_id=shop, receipt_no="No 0077", paid_fen=4_200)
    assert [sale.id for sale in sales.refunded_purchases(shop, "NO0077", until=at + timedelta(days=1))] == [made.sale_id]
    assert sales.refunded_purchases(shop, "NO0077", until=at - timedelta(days=1)) == []
    assert sales.refunded_purchases(shop, "NO0077", until=at + timedelta(days=1), scored_in="receipt") == []
    assert sales.refunded_purchases(shop, "8", until=at + timedelta(days=1)) == []


def test_a_purchase_is_recognized_by_whatever_any_channel_said_of_it(shop: int) -> None:
    at, member = clock.now(), make_member().id
    paid = make_sighted(shop_id=shop, channel="plate", source_type="order:1", external_no="42", paid_at=at, member_id=member, claims=True)
    make_sighted(shop_id=shop, channel="till", source_type="till", receipt_no="202603010001", paid_at=at)

    def recognized(**given: Any) -> tuple[int | None, Tie, str | None] | None:
        facts: dict[str, Any] = {"timezone": "Asia/Shanghai", "paid_at": at, "paid_fen": 12_800, "receipt_no": None} | given
        found = sales.recognize(shop, purchase_facts("receipt", "receipt", **facts))
        return None if found is None else (found.purchase.sale_id, found.tie, found.purchase.scored_in)

    number = (paid.sale_id, Tie.RECEIPT_NUMBER, "plate")
    assert recognized(receipt_no="202603010001", paid_fen=99, paid_at=at - timedelta(hours=5)) == number
    assert recognized(paid_at=at + timedelta(minutes=2)) == (paid.sale_id, Tie.MOMENT, "plate")
    assert recognized(receipt_no="202603010002") is None
    assert recognized(paid_at=at + timedelta(minutes=9)) is None


def test_a_shops_day_is_the_malls_own_day(shop: int) -> None:
    midnight = clock.midnight(clock.today("Asia/Shanghai"), "Asia/Shanghai")
    make_sighted(shop_id=shop, paid_at=midnight - timedelta(seconds=1), paid_fen=100)
    make_sighted(shop_id=shop, paid_at=midnight, paid_fen=250)
    total = sales.day_total(shop)
    assert (total.count, total.paid_fen) == (1, 250)


def test_twenty_tellings_at_once_are_one_sale(app, mall: int) -> None:
    with db.unit_of_work(mall):
        shop = make_shop().id
    results = together(mall, 12, lambda n: make_sighted(shop_id=shop, source_id=n + 1))
    assert not [result for result in results if isinstance(result, Exception)]
    with db.unit_of_work(mall):
        assert session.scalar(select(func.count(Sale.id))) == 1
        assert session.scalar(select(func.count(Sighting.id))) == 12


def test_one_of_many_claims_wins_under_a_race(app, mall: int) -> None:
    with db.unit_of_work(mall):
        shop = make_shop().id
        seen = [make_sighted(shop_id=shop, source_id=n + 1) for n in range(8)]
        members = [make_member().id for _ in seen]
    results = together(mall, 8, lambda n: sales.claim_score(seen[n].sale_id, seen[n].sighting_id, members[n]))
    assert sorted(results, key=str) == [False] * 7 + [True]


def test_two_refunds_at_once_stay_within_what_was_paid(app, mall: int) -> None:
    with db.unit_of_work(mall):
        sale_id = make_sighted(shop_id=make_shop().id, paid_fen=1_000).sale_id

    def give_back(number: int) -> Any:
        return sales.refund(sale_id, amount_fen=400, source_type="slip", source_id=number, at=clock.now()).id

    results = together(mall, 6, give_back)
    assert sum(isinstance(result, RefundTooLarge) for result in results) == 4
    with db.unit_of_work(mall):
        assert session.scalar(select(func.sum(SaleRefund.amount_fen))) == 800


def test_kind_1_another_members_photo_of_the_same_minute_does_not_take_a_payments_award(shop: int) -> None:
    payer, stranger = make_member().id, make_member().id
    drawn = make_sighted(shop_id=shop, source_type="receipt", member_id=stranger, claims=True)
    order = {"shop_id": shop, "channel": "plate", "external_no": "4200000001", "claims": True}
    paid = make_sighted(**order, source_type="order:1", member_id=payer)
    assert paid.is_new_sale and paid.scored_by == paid.sighting_id and drawn.sale_id != paid.sale_id
    own = make_sighted(shop_id=shop, source_type="receipt", member_id=payer, paid_fen=990, claims=True)
    same = make_sighted(**order | {"external_no": "4200000002"}, source_type="order:2", member_id=payer, paid_fen=990)
    assert (same.sale_id, same.is_new_sale) == (own.sale_id, False)  # the own photo and the own payment stay one purchase


def test_kind_1_with_the_tills_number_a_photo_of_another_stays_the_same_purchase(shop: int) -> None:
    payer, stranger = make_member().id, make_member().id
    seen = make_sighted(shop_id=shop, source_type="receipt", member_id=stranger, receipt_no="202612010001")
    paid = make_sighted(shop_id=shop, channel="plate", source_type="order:1", member_id=payer, receipt_no="202612010001")
    assert paid.sale_id == seen.sale_id
