"""What partners hear of a real purchase through a simulated wallet, and what it costs the hot path."""

from __future__ import annotations

import json
import sys
from typing import Any

from api.kit import clock, db
from api.partners import service as partners
from api.payments import service as payments
from tests.checkout.conftest import Street, address, street  # noqa: F401 - fixtures
from tests.checkout.test_paying import late
from tests.checkout.test_statements import told as told_of
from tests.partners.conftest import ALL, Receiver
from tests.payments.conftest import _alipay, _wechat, run_due  # noqa: F401 - fixtures
from tests.receipts.conftest import World, slip, world  # noqa: F401 - fixtures


def listen(street: Street, url: str, events: list[str] = ALL) -> None:  # noqa: F811
    with street.inside():
        partners.add(name="CRM", url=url, shop_id=None, events=events, by="test")


def heard(receiver: Receiver) -> dict[str, dict[str, Any]]:
    return {told["type"]: told["data"] for told in (json.loads(letter.body) for letter in receiver.letters)}


def test_a_purchase_and_its_refund_are_told_from_end_to_end(street: Street, receiver: Receiver) -> None:  # noqa: F811
    listen(street, receiver.url)
    shopper = street.shopper()
    order = shopper.paid(12_800)
    street.due()
    told = heard(receiver)
    assert set(told) == {"payment.paid", "sale.recorded"}
    number = order["number"]
    paid, sale = told["payment.paid"], told["sale.recorded"]
    assert (paid["amount_fen"], paid["channel"], paid["order_no"]) == (12_800, "wechat", number)
    assert (sale["paid_fen"], sale["channel"], sale["order_no"]) == (12_800, "plate", number)
    assert paid["shop"] == sale["shop"] and paid["member"] == sale["member"] == paid["member"]
    desk = street.staff("finance")
    given = desk.send("post", f"/v1/office/orders/{number}/refunds", {"amount_fen": 2_800, "reason": "退货"})
    assert given.status_code == 201, given.json
    for ahead in (0, 6, 40):
        street.due(ahead=ahead)
    told = heard(receiver)
    assert set(told) == {"payment.paid", "sale.recorded", "sale.refunded", "refund.done"}
    back = told["sale.refunded"]
    assert (back["amount_fen"], back["refunded_fen"], back["paid_fen"], back["sale_id"]) == (2_800, 2_800, 12_800, sale["sale_id"])
    assert (told["refund.done"]["amount_fen"], told["refund.done"]["payment_no"]) == (2_800, paid["payment_no"])
    assert len(receiver.letters) == 4
    everything = " ".join(letter.body.decode() for letter in receiver.letters)
    assert street.wechat.payer("li-lei") not in everything and "138" not in everything.replace(number, "")


def test_money_that_goes_back_because_it_came_too_late_is_told_when_the_wallet_has_given_it(
    street: Street,  # noqa: F811
    receiver: Receiver,
) -> None:
    shopper = street.shopper(points_held=1_000)
    number = shopper.ordered(10_000)["order"]["number"]
    payment = street.payment_of(number)
    late(street, payment, between=lambda: shopper.paid(20_000))
    listen(street, receiver.url)
    with street.inside():
        assert [refund.amount_fen for refund in payments.refunds_of(payment.id)] == [payment.amount_fen]
    for ahead in (6, 40):
        street.due(ahead=ahead)
    told = heard(receiver)
    assert set(told) == {"refund.done"} and told["refund.done"]["payment_no"] == payment.number


def test_money_that_arrives_twice_told_by_the_gateway_is_told_once(street: Street, receiver: Receiver) -> None:  # noqa: F811
    listen(street, receiver.url, ["payment.paid"])
    shopper = street.shopper(points_held=1_000)
    number = shopper.ordered(10_000)["order"]["number"]
    payment = street.payment_of(number)
    late(street, payment, between=lambda: shopper.paid(20_000))
    with street.inside():
        payments.ask(payment.id)
    street.due(ahead=6)
    told = [json.loads(letter.body)["data"] for letter in receiver.letters]
    assert [one["payment_no"] for one in told].count(payment.number) == 1 and len(told) == 2


def test_value_alone_is_a_sale_and_no_payment(street: Street, receiver: Receiver) -> None:  # noqa: F811
    listen(street, receiver.url)
    shopper = street.shopper(principal_fen=20_000)
    shopper.ordered(5_000)
    street.due()
    assert set(heard(receiver)) == {"sale.recorded"}


def test_a_receipt_is_told_as_a_sale(world: World, receiver: Receiver, settings: Any) -> None:  # noqa: F811
    with db.unit_of_work(world.mall):
        partners.add(name="CRM", url=receiver.url, shop_id=None, events=ALL, by="test")
    receipt = world.read(world.member(), slip())
    assert receipt.state == "scored"
    run_due(settings, clock.now())
    (letter,) = receiver.letters
    told = json.loads(letter.body)["data"]
    assert (told["channel"], told["paid_fen"], told["order_no"]) == ("receipt", receipt.paid_fen, None)


def settled(where: Street, statements: Any, person: str) -> list[str]:
    """The statements of settling one more payment by plate."""
    shopper = where.shopper(person)
    number = shopper.ordered(5_000)["order"]["number"]
    payment = where.payment_of(number)
    where.wechat.sim("pay", out_trade_no=payment.number, notify=False)
    with statements() as seen, where.inside():
        payments.ask(payment.id)
    assert shopper.read(number)["state"] == "paid"
    return list(seen)


def test_partners_cost_the_hot_path_one_statement_and_nothing_while_nobody_listens(
    street: Street,  # noqa: F811
    statements: Any,
) -> None:
    settled(street, statements, "li-lei")  # what a process reads once
    without = settled(street, statements, "han-meimei")
    listen(street, "http://localhost:9/", ["refund.done"])
    elsewhere = settled(street, statements, "wang-wei")
    listen_all(street)
    listened = settled(street, statements, "lin-tao")
    sys.stdout.write(f"\nsettling: {len(without)} statements, with partners {len(listened)}\n")
    assert len(listened) == len(without) + 1, told_of(listened)
    assert len(elsewhere) == len(without)
    assert not [text for text in without + elsewhere if "partner_events (" in text or "partner_endpoints" in text]
    assert len(listened) <= 25


def listen_all(street: Street) -> None:  # noqa: F811
    with street.inside():
        partners.add(name="till", url="http://localhost:9/", shop_id=None, events=ALL, by="test")
