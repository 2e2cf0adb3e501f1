"""What staff see of payments and refunds: who paid, what went back, what a refund can give, and what the second person decides about."""

from __future__ import annotations

from typing import Any

from api.malls import service as malls
from tests.checkout.conftest import Shopper, Street
from tests.checkout.test_kinds import paid, recharge, spend
from tests.checkout.test_refunding import give_back


def read(staff: Shopper, number: str) -> Any:
    return staff.get(f"/v1/office/orders/{number}")


def line_of(street: Street, number: str) -> Any:
    tablet = street.staff("tablet", shop_id=street.shop_id)
    return next(row for row in tablet.get("/v1/shop/payments")["items"] if row["number"] == number)


def test_a_line_of_the_feed_says_everything_that_paid(street: Street, statements) -> None:
    mixed = street.shopper(points_held=2_000, principal_fen=3_000, bonus_fen=500).paid(10_000)
    value = street.shopper("han-meimei", principal_fen=5_000).ordered(2_000)["order"]
    assert line_of(street, mixed["number"])["paid_by"] == {
        "zh": "微信支付 + 储值本金 + 储值赠金 + 积分抵扣",
        "en": "WeChat Pay + Stored value, paid in + Stored value, bonus + Points",
    }
    assert line_of(street, value["number"])["paid_by"]["zh"] == "储值本金"
    tablet = street.staff("tablet", shop_id=street.shop_id)
    tablet.get("/v1/shop/payments")
    with statements() as seen:
        tablet.get("/v1/shop/payments")
    assert len([statement for statement in seen if "order_" in statement]) == 2  # parts, then shares; orders come between


def test_the_feed_says_how_many_points_a_refund_took_back_and_the_day_what_went_back(street: Street) -> None:
    order = street.shopper().paid(50_000)
    given = give_back(street.staff("finance"), order["number"], amount_fen=8_400).json
    line = line_of(street, order["number"])
    assert (line["points"], line["points_taken"], line["refunded_fen"]) == (500, given["points_taken"], 8_400)
    day = street.staff("tablet", shop_id=street.shop_id).get("/v1/shop/payments/day")
    assert (day["count"], day["total_fen"], day["refunded_fen"]) == (1, 50_000, 8_400)


def test_an_order_tells_staff_what_a_refund_can_give(street: Street) -> None:
    office, clerk = street.staff("finance"), street.staff("shop_manager", shop_id=street.shop_id)
    number = street.shopper().paid(10_000)["number"]
    give_back(office, number, amount_fen=2_500)
    for seen in (read(office, number), clerk.get(f"/v1/shop/orders/{number}")):
        assert (seen["refundable_fen"], seen["refunds_as_a_whole"]) == (7_500, False)
    give_back(office, number)
    assert read(office, number)["refundable_fen"] == 0


def test_a_line_that_came_back_in_part_says_what_is_left_of_it(street: Street) -> None:
    office = street.staff("finance")
    number = street.shopper().paid(10_000, excluded_fen=4_000)["number"]
    give_back(office, number, amount_fen=5_000)
    seen = read(office, number)
    assert {line["net_fen"]: line["left_fen"] for line in seen["lines"]} == {6_000: 3_000, 4_000: 2_000}
    line = next(line for line in seen["lines"] if line["net_fen"] == 4_000)
    assert give_back(office, number, lines=[line["line"]]).json["amount_fen"] == line["left_fen"]


def test_the_mall_sees_which_card_paid_by_its_masked_number(street: Street) -> None:
    shopper = street.shopper(principal_fen=5_000)
    number = shopper.ordered(2_000)["order"]["number"]
    [tender] = read(street.staff("finance"), number)["tenders"]
    [card] = shopper.get("/v1/wallet")["cards"]
    assert tender["source"] == card["number_masked"]
    assert "****" in tender["source"]


def test_a_recharge_tells_staff_what_is_unspent_of_it_and_that_it_comes_back_only_whole(street: Street) -> None:
    shopper, office = street.shopper(), street.staff("finance")
    number = paid(street, shopper, recharge(street, member_limit=None))["number"]
    spend(shopper)
    seen = read(office, number)
    assert seen["refunds_as_a_whole"]
    assert 0 < seen["refundable_fen"] < seen["total_fen"]
    assert give_back(office, number, amount_fen=seen["refundable_fen"] - 1).status_code == 409
    assert give_back(office, number).json["amount_fen"] == seen["refundable_fen"]
    after = read(office, number)
    assert (after["refundable_fen"], after["refunds_as_a_whole"]) == (0, True)


def test_the_second_person_sees_what_is_decided(street: Street) -> None:
    shopper = street.shopper(points_held=2_000, principal_fen=3_000)
    with street.inside():
        malls.change_policy({"refund_limit_fen": 1_000}, by="test", why="a second person")
    order = shopper.paid(10_000)
    first, second = street.staff("finance", name="王芳"), street.staff("administrator", name="张伟")
    waits = give_back(first, order["number"], amount_fen=5_000).json
    refund = second.get(f"/v1/office/order-refunds/{waits['number']}")
    assert (refund["order_number"], refund["shop_id"], refund["member_id"]) == (order["number"], street.shop_id, shopper.id)
    assert (refund["kind_title"]["zh"], refund["title"], refund["asked_by_name"]) == ("码牌支付", order["title"], "王芳")
    assert [(row["title"]["zh"], row["amount_fen"]) for row in refund["given_by"]] == [
        ("微信支付", 2_500), ("储值本金", 1_500), ("2,000 积分抵扣", 1_000),
    ]  # fmt: skip
    assert (refund["order_total_fen"], refund["left_fen"], refund["can_be_given"]) == (10_000, 10_000, True)
    [row] = second.get("/v1/office/order-refunds?state=waiting")["items"]
    assert (row["order_number"], row["asked_by_name"], row["decided_by_name"]) == (order["number"], "王芳", None)


def test_a_refund_that_no_longer_fits_says_so_before_it_is_decided(street: Street) -> None:
    order = street.shopper().paid(10_000)
    office, second = street.staff("finance"), street.staff("administrator")
    with street.inside():
        malls.change_policy({"refund_limit_fen": 6_000}, by="test", why="a second person")
    waits = give_back(office, order["number"], amount_fen=8_000).json
    assert give_back(office, order["number"], amount_fen=5_000).json["state"] == "given"
    path = f"/v1/office/order-refunds/{waits['number']}"
    refund = second.get(path)
    assert (refund["left_fen"], refund["can_be_given"]) == (5_000, False)
    assert second.send("put", f"{path}/decision", {"approve": True}).json["type"] == "/problems/order-refund-too-large"


def test_a_waiting_recharge_refund_says_that_something_was_spent_meanwhile(street: Street) -> None:
    shopper, office = street.shopper(), street.staff("finance")
    with street.inside():
        malls.change_policy({"refund_limit_fen": 1_000}, by="test", why="a second person")
    number = paid(street, shopper, recharge(street, member_limit=None))["number"]
    path = f"/v1/office/order-refunds/{give_back(office, number).json['number']}"
    assert office.get(path)["can_be_given"]
    spend(shopper)
    assert not office.get(path)["can_be_given"]
