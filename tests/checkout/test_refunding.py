"""Refunds: whole, by line, by amount. Every tender gets its own back, earned points are taken, nothing comes back twice."""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from api.checkout import errors
from api.checkout.models import OrderPart
from api.checkout.service import orders, refunds
from api.kit import clock
from api.kit.db import session
from api.ledger.service import Owner
from api.payments import service as payments
from tests.checkout.conftest import Shopper, Street
from tests.payments.conftest import DEMO


def give_back(staff: Shopper, number: str, **wanted: Any) -> Any:
    area = "shop" if staff.person.startswith("shop") else "office"
    return staff.send("post", f"/v1/{area}/orders/{number}/refunds", {"reason": "退货"} | wanted)


def test_a_partial_refund_gives_every_tender_its_share_and_takes_earned_points(street: Street) -> None:
    shopper = street.shopper(points_held=2_000, principal_fen=3_000, bonus_fen=500)
    order = shopper.paid(10_000)
    assert order["points"] == 75
    given = give_back(street.staff("finance"), order["number"], amount_fen=5_000)
    assert given.status_code == 201, given.json
    assert (given.json["gateway_fen"], given.json["points_back"], given.json["points_taken"]) == (2_250, 1_000, 38)
    assert shopper.value() == (1_500, 250)
    assert shopper.points()["balance"] == 75 - 38 + 1_000
    street.due(ahead=120)
    after = shopper.read(order["number"])
    assert (after["state"], after["refunded_fen"], after["refunds"][0]["state"]) == ("paid", 5_000, "done")
    assert (after["points"], after["points_taken"]) == (75, 38)
    assert street.cash(Owner("shop", street.shop_id)) == 5_000
    street.books_agree()


def test_refunds_in_odd_pieces_end_at_exactly_what_was_paid(street: Street) -> None:
    shopper = street.shopper(points_held=1_100, principal_fen=3_333, bonus_fen=777)
    order = shopper.paid(9_999, excluded_fen=1_234)
    office = street.staff("administrator")
    for amount in (1, 3_332, 17, 4_444):
        assert give_back(office, order["number"], amount_fen=amount).status_code == 201
    assert give_back(office, order["number"], amount_fen=2_206).json["type"] == "/problems/order-refund-too-large"
    assert give_back(office, order["number"]).json["amount_fen"] == 2_205
    try:
        for _ in range(5):  # WeChat takes one refund of an order a minute; the others are asked for again
            street.due(ahead=10)
            street.wechat.sim("clock", advance=61)
    finally:
        street.wechat.sim("clock", start=True)
    after = shopper.read(order["number"])
    assert (after["state"], after["refunded_fen"]) == ("refunded", 9_999)
    assert all(row["amount_fen"] == row["refunded_fen"] for row in after["tenders"])
    assert shopper.value() == (3_333, 777)
    assert shopper.points()["balance"] == 1_100
    for owner in (Owner("shop", street.shop_id), Owner("bearer", 0), Owner("gateway", 1)):
        assert street.cash(owner) == 0
    street.books_agree()


def test_a_line_without_benefits_comes_back_without_touching_points(street: Street) -> None:
    shopper = street.shopper(points_held=3_000)
    order = shopper.paid(10_000, excluded_fen=4_000)
    excluded = next(line["line"] for line in order["lines"] if not line["earns"])
    given = give_back(street.staff("finance"), order["number"], lines=[excluded])
    assert (given.json["amount_fen"], given.json["gateway_fen"], given.json["points_back"], given.json["points_taken"]) == (
        4_000,
        4_000,
        0,
        0,
    )
    again = give_back(street.staff("finance"), order["number"], lines=[excluded])
    assert again.json["type"] == "/problems/refund-line-unknown"


def test_points_spent_meanwhile_become_a_debt(street: Street) -> None:
    shopper = street.shopper()
    order = shopper.paid(50_000)
    assert shopper.points()["balance"] == 500
    shopper.paid(10_000)  # spends them
    given = give_back(street.staff("finance"), order["number"])
    assert given.json["points_taken"] == 500
    assert shopper.points()["debt"] > 0
    street.books_agree()


def test_a_large_refund_waits_for_another_person(street: Street) -> None:
    shopper = street.shopper()
    order = shopper.paid(200_000)
    first, second = street.staff("finance"), street.staff("administrator")
    waiting = give_back(first, order["number"])
    assert (waiting.status_code, waiting.json["state"]) == (201, "waiting")
    path = f"/v1/office/order-refunds/{waiting.json['number']}/decision"
    assert first.send("put", path, {"approve": True}).json["type"] == "/problems/refund-needs-second-person"
    assert shopper.read(order["number"])["refunded_fen"] == 0
    assert second.send("put", path, {"approve": True, "why": "看过小票"}).json["state"] == "given"
    assert second.send("put", path, {"approve": True}).json["type"] == "/problems/wrong-state"
    assert shopper.read(order["number"])["state"] == "refunded"
    street.books_agree()


def decide(staff: Shopper, refund: dict[str, Any], *, approve: bool = True) -> Any:
    return staff.send("put", f"/v1/office/order-refunds/{refund['number']}/decision", {"approve": approve, "why": "看过小票"})


def test_a_refund_up_to_the_limit_is_given_at_once_and_one_fen_more_waits(street: Street) -> None:
    order, desk = street.shopper().paid(300_000), street.staff("finance")
    assert give_back(desk, order["number"], amount_fen=100_000).json["state"] == "given"
    waiting = give_back(desk, order["number"], amount_fen=100_001).json
    assert (waiting["state"], waiting["amount_fen"], waiting["asked_by"], waiting["decided_by"]) == (
        "waiting",
        100_001,
        f"staff:{desk.id}",
        None,
    )
    assert waiting["number"].startswith("R")
    assert [row["number"] for row in desk.get("/v1/office/order-refunds?state=waiting")["items"]] == [waiting["number"]]
    assert len(desk.get("/v1/office/order-refunds")["items"]) == 2
    assert [decide(desk, refund).status_code for refund in (waiting, {"number": "R1"})] == [403, 404]


def test_what_is_left_when_a_waiting_refund_is_let_through_is_divided_anew(street: Street) -> None:
    order = street.shopper().paid(200_000, excluded_fen=120_000)
    first, second = street.staff("finance"), street.staff("administrator")
    earning = next(line["line"] for line in order["lines"] if line["earns"])
    waiting = give_back(first, order["number"], amount_fen=110_000).json
    assert give_back(first, order["number"], lines=[earning]).json["amount_fen"] == 80_000
    assert decide(second, waiting).json["state"] == "given"
    assert give_back(first, order["number"]).json["amount_fen"] == 10_000
    assert street.cash(Owner("shop", street.shop_id)) == 0
    street.books_agree()


def test_a_waiting_refund_that_became_too_large_is_not_given(street: Street) -> None:
    order = street.shopper().paid(200_000)
    first, second = street.staff("finance"), street.staff("administrator")
    waiting = give_back(first, order["number"], amount_fen=150_000).json
    assert give_back(first, order["number"], amount_fen=60_000).json["state"] == "given"
    refused = decide(second, waiting)
    assert (refused.json["type"], refused.json["left_fen"]) == ("/problems/order-refund-too-large", 140_000)
    assert decide(second, waiting, approve=False).json["state"] == "rejected"
    assert street.cash(Owner("shop", street.shop_id)) == 140_000


def test_what_value_paid_alone_comes_back_without_a_wallet(street: Street) -> None:
    shopper = street.shopper(points_held=1_000, principal_fen=5_000)
    number = shopper.ordered(3_000)["order"]["number"]
    given = give_back(street.staff("finance"), number, amount_fen=1_000).json
    assert (given["state"], given["gateway_fen"], given["payment_refund_id"]) == ("done", 0, None)
    assert give_back(street.staff("finance"), number).json["state"] == "done"
    assert (shopper.read(number)["state"], shopper.value()) == ("refunded", (5_000, 0))
    assert shopper.points()["balance"] == 1_000
    street.books_agree()


def test_a_wallet_s_part_that_a_person_drops_leaves_the_refund_stuck(street: Street) -> None:
    order = street.shopper().paid(5_000)
    merchant = {"mchid": DEMO["wechat"]["merchant_no"]}
    street.wechat.sim("merchants", **merchant, can_refund=False)
    given = give_back(street.staff("finance"), order["number"], amount_fen=2_000).json
    street.due(ahead=10)
    street.wechat.sim("merchants", **merchant, can_refund=True)
    with street.inside():
        payments.drop(given["payment_refund_id"], by="test", why="paid in cash")
    (listed,) = street.staff("finance").get("/v1/office/order-refunds")["items"]
    assert listed["state"] == "stuck"


def test_a_shop_gives_money_back_for_so_many_days(street: Street) -> None:
    order = street.shopper().paid(5_000)
    with street.inside():
        placed = orders.by_number(order["number"])
        part = session.scalars(select(OrderPart).where(OrderPart.order_id == placed.id)).one()
        last = part.paid_at + timedelta(days=30)
        clock.fix(last + timedelta(microseconds=1))
        with pytest.raises(errors.RefundTooLate):
            refunds.by_shop(placed, street.shop_id, refunds.Wanted(), by="shop", reason="退货")
        with pytest.raises(errors.OrderNotFound):
            refunds.by_shop(placed, street.shop_id + 1, refunds.Wanted(), by="shop", reason="退货")
        clock.fix(last)
        assert refunds.by_shop(placed, street.shop_id, refunds.Wanted(amount_fen=5), by="shop", reason="退货").amount_fen == 5
        clock.fix(None)


def test_a_rejected_refund_gives_nothing(street: Street) -> None:
    order = street.shopper().paid(200_000)
    waiting = give_back(street.staff("finance"), order["number"]).json
    decided = street.staff("administrator").send("put", f"/v1/office/order-refunds/{waiting['number']}/decision", {"approve": False})
    assert decided.json["state"] == "rejected"
    assert street.cash(Owner("shop", street.shop_id)) == 200_000


def test_a_shop_gives_back_its_own_payments_only(street: Street) -> None:
    order = street.shopper().paid(10_000)
    own, other = street.staff("shop_manager", shop_id=street.shop_id), street.staff("shop_manager")
    assert give_back(other, order["number"], amount_fen=100).status_code == 404
    tablet = street.staff("tablet", shop_id=street.shop_id)
    assert tablet.send("post", f"/v1/shop/orders/{order['number']}/refunds", {"reason": "x"}).json["type"] == "/problems/permission-missing"
    assert give_back(own, order["number"], amount_fen=100).json["amount_fen"] == 100


def test_an_unpaid_order_gives_nothing_back(street: Street) -> None:
    number = street.shopper().ordered(1_000)["order"]["number"]
    refused = give_back(street.staff("finance"), number).json
    assert (refused["type"], refused["state"]) == ("/problems/order-not-paid", "held")


@pytest.mark.parametrize("round_", range(3))
def test_racing_refunds_never_give_back_more_than_was_paid(street: Street, round_: int) -> None:
    shopper = street.shopper(points_held=1_000, principal_fen=2_000)
    order = shopper.paid(10_000)
    staff = [street.staff("finance") for _ in range(6)]
    chance = random.Random(round_)
    answers: list[Any] = []
    wanted = [(who, chance.randint(1_000, 4_000)) for who in staff]

    def ask(who: Shopper, fen: int) -> None:
        answers.append(give_back(who, order["number"], amount_fen=fen))

    threads = [threading.Thread(target=ask, args=pair) for pair in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    given = [answer.json["amount_fen"] for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    after = shopper.read(order["number"])
    assert after["refunded_fen"] == sum(given) <= 10_000
    assert street.cash(Owner("shop", street.shop_id)) == 10_000 - sum(given)
    street.books_agree()


def test_a_recharge_comes_back_only_as_far_as_it_is_unspent_and_its_bonus_never(street: Street) -> None:
    shopper = street.shopper()
    packages = shopper.get("/v1/wallet/packages")
    package = (packages["items"] if isinstance(packages, dict) else packages)[0]
    said = {"purchase": {"kind": "recharge", "package_id": package["id"]}, "expected_fen": package["pays_fen"], "channel": "alipay"}
    placed = shopper.send("post", "/v1/orders", said)
    assert placed.status_code == 201, placed.json
    number = placed.json["order"]["number"]
    shopper.pays(number)
    street.due(ahead=10)
    assert shopper.read(number)["state"] == "paid"
    assert shopper.value() == (100_000, 10_000)
    assert shopper.points()["balance"] == 0
    given = give_back(street.staff("finance"), number)
    assert given.json["amount_fen"] == 100_000
    assert shopper.value() == (0, 0)
    street.due(ahead=60)
    street.books_agree()


def test_the_desk_finds_the_order_that_a_refund_belongs_to(street: Street) -> None:
    shopper, desk = street.shopper(), street.staff("finance")
    shopper.paid(1_500)
    order = shopper.paid(2_500)
    made = give_back(desk, order["number"]).json
    assert [one["number"] for one in desk.get(f"/v1/office/orders?order_id={made['order_id']}")["items"]] == [order["number"]]
