"""Acts that end a member, or limit a sum of it, against acts that add value to it: each pair at the same moment, in one table."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import func, select

from api.checkout.models import Order
from api.checkout.service import holds, orders
from api.checkout.states import OrderState
from api.kit import db
from api.kit.db import session
from api.kit.errors import Problem
from api.ledger import service as ledger
from api.ledger.service import Asset, Owner
from api.members import service as members
from api.members.states import MemberState
from api.merges import service as merges
from api.payments import service as payments
from api.points import service as points
from api.points.models import Adjustment
from api.points.states import AdjustmentState
from api.wallet import service as wallet
from api.wallet.models import Card
from api.wallet.service import card_lifecycle, card_stock
from api.wallet.states import CardState
from tests.checkout.conftest import Shopper, Street
from tests.factories import make_claimed_sale, make_member
from tests.ledger.test_service import together
from tests.races import meeting
from tests.simulation.test_locks import deadlocks
from tests.trials import SHARE, trials
from tests.wallet.test_cards import print_out

pytestmark = pytest.mark.attack

LIMIT = 1_000
Act = Callable[[], object]
_numbers = itertools.count(5_000_000)


@dataclass
class Race:
    """One pair of acts on members that are new each round."""

    street: Street
    cards: Iterator[tuple[str, str]] = field(default_factory=lambda: iter(()))

    def member(self) -> Shopper:
        """A fresh member whom both wallets know."""
        return self.street.shopper(f"person-{next(_numbers)}")


def ordered(race: Race, who: Shopper) -> str:
    return str(who.ordered(5_000)["order"]["number"])


def placing(race: Race, who: Shopper) -> Act:
    body = who.basket(5_000, channel="wechat", expected_fen=5_000)
    return lambda: who.send("post", "/v1/orders", body).status_code


def paying_by_value(race: Race, who: Shopper) -> Act:
    """The card is void or empty when the account is closed, so the points and the principal come from one recharge."""
    with race.street.inside():
        wallet.recharge(next(_numbers), who.id, principal_fen=5_000, bonus_fen=0)
    body = who.basket(5_000, expected_fen=0)
    return lambda: who.send("post", "/v1/orders", body).status_code


def recharging(race: Race, who: Shopper) -> Act:
    order_id = next(_numbers)
    return _inside(race, lambda: wallet.recharge(order_id, who.id, principal_fen=50_000, bonus_fen=5_000))


def settling(race: Race, who: Shopper) -> Act:
    payment = race.street.payment_of(ordered(race, who))
    race.street.wechat.sim("pay", out_trade_no=payment.number, notify=False)
    return _inside(race, lambda: payments.ask(payment.id))


def late_money(race: Race, who: Shopper) -> Act:
    """The order was given up, its payment was not: the money comes."""
    number = ordered(race, who)
    payment = race.street.payment_of(number)
    with race.street.inside():
        order, content = orders.lock_with_payments(orders.by_number(number))
        holds.close(order, content, by="test", reason="expired")
    race.street.wechat.sim("pay", out_trade_no=payment.number, notify=False)
    return _inside(race, lambda: payments.ask(payment.id))


def scoring(race: Race, who: Shopper) -> Act:
    """What a concluded receipt does: its sale is claimed and earns."""
    with race.street.inside():
        sale_id = make_claimed_sale(who.id, shop_id=race.street.shop_id, paid_fen=5_000)
    return _inside(race, lambda: points.earn(sale_id, by="receipts"))


def adjusting(race: Race, who: Shopper) -> Act:
    return _inside(race, lambda: points.adjust(who.id, 600, why="goodwill", by="staff:7"))


def rewarding(race: Race, who: Shopper) -> Act:
    cause = next(_numbers)
    return _inside(race, lambda: points.grant(who.id, 100, cause_type="registration", cause_id=cause))


def binding(race: Race, who: Shopper) -> Act:
    number, code = next(race.cards)
    with race.street.inside():
        line, slip = card_stock.SaleLine(number, 5_000), f"SLIP-{number}"
        card_stock.sell([line], paid_by="bank_card", reference=slip, buyer_kind="person", buyer=None, by=f"staff:{number}")
    return _inside(race, lambda: card_lifecycle.bind(who.id, number, code))


def closing(race: Race, who: Shopper) -> Act:
    return lambda: who.send("post", "/v1/me/closure", {}).status_code


def merging(race: Race, who: Shopper) -> Act:
    with race.street.inside():
        asked = merges.propose(who.id, make_member().id, phone_of_source=False, why="the same person", by="staff:1").id
    return _inside(race, lambda: merges.approve(asked, by="staff:2"))


def voiding(race: Race, who: Shopper) -> Act:
    """A card that was emptied; what comes back or is recharged goes elsewhere."""
    with race.street.inside():
        card_id = wallet.recharge(next(_numbers), who.id, principal_fen=100, bonus_fen=0)
        wallet.draw(who.id, [wallet.Drawn(card_id, 100, 0)], cause_type="test", cause_id=card_id)
    return _inside(race, lambda: card_lifecycle.void(card_lifecycle.hold(card_id), by="staff:1", why="lost"))


def _inside(race: Race, work: Act) -> Act:
    def run() -> object:
        db.in_mall(race.street.mall, work)
        return "done"

    return run


ADDS = (placing, paying_by_value, recharging, settling, late_money, scoring, adjusting, rewarding, binding)
#: These begin with a row that is there already, for which the other act waits before it asks for the member.
OF_ROWS, AT_ROWS = (settling, late_money, scoring), "FOR UPDATE"
PAIRS = [
    *((closing, adds) for adds in ADDS),
    *((merging, adds) for adds in ADDS),
    *((adjusting, adds) for adds in (adjusting, scoring, rewarding, paying_by_value)),
    *((voiding, adds) for adds in (recharging, binding)),
]


def violations(race: Race, who: Shopper) -> list[str]:
    """What must not be: value with a member who is gone, an order that waits for one, a limit that was passed, value on a void card."""
    with race.street.inside():
        member = members.of_any_state(who.id)
        owner = Owner("member", who.id)
        cards = list(session.scalars(select(Card).where(Card.member_id == who.id)))
        wrong = []
        if member.state != MemberState.ACTIVE:
            held = ledger.balances(owner, [Asset.POINTS, Asset.POINTS_PENDING])
            wrong += [f"{amount} {asset}" for asset, amount in held.items() if amount > 0]
            wrong += [f"{sum(wallet_held)} on a card" for card in cards if any(wallet_held := _on(card.id))]
            waiting = select(func.count()).select_from(Order).where(Order.member_id == who.id, Order.state == OrderState.HELD)
            wrong += ["an order waits"] if session.scalar(waiting) else []
        adjusted = select(func.sum(Adjustment.points)).where(Adjustment.member_id == who.id, Adjustment.state == AdjustmentState.POSTED)
        wrong += ["adjusted above the limit"] if (session.scalar(adjusted) or 0) > LIMIT else []
        wrong += ["value on a void card" for card in cards if card.state == CardState.VOID and any(_on(card.id))]
        return [f"{member.state}: {what}" for what in wrong]


def _on(card_id: int) -> tuple[int, ...]:
    return tuple(ledger.balances(Owner("card", card_id), [Asset.PRINCIPAL_FEN, Asset.BONUS_FEN]).values())


@pytest.mark.parametrize(("ends", "adds"), PAIRS, ids=lambda act: act.__name__)
def test_no_value_comes_to_a_member_who_is_gone_and_no_limit_is_passed(street: Street, figure: Any, ends: Any, adds: Any) -> None:
    rounds, wrong, met, crossed = trials(200 if SHARE >= 1 else 50), [], 0, 0
    place_of = "FROM cards" if ends is voiding else AT_ROWS if adds in OF_ROWS else "members"
    race = Race(street)
    if adds is binding:
        with street.inside():
            race.cards = iter([line for _ in range(-(-rounds // 100)) for line in print_out(min(rounds, 100))])
    for number in range(rounds):
        who = race.member()
        acts = [ends(race, who), adds(race, who)]
        with meeting(place_of, patience=0.5) as place, deadlocks() as dead:
            results = _at_once(acts if number % 2 else acts[::-1])
        met, crossed = met + place.met, crossed + sum(dead.values())
        wrong += violations(race, who)
        wrong += [repr(result)[:200] for result in results if isinstance(result, Exception) and not isinstance(result, Problem)]
        wrong += [f"answered {result}" for result in results if isinstance(result, int) and result >= 500]
    street.books_agree()
    figure(f"{ends.__name__} × {adds.__name__}: {rounds} rounds, {met} met, {crossed} deadlocks, {len(wrong)} violations")
    assert wrong == []
    assert met >= rounds // 2


def _at_once(acts: list[Act]) -> list[object]:
    results: list[object] = [None] * len(acts)

    def run(place: int) -> None:
        try:
            results[place] = acts[place]()
        except Exception as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_twelve_adjustments_at_once_on_a_fresh_member_stay_within_the_limit(street: Street, figure: Any) -> None:
    """Twelve of 800 points at once gave 8,000 where 1,000 was the limit."""
    rounds, wrong = trials(50), []
    for _ in range(rounds):
        with street.inside():
            member_id = make_member().id
        together(street.mall, 12, lambda n, member_id=member_id: points.adjust(member_id, 800, why="x", by=f"staff:{n}"))
        with street.inside():
            if (balance := ledger.balance(Owner("member", member_id), Asset.POINTS)) != 800:
                wrong.append(balance)
    figure(f"12 adjustments at once: {rounds} rounds, {len(wrong)} violations")
    assert wrong == []
