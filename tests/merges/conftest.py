"""Two memberships that are one person's, in a mall where points count at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Owner
from api.merges import service as merges
from api.merges.models import Merge
from api.points.models import Batch
from tests.factories import lay_points_rules, make_member, make_shop
from tests.points.conftest import Shopper, set_policy

ONE, OTHER = "staff:1", "staff:2"
ASSETS = (Asset.POINTS, Asset.POINTS_PENDING, Asset.GROWTH)


@dataclass
class Pair:
    """The one that is folded, and the one that stays."""

    source: Shopper
    target: Shopper

    def merge(self, *, phone_of_source: bool = False) -> Merge:
        """By two people."""
        asked = merges.propose(self.source.id, self.target.id, phone_of_source=phone_of_source, why="the same person", by=ONE)
        return merges.approve(asked.id, by=OTHER)

    def undo(self, merge: Merge) -> Merge:
        """By two people."""
        merges.propose_undo(merge.id, why="two persons after all", by=ONE)
        return merges.approve_undo(merge.id, by=OTHER)

    def holds(self) -> list[dict[str, int]]:
        """Every balance of both."""
        return [
            {str(asset): amount for asset, amount in ledger.balances(Owner("member", one.id), ASSETS).items()}
            for one in (self.source, self.target)
        ]

    def batches(self) -> list[tuple[int, int, int, int]]:
        """Every batch of both: whose, how many, how many left, how many expired."""
        session.flush()
        columns = (Batch.id, Batch.member_id, Batch.left_points, Batch.expired_points)
        both = Batch.member_id.in_([self.source.id, self.target.id])
        return [tuple(row) for row in session.execute(select(*columns).where(both).order_by(Batch.id))]  # type: ignore[misc]


def books_agree(pair: Pair) -> None:
    """The ledger balances, and batches hold what accounts say."""
    session.flush()
    assert ledger.prove() == []
    for one in (pair.source, pair.target):
        assert one.left == max(0, one.balance)


def make_pair() -> Pair:
    shop_id = make_shop().id
    return Pair(Shopper(make_member().id, shop_id), Shopper(make_member().id, shop_id))


@pytest.fixture
def pair(inside: int) -> Iterator[Pair]:
    """Two members of one mall; afterwards the books must balance."""
    lay_points_rules()
    set_policy(return_window_days=0)
    made = make_pair()
    yield made
    books_agree(made)
