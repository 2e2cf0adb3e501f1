"""A number that may be a card's or a member's comes again on the next visit: it joins nothing until a person has looked."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from api.kit import db
from api.kit.db import session
from api.sales.models import Sighting
from ocr.reading import Field
from tests.receipts.conftest import BOX, PAID, World, slip
from tests.receipts.test_refunds import refund
from tests.receipts.test_review import QUEUE, decide, take, waiting

NUMBER = "3000012345678"


def unsure(number: str = NUMBER, confidence: float = 0.79) -> Field[str]:
    return Field(number, confidence, (1,), BOX)


def sighted(world: World) -> list[tuple[int, str | None]]:
    """Each purchase that is known: its sale and the number that it is compared by."""
    with db.unit_of_work(world.mall):
        return [
            (row.sale_id, row.number_key) for row in session.execute(select(Sighting.sale_id, Sighting.number_key).order_by(Sighting.id))
        ]


@pytest.mark.parametrize(("confidence", "key"), [(0.79, None), (0.795, None), (0.80, NUMBER), (0.99, NUMBER)])
def test_only_a_number_that_is_sure_enough_makes_a_key(world: World, confidence: float, key: str | None) -> None:
    receipt = world.read(world.member(), slip(receipt_no=unsure(confidence=confidence)))
    assert (receipt.state, receipt.receipt_no, receipt.number_key) == ("scored", NUMBER, key)
    assert [number for _, number in sighted(world)] == [key]


def test_two_visits_under_one_unsure_number_both_score(world: World) -> None:
    member = world.member()
    visits = [
        world.read(member, slip(receipt_no=unsure(), fen=fen, at=PAID.replace(hour=hour))).state for fen, hour in ((9_900, 9), (5_500, 10))
    ]
    assert visits == ["scored", "scored"]
    assert len({sale for sale, _ in sighted(world)}) == 2


def test_a_number_that_a_reviewer_wrote_keeps_its_key_and_names_the_purchase(world: World) -> None:
    member, staff = world.member(), world.staff()
    case = waiting(world, member, receipt_no=unsure())
    take(world, staff)
    body: dict[str, Any] = {"field": "receipt_no", "value": "2026-0520 0001", "why": "小票"}
    assert world.office("POST", f"{QUEUE}/{case}/corrections", staff, body).status_code == 200
    decided = decide(world, staff, case).json["receipt"]
    receipt = world.receipt(decided["id"])
    assert (receipt.state, receipt.receipt_no, receipt.number_key) == ("scored", "2026-0520 0001", "202605200001")
    assert [number for _, number in sighted(world)] == ["202605200001"]
    again = world.read(world.member(), slip(fen=350_000, no="202605200001", at=PAID.replace(hour=9)))
    assert (again.state, again.why) == ("refused", "scored_for_another")


def test_a_number_that_a_reviewer_left_in_doubt_still_joins_nothing(world: World) -> None:
    staff = world.staff()
    case = waiting(world, receipt_no=unsure())
    take(world, staff)
    assert world.receipt(decide(world, staff, case).json["receipt"]["id"]).number_key is None
    assert [number for _, number in sighted(world)] == [None]


def test_a_refund_slip_with_an_unsure_number_takes_back_once_and_stops_no_other_refund(world: World) -> None:
    member = world.member()
    world.read(member, slip(no="202605200001", fen=10_000))
    first = {"original_no": "202605200001", "receipt_no": unsure()}
    taken = world.read(member, refund(4_000, **first))
    assert (taken.state, taken.number_key) == ("taken_back", None)
    assert world.read(member, refund(4_000, **first)).why == "refund_applied_before"
    later = {**first, "paid_at": Field(PAID.replace(hour=11, minute=55), 0.95, (1,), BOX)}
    assert world.read(member, refund(4_000, **later)).state == "taken_back"
    assert [points for _, points in world.points(member)] == [20]


@pytest.mark.parametrize(("fen", "state"), [(4_000, "in_review"), (10_000, "taken_back")])
def test_a_refund_of_an_unsure_amount_is_borne_out_by_its_purchase_or_looked_at(world: World, fen: int, state: str) -> None:
    member = world.member()
    bought = world.read(member, slip(no="202605200001", fen=10_000))
    taken = world.read(member, refund(fen, original_no="202605200001", auto=False))
    assert taken.state == state
    if state == "taken_back":
        return
    assert (taken.why, taken.details["receipts"]) == ("refund_unclear", [bought.id])
    staff = world.staff()
    case = take(world, staff).json["review"]["id"]
    assert decide(world, staff, case).json["receipt"]["state"] == "taken_back"
    assert [points for _, points in world.points(member)] == [60]
