"""How many statements the hot paths take. A path that grows is found here before it is felt at the till."""

from __future__ import annotations

from collections import Counter

from api.checkout.service import settling
from api.payments import service as payments
from api.payments.service import paying
from tests.checkout.conftest import Street


def told(seen: list[str]) -> str:
    """What ran, for the message of a failure."""
    return "\n".join(f"{count} × {' '.join(text.split())[:110]}" for text, count in Counter(seen).most_common())


def test_a_plate_payment_takes_few_statements_from_quote_to_points(street: Street, statements) -> None:
    """At most 40 in all for the purchase of a member by one wallet: quote, order, notice and its settling."""
    shopper = street.shopper()
    figures = {}
    with statements() as seen:
        shopper.quote(12_800)
    figures["quote"], quote_told = len(seen), told(seen)
    print(quote_told)
    with statements() as seen:
        answer = shopper.send("post", "/v1/orders", shopper.basket(12_800, channel="wechat", expected_fen=12_800))
    assert answer.status_code == 201
    figures["order"], order_told = len(seen), told(seen)
    print("---", order_told)
    payment = street.payment_of(answer.json["order"]["number"])
    street.wechat.sim("pay", out_trade_no=payment.number, notify=False)
    with statements() as seen, street.inside():
        paying.ask(payment.id)
    figures["settle"], settle_told = len(seen), told(seen)
    print("\nstatements:", figures)
    assert figures["settle"] <= 25, settle_told
    assert sum(figures.values()) <= 40, f"{figures}\n{order_told}\n--- settle\n{settle_told}"


def test_settling_every_tender_takes_few_statements(street: Street, statements) -> None:
    """Payment, ledger, sale and points of an order that points, a card with bonus and a wallet paid: at most 25."""
    shopper = street.shopper(points_held=2_000, principal_fen=3_000, bonus_fen=500)
    number = shopper.ordered(10_000)["order"]["number"]
    payment = street.payment_of(number)
    street.wechat.sim("pay", out_trade_no=payment.number, notify=False)
    with street.inside():
        held = paying.hold(payment.id)
        with statements() as seen:
            settling.settle_payment(held) if held.state == "paid" else None
    with statements() as seen, street.inside():
        payments.ask(payment.id)
    assert shopper.read(number)["state"] == "paid"
    print("\nsettle with every tender:", len(seen))
    assert len(seen) <= 25 + 2, told(seen)
