"""When two sightings are one purchase."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from api.sales.same_purchase import KnownPurchase, PurchaseFacts, number_key, recognize

NOON = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
SLIP = PurchaseFacts("receipt", NOON, date(2026, 3, 1), True, 12_800, "A0123", None)
PAID = replace(SLIP, channel="payment", number_key=None, external_key="4200001")
ORDERED = replace(PAID, channel="plate", source="order")
LONG = replace(SLIP, number_key="20260301120001")


def seen(*sightings: PurchaseFacts) -> list[KnownPurchase]:
    return [KnownPurchase(number, [facts]) for number, facts in enumerate(sightings, 1)]


def choose(facts: PurchaseFacts, purchases: list[KnownPurchase]) -> int | None:
    recognized = recognize(facts, purchases)
    return recognized.purchase.sale_id if recognized is not None else None


@pytest.mark.parametrize(
    ("printed", "key"),
    [("No. 00-12３", "NO00123"), ("000123", "123"), ("a-12/b", "A12B"), ("", None), (None, None), ("000", None), ("单号", None)],
)
def test_a_number_is_compared_without_its_dress(printed, key) -> None:
    assert number_key(printed) == key


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (SLIP, SLIP),
        (replace(SLIP, paid_at=NOON + timedelta(minutes=2)), PAID),
        (replace(PAID, paid_fen=99), PAID),
        (replace(LONG, paid_fen=99, paid_at=NOON + timedelta(days=9), paid_on=date(2026, 3, 10)), LONG),
        (replace(SLIP, paid_fen=99, paid_at=NOON + timedelta(minutes=10)), SLIP),
        (replace(SLIP, minute_known=False, paid_at=NOON + timedelta(hours=5)), SLIP),
        (replace(SLIP, number_key=None, minute_known=False, paid_at=NOON - timedelta(hours=4)), PAID),
        (replace(SLIP, number_key=None), SLIP),
        (replace(PAID, channel="circle", external_key="998877"), PAID),
    ],
)
def test_these_are_one_purchase(new: PurchaseFacts, old: PurchaseFacts) -> None:
    assert choose(new, seen(old)) == 1
    assert choose(old, seen(new)) == 1


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (replace(SLIP, number_key="A0124"), SLIP),
        (replace(SLIP, number_key=None, paid_at=NOON + timedelta(minutes=4)), PAID),
        (replace(SLIP, number_key=None, paid_fen=12_801), PAID),
        (replace(PAID, external_key="4200002"), PAID),
        (replace(ORDERED, channel="charge", external_key="4200002"), ORDERED),
        (replace(SLIP, paid_at=NOON + timedelta(days=1), paid_on=date(2026, 3, 2)), SLIP),
        (replace(SLIP, paid_fen=99, paid_at=NOON + timedelta(hours=2)), SLIP),
    ],
)
def test_these_are_two_purchases(new: PurchaseFacts, old: PurchaseFacts) -> None:
    assert choose(new, seen(old)) is None
    assert choose(old, seen(new)) is None


def test_of_two_equal_payments_the_slip_takes_the_nearest() -> None:
    late = replace(PAID, external_key="4200002", paid_at=NOON + timedelta(minutes=2))
    assert choose(replace(SLIP, paid_at=NOON + timedelta(minutes=2)), seen(PAID, late)) == 2


def test_a_second_slip_takes_the_payment_that_has_no_slip_yet() -> None:
    first = KnownPurchase(1, [PAID, SLIP])
    second = KnownPurchase(2, [replace(PAID, external_key="4200002", paid_at=NOON + timedelta(minutes=1))])
    assert choose(replace(SLIP, number_key="A0124"), [first, second]) == 2
    assert choose(replace(SLIP, number_key=None), [first, second]) == 2
