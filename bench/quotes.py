"""A quote of 30 lines of 30 shops with every tender (points, and five cards with bonus, of which few shops take some) against one line.

`python -m bench.quotes [--small]` prints JSON: p50 and p95 in ms of both, the ratio, the statements of one quote. Each quote is a
transaction of its own inside a mall, on a durable server that this command starts and ends.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import timedelta

from api.checkout.mix import Line
from api.checkout.service.quotes import Quote, quote
from api.checkout.things import Basket
from api.kit import clock, db
from api.points import service as points
from api.wallet import service as wallet
from api.wallet.service import package_offers, products
from bench.figures import counted, load, percentile
from bench.street import Street, street

LINES, CARDS, QUOTES = 30, 5, 1_000
CARD_FEN, BONUS_FEN = 20_000, 2_000


def basket(place: Street, lines: int) -> Basket:
    """A line at each of so many shops; every fifth takes part in no benefit."""
    bought = (
        Line(f"货品 {number}", 4_000 + 137 * number, place.shops[number % len(place.shops)], "服饰", discountable=number % 5 != 4)
        for number in range(lines)
    )
    return Basket("plate", {}, "三十样", tuple(bought))


def endow(place: Street, member_id: int) -> None:
    """Points, and a card of each of five kinds, the first taken by all shops, the others by fewer. Together they cannot pay it all."""
    with db.unit_of_work(place.mall):
        points.grant(member_id, 30_000, cause_type="bench", cause_id=member_id)
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


def measure(count: int) -> dict[str, object]:
    """Quotes of both baskets in turn, so that a slow moment of the machine meets both."""
    busy = load()
    with street(shoppers=70) as place:
        member_id = place.members[-1]
        endow(place, member_id)
        baskets = {"one_line": basket(place, 1), "thirty_lines": basket(place, LINES)}

        def ask(name: str) -> Quote:
            return db.in_mall(place.mall, lambda: quote(baskets[name], member_id))

        took: dict[str, list[float]] = {name: [] for name in baskets}
        for number in range(count + 10):
            for name in baskets:
                began = time.perf_counter()
                quoted = ask(name)
                took[name] += [(time.perf_counter() - began) * 1000] if number >= 10 else []  # the first ones warm up
        statements = counted(lambda: ask("thirty_lines"))
    if {tender for _, tender, _, _ in quoted.shares} != {"gateway", "stored_principal", "stored_bonus", "points"}:
        raise SystemExit(f"the quote does not use every tender: {quoted.shares}")
    p50 = {name: percentile(times, 0.5) for name, times in took.items()}
    return {
        "bench": "quotes",
        "load_average": busy,
        "quotes_each": count,
        "lines": LINES,
        "cards_used": len(quoted.drawn),
        "shares": len(quoted.shares),
        "p50_ms": p50,
        "p95_ms": {name: percentile(times, 0.95) for name, times in took.items()},
        "thirty_lines_over_one": round(p50["thirty_lines"] / p50["one_line"], 2),
        "statements": statements,
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
