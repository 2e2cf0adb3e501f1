"""One purchase is one sale, whoever tells of it first; a till gives no points and blocks none."""

from __future__ import annotations

from datetime import timedelta

from api.kit import clock, db
from api.sales import service as sales
from api.tills import jobs, service
from tests.factories import make_shop, make_sighted
from tests.ledger.test_service import together
from tests.receipts.conftest import NOW, PAID, slip
from tests.tills.conftest import Till, sale

LONG = "202605200001"


def test_a_dry_run_says_row_by_row_what_would_happen_and_does_nothing(till: Till) -> None:
    till.world.read(till.world.member(), slip(no=LONG))
    report = till.sent(sale(LONG), sale("202605200002", "9.90"), sale("202605200003", "12.345"))
    assert (report["state"], report["rows"], report["worked"]) == ("checked", 3, 0)
    assert report["counts"] == {"known": 1, "new": 1, "refused": 1}
    assert [(row["line"], row["outcome"], row["worked"]) for row in till.rows(report["id"])] == [
        (2, "known", False), (3, "new", False), (4, "refused", False),
    ]  # fmt: skip
    assert till.rows(report["id"], outcome="refused")[0]["problems"] == {
        "paid_yuan": "an amount is written 128.00, with at most two decimals"
    }
    assert len(till.sales()) == 1 and [channel for channel, _ in till.seen()] == ["receipt"]


def test_a_photo_first_then_the_till_is_one_sale_and_its_points_stay(till: Till) -> None:
    member = till.world.member()
    till.world.read(member, slip(no=LONG))
    assert till.reports(sale(LONG)) == {"known": 1}
    assert till.sales() == [(12_850, 0, "receipt", True)]
    assert [channel for channel, _ in till.seen()] == ["receipt", "till"]
    assert till.world.points(member) == [("pending", 128)]


def test_the_till_first_gives_no_points_and_the_photo_scores_as_it_always_does(till: Till) -> None:
    assert till.reports(sale(LONG)) == {"new": 1}
    assert till.sales() == [(12_850, 0, "till", False)]
    assert till.awards() == 0
    member = till.world.member()
    assert till.world.read(member, slip(no=LONG)).state == "scored"
    assert till.world.points(member) == [("pending", 128)]
    assert till.sales() == [(12_850, 0, "receipt", True)]
    assert till.world.read(till.world.member(), slip(no=LONG)).why == "scored_for_another"
    till.books_agree()


def test_a_photo_without_a_number_finds_what_the_till_told_by_minute_and_amount(till: Till) -> None:
    till.reports(sale("1001"))
    assert till.world.read(till.world.member(), slip(no=None)).state == "scored"
    assert len(till.sales()) == 1


def test_a_payment_without_a_number_is_the_same_purchase_as_the_tills(till: Till) -> None:
    with db.unit_of_work(till.mall):
        make_sighted(shop_id=till.shop, channel="plate", source_type=f"order:{till.shop}", paid_at=NOW, paid_fen=8_800, external_no="42")
    assert till.reports(sale("1001", "88.00", "2026-05-20 12:01"), sale("1002", "88.00", "2026-05-20 12:02")) == {"known": 1, "new": 1}
    assert till.sales() == [(8_800, 0, "plate", False), (8_800, 0, "till", False)]


def test_a_payment_that_comes_after_the_till_makes_the_sale_its_own(till: Till) -> None:
    till.reports(sale("1001", "88.00", "2026-05-20 12:01"))
    with db.unit_of_work(till.mall):
        seen = make_sighted(
            shop_id=till.shop, channel="plate", source_type=f"order:{till.shop}", paid_at=NOW, paid_fen=8_800, earning_fen=8_000,
            tenders=[sales.Tender("wechat", 8_000), sales.Tender("points", 800)], receipt_no=None,
        )  # fmt: skip
        kept = sales.read(seen.sale_id)
        assert (seen.is_new_sale, kept.channel, kept.earning_fen, kept.tenders) == (
            False,
            "plate",
            8_000,
            [["wechat", 8_000], ["points", 800]],
        )


def test_a_different_amount_is_kept_and_shown_and_overwrites_nothing(till: Till) -> None:
    member = till.world.member()
    till.world.read(member, slip(no=LONG))
    assert till.reports(sale(LONG, "98.50")) == {"differing": 1}
    assert till.sales() == [(12_850, 0, "receipt", True)]
    assert till.seen()[-1] == ("till", ["paid_fen"])
    (row,) = till.listed("differing")
    assert (row["paid_fen"], row["known_fen"], row["differs"], row["receipt_no"]) == (9_850, 12_850, ["paid_fen"], LONG)
    assert till.world.points(member) == [("pending", 128)]


def test_a_photo_that_differs_from_the_till_goes_to_a_person_and_the_row_shows_it(till: Till) -> None:
    till.reports(sale(LONG, "98.50"))
    photo = till.world.read(till.world.member(), slip(no=LONG))
    assert (photo.state, photo.why) == ("in_review", "same_number_other_amount")
    with db.unit_of_work(till.mall):
        make_sighted(shop_id=till.shop, receipt_no=LONG, paid_at=NOW, paid_fen=12_850)
        assert service.mark_differing() == 1
    with db.unit_of_work(till.mall):
        assert service.mark_differing() == 0
    (row,) = till.listed("differing")
    assert (row["paid_fen"], row["known_fen"], row["differs"]) == (9_850, 12_850, ["paid_fen", "paid_at"])
    assert till.read(row["report_id"])["counts"] == {"differing": 1}


def test_the_same_file_again_is_the_same_report(till: Till) -> None:
    first = till.sent(sale(LONG))
    assert till.sent(sale(LONG))["id"] == first["id"]
    till.confirm(first["id"])
    again = till.sent(sale(LONG))
    assert (again["id"], again["state"]) == (first["id"], "done")
    till.confirm(first["id"])
    assert len(till.sales()) == 1 and len(till.seen()) == 1


def test_the_same_receipts_in_another_file_change_nothing(till: Till) -> None:
    till.reports(sale(LONG), sale("1001", "5.00"))
    assert till.reports(sale(LONG), sale("1001", "5.00"), sale("1001", "5.00", "2026-05-19 11:30")) == {"repeated": 2, "new": 1}
    assert till.reports(sale(LONG, "128.51"), sale("0001001", "5.00")) == {"differing": 1, "repeated": 1}
    assert len(till.sales()) == 3 and len(till.seen()) == 3


def test_two_shops_may_use_the_same_numbers(till: Till, hire) -> None:
    till.reports(sale(LONG))
    with db.unit_of_work(till.mall):
        other = make_shop().id
    neighbour = Till(till.world, till.client, other, hire("shop_manager", shop_id=other), till.office)
    assert neighbour.reports(sale(LONG)) == {"new": 1}


def test_a_dropped_report_leaves_nothing_and_may_be_sent_again(till: Till) -> None:
    first = till.sent(sale(LONG))
    url = f"/v1/shop/sales-reports/{first['id']}"
    assert till.client.put(f"{url}/cancellation", headers=till.headers).json["state"] == "dropped"
    assert till.rows(first["id"]) == []
    assert till.client.put(f"{url}/confirmation", headers=till.headers).status_code == 409
    assert till.sent(sale(LONG))["id"] != first["id"]


def test_a_report_nobody_confirms_is_dropped_after_a_week(till: Till) -> None:
    first = till.sent(sale(LONG))
    clock.fix(NOW + timedelta(days=8))
    with db.unit_of_work(till.mall):
        jobs.look_again.run()
    clock.fix(NOW)
    assert till.read(first["id"])["state"] == "dropped"


def test_the_same_file_sent_by_many_at_once_is_one_report_and_counts_once(till: Till) -> None:
    rows = "\n".join(["小票号,支付时间,金额(元)", *(f"2026052{n:06},2026-05-20 11:{n % 60:02},{n + 1}.00" for n in range(450))]).encode()
    sent = together(till.mall, 6, lambda n: service.take_file(till.shop, rows, file_name=f"{n}.csv", by=f"shop:{n}").id)
    assert len(set(sent)) == 1, sent
    with db.unit_of_work(till.mall):
        service.confirm(service.report(int(str(sent[0]))), by="shop:1")

    def work(_: int) -> bool:
        return service.work_batch(int(str(sent[0])))

    for _ in range(3):
        assert not [one for one in together(till.mall, 4, work) if isinstance(one, Exception)]
    report = till.read(int(str(sent[0])))
    assert (report["state"], report["worked"], report["counts"]) == ("done", 450, {"new": 450})
    assert len(till.sales()) == 450 and len(till.seen()) == 450


def test_two_reports_with_the_same_receipts_at_once_make_each_sale_once(till: Till) -> None:
    numbers = [f"2026052{n:06}" for n in range(60)]
    ids = [till.sent(*(sale(number, f"{n + 1}.00") for n, number in enumerate(numbers)), sale(f"own{k}"))["id"] for k in range(4)]
    with db.unit_of_work(till.mall):
        for report_id in ids:
            service.confirm(service.report(report_id), by="shop:1")
    done = together(till.mall, 4, lambda n: service.work_batch(ids[n]))
    assert done == [True] * 4
    assert len([one for one in till.sales() if one[0] <= 6_000]) == 60
    for report_id in ids:
        till.work(report_id)
    assert sum(till.read(report_id)["counts"].get("new", 0) for report_id in ids) == 64


def test_a_photo_and_the_till_at_the_same_moment_are_one_sale(till: Till) -> None:
    numbers = [f"2026052{n:06}" for n in range(8)]
    report = till.sent(*(sale(number, f"{n + 1}.00") for n, number in enumerate(numbers)))
    with db.unit_of_work(till.mall):
        service.confirm(service.report(report["id"]), by="shop:1")
    at = clock.now() - timedelta(minutes=30)

    def work(n: int) -> object:
        if n == 0:
            return service.work_batch(report["id"])
        return make_sighted(shop_id=till.shop, receipt_no=numbers[n], paid_at=at, paid_fen=(n + 1) * 100)

    results = together(till.mall, 8, work)
    assert not [one for one in results if isinstance(one, Exception)], results
    assert len(till.sales()) == 8 and len(till.seen()) == 15


def test_a_worker_that_dies_halfway_is_followed_by_one_that_goes_on(till: Till) -> None:
    report = till.sent(*(sale(f"2026052{n:06}", f"{n + 1}.00") for n in range(450)))
    with db.unit_of_work(till.mall):
        service.confirm(service.report(report["id"]), by="shop:1")
    with db.unit_of_work(till.mall):
        assert service.work_batch(report["id"])
    assert (till.read(report["id"])["worked"], till.read(report["id"])["state"]) == (200, "working")
    clock.fix(NOW + timedelta(hours=1))
    with db.unit_of_work(till.mall):
        assert service.stalled_reports() == [report["id"]]
    clock.fix(NOW)
    till.work(report["id"])
    assert till.read(report["id"])["counts"] == {"new": 450}
    assert len(till.sales()) == 450


def test_many_sightings_at_once_match_as_each_alone_would(till: Till) -> None:
    """The batch is compared with `sight`, sale by sale, on purchases that are easy to mix up."""
    at = NOW - timedelta(hours=3)
    told = [
        sales.ReportedPurchase(
            n, at + timedelta(seconds=37 * (n % 40)), 1_000 + 100 * (n % 3), f"{n % 25 + 1}" if n % 2 else f"20260520{n:04}"
        )
        for n in range(1, 120)
    ]

    def history(shop: int) -> None:
        for n in range(30):
            make_sighted(
                shop_id=shop, paid_at=at + timedelta(seconds=41 * n), paid_fen=1_000 + 100 * (n % 3), minute_known=n % 5 != 0,
                receipt_no=f"{n + 1}" if n % 3 == 0 else None,
            )  # fmt: skip

    with db.unit_of_work(till.mall):
        alone, many = make_shop().id, make_shop().id
        history(alone)
        history(many)
        one_by_one = [
            sales.record_sighting(
                channel="till", source_type="till", source_id=one.source_id, shop_id=alone, member_id=None, paid_at=one.paid_at,
                paid_fen=one.paid_fen, receipt_no=one.receipt_no,
            )
            for one in told
        ]  # fmt: skip
        batch = sales.sight_all(many, [one._replace(source_id=one.source_id + 1_000) for one in told], channel="till", source_type="till")
        place = {sale_id: n for n, sale_id in enumerate(dict.fromkeys(seen.sale_id for seen in one_by_one))}
        same = {sale_id: n for n, sale_id in enumerate(dict.fromkeys(found.sale_id for found in batch))}
        assert [(place[seen.sale_id], seen.is_new_sale) for seen in one_by_one] == [(same[one.sale_id], one.is_new_sale) for one in batch]
        assert 5 < sum(not one.is_new_sale for one in batch) < 100


def test_a_number_that_only_the_till_told_of_a_payment_ties_a_photo_to_it(till: Till) -> None:
    """The payment told first and has no till number; a photo under the till's number with another amount is no clean copy of it."""
    with db.unit_of_work(till.mall):
        make_sighted(shop_id=till.shop, channel="plate", source_type=f"order:{till.shop}", paid_at=NOW, paid_fen=8_800, external_no="42")
    assert till.reports(sale(LONG, "88.00", "2026-05-20 12:01")) == {"known": 1}
    changed = till.world.read(till.world.member(), slip(no=LONG, fen=98_800))
    assert (changed.state, changed.why) == ("in_review", "same_number_other_amount")
    assert till.sales() == [(8_800, 0, "plate", False)]


def test_a_photo_of_another_day_with_the_same_short_number_is_another_sale(till: Till) -> None:
    till.reports(sale("0007"))
    photo = till.world.read(till.world.member(), slip(no="7", at=PAID.replace(day=19)))
    assert photo.state == "scored"
    assert len(till.sales()) == 2
