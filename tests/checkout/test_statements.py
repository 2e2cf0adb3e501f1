"""How many statements the hot paths take. A path that grows is found here before it is felt at the till."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from api.payments import service as payments
from tests.checkout.conftest import Street


def told(seen: list[str]) -> str:
    """What ran, for the message of a failure."""
    return "\n".join(f"{count} × {' '.join(text.split())[:110]}" for text, count in Counter(seen).most_common())


def test_a_plate_payment_takes_few_statements_from_the_page_to_the_points(street: Street, statements) -> None:
    """A member's whole purchase by one wallet: page, quote (4), order, a look, notice (2), settling (14), a look: 37."""
    shopper = street.shopper(principal_fen=100)
    by_wallet = {"choose": {"points": 0, "card_ids": []}}
    shopper.paid(100, **by_wallet)  # accounts, keys and rules are read once a process
    figures, told_of = {}, {}

    @contextmanager
    def step(name: str) -> Iterator[None]:
        with statements() as seen:
            yield
        figures[name], told_of[name] = len(seen), told(seen)

    with step("page"):
        assert street.app.test_client().get(f"/v1/plates/{street.plate}").status_code == 200
    with step("quote"):
        shopper.quote(12_800)
    with step("order"):
        wanted = shopper.basket(12_800, channel="wechat", expected_fen=12_800, **by_wallet)
        answer = shopper.send("post", "/v1/orders", wanted)
    assert answer.status_code == 201, answer.json
    number = answer.json["order"]["number"]
    payment = street.payment_of(number)
    with step("look before"):
        assert shopper.read(number)["state"] == "held"
    with step("notice"):
        street.wechat.sim("pay", out_trade_no=payment.number)
        while not any(letter["acknowledged"] for letter in street.wechat.letters(payment.number)):
            time.sleep(0.02)
    with street.inside():
        notice = payments.notices(number=None).items[0]
    with step("settle"), street.inside():
        payments.handle(notice.id)
    with step("look after"):
        assert shopper.read(number)["points"] == 128
    sys.stdout.write(f"\nstatements: {figures}, {sum(figures.values())} in all\n")
    for name, most in (("quote", 4), ("notice", 2), ("settle", 14)):
        assert figures[name] <= most, told_of[name]
    assert sum(figures.values()) <= 37, "\n---\n".join([str(figures), *told_of.values()])


def test_settling_every_tender_takes_few_statements(street: Street, statements) -> None:
    """Payment, ledger, sale and points of an order that points, a card with bonus and a wallet paid: at most 19."""
    shopper = street.shopper(points_held=2_000, principal_fen=3_000, bonus_fen=500)
    number = shopper.ordered(10_000)["order"]["number"]
    payment = street.payment_of(number)
    street.wechat.sim("pay", out_trade_no=payment.number, notify=False)
    with statements() as seen, street.inside():
        payments.ask(payment.id)
    assert shopper.read(number)["state"] == "paid"
    sys.stdout.write(f"\nsettling every tender: {len(seen)} statements\n")
    assert len(seen) <= 19, told(seen)
