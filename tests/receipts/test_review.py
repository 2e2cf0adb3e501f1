"""The review queue: taken by one, decided by one or two, with a promise that is watched."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from api.kit import clock, db
from api.kit.audit import AuditEntry
from api.kit.db import session
from api.malls.service import shops_for_matching
from api.receipts import review
from api.receipts.models import ReceiptReview
from api.sales import service as sales
from api.staff.service import second_person
from tests.receipts.conftest import NOW, World, picture, slip

QUEUE = "/v1/office/receipt-reviews"


def waiting(world: World, member: int | None = None, fen: int = 350_000, **given: Any) -> int:
    """A receipt that waits for a person; its case's id."""
    receipt = world.read(member or world.member(), slip(fen=fen, **given))
    assert receipt.state == "in_review"
    with db.unit_of_work(world.mall):
        return session.scalars(select(ReceiptReview.id).where(ReceiptReview.receipt_id == receipt.id)).one()


def take(world: World, staff: int) -> Any:
    return world.office("POST", f"{QUEUE}/next", staff)


def decide(world: World, staff: int, case: int, **body: Any) -> Any:
    verb = "refusal" if "reason" in body else "approval"
    return world.office("POST", f"{QUEUE}/{case}/{verb}", staff, {"why": "checked"} | body)


def test_the_oldest_promise_comes_first_and_is_taken_by_one(world: World) -> None:
    first = waiting(world)
    clock.fix(NOW + timedelta(minutes=1))
    second = waiting(world)
    one, two, three = world.staff(), world.staff(), world.staff()
    assert [item["id"] for item in world.office("GET", QUEUE, one).json["items"]] == [first, second]
    assert take(world, one).json["review"]["id"] == first
    assert take(world, two).json["review"]["id"] == second
    none = take(world, three)
    assert (none.status_code, none.json["type"]) == (404, "/problems/review-queue-empty")
    assert take(world, one).json["review"]["id"] == first  # still mine


def test_two_reviewers_at_once_never_get_the_same_case(world: World) -> None:
    for _ in range(3):
        waiting(world)
    staff = [world.staff() for _ in range(6)]
    taken: list[int] = []
    barrier = threading.Barrier(6)

    def one(who: int) -> None:
        barrier.wait()
        with db.unit_of_work(world.mall):
            try:
                taken.append(review.take_next(who).review.id)
            except review.ReviewQueueEmpty:
                return

    threads = [threading.Thread(target=one, args=(who,)) for who in staff]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(set(taken)) and len(taken) == 3


def test_a_case_returns_to_the_queue_after_its_minutes(world: World) -> None:
    case = waiting(world)
    one, two = world.staff(), world.staff()
    take(world, one)
    assert take(world, two).status_code == 404
    clock.fix(NOW + timedelta(minutes=11))
    assert take(world, two).json["review"]["id"] == case
    late = decide(world, one, case)
    assert (late.status_code, late.json["type"]) == (409, "/problems/review-not-yours")


def test_a_case_can_be_put_back(world: World) -> None:
    case = waiting(world)
    one, two = world.staff(), world.staff()
    take(world, one)
    assert world.office("DELETE", f"{QUEUE}/{case}/hold", one).json["taken_by"] is None
    assert take(world, two).json["review"]["id"] == case


def test_an_approved_receipt_scores_and_is_in_the_audit_log(world: World) -> None:
    member, staff = world.member(), world.staff()
    case = waiting(world, member)
    take(world, staff)
    body = decide(world, staff, case).json
    assert (body["review"]["state"], body["receipt"]["state"]) == ("approved", "scored")
    assert world.points(member) == [("pending", 3500)]
    with db.unit_of_work(world.mall):
        done = [(entry.who, entry.did) for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert done == [(f"staff:{staff}", "take receipt review"), (f"staff:{staff}", "approve receipt")]


def test_a_reviewers_correction_counts_and_is_logged_with_before_and_after(world: World) -> None:
    member, staff = world.member(), world.staff()
    case = waiting(world, member)
    take(world, staff)
    body = world.office("POST", f"{QUEUE}/{case}/corrections", staff, {"field": "paid_fen", "value": "12850", "why": "实付"}).json
    assert body["receipt"]["paid_fen"] == 12_850
    assert decide(world, staff, case).json["receipt"]["award"]["points"] == 128
    with db.unit_of_work(world.mall):
        entry = session.scalars(select(AuditEntry).where(AuditEntry.did == "correct receipt")).one()
        assert (entry.before, entry.after, entry.why) == ({"paid_fen": 350_000}, {"paid_fen": 12_850}, "实付")


def test_above_a_value_two_different_people_must_approve(world: World) -> None:
    member, one, two = world.member(), world.staff(), world.staff()
    case = waiting(world, member, fen=500_000)
    assert take(world, one).json["second_reader_needed"] is True
    first = decide(world, one, case).json
    assert (first["review"]["state"], first["receipt"]["state"]) == ("second", "in_review")
    assert world.points(member) == []
    assert take(world, one).status_code == 404  # not the same person again
    assert decide(world, one, case).status_code == 409
    assert take(world, two).json["review"]["id"] == case
    done = decide(world, two, case).json
    assert (done["receipt"]["state"], done["review"]["first_by"], done["review"]["second_by"]) == ("scored", one, two)


def test_limit_by_member_and_day_what_one_reviewer_lets_score_counts_together(world: World) -> None:
    member, one, two = world.member(), world.staff(), world.staff()
    first, second, other = waiting(world, member, fen=310_000), waiting(world, member, fen=320_000), waiting(world, fen=330_000)
    states = {}
    for case in (first, second, other):
        assert take(world, one).json["review"]["id"] == case
        states[case] = decide(world, one, case).json["review"]["state"]
    assert states == {first: "approved", second: "second", other: "approved"}
    assert take(world, two).json["review"]["id"] == second
    assert decide(world, two, second).json["receipt"]["state"] == "scored"


def test_limit_by_person_and_day_what_one_reviewer_lets_score_counts_together(world: World, policy: Callable[..., None]) -> None:
    one = world.staff()
    policy(reviewer_day_fen=600_000)
    cases = [waiting(world, fen=310_000), waiting(world, fen=320_000)]
    states = []
    for case in cases:
        take(world, one)
        states.append(decide(world, one, case).json["review"]["state"])
    assert states == ["approved", "second"]


def test_kind_2_a_second_reader_is_another_human_being(world: World) -> None:
    one, two = world.staff(), world.staff()
    with db.unit_of_work(world.mall):
        second_person.tie(two, "opened", by=f"staff:{one}")
    case = waiting(world, fen=500_000)
    take(world, one)
    decide(world, one, case)
    take(world, two)
    refused = decide(world, two, case)
    assert (refused.status_code, refused.json["type"]) == (403, "/problems/another-person-needed")


def test_a_second_reader_who_changes_the_amount_needs_another_approval(world: World) -> None:
    member, one, two, three = world.member(), world.staff(), world.staff(), world.staff()
    case = waiting(world, member, fen=500_000)
    take(world, one)
    decide(world, one, case)
    take(world, two)
    world.office("POST", f"{QUEUE}/{case}/corrections", two, {"field": "paid_fen", "value": "600000", "why": "合计"})
    assert decide(world, two, case).status_code in (403, 409)
    assert take(world, three).json["review"]["id"] == case
    assert decide(world, three, case).json["receipt"]["paid_fen"] == 600_000


def test_a_second_reader_may_refuse(world: World) -> None:
    one, two = world.staff(), world.staff()
    case = waiting(world, fen=500_000)
    take(world, one)
    decide(world, one, case)
    take(world, two)
    body = decide(world, two, case, reason="tampered").json
    assert (body["review"]["state"], body["receipt"]["reason"]) == ("refused", "tampered")


def test_a_refusal_tells_the_shopper_why(world: World) -> None:
    member, staff = world.member(), world.staff()
    case = waiting(world, member)
    take(world, staff)
    decide(world, staff, case, reason="not_own_purchase")
    body = world.get("/v1/receipts", member).json["items"][0]
    assert (body["state"], body["reason"]) == ("refused", "not_own_purchase")
    assert "本人" in body["sentence"]["zh"]


def test_a_reason_that_is_not_a_reviewers_is_refused(world: World) -> None:
    staff = world.staff()
    case = waiting(world)
    take(world, staff)
    assert decide(world, staff, case, reason="awarded").status_code == 422


def test_nobody_decides_on_their_own_receipt(world: World) -> None:
    me, staff, administrator = world.member(), world.staff(), world.staff("administrator")
    case = waiting(world, me)
    take(world, staff)
    named = world.office("PUT", f"/v1/office/reviewers/{staff}/members/{me}", administrator, {"why": "declared"})
    assert named.status_code == 204
    own = decide(world, staff, case)
    assert (own.status_code, own.json["type"]) == (403, "/problems/own-receipt")
    clock.fix(NOW + timedelta(minutes=11))
    assert take(world, staff).status_code == 404
    assert take(world, world.staff()).json["review"]["id"] == case


def test_what_is_decided_is_not_decided_again(world: World) -> None:
    staff = world.staff()
    case = waiting(world)
    take(world, staff)
    decide(world, staff, case)
    again = decide(world, staff, case)
    assert (again.status_code, again.json["type"]) == (409, "/problems/review-decided")


def test_without_shop_amount_and_time_nothing_is_approved(world: World) -> None:
    staff = world.staff()
    receipt = world.read(world.member(), slip(shop=None, lines=("?", "单号", "实付")))
    assert receipt.why == "shop_unclear"
    case = take(world, staff).json["review"]["id"]
    answer = decide(world, staff, case)
    assert (answer.status_code, answer.json["missing"]) == (409, ["shop_id"])
    world.office("POST", f"{QUEUE}/{case}/corrections", staff, {"field": "shop_id", "value": str(world.shop), "why": "地址"})
    assert decide(world, staff, case).json["receipt"]["state"] == "scored"


def test_the_shops_printed_name_is_learned_and_the_next_one_scores_by_itself(world: World) -> None:
    staff, paper = world.staff(), {"shop": "四海餐饮管理", "lines": ("四海餐饮管理", "单号", "实付")}
    member = world.member()
    receipt = world.read(member, slip(**paper))
    world.post(f"/v1/receipts/{receipt.id}/corrections", member, {"field": "shop_id", "value": str(world.shop)})
    case = take(world, staff).json["review"]["id"]
    world.office("POST", f"{QUEUE}/{case}/corrections", staff, {"field": "shop_id", "value": str(world.shop), "why": "签约主体"})
    assert decide(world, staff, case).json["receipt"]["state"] == "scored"
    with db.unit_of_work(world.mall):
        assert "四海餐饮管理" in shops_for_matching()[0].aliases
    assert world.read(world.member(), slip(**paper)).state == "scored"


def test_a_branch_settled_once_scores_by_itself_afterwards(world: World) -> None:
    staff, paper = world.staff(), {"shop": "海底捞火锅(二号店)"}
    assert world.read(world.member(), slip(**paper)).why == "branch_unclear"
    decide(world, staff, take(world, staff).json["review"]["id"])
    assert world.read(world.member(), slip(**paper)).state == "scored"


def test_a_branch_that_is_one_of_the_shops_own_names_is_no_question(world: World) -> None:
    from api.malls.models import Shop
    from api.malls.service import invalidate_shops

    with db.unit_of_work(world.mall):
        session.get_one(Shop, world.shop).trading_names = ["海底捞火锅（二号店）"]
        invalidate_shops()
    assert world.read(world.member(), slip(shop="海底撈火鍋(二号店)")).state == "scored"


def test_a_paper_that_another_member_scored_meanwhile_is_refused_at_approval(world: World) -> None:
    staff = world.staff()
    case = waiting(world, no="202605200001")
    with db.unit_of_work(world.mall):
        from tests.factories import make_sighted

        at = world_paid(world)
        member = 1
        seen = make_sighted(channel="plate", shop_id=world.shop, paid_at=at, paid_fen=350_000)
        assert sales.claim_score(seen.sale_id, seen.sighting_id, member)
    take(world, staff)
    body = decide(world, staff, case).json
    assert (body["review"]["state"], body["receipt"]["reason"]) == ("refused", "scored_by_channel")


def world_paid(world: World) -> Any:
    from sqlalchemy import func

    from api.receipts.models import Receipt

    return session.scalar(select(func.max(Receipt.paid_at)))


def test_a_withdrawn_receipt_leaves_the_queue(world: World) -> None:
    from tests.conftest import bearer

    member = world.member()
    case = waiting(world, member)
    receipt = world.get("/v1/receipts", member).json["items"][0]["id"]
    assert world.client.delete(f"/v1/receipts/{receipt}", headers=bearer("member", member, world.mall)).status_code == 200
    assert take(world, world.staff()).status_code == 404
    assert world.office("GET", f"{QUEUE}/{case}", world.staff()).json["review"]["state"] == "dropped"


def test_a_broken_promise_is_seen_and_counted_once(world: World) -> None:
    case = waiting(world)
    clock.fix(NOW + timedelta(days=1, seconds=1))
    with db.unit_of_work(world.mall):
        assert review.mark_late() == 1
    with db.unit_of_work(world.mall):
        assert review.mark_late() == 0
    assert world.office("GET", f"{QUEUE}/{case}", world.staff()).json["review"]["breached_at"] is not None


def test_the_mall_makes_up_for_a_broken_promise_once(world: World, policy) -> None:
    from api.points import service as points

    policy(late_bonus_points=20)
    member = world.member()
    waiting(world, member)
    clock.fix(NOW + timedelta(days=1, seconds=1))
    for _ in range(2):
        with db.unit_of_work(world.mall):
            review.mark_late()
    with db.unit_of_work(world.mall):
        assert points.summary(member).balance == 20


@pytest.mark.parametrize("role", ["marketer", "service_desk", "finance"])
def test_who_does_not_review_takes_nothing(world: World, role: str) -> None:
    waiting(world)
    assert take(world, world.staff(role)).status_code == 403


def shown(world: World, case: int, staff: int, query: str = "") -> Image.Image:
    answer = world.office("GET", f"{QUEUE}/{case}/photos/1{query}", staff)
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    return Image.open(io.BytesIO(answer.data))


def test_strangers_phones_and_cards_are_covered_for_the_reviewer(world: World) -> None:
    member, staff = world.member(), world.staff()
    receipt = world.sent(member, picture(255, (400, 300)))
    lines = ("海底捞火锅", "会员手机 13812345678", "卡号 6222 0212 3456 7894", "单号 202605200001234567")
    world.conclude(receipt, slip(fen=350_000, lines=lines))
    case = take(world, staff).json["review"]["id"]
    image = shown(world, case, staff).convert("L")
    lightness = [image.getpixel((100, 25 + 40 * row)) for row in range(4)]
    assert [value > 200 for value in lightness] == [True, False, False, True]


def test_a_crop_shows_the_field_that_was_read(world: World) -> None:
    member, staff = world.member(), world.staff()
    receipt = world.sent(member, picture(255, (400, 300)))
    world.conclude(receipt, slip(fen=350_000))
    case = take(world, staff).json["review"]["id"]
    crop = shown(world, case, staff, "?field=paid_fen")
    assert crop.width < 300 and crop.height < 100


def test_one_cashier_for_one_member_stands_out(world: World) -> None:
    friend, staff = world.member(), world.staff()
    for round_ in range(6):
        world.read(friend if round_ else world.member(), slip(cashier="007", fen=10_000 + round_))
    items = world.office("GET", "/v1/office/receipt-reports/concentration", staff).json["items"]
    assert items[0] == {
        "shop_id": world.shop, "cashier": "007", "receipts": 6, "members": 2,
        "top_receipts": 5, "top_member_id": friend, "paid_fen": 60_015,
    }  # fmt: skip
