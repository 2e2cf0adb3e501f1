"""Whatever is recharged, used, given back and paid out, in whatever order: the ledger sums to zero and bonus never leaves as money."""

from __future__ import annotations

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.kit import db
from api.kit.db import session
from api.wallet import service as wallet
from api.wallet.errors import CardBalanceTooLow, PutBackTooLarge, RechargeSpent
from api.wallet.service import Drawn, Funds, card_requests
from tests.factories import make_member, make_shop
from tests.trials import trials
from tests.wallet.conftest import Holder, books_agree

ORDERS = ("principal_first", "bonus_first", "proportional")
EXAMPLES = trials(200)

steps = st.one_of(
    st.tuples(st.just("recharge"), st.integers(1, 9_000), st.integers(0, 3_000)),
    st.tuples(st.just("pay"), st.integers(1, 12_000), st.sampled_from(range(3))),
    st.tuples(st.just("put back"), st.integers(0, 6_000), st.integers(0, 2_000)),
    st.tuples(st.just("take out"), st.integers(0, 20), st.just(0)),
    st.tuples(st.just("release"), st.integers(0, 20), st.just(0)),
    st.tuples(st.just("replace"), st.just(0), st.just(0)),
)


class World:
    """What one member did, and what it must come to."""

    def __init__(self) -> None:
        self.holder = Holder(make_member().id, make_shop().id)
        self.recharged: list[int] = []
        self.paid: list[int] = []
        self.money_in = self.money_out = 0
        self.number = itertools.count(1)

    def run(self, what: str, first: int, second: int) -> None:
        """One step; what the room refuses changes nothing."""
        try:
            with session.begin_nested():
                getattr(self, what.replace(" ", "_"))(first, second)
        except (CardBalanceTooLow, PutBackTooLarge, RechargeSpent):
            session.expire_all()

    def recharge(self, principal: int, bonus: int) -> None:
        self.recharged.append(self.holder.recharges(principal, bonus))
        self.money_in += principal

    def pay(self, amount: int, order: int) -> None:
        if sum(self.holder.holds):
            self.paid.append(self.holder.pays(amount, ORDERS[order]))

    def put_back(self, principal: int, bonus: int) -> None:
        if self.paid and principal + bonus:
            (card_id, *_), *_ = ((draw.card_id,) for draw in wallet.draws_of("order_hold", self.paid[-1]))
            wallet.put_back([Drawn(card_id, principal, bonus)], cause_type="order_refund", cause_id=next(self.number), of_id=self.paid[-1])

    def take_out(self, which: int, _: int) -> None:
        if self.recharged:
            order_id = self.recharged[which % len(self.recharged)]
            done = wallet.recharge_of(order_id)
            assert done is not None
            before = done.out_fen
            self.money_out += wallet.refund_recharge(order_id).principal_fen - before

    def release(self, which: int, _: int) -> None:
        if self.paid:
            order_id = self.paid[which % len(self.paid)]
            wallet.release("order_hold", order_id, undo_type="order_release", undo_id=order_id)

    def replace(self, *_: int) -> None:
        held = wallet.funds(self.holder.id)
        if held:
            asked = card_requests.propose(held[0].card_id, "replace", why="lost", by="staff:1")
            if asked.state == "proposed":
                card_requests.approve(asked.id, by="staff:2")


@given(st.lists(steps, min_size=1, max_size=14))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_bonus_never_becomes_money_and_the_books_agree(app, mall: int, story: list[tuple[str, int, int]]) -> None:
    with db.unit_of_work(mall):
        world = World()
        for step in story:
            world.run(*step)
        books_agree()
        assert 0 <= world.money_out <= world.money_in
        for one in wallet.funds(world.holder.id):
            assert one.principal_fen >= 0 and one.bonus_fen >= 0


cards = st.lists(
    st.builds(
        Funds, card_id=st.integers(1, 9), number_masked=st.just(""), kind=st.just("electronic"), principal_fen=st.integers(0, 10**6),
        bonus_fen=st.integers(0, 10**6), expires_on=st.none(), shop_ids=st.none(), refusal=st.sampled_from([None, None, "frozen"]),
        bonus_most_bp=st.sampled_from([10_000, 3_000, 0]),
    ),
    max_size=5,
    unique_by=lambda one: one.card_id,
)  # fmt: skip


@given(cards, st.integers(0, 3 * 10**6), st.sampled_from(ORDERS))
@settings(max_examples=500)
def test_a_split_takes_what_it_can_and_never_more_than_there_is(held: list[Funds], amount: int, order: str) -> None:
    drawn = {one.card_id: one for one in wallet.spread(held, amount, order)}
    assert sum(one.principal_fen + one.bonus_fen for one in drawn.values()) <= amount
    for one in held:
        taken = drawn.get(one.card_id, Drawn(one.card_id, 0, 0))
        assert 0 <= taken.principal_fen <= one.principal_fen
        assert 0 <= taken.bonus_fen <= min(one.bonus_fen, amount * one.bonus_most_bp // 10_000)
        assert one.refusal is None or taken == (one.card_id, 0, 0)
    able = sum(one.principal_fen + one.bonus_fen for one in held if one.refusal is None and one.bonus_most_bp == 10_000)
    assert sum(one.principal_fen + one.bonus_fen for one in drawn.values()) >= min(amount, able)
