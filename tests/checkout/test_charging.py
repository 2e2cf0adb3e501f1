"""A cashier scans the code on a shopper's phone: three kinds of code, passwords, refusals, and what the tablet shows."""

from __future__ import annotations

import pytest

from api.malls import service as malls
from tests.checkout.conftest import Street


def charge(street: Street, code: str, amount_fen: int = 4_200):
    clerk = street.staff("shop_clerk", shop_id=street.shop_id)
    return clerk, clerk.charge(code, amount_fen)


@pytest.mark.parametrize("wallet", ["wechat", "alipay"])
def test_a_code_of_a_wallet_is_charged_and_its_owner_earns(street: Street, wallet: str) -> None:
    shopper = street.shopper("li-lei")
    clerk, charged = charge(street, getattr(street, wallet).auth_code("li-lei"))
    assert charged.status_code == 201, charged.json
    assert (charged.json["state"], charged.json["channel"], charged.json["points"]) == ("paid", wallet, 42)
    assert shopper.points()["balance"] == 42
    feed = clerk.get("/v1/shop/payments")["items"]
    assert [(line["amount_fen"], line["channel"]) for line in feed] == [(4_200, wallet)]
    assert clerk.get("/v1/shop/payments/day") | {"on": ""} == {"on": "", "count": 1, "total_fen": 4_200, "refunded_fen": 0}
    street.books_agree()


def test_two_of_a_queue_who_pay_as_much_in_one_minute_both_earn(street: Street) -> None:
    one, other = street.shopper("li-lei"), street.shopper("han-meimei")
    number = one.ordered(4_200)["order"]["number"]
    one.pays(number)
    street.due(ahead=10)
    _, charged = charge(street, street.wechat.auth_code("han-meimei"))
    assert (one.read(number)["points"], charged.json["points"]) == (42, 42)
    assert (one.points()["balance"], other.points()["balance"]) == (42, 42)
    street.books_agree()


@pytest.mark.parametrize("wallet", ["wechat", "alipay"])
def test_a_password_is_waited_for(street: Street, wallet: str) -> None:
    simulator = getattr(street, wallet)
    clerk, charged = charge(street, simulator.auth_code("li-lei", needs_password=True))
    assert (charged.json["state"], charged.json["payment_state"]) == ("held", "paying")
    payment = street.payment_of(charged.json["number"])
    simulator.sim("pay", out_trade_no=payment.number, notify=False)
    street.due(ahead=10)
    assert clerk.get(f"/v1/shop/orders/{charged.json['number']}")["state"] == "paid"


def test_a_code_that_was_used_is_refused_and_the_order_closed(street: Street) -> None:
    code = street.wechat.auth_code("li-lei")
    charge(street, code)
    _, again = charge(street, code)
    assert (again.status_code, again.json["state"], again.json["payment_state"]) == (201, "closed", "failed")
    street.books_agree()


@pytest.mark.parametrize(
    ("wallet", "refusal", "why"),
    [
        ("wechat", "NOT_ENOUGH", "payer-balance-short"),
        ("alipay", "BUYER_BALANCE_NOT_ENOUGH", "payer-balance-short"),
        ("alipay", "BUYER_BANKCARD_BALANCE_NOT_ENOUGH", "payer-balance-short"),
        ("wechat", "RULE_LIMIT", "rule-limit"),
    ],
)
def test_the_till_is_told_why_a_wallet_refuses(street: Street, wallet: str, refusal: str, why: str) -> None:
    clerk, charged = charge(street, getattr(street, wallet).auth_code("li-lei", refuse=refusal))
    assert (charged.status_code, charged.json["state"], charged.json["payment_refusal"]) == (201, "closed", why)
    assert clerk.get(f"/v1/shop/orders/{charged.json['number']}")["payment_refusal"] == why


def test_a_payment_that_is_paid_was_not_refused(street: Street) -> None:
    _, charged = charge(street, street.wechat.auth_code("li-lei"))
    assert charged.json["payment_refusal"] is None


def test_a_pay_code_above_what_needs_a_pin_is_told_the_limit(street: Street) -> None:
    shopper = street.shopper(principal_fen=50_000)
    with street.inside():
        malls.change_policy({"pin_above_fen": 20_000}, by="test", why="a limit")
    code = shopper.send("post", "/v1/wallet/pay-code", {}).json["code"]
    _, refused = charge(street, code, 32_000)
    assert (refused.status_code, refused.json["type"], refused.json["limit_fen"]) == (403, "/problems/pin-needed", 20_000)
    assert shopper.value() == (50_000, 0)
    listed = street.client.get("/openapi.json").json["paths"]["/v1/shop/charges"]["post"]["responses"]["403"]
    assert "pin-needed" in str(listed)


def test_kind_8_a_cashier_learns_no_figure_of_a_shoppers_money_and_the_code_is_used(street: Street) -> None:
    shopper = street.shopper(principal_fen=12_345)
    with street.inside():
        malls.change_policy({"pin_above_fen": 10_000_000}, by="test", why="a limit")
    code = shopper.send("post", "/v1/wallet/pay-code", {}).json["code"]
    _, refused = charge(street, code, 5_000_000)
    assert (refused.status_code, refused.json["type"], refused.json["reason"]) == (422, "/problems/tender-not-usable", "too_little")
    assert set(refused.json) == {"type", "title", "status", "tender", "reason"}
    _, again = charge(street, code, 1_000)
    assert again.json["type"] == "/problems/pay-code-used"
    assert shopper.value() == (12_345, 0)
    street.books_agree()


def test_kind_8_a_code_refused_above_the_pin_is_used(street: Street) -> None:
    shopper = street.shopper(principal_fen=50_000)
    with street.inside():
        malls.change_policy({"pin_above_fen": 20_000}, by="test", why="a limit")
    code = shopper.send("post", "/v1/wallet/pay-code", {}).json["code"]
    _, refused = charge(street, code, 32_000)
    assert refused.json["type"] == "/problems/pin-needed" and "is_set" not in refused.json
    assert charge(street, code, 1_000)[1].json["type"] == "/problems/pay-code-used"


def test_the_malls_own_code_pays_from_stored_value(street: Street) -> None:
    shopper = street.shopper(principal_fen=10_000)
    code = shopper.send("post", "/v1/wallet/pay-code", {}).json["code"]
    _, charged = charge(street, code)
    assert charged.status_code == 201, charged.json
    assert (charged.json["state"], charged.json["points"]) == ("paid", 42)
    assert shopper.value() == (5_800, 0)
    _, again = charge(street, code)
    assert again.json["type"] == "/problems/pay-code-used"
    street.books_agree()


def test_a_code_of_nobody_is_refused(street: Street) -> None:
    _, refused = charge(street, "9" * 17 + "1")
    assert refused.status_code in (404, 422)
    _, odd = charge(street, "77" + "1" * 16)
    assert odd.json["type"] == "/problems/auth-code-unknown"


def test_a_payment_at_the_plate_stands_in_the_shops_feed(street: Street) -> None:
    order = street.shopper().paid(3_300, remark="两杯拿铁")
    clerk = street.staff("tablet", shop_id=street.shop_id)
    line = clerk.get("/v1/shop/payments")["items"][0]
    assert (line["number"], line["amount_fen"], line["points"], line["remark"]) == (order["number"], 3_300, 33, "两杯拿铁")


def test_a_shop_gives_up_what_its_cashier_began_and_no_shoppers_order(street: Street) -> None:
    shopper, clerk = street.shopper(), street.staff("shop_clerk", shop_id=street.shop_id)
    own = shopper.ordered(4_200)["order"]["number"]
    refused = clerk.send("put", f"/v1/shop/orders/{own}/cancellation")
    assert (refused.status_code, refused.json["type"]) == (404, "/problems/order-not-found")
    assert shopper.read(own)["state"] == "held"
    _, charged = charge(street, street.wechat.auth_code("li-lei", needs_password=True))
    begun = f"/v1/shop/orders/{charged.json['number']}/cancellation"
    assert clerk.send("put", begun).json["state"] == "closed"
    assert clerk.send("put", begun).json["state"] == "closed"
    _, paid = charge(street, street.wechat.auth_code("han-meimei"))
    late = clerk.send("put", f"/v1/shop/orders/{paid.json['number']}/cancellation")
    assert (late.status_code, late.json["type"]) == (409, "/problems/order-paid")
