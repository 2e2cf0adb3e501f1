"""What a till gave back lowers its sale once, takes points back once, and waits where its sale is not known."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from api.kit import clock, db
from api.kit.db import session
from api.partners import service as partners
from api.partners.models import PartnerEvent
from api.points import service as points
from api.sales import service as sales
from api.tills import jobs, service
from api.tills.service.refunds import TRIED_FOR
from tests.factories import make_member, make_shop, make_sighted
from tests.ledger.test_service import together
from tests.receipts.conftest import NOW, slip
from tests.receipts.test_refunds import refund as refund_slip
from tests.tills.conftest import Till, refund, sale

LONG = "202605200001"


def test_a_refund_lowers_the_sale_and_takes_the_points_of_its_part(till: Till) -> None:
    member = till.world.member()
    till.world.read(member, slip(no=LONG, fen=10_000))
    assert till.reports(refund("R1", LONG, "40.00")) == {"refunded": 1}
    assert till.sales() == [(10_000, 4_000, "receipt", True)]
    assert [left for _, left in till.world.points(member)] == [60]
    assert till.reports(refund("R1", LONG, "40.00"), refund("R2", LONG, "60.00")) == {"repeated": 1, "refunded": 1}
    assert [left for _, left in till.world.points(member)] == [0]
    till.books_agree()


def test_a_refund_may_stand_above_its_sale_in_the_file(till: Till) -> None:
    report = till.sent(refund("R1", LONG, "28.50"), sale(LONG))
    assert report["counts"] == {"refunded": 1, "new": 1}
    assert till.confirm(report["id"])["counts"] == {"refunded": 1, "new": 1}
    assert till.sales() == [(12_850, 2_850, "till", False)]


def test_a_photo_after_a_refund_earns_for_what_is_left(till: Till) -> None:
    till.reports(sale(LONG, "100.00"), refund("R1", LONG, "40.00"))
    member = till.world.member()
    assert till.world.read(member, slip(no=LONG, fen=10_000)).state == "scored"
    assert [left for _, left in till.world.points(member)] == [60]
    till.reports(sale("202605200002", "50.00"), refund("R2", "202605200002", "50.00"))
    assert till.world.read(till.world.member(), slip(no="202605200002", fen=5_000)).why == "returned_before"


def test_a_refund_whose_sale_is_unknown_waits_and_is_applied_when_a_photo_of_it_comes(till: Till) -> None:
    report = till.sent(refund("R1", LONG, "28.50"))
    assert report["counts"] == {"waiting": 1}
    assert till.confirm(report["id"])["counts"] == {"waiting": 1}
    (row,) = till.listed("waiting")
    assert (row["waits"], row["original_no"], row["sale_id"]) == ("unknown", LONG, None)
    member = till.world.member()
    till.world.read(member, slip(no=LONG))
    with db.unit_of_work(till.mall):
        (row_id,) = service.take_waiting()
    with db.unit_of_work(till.mall):
        assert service.retry(row_id)
    with db.unit_of_work(till.mall):
        assert not service.retry(row_id)
    assert till.listed("waiting") == []
    assert till.read(report["id"])["counts"] == {"refunded": 1}
    assert till.sales() == [(12_850, 2_850, "receipt", True)]
    assert [left for _, left in till.world.points(member)] == [100]


def test_a_refund_waits_until_a_later_report_brings_its_sale(till: Till) -> None:
    first = till.sent(refund("R1", LONG))
    till.confirm(first["id"])
    till.reports(sale(LONG))
    assert till.sales() == [(12_850, 12_850, "till", False)]
    assert till.read(first["id"])["counts"] == {"refunded": 1}


def test_the_quarter_hourly_look_puts_in_what_can_be_tried_and_ends_one_day(till: Till, settings) -> None:
    till.reports(refund("R1", LONG))
    with db.unit_of_work(till.mall):
        assert service.take_waiting() == []
        make_sighted(shop_id=till.shop, receipt_no=LONG, paid_at=NOW, paid_fen=12_850)
        jobs.look_again.run()
    clock.fix(NOW + TRIED_FOR + timedelta(days=1))
    with db.unit_of_work(till.mall):
        assert service.take_waiting() == []
    clock.fix(NOW)
    assert len(till.listed("waiting")) == 1


def test_a_short_number_that_came_round_again_waits_for_its_day_to_be_named(till: Till) -> None:
    till.reports(sale("0007", "10.00", "2026-05-18 12:00"), sale("0007", "10.00", "2026-05-19 12:00"))
    assert till.reports(refund("R1", "7", "4.00")) == {"waiting": 1}
    assert till.listed("waiting")[0]["waits"] == "unclear"
    assert till.reports(refund("R2", "7", "3.00", on="2026-05-18")) == {"refunded": 1}
    assert [(paid, back) for paid, back, _, _ in till.sales()] == [(1_000, 300), (1_000, 0)]


def test_a_named_day_is_found_however_often_the_number_came_round_since(till: Till) -> None:
    with db.unit_of_work(till.mall):
        made = [make_sighted(shop_id=till.shop, receipt_no="0007", paid_at=NOW - timedelta(days=n), paid_fen=1_000) for n in range(25)]
        found = sales.refunded_purchases(till.shop, "7", until=NOW + timedelta(days=1), paid_on=(NOW - timedelta(days=24)).date())
        assert [sale.id for sale in found] == [made[-1].sale_id]


def test_a_refund_slip_finds_a_photos_purchase_by_the_number_that_the_till_told(till: Till) -> None:
    member = till.world.member()
    till.world.read(member, slip(no=None, fen=10_000))
    assert till.reports(sale(LONG, "100.00")) == {"known": 1}
    taken = till.world.read(member, refund_slip(4_000, original_no=LONG))
    assert (taken.state, taken.why) == ("taken_back", "points_taken_back")
    assert till.sales() == [(10_000, 4_000, "receipt", True)]


def test_more_than_was_paid_is_shown_and_not_applied(till: Till) -> None:
    assert till.reports(sale(LONG, "10.00"), refund("R1", LONG, "10.01")) == {"new": 1, "differing": 1}
    assert [row["receipt_no"] for row in till.listed("differing")] == ["R1"]
    assert till.sales() == [(1_000, 0, "till", False)]


def test_a_photo_of_the_same_refund_slip_takes_nothing_twice(till: Till) -> None:
    member = till.world.member()
    till.world.read(member, slip(no=LONG, fen=10_000))
    till.reports(refund("R1", LONG, "40.00"))
    till.world.read(member, refund_slip(4_000, original_no=LONG, no="R1"))
    assert till.sales() == [(10_000, 4_000, "receipt", True)]
    assert [left for _, left in till.world.points(member)] == [60]


def test_the_till_tells_of_a_refund_that_a_slip_told_of(till: Till) -> None:
    member = till.world.member()
    till.world.read(member, slip(no=LONG, fen=10_000))
    till.world.read(member, refund_slip(4_000, original_no=LONG, no="R1"))
    assert till.reports(refund("R1", LONG, "40.00")) == {"known": 1}
    assert till.reports(refund("R2", LONG, "40.00")) == {"refunded": 1}
    assert till.sales() == [(10_000, 8_000, "receipt", True)]
    assert [left for _, left in till.world.points(member)] == [20]


def _paid_through_us(till: Till, number: str) -> int:
    with db.unit_of_work(till.mall):
        member = make_member().id
        seen = make_sighted(
            shop_id=till.shop, member_id=member, channel="plate", source_type=f"order:{till.shop}", source_id=7, paid_at=NOW,
            paid_fen=8_800, earning_fen=8_800, external_no="42", receipt_no=None,
        )  # fmt: skip
        assert sales.claim_score(seen.sale_id, seen.sighting_id, member)
        points.earn(seen.sale_id, by="test")
    assert till.reports(sale(number, "88.00", "2026-05-20 12:00")) == {"known": 1}
    return seen.sale_id


def test_what_was_paid_through_the_mall_is_given_back_by_the_mall(till: Till) -> None:
    """The till's word never lowers such a sale: else the shopper could not be given the money any more."""
    sale_id = _paid_through_us(till, LONG)
    assert till.reports(refund("R1", LONG, "88.00")) == {"waiting": 1}
    assert till.listed("waiting")[0]["waits"] == "through_mall"
    assert till.sales() == [(8_800, 0, "plate", True)]
    with db.unit_of_work(till.mall):
        given = sales.refund(
            sale_id, amount_fen=8_800, source_type=f"order_refund:{till.shop}", source_id=1, at=clock.now(), earning_fen=8_800
        )
        points.take_back(given.id, by="checkout")
    with db.unit_of_work(till.mall):
        (row_id,) = service.take_waiting()
        assert service.retry(row_id)
    assert till.sales() == [(8_800, 8_800, "plate", True)]
    assert till.given_back() == [(f"order_refund:{till.shop}", 8_800)]
    assert till.listed("known")[0]["receipt_no"] == "R1"
    till.books_agree()


def test_a_refund_told_by_two_tellers_is_one_and_two_told_by_one_are_two(till: Till) -> None:
    with db.unit_of_work(till.mall):
        sale_id = make_sighted(shop_id=till.shop, paid_fen=1_000).sale_id

        def told(source: str, number: int) -> int:
            return sales.refund(sale_id, amount_fen=300, source_type=source, source_id=number, at=clock.now()).id

        first, second = told("receipt", 1), told("receipt", 2)
        assert first != second
        assert (told("till", 1), told("till", 2)) == (first, second)
        assert (told("till", 1), told("till", 2), told("order_refund:1", 1)) == (first, second, first)
        third = told("till", 3)
        assert third not in (first, second)
        assert sales.read(sale_id).refunded_fen == 900


def test_refunds_at_once_never_give_back_more_than_was_paid(till: Till) -> None:
    """Two reports, a slip and a desk refund at the same sale: every fen comes back at most once, and so does every point."""
    member = till.world.member()
    bought = till.world.read(member, slip(no=LONG, fen=10_000))
    ids = [till.sent(refund(f"R{n}", LONG, "40.00"), sale(f"9{n}", "1.00"))["id"] for n in range(3)]
    with db.unit_of_work(till.mall):
        for report_id in ids:
            service.confirm(service.report(report_id), by="shop:1")

    def work(n: int) -> object:
        if n < 3:
            service.work_batch(ids[n])
            return service.work_batch(ids[n])
        made = sales.refund(int(bought.sale_id or 0), amount_fen=3_000, source_type="test", source_id=n, at=clock.now())
        return points.take_back(made.id, by="test") is not None

    results = together(till.mall, 6, work)
    for report_id in ids:
        till.work(report_id)
    ((paid, back, _, _),) = [one for one in till.sales() if one[0] == 10_000]
    assert back <= paid
    assert back == sum(amount for _, amount in till.given_back())
    assert all(isinstance(one, bool) or type(one).__name__ == "RefundTooLarge" for one in results), results
    assert [left for _, left in till.world.points(member)] == [(paid - back) // 100]
    assert len(till.listed("refunded")) + len(till.listed("differing")) == 3
    till.books_agree()


def test_a_refund_of_another_shops_receipt_waits(till: Till) -> None:
    with db.unit_of_work(till.mall):
        make_sighted(shop_id=make_shop().id, receipt_no=LONG, paid_at=NOW)
    assert till.reports(refund("R1", LONG)) == {"waiting": 1}


def test_partners_hear_of_what_only_the_till_told(till: Till) -> None:
    with db.unit_of_work(till.mall):
        partners.add(name="CRM", url="https://crm.example/hooks", shop_id=None, events=["sale.recorded", "sale.refunded"], by="test")
    till.reports(sale("A-1001"), sale("A-1002", "50.00"), refund("R-1", "A-1002", "20.00"))
    till.reports(sale("A-1001"), refund("R-1", "A-1002", "20.00"), sale("A-1003", "9.90"))
    with db.unit_of_work(till.mall):
        rows = session.scalars(select(PartnerEvent)).all()
        told = [(one.kind, one.facts["channel"], one.facts.get("amount_fen")) for one in rows]
    assert sorted(told, key=str) == sorted(
        [("sale.recorded", "till", None)] * 3 + [("sale.refunded", "till", 2_000)],
        key=str,
    )
