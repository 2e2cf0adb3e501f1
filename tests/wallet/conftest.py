"""A mall, a member with money on cards, and a shop; afterwards every book must agree."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select

from api.kit import clock, db
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Owner
from api.wallet import service as wallet
from api.wallet.models import BonusGrant, Card, RechargePackage
from api.wallet.service import Drawn, card_opening, package_offers
from tests.factories import make_member, make_shop

_orders = itertools.count(1_000)


def make_package(**given: Any) -> RechargePackage:
    """Pay ¥1,000, get ¥100 on top, borne by the mall, from now on."""
    kind = card_opening.standard_product()
    values = {"product_id": kind.id, "title_zh": "充千送百", "title_en": "1,000 + 100", "pays_fen": 100_000, "bonus_fen": 10_000}
    values |= {"bonus_bearer": 0, "member_limit": None, "starts_at": clock.now(), "ends_at": None}
    return package_offers.make_package(by="staff:1", **(values | given))


@dataclass
class Holder:
    """A member with stored value, who uses it in one shop."""

    id: int
    shop_id: int

    def recharges(self, principal_fen: int, bonus_fen: int = 0, **given: Any) -> int:
        """Pay for stored value; returns the order."""
        order_id = next(_orders)
        wallet.recharge(order_id, self.id, principal_fen=principal_fen, bonus_fen=bonus_fen, gateway_account_id=3, **given)
        return order_id

    def pays(self, amount_fen: int, order: str | None = None) -> int:
        """Use stored value for an order; returns it."""
        order_id = next(_orders)
        drawn = wallet.spread(wallet.funds(self.id), amount_fen, order)
        wallet.draw(self.id, drawn, cause_type="order_hold", cause_id=order_id, shop_id=self.shop_id)
        return order_id

    @property
    def card_id(self) -> int:
        """The oldest card."""
        return session.scalars(select(Card.id).where(Card.member_id == self.id).order_by(Card.id)).first() or 0

    @property
    def holds(self) -> tuple[int, int]:
        """Principal and bonus on all cards."""
        held = wallet.funds(self.id)
        return sum(one.principal_fen for one in held), sum(one.bonus_fen for one in held)


@pytest.fixture
def holder(inside: int) -> Iterator[Holder]:
    """A member without a card; afterwards the books must balance."""
    made = Holder(make_member().id, make_shop().id)
    yield made
    books_agree()


def books_agree() -> None:
    """The ledger balances, cards and mall owe each other nothing, grants hold what accounts say."""
    session.flush()
    assert ledger.prove() == []
    cards = session.scalars(select(Card.id)).all()
    held = ledger.running_balances("card", list(cards), [Asset.PRINCIPAL_FEN, Asset.BONUS_FEN])
    principal = sum(amount for (_, asset), amount in held.items() if asset == Asset.PRINCIPAL_FEN)
    assert principal == -ledger.balance(Owner("mall", db.mall()), Asset.PRINCIPAL_FEN)
    rows = session.execute(select(BonusGrant.card_id, func.sum(BonusGrant.left_fen)).group_by(BonusGrant.card_id))
    left = {row[0]: row[1] for row in rows}
    for card_id in cards:
        assert left.get(card_id, 0) == held.get((card_id, Asset.BONUS_FEN), 0)


def whole(holder: Holder, principal_fen: int, bonus_fen: int = 0) -> list[Drawn]:
    """A draw from the oldest card."""
    return [Drawn(holder.card_id, principal_fen, bonus_fen)]
