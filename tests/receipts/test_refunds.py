"""A refund slip finds its purchase and takes the points back."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select

from api.kit import db
from api.kit.db import session
from api.receipts import service
from api.receipts.service import refund_slips
from api.sales.models import Sale
from tests.receipts.conftest import PAID, World, slip, translated

LATER = PAID.replace(hour=11, minute=50)


def refund(fen: int = 12_850, **given: Any) -> Any:
    return slip(kind="refund", fen=-fen, at=LATER, tenders=(), **given)


def test_a_refund_slip_finds_its_receipt_by_number_and_takes_the_points_back(world: World) -> None:
    member = world.member()
    bought = world.read(member, slip(no="202605200001"))
    taken = world.read(member, refund(original_no="202605200001"))
    assert (taken.state, taken.why) == ("taken_back", "points_taken_back")
    assert [points for _, points in world.points(member)] == [0]
    assert world.receipt(bought.id).state == "returned"


def test_one_members_evidence_without_a_number_that_matches_waits_for_a_person(world: World) -> None:
    member = world.member()
    bought = world.read(member, slip())
    taken = world.read(member, refund())
    assert (taken.state, taken.why, taken.details["receipts"]) == ("in_review", "refund_unclear", [bought.id])
    assert world.read(member, refund(original_no="999999999999")).state == "in_review"
    assert [points for _, points in world.points(member)] == [128]


def _shown(world: World, member: int, receipt: int) -> dict[str, Any]:
    """What the sender is told of a receipt, but for its own number and times."""
    body = world.get(f"/v1/receipts/{receipt}", member).json
    return {name: body[name] for name in ("state", "reason", "sentence", "next_action", "question", "award")}


def test_one_members_evidence_does_not_act_on_another_members_value(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, sender = world.member(), world.member()
    bought = world.read(buyer, slip(no="202605200001", fen=10_000))
    published: list[Any] = []
    monkeypatch.setattr(refund_slips.partners, "publish", lambda *events: published.extend(events))
    drawn = world.read(sender, refund(10_000, original_no="202605200001"))
    guessed = world.read(sender, refund(10_000))
    nothing = world.read(sender, refund(12_345, original_no="999999999999"))
    assert _shown(world, sender, drawn.id) == _shown(world, sender, guessed.id) == _shown(world, sender, nothing.id)
    assert _shown(world, sender, drawn.id)["reason"] == "refund_unclear"
    assert [points for _, points in world.points(buyer)] == [100]
    assert world.receipt(bought.id).state == "scored"
    assert published == []
    with db.unit_of_work(world.mall):
        assert session.scalars(select(Sale.refunded_fen)).all() == [0]


def test_one_members_evidence_acts_on_anothers_value_only_when_a_person_names_the_purchase(world: World) -> None:
    buyer, sender, staff = world.member(), world.member(), world.staff()
    bought = world.read(buyer, slip(no="202605200001", fen=10_000))
    drawn = world.read(sender, refund(10_000, original_no="202605200001"))
    case = world.office("POST", "/v1/office/receipt-reviews/next", staff).json["review"]["id"]
    path = f"/v1/office/receipt-reviews/{case}/approval"
    assert world.office("POST", path, staff, {"why": "小票"}).status_code == 409
    assert [points for _, points in world.points(buyer)] == [100]
    assert world.office("POST", path, staff, {"why": "已核对", "purchase_id": bought.id}).status_code == 200
    assert [points for _, points in world.points(buyer)] == [0]
    shown = _shown(world, sender, drawn.id)
    assert (shown["reason"], shown["sentence"]["en"]) == ("refund_handled", "This refund slip was handled.")


def test_one_members_evidence_appealed_by_its_sender_moves_nothing(world: World) -> None:
    buyer, sender = world.member(), world.member()
    world.read(buyer, slip(no="202605200001", fen=10_000))
    drawn = world.read(sender, refund(10_000))
    body = {"field": "receipt_no", "value": "202605200001"}
    assert world.post(f"/v1/receipts/{drawn.id}/corrections", sender, body).status_code in (200, 201)
    assert world.receipt(drawn.id).state == "in_review"
    assert [points for _, points in world.points(buyer)] == [100]


def test_one_members_evidence_of_anothers_scored_purchase_leaves_it_alone(world: World) -> None:
    buyer, sender = world.member(), world.member()
    bought = world.read(buyer, slip(no="202605200001", fen=10_000))
    world.read(sender, slip(no="202605200001", fen=10_000))
    world.read(sender, slip(no="202605200001", fen=20_000))
    assert world.receipt(bought.id).state == "scored"
    assert [points for _, points in world.points(buyer)] == [100]
    assert world.points(sender) == []


def test_a_part_takes_its_part(world: World) -> None:
    member = world.member()
    bought = world.read(member, slip(no="202605200001", fen=10_000))
    assert world.read(member, refund(4_000, original_no="202605200001")).state == "taken_back"
    assert [points for _, points in world.points(member)] == [60]
    assert world.receipt(bought.id).state == "scored"


def test_the_same_slip_again_takes_nothing_again(world: World) -> None:
    member = world.member()
    world.read(member, slip(no="202605200001", fen=10_000))
    paper = {"original_no": "202605200001", "no": "R2026052001"}
    world.read(member, refund(4_000, **paper))
    again = world.read(member, refund(4_000, **paper))
    assert (again.state, again.why) == ("refused", "refund_applied_before")
    assert [points for _, points in world.points(member)] == [60]


@pytest.mark.parametrize(("fen", "left"), [(4_000, 60), (10_000, 0)])
def test_two_photos_of_one_slip_at_once_take_back_once(world: World, monkeypatch: pytest.MonkeyPatch, fen: int, left: int) -> None:
    member, paper = world.member(), refund(fen, original_no="202605200001", no="R2026052001")
    world.read(member, slip(no="202605200001", fen=10_000))
    receipts = [world.sent(member), world.sent(member)]
    both_looked, slip_known = threading.Barrier(2), refund_slips._slip_known

    def look_together(*asked: Any) -> bool:
        known = slip_known(*asked)
        try:
            both_looked.wait(1)
        except threading.BrokenBarrierError:  # the other one cannot look before this one has ended
            return known
        return known

    def conclude(receipt: int) -> None:
        db.in_mall(world.mall, lambda: service.conclude(receipt, translated(paper)))

    monkeypatch.setattr(refund_slips, "_slip_known", look_together)
    for receipt in receipts:
        with db.unit_of_work(world.mall):
            assert service.begin_reading(receipt)
    threads = [threading.Thread(target=conclude, args=(receipt,)) for receipt in receipts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(world.receipt(receipt).why for receipt in receipts) == ["points_taken_back", "refund_applied_before"]
    assert [points for _, points in world.points(member)] == [left]


def test_a_refund_of_what_never_scored_changes_nothing(world: World) -> None:
    member, staff = world.member(), world.staff()
    taken = world.read(member, refund(original_no="999999999999"))
    assert taken.why == "refund_unclear"
    case = world.office("POST", "/v1/office/receipt-reviews/next", staff).json["review"]["id"]
    assert world.office("POST", f"/v1/office/receipt-reviews/{case}/approval", staff, {"why": "?"}).status_code == 200
    assert world.receipt(taken.id).why == "refund_without_receipt"
    assert world.points(member) == []


def test_a_refund_of_more_than_was_paid_goes_to_a_person(world: World) -> None:
    member = world.member()
    world.read(member, slip(no="202605200001", fen=10_000))
    assert world.read(member, refund(20_000, original_no="202605200001")).why == "refund_unclear"


def test_two_purchases_of_that_amount_go_to_a_person_who_names_the_right_one(world: World) -> None:
    member = world.member()
    for hour in (9, 10):
        assert world.read(member, slip(fen=10_000, at=PAID.replace(hour=hour))).state == "scored"
    taken = world.read(member, refund(10_000))
    assert taken.why == "refund_unclear" and len(taken.details["receipts"]) == 2
    staff = world.staff()
    case = world.office("POST", "/v1/office/receipt-reviews/next", staff).json["review"]["id"]
    unclear = world.office("POST", f"/v1/office/receipt-reviews/{case}/approval", staff, {"why": "?"})
    assert unclear.status_code == 409
    body = {"why": "小票", "purchase_id": taken.details["receipts"][0]}
    done = world.office("POST", f"/v1/office/receipt-reviews/{case}/approval", staff, body).json
    assert done["receipt"]["state"] == "taken_back"
    assert sorted(points for _, points in world.points(member)) == [0, 100]


def test_a_returned_purchase_does_not_score_again(world: World) -> None:
    member, paper = world.member(), slip(no="202605200001")
    world.read(member, paper)
    world.read(member, refund(original_no="202605200001"))
    assert world.read(world.member(), slip(no="202605200001")).why == "returned_before"
