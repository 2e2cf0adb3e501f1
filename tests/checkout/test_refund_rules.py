"""How a refund is divided over shares and given back tender by tender, as arithmetic; no order, no database."""

from __future__ import annotations

from typing import Any

import pytest

from api.checkout import errors
from api.checkout.mix import Tender
from api.checkout.models import Order, OrderLine, OrderRefund, OrderShare
from api.checkout.service.orders import Content
from api.checkout.service.refunds import Wanted, _allocate, _as_seen_by_kind, _of_shop
from api.purchases.baskets import Refund, RefundedCell


def share(share_id: int, tender: Tender, fen: int, *, line: int = 0, back: int = 0, source_id: int | None = None) -> OrderShare:
    return OrderShare(
        id=share_id, order_id=1, line=line, tender=str(tender), source_id=source_id, amount_fen=fen, refunded_fen=back, bearers=()
    )


POINTS = share(1, Tender.POINTS, 1_000)
BONUS = share(2, Tender.BONUS, 500, source_id=11)
PRINCIPAL = share(3, Tender.PRINCIPAL, 1_500, source_id=11)
MONEY = share(4, Tender.GATEWAY, 3_000)
DRINKS = share(5, Tender.GATEWAY, 2_000, line=1)
SHARES = [POINTS, BONUS, PRINCIPAL, MONEY, DRINKS]


def divided(wanted: Wanted, *shares: OrderShare) -> list[tuple[int, int]]:
    return [(part.id, fen) for part, fen in _allocate(shares or SHARES, wanted)]


def test_everything_comes_back_where_nothing_is_said() -> None:
    assert divided(Wanted()) == [(4, 3_000), (5, 2_000), (3, 1_500), (2, 500), (1, 1_000)]


def test_an_amount_is_divided_by_what_is_left_of_each_share() -> None:
    assert divided(Wanted(amount_fen=4_000)) == [(4, 1_500), (5, 1_000), (3, 750), (2, 250), (1, 500)]
    half_back = share(4, Tender.GATEWAY, 3_000, back=2_000)
    assert divided(Wanted(amount_fen=1_000), half_back, PRINCIPAL) == [(4, 400), (3, 600)]
    assert divided(Wanted(amount_fen=8_000)) == divided(Wanted())


def test_a_fen_that_cannot_be_divided_comes_back_in_money_first() -> None:
    assert divided(Wanted(amount_fen=1)) == [(4, 1)]
    twins = [share(7, Tender.GATEWAY, 100), share(6, Tender.GATEWAY, 100), share(5, Tender.POINTS, 100)]
    assert divided(Wanted(amount_fen=1), *twins) == [(6, 1)]
    assert divided(Wanted(amount_fen=2), *twins) == [(6, 1), (7, 1)]


def test_a_line_comes_back_whole_or_by_an_amount() -> None:
    assert divided(Wanted(lines=(1,))) == [(5, 2_000)]
    assert divided(Wanted(lines=(0, 1))) == divided(Wanted())
    assert divided(Wanted(lines=(0,), amount_fen=600)) == [(4, 300), (3, 150), (2, 50), (1, 100)]


def test_a_line_that_there_is_not_or_that_came_back_is_named() -> None:
    for lines, missing in (((0, 9, 7), 7), ((1,), 1)):
        with pytest.raises(errors.RefundLineUnknown) as refused:
            _allocate([MONEY, share(5, Tender.GATEWAY, 2_000, line=1, back=2_000)], Wanted(lines=lines))
        assert refused.value.facts == {"line": missing}


@pytest.mark.parametrize(
    ("wanted", "left_fen"),
    [(Wanted(amount_fen=8_001), 8_000), (Wanted(lines=(1,), amount_fen=2_001), 2_000)],
)
def test_more_than_is_left_is_refused_with_what_is_left(wanted: Wanted, left_fen: int) -> None:
    with pytest.raises(errors.OrderRefundTooLarge) as refused:
        _allocate(SHARES, wanted)
    assert refused.value.facts == {"left_fen": left_fen}


def test_nothing_is_left_of_an_order_that_came_back() -> None:
    with pytest.raises(errors.OrderRefundTooLarge) as refused:
        _allocate([share(4, Tender.GATEWAY, 3_000, back=3_000)], Wanted())
    assert refused.value.facts == {"left_fen": 0}


def test_what_was_asked_is_kept_with_the_refund() -> None:
    assert Wanted().stored() == {"lines": None, "amount_fen": None}
    assert Wanted((0, 2), 500).stored() == {"lines": [0, 2], "amount_fen": 500}


def test_a_kind_sees_what_comes_back_of_which_line_and_source() -> None:
    seen = _as_seen_by_kind(OrderRefund(id=8, amount_fen=1_000), [(PRINCIPAL, 400), (DRINKS, 600)])
    assert seen == Refund(8, 1_000, (RefundedCell(0, "stored_principal", 11, 400), RefundedCell(1, "gateway", None, 600)))


@pytest.mark.parametrize(
    ("shop_id", "wanted", "reached"),
    [
        (3, Wanted(), Wanted((0, 2), None)),
        (3, Wanted(amount_fen=500), Wanted((0, 2), 500)),
        (3, Wanted((2,), 500), Wanted((2,), 500)),
        (4, Wanted(), Wanted((1,), None)),
    ],
)
def test_a_shop_reaches_only_its_own_lines_of_an_order_of_several(shop_id: int, wanted: Wanted, reached: Wanted) -> None:
    lines: list[Any] = [OrderLine(line=number, shop_id=seller) for number, seller in enumerate((3, 4, 3))]
    assert _of_shop(Order(shop_id=None), Content(lines, []), shop_id, wanted) == reached


def test_a_shop_that_names_another_ones_line_is_refused() -> None:
    lines: list[Any] = [OrderLine(line=number, shop_id=seller) for number, seller in enumerate((3, 4, 3, 5))]
    with pytest.raises(errors.RefundLineUnknown) as refused:
        _of_shop(Order(shop_id=None), Content(lines, []), 3, Wanted((1, 2, 3), 500))
    assert refused.value.facts == {"line": 1}


def test_a_shop_reaches_all_of_an_order_that_is_its_own() -> None:
    assert _of_shop(Order(shop_id=3), Content([], []), 3, Wanted((0,), 5)) == Wanted((0,), 5)
