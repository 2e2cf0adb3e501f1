"""How many statements the hot paths take. A path that grows is found here before it is felt at the till."""

from __future__ import annotations

import sys
import time
from collections import Counter

from api.payments import service as payments
from tests.checkout.conftest import Street


def told(seen: list[str]) -> str:
    """What ran, for the message of a failure."""
    return "\n".join(f"{count} × {' '.join(text.split())[:110]}" for text, count in Counter(seen).most_common())


def test_a_plate_payment_takes_few_statements_from_the_button_to_the_points(street: Street, statements) -> None:
    """What a member's purchase by one wallet takes: the quote, then at most 40 for order, notice (at most 15) and settling (at most 25)."""
    shopper = street.shopper()
    shopper.paid(100)  # the account's keys are read once a process
    figures, told_of = {}, {}
    with statements() as seen:
        shopper.quote(12_800)
    figures["quote"] = len(seen)
    with statements() as seen:
        answer = shopper.send("post", "/v1/orders", shopper.basket(12_800, channel="wechat", expected_fen=12_800))
    assert answer.status_code == 201
    figures["order"], told_of["order"] = len(seen), told(seen)
    payment = street.payment_of(answer.json["order"]["number"])
    with statements() as seen:
        street.wechat.sim("pay", out_trade_no=payment.number)
        while not any(letter["acknowledged"] for letter in street.wechat.letters(payment.number)):
            time.sleep(0.02)
    figures["notice"], told_of["notice"] = len(seen), told(seen)
    with street.inside():
        notice = payments.notices(number=None).items[0]
    with statements() as seen, street.inside():
        payments.handle(notice.id)
    figures["settle"], told_of["settle"] = len(seen), told(seen)
    assert shopper.read(answer.json["order"]["number"])["points"] == 128
    sys.stdout.write(f"\nstatements: {figures}\n")
    assert figures["notice"] <= 15, told_of["notice"]
    assert figures["settle"] <= 25, told_of["settle"]
    assert figures["order"] + figures["notice"] + figures["settle"] <= 40, "\n---\n".join([str(figures), *told_of.values()])


def test_settling_every_tender_takes_few_statements(street: Street, statements) -> None:
    """Payment, ledger, sale and points of an order that points, a card with bonus and a wallet paid: at most 25."""
    shopper = street.shopper(points_held=2_000, principal_fen=3_000, bonus_fen=500)
    number = shopper.ordered(10_000)["order"]["number"]
    payment = street.payment_of(number)
    street.wechat.sim("pay", out_trade_no=payment.number, notify=False)
    with statements() as seen, street.inside():
        payments.ask(payment.id)
    assert shopper.read(number)["state"] == "paid"
    sys.stdout.write(f"\nsettling every tender: {len(seen)} statements\n")
    assert len(seen) <= 25, told(seen)
