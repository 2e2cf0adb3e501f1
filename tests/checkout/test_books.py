"""The three sides of reconciliation: what the gateway bills, what payments believe, what the ledger holds for orders."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from api.checkout.models import Order
from api.checkout.service import orders
from api.checkout.states import OrderState
from api.kit import clock, states
from api.kit.db import session
from api.payments import service as payments
from tests.checkout.conftest import Shopper, Street
from tests.checkout.test_refunding import give_back


def recharged(street: Street, shopper: Shopper, channel: str) -> str:
    package = shopper.get("/v1/wallet/packages")["items"][0]
    body = {"purchase": {"kind": "recharge", "package_id": package["id"]}, "channel": channel, "expected_fen": package["pays_fen"]}
    number = str(shopper.send("post", "/v1/orders", body).json["order"]["number"])
    shopper.pays(number)
    street.due(ahead=10)
    return number


def compared(street: Street, channel: str, day: date) -> list[tuple[str, str]]:
    """Compare the day's bill the next morning: kind and number of what differs. The bill has the payments of other tests as well."""
    simulator = street.wechat if channel == "wechat" else street.alipay
    clock.fix(clock.now() + timedelta(hours=35))
    simulator.sim("clock", advance=35 * 3600)
    with street.inside():
        [account] = payments.accounts(channel=channel).items
        payments.reconcile(account.id, day)
        return [(one.kind, one.number) for one in payments.differences(state="open", limit=100).items if one.kind != "missing_here"]


@pytest.mark.parametrize("channel", ["wechat", "alipay"])
def test_what_is_billed_is_what_the_ledger_says_the_gateway_owes(street: Street, channel: str) -> None:
    shopper, day = street.shopper(points_held=1_000), clock.today("Asia/Shanghai")
    numbers = [recharged(street, shopper, channel)]
    shopper.sets_pin("729461")
    numbers.append(shopper.paid(150_000, channel=channel, pin="729461")["number"])
    assert give_back(street.staff("finance"), numbers[1], amount_fen=75_000).status_code == 201
    other = street.shopper("han-meimei")
    late = other.ordered(3_300, channel=channel)["order"]["number"]
    with street.inside():  # it ran out, and then the money came
        order = orders.by_number(late)
        order.expires_at = clock.now() - timedelta(seconds=1)
        states.move(order, OrderState.CLOSED, by="test", reason="expired")
    other.pays(late)
    street.due(ahead=120)
    assert other.read(late)["state"] in ("closed", "paid")
    assert compared(street, channel, day) == []
    for number in numbers:
        assert street.payment_of(number).billed_on == day


def test_money_that_the_ledger_does_not_have_is_told(street: Street) -> None:
    day = clock.today("Asia/Shanghai")
    paid, lost = (street.shopper(person).paid(2_000)["number"] for person in ("li-lei", "han-meimei"))
    number = street.payment_of(lost).number
    with street.inside():
        session.scalars(select(Order).where(Order.number == lost)).one().payment_id = None
    assert compared(street, "wechat", day) == [("ledger", number)]
    assert street.payment_of(paid).billed_on == day
