"""One member's orders, refunds and cards moved by many hands at once: whatever the locks cost, nobody is told of a deadlock."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import event

from api.checkout.service import orders, placement, quotes, refunds
from api.kit import db
from api.kit import jobs as kit
from api.kit.errors import Problem
from api.malls import service as malls
from api.points import service as points
from api.points.service import awards
from api.wallet import service as wallet
from api.wallet.service import card_lifecycle
from tests.factories import make_rule
from tests.simulation import books
from tests.simulation.world import World
from tests.trials import trials

HANDS = 4


@contextmanager
def deadlocks() -> Iterator[Counter[str]]:
    """How often the database found one."""
    seen: Counter[str] = Counter()

    def note(context: Any) -> None:
        if isinstance(context.original_exception, (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable)):
            seen[type(context.original_exception).__name__ + " " + str(context.statement)[:60].replace("\n", " ")] += 1

    event.listen(db.engine(), "handle_error", note)
    try:
        yield seen
    finally:
        event.remove(db.engine(), "handle_error", note)


class Hands:
    """What may happen at once to one member."""

    def __init__(self, world: World) -> None:
        self.world, self.member = world, world.members[0]
        self.surfaced: list[str] = []
        self.chance = random.Random(world.seed)
        with db.unit_of_work(world.mall):
            malls.change_policy({"return_window_days": 0, "refund_limit_fen": 10_000_000}, by="t", why="t")
            for place, shop_id in enumerate(world.shops):
                make_rule("cap", f"cap-{place}", period="day", max_points=10**8, per="member", conditions={"shops": [shop_id]})
            points.grant(self.member.member_id or 0, 10_000_000, cause_type="t", cause_id=1)
            wallet.recharge(77, self.member.member_id or 0, principal_fen=400_000, bonus_fen=100_000)

    def do(self, verb: Callable[[random.Random], None], chance: random.Random) -> None:
        try:
            verb(chance)
        except Problem:
            pass
        except Exception as error:
            self.surfaced.append(f"{verb.__name__}: {type(error).__name__}: {error}"[:300])

    def orders(self, state: str) -> list[Any]:
        return self.world.rows("SELECT id, number, payment_id FROM orders WHERE mall_id = %s AND state = %s ORDER BY id", state)

    def by_value(self, chance: random.Random) -> None:
        """A purchase that points and cards pay alone, at one shop or both."""
        basket = self.world.basket_of_both()

        def work() -> None:
            quoted = quotes.quote(basket, self.member.member_id)
            placement.order(basket, self.member.who, expected_fen=quoted.gateway_fen, channel="wechat")

        db.in_mall(self.world.mall, work)

    def by_wallet(self, chance: random.Random) -> None:
        """A purchase that points and a wallet pay."""
        basket = self.world.basket_of_both()

        def work() -> None:
            choice = {"points": 100 * chance.randint(0, 3), "card_ids": []}
            quoted = quotes.quote(basket, self.member.member_id, choice)
            placement.order(basket, self.member.who, expected_fen=quoted.gateway_fen, choice=choice, channel="alipay")

        db.in_mall(self.world.mall, work)

    def found_paid(self, chance: random.Random) -> None:
        """The phone pays, and the gateway is asked."""
        held = self.orders("held")
        if held:
            _, _, payment_id = chance.choice(held)
            number = self.world.rows("SELECT number, channel FROM payments WHERE mall_id = %s AND id = %s", payment_id)
            for name, channel in number:
                self.world.sides[channel].sim("pay", out_trade_no=name)
            kit.app.tasks["payments.ask_payment"].func(mall_id=self.world.mall, payment_id=payment_id)

    def refund(self, chance: random.Random) -> None:
        paid = self.orders("paid")
        if paid:
            order_id, _, _ = chance.choice(paid)

            def work() -> None:
                refunds.by_office(orders.read(order_id), refunds.Wanted(amount_fen=chance.randint(1, 500)), by="staff", reason="x")

            db.in_mall(self.world.mall, work)

    def cancel(self, chance: random.Random) -> None:
        held = self.orders("held")
        if held:
            with db.unit_of_work(self.world.mall):
                placement.give_up(orders.by_number(chance.choice(held)[1]), by="t", reason="cancelled")

    def activate(self, chance: random.Random) -> None:
        db.in_mall(self.world.mall, lambda: awards.activate_due())

    def replace_card(self, chance: random.Random) -> None:
        cards = self.world.rows("SELECT id FROM cards WHERE mall_id = %s AND state = 'active' AND member_id = %s", self.member.member_id)
        if cards and chance.random() < 0.2:
            db.in_mall(self.world.mall, lambda: card_lifecycle.replace(card_lifecycle.hold(chance.choice(cards)[0]), None, by="t", why="t"))

    def take_out(self, chance: random.Random) -> None:
        with db.unit_of_work(self.world.mall):
            wallet.preview_recharge_refund(77)

    def work(self, chance: random.Random) -> None:
        found = self.world.due()
        if found:
            self.world.work(chance.choice(found))

    def verbs(self) -> list[Callable[[random.Random], None]]:
        return [
            self.by_value, self.by_value, self.by_wallet, self.by_wallet, self.found_paid, self.found_paid, self.found_paid,
            self.refund, self.refund, self.refund, self.cancel, self.activate, self.replace_card, self.take_out, self.work,
        ]  # fmt: skip


def test_nobody_is_told_of_a_deadlock(world_of: Callable[[int], World], figure: Callable[[str], None]) -> None:
    world = world_of(900_001)
    world.calm = True
    hands = Hands(world)
    guard = threading.Lock()
    rows = world.rows

    def one_at_a_time(sql: str, *arguments: Any) -> list[Any]:
        with guard:
            return rows(sql, *arguments)

    world.rows = one_at_a_time  # type: ignore[method-assign]

    def act(hand: int) -> None:
        chance = random.Random(hand)
        for _ in range(trials(400) // HANDS):
            hands.do(chance.choice(hands.verbs()), chance)

    with deadlocks() as seen:
        threads = [threading.Thread(target=act, args=(hand,)) for hand in range(HANDS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    world.quieten()
    books.check(world)
    assert (hands.surfaced, world.violations) == ([], [])
    figure(f"{trials(400)} acts of {HANDS} hands on one member, {sum(seen.values())} deadlocks met, 0 told")
