"""What a paid order says of invoices: who issues them, for how much, where to ask, and what is left out."""

from __future__ import annotations

from typing import Any

import pytest

from api.kit.db import session
from api.malls import service as malls
from api.wallet.models import CardProduct
from api.wallet.service import card_opening
from tests.checkout.conftest import Street
from tests.checkout.test_refunding import give_back
from tests.wallet.conftest import make_package

LINK = "https://invoice.example.com/T1"


@pytest.fixture
def tenant(street: Street) -> Street:
    """The shop has a company name and a page for invoices."""
    with street.inside():
        malls.change_shop(street.shop_id, {"invoice_url": LINK, "legal_name": "木棉餐饮有限公司"}, by="test", why="test")
    return street


def invoiced_at_sale(street: Street) -> None:
    with street.inside():
        session.get_one(CardProduct, card_opening.standard_product().id).invoice = "at_sale"


def notes(invoice: dict[str, Any]) -> list[str]:
    return [note["zh"] for note in invoice["notes"]]


def test_money_and_stored_value_are_invoiced_by_the_tenant_points_and_bonus_are_not(tenant: Street) -> None:
    order = tenant.shopper(points_held=2_000, principal_fen=3_000, bonus_fen=500).paid(10_000)
    (invoice,) = order["invoices"]
    assert (invoice["seller"], invoice["url"], invoice["amount_fen"]) == ("木棉餐饮有限公司", LINK, 4_500 + 3_000)
    assert sorted(notes(invoice)) == ["积分抵扣的 ¥20.00 不开票", "赠金支付的 ¥5.00 不开票"]


def test_what_came_back_is_not_invoiced(tenant: Street) -> None:
    shopper = tenant.shopper(principal_fen=3_000)
    order = shopper.paid(10_000)
    assert give_back(tenant.staff("finance"), order["number"], amount_fen=4_000).status_code == 201
    assert [one["amount_fen"] for one in shopper.read(order["number"])["invoices"]] == [6_000]
    assert give_back(tenant.staff("finance"), order["number"]).status_code == 201
    assert shopper.read(order["number"])["invoices"] == []


def test_stored_value_that_was_invoiced_at_its_sale_is_not_invoiced_again(tenant: Street) -> None:
    invoiced_at_sale(tenant)
    order = tenant.shopper(principal_fen=3_000).paid(10_000)
    (invoice,) = order["invoices"]
    assert (invoice["amount_fen"], notes(invoice)) == (7_000, ["储值卡支付的 ¥30.00 已在购卡或充值时开票"])


def test_where_nothing_is_left_to_invoice_nobody_is_sent_to_ask(tenant: Street) -> None:
    invoiced_at_sale(tenant)
    placed = tenant.shopper(principal_fen=10_000).ordered(10_000)["order"]
    (invoice,) = placed["invoices"]
    assert (placed["state"], invoice["amount_fen"], invoice["url"]) == ("paid", 0, None)


@pytest.mark.parametrize(("sold", "amount", "said"), [(False, 0, ["充值的 ¥1000.00 在消费时由商户开票"]), (True, 100_000, [])])
def test_a_recharge_is_invoiced_by_the_mall_or_at_its_use_and_never_both(street: Street, sold: bool, amount: int, said: list[str]) -> None:
    shopper = street.shopper()
    if sold:
        invoiced_at_sale(street)
    with street.inside():
        package = make_package()
    body = {"purchase": {"kind": "recharge", "package_id": package.id}, "channel": "wechat", "expected_fen": 100_000}
    number = shopper.send("post", "/v1/orders", body).json["order"]["number"]
    assert shopper.read(number)["invoices"] == []
    shopper.pays(number)
    street.due(ahead=10)
    (invoice,) = shopper.read(number)["invoices"]
    assert (invoice["shop_id"], invoice["amount_fen"], notes(invoice)) == (None, amount, said)


def test_a_tenant_without_a_page_is_asked_at_its_counter_also_by_somebody_without_membership(street: Street) -> None:
    order = street.payer().paid(2_000)
    (invoice,) = order["invoices"]
    with street.inside():
        shop = malls.shop(street.shop_id)
        assert (invoice["seller"], invoice["unit"], invoice["url"]) == (shop.name, shop.unit, None)
