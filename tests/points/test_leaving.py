"""A member who closes the account lets every point go, and the books balance."""

from __future__ import annotations

from api.ledger import service as ledger
from api.ledger.service import Asset, Owner
from api.members.service import profile
from api.points import service as points
from tests.points.conftest import Shopper, set_policy


def pending(shopper: Shopper) -> int:
    return ledger.balance(Owner("member", shopper.id), Asset.POINTS_PENDING)


def test_spendable_and_pending_points_go_to_the_mall(shopper: Shopper) -> None:
    shopper.buys(30)
    set_policy(return_window_days=7)
    shopper.buys(20)
    assert points.forfeit(shopper.id) == 50
    assert (shopper.balance, shopper.left, pending(shopper)) == (0, 0, 0)


def test_closing_the_account_does_it_in_one_go(shopper: Shopper) -> None:
    shopper.buys(30)
    profile.close(shopper.id)
    assert (shopper.balance, shopper.left) == (0, 0)
    assert points.forfeit(shopper.id) == 0


def test_a_refund_after_closing_asks_for_nothing_that_has_gone_to_the_mall(shopper: Shopper) -> None:
    award = shopper.buys(30)
    profile.close(shopper.id)
    shopper.returns(award, 10)
    assert shopper.balance == 0
