"""A mall with one point a yuan, a member and a shop, inside an open unit of work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from api.kit import clock, db
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Owner
from api.malls.models import Mall
from api.malls.service.mall import forget_mall_info
from api.points import service as points
from api.points.models import Award, Batch
from api.sales import service as sales
from tests.factories import lay_points_rules, make_claimed_sale, make_member, make_shop


def set_policy(**values: Any) -> None:
    """The entered mall's policy, from now on."""
    session.execute(update(Mall).where(Mall.id == db.mall()).values(policy=values))
    forget_mall_info()


@dataclass
class Shopper:
    """A member who buys in one shop."""

    id: int
    shop_id: int

    def buys(self, yuan: int, **given: Any) -> Award:
        """Buy and be awarded."""
        return points.earn(make_claimed_sale(self.id, **({"shop_id": self.shop_id, "paid_fen": yuan * 100} | given)), by="test")

    def returns(self, award: Award, yuan: int, number: int = 1) -> Any:
        """Give goods back for so much."""
        refund = sales.refund(award.sale_id, amount_fen=yuan * 100, source_type="test", source_id=award.id * 100 + number, at=clock.now())
        return points.take_back(refund.id, by="test")

    @property
    def balance(self) -> int:
        """The account, below zero when points are owed."""
        return ledger.balance(Owner("member", self.id), Asset.POINTS)

    @property
    def left(self) -> int:
        """What all batches hold."""
        return session.scalar(select(func.coalesce(func.sum(Batch.left_points), 0)).where(Batch.member_id == self.id)) or 0

    def batches(self) -> list[int]:
        """What each batch holds, oldest first."""
        return list(session.scalars(select(Batch.left_points).where(Batch.member_id == self.id).order_by(Batch.id)))


@pytest.fixture
def shopper(inside: int) -> Iterator[Shopper]:
    """Points count at once in this mall; afterwards the books must balance."""
    lay_points_rules()
    set_policy(return_window_days=0)
    made = Shopper(make_member().id, make_shop().id)
    yield made
    session.flush()
    assert ledger.prove() == []
    assert made.left == max(0, made.balance)


def days(number: float) -> timedelta:
    """So many days."""
    return timedelta(days=number)


def travel(at: datetime) -> None:
    """Be at another instant."""
    clock.fix(at)
