"""Limits by subject and person in a window, over HTTP: what was split below a limit counts together."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from api.kit import clock
from api.malls import service as malls
from api.wallet import service as wallet
from tests.checkout.conftest import Shopper, Street
from tests.conftest import bearer


def refund(clerk: Shopper, number: str, amount_fen: int) -> Any:
    answer = clerk.send("post", f"/v1/office/orders/{number}/refunds", {"amount_fen": amount_fen, "reason": "退货"})
    assert answer.status_code == 201, answer.json
    return answer.json["state"]


def test_limit_by_order_three_refunds_below_the_limit_are_one_large_one(street: Street) -> None:
    """¥3,000 of one order in three parts of ¥1,000, by one clerk of the service desk."""
    number = street.shopper().paid(300_000)["number"]
    desk = street.staff("service_desk")
    assert [refund(desk, number, 100_000) for _ in range(3)] == ["given", "waiting", "waiting"]
    street.books_agree()


def test_limit_by_person_and_day_refunds_of_many_orders_count_together(street: Street) -> None:
    shopper, desk, other = street.shopper(), street.staff("service_desk"), street.staff("service_desk")
    numbers = [shopper.paid(90_000 + extra)["number"] for extra in range(5)]
    assert [refund(desk, number, 90_000) for number in numbers[:4]] == ["given", "given", "given", "waiting"]
    assert refund(other, numbers[4], 90_000) == "given"
    street.books_agree()


def test_limit_by_member_and_day_payments_without_a_pin_count_together(street: Street) -> None:
    """Seven payments of ¥150 drained ¥1,050 without a PIN."""
    shopper = street.shopper(principal_fen=120_000)
    answers = [shopper.order(16_000 + extra) for extra in range(7)]
    assert [answer.status_code for answer in answers] == [201] * 3 + [403] * 4
    assert answers[-1].json["type"] == "/problems/pin-needed"
    clock.fix(clock.now() + timedelta(hours=24, seconds=1))
    fresh = Shopper(street, "li-lei", shopper.id, bearer("member", shopper.id, street.mall))
    assert fresh.order(15_000).status_code == 201
    street.books_agree()


def test_limit_by_member_and_day_codes_that_are_charged_count_with_payments(street: Street) -> None:
    """A clerk of a shop charges the pay code of one member again and again."""
    shopper, clerk = street.shopper(principal_fen=105_000), street.staff("shop_clerk", shop_id=street.shop_id)
    answers = []
    for extra in range(5):
        with street.inside():
            code = wallet.new_pay_code(shopper.id).code
        answers.append(clerk.charge(code, 15_000 + extra))
    assert [answer.status_code for answer in answers] == [201] * 3 + [403] * 2
    assert answers[-1].json["type"] == "/problems/pin-needed"
    street.books_agree()


def test_limit_by_person_and_day_a_clerk_charges_codes_up_to_a_sum(street: Street) -> None:
    clerk, other = (street.staff("shop_clerk", shop_id=street.shop_id) for _ in range(2))
    with street.inside():
        malls.change_policy({"charge_person_day_fen": 10_000}, by="test", why="a small sum")
    answers = []
    for person, who in (("li-lei", clerk), ("han-meimei", clerk), ("wang-wu", other)):
        shopper = street.shopper(person, principal_fen=20_000)
        with street.inside():
            code = wallet.new_pay_code(shopper.id).code
        answers.append(who.charge(code, 6_000))
    assert [answer.status_code for answer in answers] == [201, 403, 201]
    assert answers[1].json["type"] == "/problems/charge-limit-reached"
    assert not {"fen", "left", "used"} & set(answers[1].json)
    street.books_agree()
