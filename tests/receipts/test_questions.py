"""One question to the shopper, answers as evidence, corrections for a reviewer."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image

from api.kit import clock, db
from api.kit.db import session
from api.malls.service import invalidate_shops
from api.receipts import service
from api.receipts.models import Receipt
from ocr.reading import SOME_DOLLAR, Candidate, Field
from tests.conftest import bearer
from tests.factories import make_shop
from tests.receipts.conftest import BOX, NOW, PAID, World, slip


def doubtful(*candidates: tuple[int, float], **given: Any) -> Any:
    offered = tuple(Candidate(fen, sure, "合计", 2, BOX) for fen, sure in (candidates or ((12_850, 0.6), (20_000, 0.5))))
    return slip(auto=False, candidates=offered, **given)


def test_one_question_with_the_choices_that_the_photo_supports(world: World) -> None:
    member = world.member()
    receipt = world.read(member, doubtful())
    body = world.get(f"/v1/receipts/{receipt.id}", member).json
    assert (body["state"], body["reason"], body["next_action"]) == ("asking", "which_amount", "answer")
    assert body["question"]["field"] == "paid_fen"
    assert [choice["value"] for choice in body["question"]["choices"]] == [12_850, 20_000]
    assert body["question"]["choices"][0]["photo"] == 1 and len(body["question"]["choices"][0]["box"]) == 4


def test_an_answer_settles_and_scores(world: World) -> None:
    member = world.member()
    receipt = world.read(member, doubtful())
    body = world.post(f"/v1/receipts/{receipt.id}/answers", member, {"value": 20_000}).json
    assert (body["state"], body["paid_fen"], body["question"]) == ("scored", 20_000, None)
    assert world.points(member) == [("pending", 200)]


@pytest.mark.parametrize("value", [99_900, "12850", True, [12_850], {"a": 1}, 1.5])
def test_an_answer_that_was_not_offered_is_refused(world: World, value: Any) -> None:
    member = world.member()
    receipt = world.read(member, doubtful())
    answer = world.post(f"/v1/receipts/{receipt.id}/answers", member, {"value": value})
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/answer-not-offered")
    assert world.receipt(receipt.id).state == "asking"


def test_none_of_them_goes_to_a_person(world: World) -> None:
    member = world.member()
    receipt = world.read(member, doubtful())
    body = world.post(f"/v1/receipts/{receipt.id}/answers", member, {"value": None}).json
    assert (body["state"], body["reason"]) == ("in_review", "no_choice_fits")
    assert body["decide_by"] is not None


def test_an_answer_worth_more_than_the_photo_supports_goes_to_a_person(world: World) -> None:
    member = world.member()
    receipt = world.read(member, doubtful((12_850, 0.7), (48_000, 0.2)))
    body = world.post(f"/v1/receipts/{receipt.id}/answers", member, {"value": 48_000}).json
    assert (body["state"], body["reason"]) == ("in_review", "answer_unlikely")


def test_above_a_value_nobody_is_asked(world: World) -> None:
    assert world.read(world.member(), doubtful((60_000, 0.6), (12_850, 0.5))).why == "fields_unclear"


def test_the_same_answer_again_finds_no_question(world: World) -> None:
    member = world.member()
    receipt = world.read(member, doubtful())
    world.post(f"/v1/receipts/{receipt.id}/answers", member, {"value": 12_850})
    again = world.post(f"/v1/receipts/{receipt.id}/answers", member, {"value": 12_850})
    assert (again.status_code, again.json["type"]) == (409, "/problems/no-question-open")
    assert world.points(member) == [("pending", 128)]


def test_an_answered_duplicate_is_still_a_duplicate(world: World) -> None:
    world.read(world.member(), slip(no="202605200001"))
    member = world.member()
    receipt = world.read(member, doubtful((12_850, 0.6), (1_285, 0.5), no=None, fen=1_285, lines=("海底捞火锅",)))
    body = world.post(f"/v1/receipts/{receipt.id}/answers", member, {"value": 12_850}).json
    assert body["reason"] == "scored_for_another"


def test_a_doubtful_date_is_asked_about_and_then_counts(world: World) -> None:
    member = world.member()
    receipt = world.read(member, slip(at=PAID - timedelta(days=30), sure_at=0.5))
    body = world.get(f"/v1/receipts/{receipt.id}", member).json
    assert body["reason"] == "which_time"
    told = body["question"]["choices"][0]["value"]
    assert world.post(f"/v1/receipts/{receipt.id}/answers", member, {"value": told}).json["reason"] == "too_old"


def test_two_shops_of_one_name_are_asked_about(world: World) -> None:
    with db.unit_of_work(world.mall):
        other = make_shop(name="海底捞火锅", unit="L5-001").id
        invalidate_shops()
    member = world.member()
    receipt = world.read(member, slip())
    body = world.get(f"/v1/receipts/{receipt.id}", member).json
    assert (body["reason"], sorted(choice["value"] for choice in body["question"]["choices"])) == ("which_shop", [world.shop, other])
    answered = world.post(f"/v1/receipts/{receipt.id}/answers", member, {"value": other}).json
    assert (answered["state"], answered["shop_id"]) == ("scored", other)


def test_a_question_nobody_answers_is_closed(world: World) -> None:
    receipt = world.read(world.member(), doubtful())
    clock.fix(NOW + timedelta(hours=73))
    with db.unit_of_work(world.mall):
        assert service.close_unanswered() == 1
    assert world.receipt(receipt.id).why == "unanswered"


def correct(world: World, member: int, receipt: int, **body: Any) -> Any:
    return world.post(f"/v1/receipts/{receipt}/corrections", member, body)


def test_a_correction_of_a_refused_receipt_goes_to_a_person_with_what_was_read(world: World) -> None:
    member = world.member()
    receipt = world.read(member, slip(shop="肯德基", lines=("肯德基",)))
    assert receipt.why == "shop_not_in_mall"
    body = correct(world, member, receipt.id, field="shop_id", value=str(world.shop), note="招牌是海底捞").json
    assert (body["state"], body["reason"]) == ("in_review", "corrected")
    case = world.office("POST", "/v1/office/receipt-reviews/next", world.staff()).json
    assert case["corrections"][0] | {"made_at": None} == {
        "field": "shop_id", "read_value": None, "value": str(world.shop), "note": "招牌是海底捞", "made_at": None,
    }  # fmt: skip
    assert case["read"]["merchant"]["value"] == "肯德基"


def test_a_correction_never_scores_by_itself(world: World) -> None:
    member = world.member()
    receipt = world.read(member, doubtful())
    body = correct(world, member, receipt.id, field="paid_fen", value="99900").json
    assert body["state"] == "in_review" and body["paid_fen"] != 99_900
    assert world.points(member) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("paid_fen", "0"), ("paid_fen", "-5"), ("paid_fen", "1.5"), ("paid_fen", str(2**63)), ("paid_fen", "１２"),
        ("paid_at", "yesterday"), ("paid_at", "0001-01-01T00:00:00+14:00"), ("shop_id", "x"), ("shop_id", str(2**70)), ("receipt_no", "  "),
    ],
)  # fmt: skip
def test_a_correction_that_does_not_fit_its_field_is_refused(world: World, field: str, value: str) -> None:
    member = world.member()
    receipt = world.read(member, doubtful())
    answer = correct(world, member, receipt.id, field=field, value=value)
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/correction-unfit")


def test_a_shop_of_another_mall_is_not_found(world: World) -> None:
    member = world.member()
    receipt = world.read(member, doubtful())
    assert correct(world, member, receipt.id, field="shop_id", value="999999").status_code == 404


def test_corrections_come_too_late_for_a_scored_receipt_and_after_the_appeal_time(world: World) -> None:
    member = world.member()
    scored = world.read(member, slip())
    assert correct(world, member, scored.id, field="paid_fen", value="100").status_code == 409
    refused = world.read(member, slip(kind="parking"))
    clock.fix(NOW + timedelta(days=15))
    late = world.client.post(
        f"/v1/receipts/{refused.id}/corrections",
        json={"field": "paid_fen", "value": "100"},
        headers=bearer("member", member, world.mall) | {"Idempotency-Key": "much-too-late"},
    )
    assert (late.status_code, late.json["type"]) == (409, "/problems/correction-too-late")


def test_a_receipt_with_its_amount_unread_offers_what_was_seen(world: World) -> None:
    receipt = world.read(world.member(), slip(total_fen=Field(None), auto=False))
    assert receipt.why == "which_amount"


def test_a_shopper_sees_the_part_of_the_photo_that_is_asked_about(world: World) -> None:
    member = world.member()
    receipt = world.read(member, doubtful())
    sizes = []
    for query in ("", "?field=paid_fen", "?field=merchant"):
        answer = world.get(f"/v1/receipts/{receipt.id}/photos/1{query}", member)
        assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
        sizes.append(Image.open(io.BytesIO(answer.data)).size)
    assert sizes[0] == (120, 160) and sizes[1][1] <= 60 and sizes[2][1] <= 60
    assert world.get(f"/v1/receipts/{receipt.id}/photos/1?field=paid_fen", world.member()).status_code == 404


def test_a_shopper_narrows_the_list_to_what_asks_waits_scored_or_did_not(world: World) -> None:
    member = world.member()
    asking, scored, refused, waiting = (
        world.read(member, doubtful()),
        world.read(member),
        world.read(member, slip(kind="top_up")),
        world.sent(member),
    )
    shown = {
        show: [one["id"] for one in world.get(f"/v1/receipts?show={show}", member).json["items"]]
        for show in ("asking", "scored", "refused", "waiting")
    }
    assert shown == {"asking": [asking.id], "scored": [scored.id], "refused": [refused.id], "waiting": [waiting]}
    assert world.get("/v1/receipts?show=gone", member).status_code == 422


def of_some_dollar(**given: Any) -> Any:
    return slip(currency=SOME_DOLLAR, **given)


def test_a_dollar_sign_that_names_no_country_is_asked_about(world: World) -> None:
    member = world.member()
    receipt = world.read(member, of_some_dollar())
    body = world.get(f"/v1/receipts/{receipt.id}", member).json
    assert (body["state"], body["reason"], body["question"]["field"]) == ("asking", "which_currency", "currency")
    assert [choice["value"] for choice in body["question"]["choices"]][:3] == ["CNY", "HKD", "TWD"]
    crop = world.get(f"/v1/receipts/{receipt.id}/photos/1?field=currency", member)
    assert (crop.status_code, crop.mimetype) == (200, "image/jpeg")
    assert world.points(member) == []


@pytest.mark.parametrize(
    ("value", "state", "reason"),
    [("CNY", "scored", "awarded"), ("HKD", "refused", "other_currency"), (None, "in_review", "no_choice_fits")],
)
def test_the_answer_about_the_currency_decides(world: World, value: str | None, state: str, reason: str) -> None:
    member = world.member()
    receipt = world.read(member, of_some_dollar())
    body = world.post(f"/v1/receipts/{receipt.id}/answers", member, {"value": value}).json
    assert (body["state"], body["reason"]) == (state, reason)


def test_much_money_in_an_unknown_currency_goes_to_a_person(world: World) -> None:
    assert world.read(world.member(), of_some_dollar(fen=60_000)).why == "fields_unclear"


def test_a_reading_that_an_earlier_version_stored_can_still_be_answered(world: World) -> None:
    member = world.member()
    receipt = world.read(member, doubtful())
    with db.unit_of_work(world.mall):
        row = session.get_one(Receipt, receipt.id)
        row.reading = {name: value for name, value in (row.reading or {}).items() if name not in ("doubts", "other_times")}
    body = world.post(f"/v1/receipts/{receipt.id}/answers", member, {"value": 12_850}).json
    assert (body["state"], body["paid_fen"]) == ("scored", 12_850)
