"""A quote of 30 lines of 30 shops, and of 200 lines of 30 shops, with every tender (points, and five cards with bonus, of which few shops
take some) against one line; and the largest basket placed, paid by value and given back.

`python -m bench.quotes [--small]` prints JSON: p50 and p95 in ms of both, the ratio, the statements of one quote. Each quote is a
transaction of its own inside a mall, on a durable server that this command starts and ends.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from api.checkout.service import holds, orders, refunds, settlement
from api.checkout.service.quotes import Quote, quote
from api.kit import clock, db, states
from api.payments import service as payments
from api.payments.states import PaymentState
from api.points import service as points
from api.purchases.baskets import Basket, Line, Seller
from api.wallet import service as wallet
from api.wallet.service import package_offers, pins, products
from bench.figures import counted, load, percentile
from bench.street import Street, street

LINES, MANY, SHOPS, CARDS, QUOTES = 30, 200, 30, 5, 1_000
CARD_FEN, BONUS_FEN = 20_000, 2_000
PIN = "280619"


def basket(place: Street, lines: int) -> Basket:
    """So many lines, one shop after the other; every fifth takes part in no benefit."""
    bought = (
        Line(f"货品 {number}", 4_000 + 137 * (number % 30), Seller(place.shops[number % SHOPS]), "服饰", takes_benefits=number % 5 != 4)
        for number in range(lines)
    )
    return Basket("plate", {}, "三十样", tuple(bought))


def give_value(place: Street, member_id: int) -> None:
    """Points, and a card of each of five kinds, the first taken by all shops, the others by fewer. Together they cannot pay it all."""
    with db.unit_of_work(place.mall):
        points.grant(member_id, 30_000, cause_type="bench", cause_id=member_id)
        pins.set_pin(member_id, PIN)
        for number in range(CARDS):
            kind = products.make_product(
                by="bench", code=f"bench-{number}", title_zh="卡", title_en="Card", form="electronic", named=True, limit_fen=500_000,
                valid_years=None, bonus_most_bp=10_000 - 1_000 * number, shop_ids=place.shops[number :: number + 1] if number else None,
                invoice="at_use",
            )  # fmt: skip
            package = package_offers.make_package(
                by="bench", product_id=kind.id, title_zh="充", title_en="Recharge", pays_fen=CARD_FEN, bonus_fen=BONUS_FEN, bonus_bearer=0,
                member_limit=None, starts_at=clock.now() - timedelta(minutes=1), ends_at=None,
            )  # fmt: skip
            wallet.recharge(
                800_000 + number, member_id, principal_fen=CARD_FEN, bonus_fen=BONUS_FEN, package_id=package.id,
                gateway_account_id=place.account.id,
            )  # fmt: skip


def whole(place: Street, member_id: int, bought: Basket) -> dict[str, object]:
    """The basket placed, settled by its payment, and given back in whole: ms and statements of each."""
    took: dict[str, object] = {}

    def step(name: str, work: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        kept: list[Any] = []
        statements = counted(lambda: kept.append(db.in_mall(place.mall, work)))
        took[name] = {"ms": round((time.perf_counter() - began) * 1000, 1), "statements": statements}
        return kept[0]

    def place_it() -> tuple[int, int]:
        quoted = quote(bought, member_id)
        order, _ = holds.place(quoted, member_id=member_id, payer_id=None, placed_by="bench", proof={"pin": PIN})
        payment = payments.intend(
            channel="wechat", account=place.account, order_id=order.id, amount_fen=order.gateway_fen, description=order.title,
            payer_subject="bench", expires_at=clock.now() + timedelta(days=1),
        )  # fmt: skip
        order.payment_id, order.channel = payment.id, "wechat"
        states.move(payment, PaymentState.PLACED, by="bench", placed_at=clock.now(), placed_with={"prepay_id": "bench"})
        return order.id, payment.id

    def settle(payment_id: int) -> None:
        payment = payments.read(payment_id)
        states.move(payment, PaymentState.PAID, by="bench", paid_at=clock.now(), gateway_no="bench")
        settlement.settle_payment(payment)

    order_id, payment_id = step("place", place_it)
    step("settle", lambda: settle(payment_id))
    step("refund", lambda: refunds.by_office(orders.read(order_id), refunds.Wanted(), by="bench", reason="bench"))
    return took


def measure(count: int) -> dict[str, object]:
    """Quotes of both baskets in turn, so that a slow moment of the machine meets both."""
    busy = load()
    with street(shoppers=70) as place:
        member_id = place.members[-1]
        give_value(place, member_id)
        baskets = {"one_line": basket(place, 1), "thirty_lines": basket(place, LINES), "two_hundred_lines": basket(place, MANY)}

        def ask(name: str) -> Quote:
            return db.in_mall(place.mall, lambda: quote(baskets[name], member_id))

        took: dict[str, list[float]] = {name: [] for name in baskets}
        for number in range(count + 10):
            for name in baskets:
                began = time.perf_counter()
                quoted = ask(name)
                took[name] += [(time.perf_counter() - began) * 1000] if number >= 10 else []  # the first ones warm up
        statements = {name: counted(lambda name=name: ask(name)) for name in baskets}
        largest = whole(place, member_id, baskets["two_hundred_lines"])
    if {share.tender for share in quoted.shares} != {"gateway", "stored_principal", "stored_bonus", "points"}:
        raise SystemExit(f"the quote does not use every tender: {quoted.shares}")
    p50 = {name: percentile(times, 0.5) for name, times in took.items()}
    return {
        "bench": "quotes",
        "load_average": busy,
        "quotes_each": count,
        "lines": LINES,
        "cards_used": len({share.source_id for share in quoted.shares if share.source_id}),
        "shares": len(quoted.shares),
        "p50_ms": p50,
        "p95_ms": {name: percentile(times, 0.95) for name, times in took.items()},
        "thirty_lines_over_one": round(p50["thirty_lines"] / p50["one_line"], 2),
        "two_hundred_lines_over_one": round(p50["two_hundred_lines"] / p50["one_line"], 2),
        "statements": statements,
        "largest_basket": largest,
        "targets": {"p95_ms_of_thirty_lines": 50},
    }


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="30 quotes of each: does it run at all")
    small = parser.parse_args().small
    print(json.dumps(measure(30 if small else QUOTES), ensure_ascii=False))


if __name__ == "__main__":
    main()
