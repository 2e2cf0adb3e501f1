"""From a reading to a sale and points."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from api.kit import db
from api.kit.db import session
from api.receipts import service
from api.sales import service as sales
from api.sales.models import Sale
from ocr.reading import Picture
from tests.conftest import bearer
from tests.factories import make_sighted
from tests.receipts.conftest import World, slip, translated


def test_a_plain_receipt_becomes_a_sale_and_points(world: World) -> None:
    member = world.member()
    receipt = world.read(member, slip())
    assert (receipt.state, receipt.why) == ("scored", "awarded")
    assert receipt.award["points"] == 128
    assert world.points(member) == [("pending", 128)]
    with db.unit_of_work(world.mall):
        sale = session.scalars(select(Sale)).one()
        assert (sale.shop_id, sale.paid_fen, sale.member_id, sale.channel) == (world.shop, 12_850, member, "receipt")
        assert sale.tenders == [["wechat", 12_850]]


def test_one_receipt_is_decided_and_scored_in_at_most_25_statements(world: World, statements) -> None:
    world.read(world.member(), slip())  # the shops' names are known to this process now
    receipt = world.sent(world.member())
    with db.unit_of_work(world.mall):
        service.begin_reading(receipt)
    with db.unit_of_work(world.mall):  # the shop's tills are known: their numbers are asked for too
        make_sighted(channel="till", shop_id=world.shop, paid_at=datetime(2026, 5, 19, 3, 31, tzinfo=UTC), receipt_no="202605190001")
        assert service.learn_tills() == 1
    with statements() as seen, db.unit_of_work(world.mall):
        service.conclude(receipt, translated(slip()))
    assert world.receipt(receipt).state == "scored"
    assert len(seen) <= 25, "\n".join(statement[:100] for statement in seen)


def test_a_purchase_that_a_payment_scored_says_which_channel_won(world: World) -> None:
    member = world.member()
    with db.unit_of_work(world.mall):
        at = datetime(2026, 5, 20, 3, 31, tzinfo=UTC)
        seen = make_sighted(channel="plate", shop_id=world.shop, paid_at=at, paid_fen=12_850, member_id=member)
        assert sales.claim_score(seen.sale_id, seen.sighting_id, member)
    receipt = world.read(member, slip())
    assert (receipt.state, receipt.why) == ("refused", "scored_by_channel")
    body = world.get(f"/v1/receipts/{receipt.id}", member).json
    assert "码牌支付" in body["sentence"]["zh"] and body["next_action"] == "see_points"


def test_a_purchase_that_was_only_seen_elsewhere_is_scored_by_the_receipt(world: World) -> None:
    with db.unit_of_work(world.mall):
        at = datetime(2026, 5, 20, 3, 31, tzinfo=UTC)
        make_sighted(channel="plate", shop_id=world.shop, paid_at=at, paid_fen=12_850)
    assert world.read(world.member(), slip()).state == "scored"
    with db.unit_of_work(world.mall):
        assert len(list(session.scalars(select(Sale)))) == 1


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"kind": "unpaid_bill"}, "unpaid_bill"),
        ({"kind": "top_up"}, "top_up"),
        ({"kind": "parking"}, "parking"),
        ({"shop": "肯德基", "lines": ("肯德基", "单号", "实付")}, "shop_not_in_mall"),
        ({"at": datetime(2026, 5, 12, 11, 0)}, "too_old"),  # noqa: DTZ001
        ({"at": datetime(2026, 5, 20, 13, 0)}, "future_time"),  # noqa: DTZ001
        ({"currency": "HKD"}, "other_currency"),
        ({"fen": 50}, "below_minimum"),
        ({"fen": None, "auto": False, "candidates": (), "tenders": ()}, "amount_not_seen"),
        ({"lines": ()}, "nothing_to_read"),
    ],
)
def test_what_earns_nothing_says_why_in_both_languages(world: World, given: dict, why: str) -> None:
    member = world.member()
    receipt = world.read(member, slip(**given))
    assert (receipt.state, receipt.why) == ("refused", why)
    body = world.get(f"/v1/receipts/{receipt.id}", member).json
    assert "…" not in body["sentence"]["zh"] + body["sentence"]["en"]
    assert world.points(member) == []


def test_the_window_is_counted_in_the_malls_own_days(world: World) -> None:
    early = world.read(world.member(), slip(at=datetime(2026, 5, 13, 0, 5)))  # noqa: DTZ001 - seven days before, just after midnight
    assert early.state == "scored"
    late = world.read(world.member(), slip(at=datetime(2026, 5, 12, 23, 59)))  # noqa: DTZ001
    assert late.why == "too_old"


def test_caps_hold_by_shop_and_day(world: World, policy) -> None:
    policy(receipts_per_shop_day=2)
    member = world.member()
    reasons = [world.read(member, slip(fen=10_000 + i)).why for i in range(3)]
    assert reasons == ["awarded", "awarded", "shop_day_cap"]
    assert world.read(world.member(), slip()).why == "awarded"


def test_a_picture_that_cannot_be_opened_is_refused_and_may_be_sent_again(world: World) -> None:
    member = world.member()
    receipt = world.sent(member)
    with db.unit_of_work(world.mall):
        service.begin_reading(receipt)
    with db.unit_of_work(world.mall):
        service.conclude(receipt, None)
    body = world.get(f"/v1/receipts/{receipt}", member).json
    assert (body["state"], body["reason"], body["next_action"]) == ("refused", "photo_damaged", "send_again")


FLAWS = [("dark", "too_dark", "亮处", "light"), ("far", "too_far", "靠近", "closer"), ("blurred", "too_blurred", "对好焦", "still")]


@pytest.mark.parametrize(("flaw", "reason", "zh", "en"), FLAWS, ids=[row[0] for row in FLAWS])
def test_a_poor_photo_is_no_reason_to_say_that_it_is_no_receipt(world: World, flaw: str, reason: str, zh: str, en: str) -> None:
    member = world.member()
    poor = slip(kind="other", kind_confidence=0.6, fen=None, candidates=(), picture=Picture(1200, 1600, "JPEG", "0" * 16, flaw=flaw))
    body = world.get(f"/v1/receipts/{world.read(member, poor).id}", member).json
    assert (body["state"], body["reason"], body["next_action"]) == ("refused", reason, "send_again")
    assert zh in body["sentence"]["zh"] and en in body["sentence"]["en"]


def test_a_long_receipt_of_three_photos_is_read_as_one(world: World) -> None:
    parts = (
        slip(fen=None, auto=False, candidates=(), tenders=(), lines=("海底捞火锅", "毛肚 58.00")),
        slip(fen=None, auto=False, candidates=(), tenders=(), lines=("虾滑 46.00",)),
        slip(lines=("实付金额 128.50", "2026-05-20 11:30:00", "单号: 202605200001")),
    )
    receipt = world.read(world.member(), *parts)
    assert (receipt.shop_id, receipt.paid_fen) == (world.shop, 12_850)
    with db.unit_of_work(world.mall):
        assert [len(photo.lines) for photo in service.photos_of(receipt.id)] == [2, 1, 3]


def test_each_step_is_told_live(world: World, settings) -> None:
    import redis

    member = world.member()
    receipt = world.read(member, slip())
    stream = redis.Redis.from_url(settings.redis_url).xrange(f"live:{world.mall}:member:{member}")
    told = [json.loads(fields[b"m"]) for _, fields in stream]
    told = [one for one in told if one["event"] == "receipt"]
    assert [one["state"] for one in told] == ["received", "reading", "scored"]
    assert {one["receipt_id"] for one in told} == {receipt.id}


def test_three_reads_without_an_end_set_the_receipt_aside_and_tell_the_shopper(world: World) -> None:
    member = world.member()
    receipt = world.sent(member)
    for _ in range(3):  # each dies between the two units of work
        with db.unit_of_work(world.mall):
            assert service.begin_reading(receipt) is not None
    with db.unit_of_work(world.mall):
        assert service.begin_reading(receipt) is None
    body = world.get(f"/v1/receipts/{receipt}", member).json
    assert (body["state"], body["next_action"]) == ("set_aside", "send_again")
    with db.unit_of_work(world.mall):
        assert service.begin_reading(receipt) is None


def test_a_read_that_ends_after_another_was_faster_changes_nothing(world: World) -> None:
    member = world.member()
    receipt = world.read(member, slip())
    with db.unit_of_work(world.mall):
        service.conclude(receipt.id, translated(slip(fen=99_900)))
    assert world.receipt(receipt.id).paid_fen == 12_850


def test_a_withdrawn_receipt_is_not_scored_by_a_read_under_way(world: World) -> None:
    member = world.member()
    receipt = world.sent(member)
    with db.unit_of_work(world.mall):
        service.begin_reading(receipt)
    answer = world.client.delete(f"/v1/receipts/{receipt}", headers=bearer("member", member, world.mall))
    assert (answer.status_code, answer.json["state"]) == (200, "withdrawn")
    with db.unit_of_work(world.mall):
        service.conclude(receipt, translated(slip()))
    assert world.receipt(receipt).state == "withdrawn" and world.points(member) == []


def test_a_scored_receipt_is_not_withdrawn(world: World) -> None:
    member = world.member()
    receipt = world.read(member, slip())
    answer = world.client.delete(f"/v1/receipts/{receipt.id}", headers=bearer("member", member, world.mall))
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/wrong-state")


def test_a_members_own_export_holds_the_receipts(world: World) -> None:
    member = world.member()
    world.read(member, slip(no="202605200001"))
    with db.unit_of_work(world.mall):
        assert service.export(member) == [
            {
                "sent_at": "2026-05-20T04:00:00+00:00", "state": "scored", "reason": "awarded", "merchant": "海底捞火锅",
                "paid_fen": 12_850, "paid_at": "2026-05-20T03:30:00+00:00", "receipt_no": "202605200001",
            }
        ]  # fmt: skip


def test_drawn_receipts_of_a_fresh_member_go_to_a_person(world: World) -> None:
    member, staff = world.member(), world.staff()
    for fen, hour in ((290_000, 9), (291_500, 10), (288_800, 11)):
        receipt = world.read(member, slip(fen=fen, at=datetime(2026, 5, 20, hour, 5)))  # noqa: DTZ001
        assert (receipt.state, receipt.why) == ("in_review", "needs_a_check")
    assert world.points(member) == []
    dossier = world.office("POST", "/v1/office/receipt-reviews/next", staff).json
    assert dossier["review"]["reason"] == "fresh_member"
    assert dossier["evidence"]["en"] == "A fresh member's receipts without a person come to 2900.00, above 1000.00."
    shown = world.get(f"/v1/receipts/{dossier['receipt']['id']}", member).json
    assert shown["sentence"]["en"] == "This needs a check; a member of staff is checking it."


def _report_days(world: World) -> None:
    """Forty purchases of ¥88.00 that the till reported: ten a day, numbered by the day in tens."""
    with db.unit_of_work(world.mall):
        for day in range(16, 20):
            for number in range(1, 11):
                at = datetime(2026, 5, day, 1 + number, 0, tzinfo=UTC)
                make_sighted(
                    channel="till", shop_id=world.shop, paid_at=at, paid_fen=8_800 + number, receipt_no=f"202605{day}{number * 10:04}"
                )
        assert service.learn_tills() == 1


@pytest.mark.parametrize(
    ("number", "why"),
    [("202605190065", None), ("202605190085", "number_out_of_order"), ("88123", "number_out_of_form")],
)
def test_drawn_receipts_whose_number_does_not_fit_the_till_go_to_a_person(world: World, number: str, why: str | None) -> None:
    _report_days(world)
    receipt = world.read(world.member(), slip(no=number, fen=5_000, at=datetime(2026, 5, 19, 15, 20)))  # noqa: DTZ001
    assert receipt.why == ("awarded" if why is None else "needs_a_check")
    if why is not None:
        case = world.office("POST", "/v1/office/receipt-reviews/next", world.staff()).json
        assert case["review"]["reason"] == why and "known" in case["evidence"]["en"]


def test_drawn_receipts_teach_nothing_by_scoring(world: World) -> None:
    world.read(world.member(), slip())
    with db.unit_of_work(world.mall):
        assert service.learn_tills() == 0


def test_kind_1_a_photo_without_a_number_takes_no_payment_that_nobody_has_claimed(world: World) -> None:
    """Somebody paid by the plate without joining; a slip of that minute that anybody can draw goes to a person."""
    at = datetime(2026, 5, 20, 3, 31, tzinfo=UTC)
    with db.unit_of_work(world.mall):
        make_sighted(channel="plate", source_type="order:9", shop_id=world.shop, paid_at=at, paid_fen=12_850, external_no="4200000009")
    member = world.member()
    receipt = world.read(member, slip())
    assert (receipt.state, receipt.why) == ("in_review", "needs_a_check")
    told = world.get(f"/v1/receipts/{receipt.id}", member).json
    assert "sale" not in str(told["sentence"]) and told["reason"] == "needs_a_check"
