"""What is not theirs, not any more, or no amount at all: refused by name, nothing changed, a line in the security log without a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from api.kit import clock, db
from api.plates import service as plates
from tests.checkout.conftest import Shopper, Street
from tests.conftest import owner_rows
from tests.factories import make_mall, make_shop
from tests.payments.conftest import at

BOOKS = ("orders", "order_shares", "order_refunds", "payments", "payment_refunds", "ledger_entries", "sales", "points_awards", "card_draws")


def books(street: Street) -> list[Any]:
    """Everything that money moves through, counted and summed."""
    counted = [owner_rows(street.settings, f"SELECT count(*) FROM {table}")[0][0] for table in BOOKS]
    return [*counted, *owner_rows(street.settings, "SELECT owner_kind, owner_id, asset, balance FROM ledger_accounts ORDER BY id")]


@pytest.fixture
def nothing_changes(street: Street, caplog: pytest.LogCaptureFixture) -> Callable[..., Any]:
    """`with nothing_changes(problem, secrets…)`: the books stay, and the security log has a line that keeps the secrets."""

    @contextmanager
    def watch(problem: str, *secrets: str) -> Iterator[None]:
        before = books(street)
        caplog.clear()
        yield
        lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
        assert problem in [line.get("problem") for line in lines if line["event"] == "security: a request was refused"], lines
        assert not [secret for secret in secrets if secret in caplog.text + str(lines)]
        assert books(street) == before

    return watch


def check_refused(answer: Any, problem: str, status: int) -> dict[str, Any]:
    assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{problem}"), answer.json
    return dict(answer.json)


AMOUNTS = [0, -1, 1e308, float("nan"), float("inf"), 2**63, "１２００", "12.345", 12.345, 1e2, None, True, [], {}]


@pytest.mark.parametrize("amount", AMOUNTS, ids=str)
def test_no_such_amount_is_quoted_ordered_charged_or_given_back(street: Street, nothing_changes, figure, amount: Any) -> None:
    """Row 29."""
    shopper = street.shopper()
    order = shopper.paid(5_000)
    clerk, office = street.staff("shop_manager", shop_id=street.shop_id), street.staff("finance")
    asked = [
        (shopper, "/v1/quotes", shopper.basket(amount)),
        (shopper, "/v1/quotes", shopper.basket(100, excluded_fen=amount)),
        (shopper, "/v1/orders", shopper.basket(amount, channel="wechat", expected_fen=100)),
        (shopper, "/v1/orders", shopper.basket(100, channel="wechat", expected_fen=amount)),
        (clerk, "/v1/shop/charges", {"auth_code": "1" * 18, "purchase": {"kind": "charge", "amount_fen": amount}}),
        (clerk, f"/v1/shop/orders/{order['number']}/refunds", {"reason": "x", "amount_fen": amount}),
        (office, f"/v1/office/orders/{order['number']}/refunds", {"reason": "x", "amount_fen": amount}),
    ]
    refused = 0
    for who, path, body in asked:
        if (amount == 0 and body.get("purchase", {}).get("amount_fen") == 100) or (amount is None and "refunds" in path):
            continue  # nothing excluded, and the whole of it: these are meant
        with nothing_changes("shape-wrong"):
            check_refused(who.send("post", path, body), "shape-wrong", 422)
            refused += 1
    figure(f"{refused} calls refused, 0 x 5xx")


def elsewhere(street: Street) -> str:
    """The plate of a shop in another mall."""
    with db.unit_of_work():
        other = make_mall().id
    with db.unit_of_work(other):
        batch = plates.issue(1, note="test", by="test")
        plate = plates.plates(batch_id=batch.id, cursor=None, limit=1).items[0]
        plates.bind(plate.id, make_shop().id, by="test")
        return str(plate.code)


def order_at(shopper: Shopper, plate: str) -> list[Any]:
    body = {"purchase": {"kind": "plate", "plate": plate, "amount_fen": 1_000}}
    return [
        shopper.send("post", "/v1/quotes", body),
        shopper.send("post", "/v1/orders", body | {"channel": "wechat", "expected_fen": 1_000}),
    ]


def test_a_plate_of_another_mall_is_none_of_this_malls(street: Street, nothing_changes) -> None:
    shopper, plate = street.shopper(), elsewhere(street)
    with nothing_changes("plate-unknown", plate):
        for answer in order_at(shopper, plate):
            check_refused(answer, "plate-unknown", 404)


def test_a_guessed_plate_is_no_plate(street: Street, nothing_changes) -> None:
    shopper = street.shopper()
    with nothing_changes("plate-unknown"):
        for answer in order_at(shopper, "abcdefghjk23"):
            check_refused(answer, "plate-unknown", 404)


def test_a_retired_plate_takes_nothing(street: Street, nothing_changes) -> None:
    shopper = street.shopper()
    with street.inside():
        plates.retire(plates.resolve(street.plate).plate_id, why="lost", by="test")
    with nothing_changes("plate-retired"):
        for answer in order_at(shopper, street.plate):
            check_refused(answer, "plate-retired", 410)


def test_a_plate_that_was_moved_pays_the_shop_where_it_stands_now(street: Street) -> None:
    """The swap that staff make; one that a thief makes is what the silence alarm is for."""
    with street.inside():
        other = make_shop().id
        plates.move(plates.resolve(street.plate).plate_id, other, why="moved", by="test")
    order = street.shopper().paid(1_000)
    assert order["shop_id"] == other


def charge(street: Street, code: str, **more: Any) -> Any:
    clerk = street.staff("shop_clerk", shop_id=street.shop_id)
    return clerk.charge(code, 1_000, **more)


def test_a_pay_code_played_again_pays_nothing(street: Street, nothing_changes) -> None:
    shopper = street.shopper(principal_fen=5_000)
    code = shopper.send("post", "/v1/wallet/pay-code", {}).json["code"]
    assert charge(street, code).status_code == 201
    with nothing_changes("pay-code-used", code):
        check_refused(charge(street, code), "pay-code-used", 409)


def test_a_photographed_pay_code_pays_nothing_a_minute_later(street: Street, nothing_changes) -> None:
    code = street.shopper(principal_fen=5_000).send("post", "/v1/wallet/pay-code", {}).json["code"]
    clerk = street.staff("shop_clerk", shop_id=street.shop_id)
    with nothing_changes("pay-code-expired", code), at(clock.now() + timedelta(seconds=61)):
        check_refused(clerk.charge(code, 1_000), "pay-code-expired", 409)


def test_a_guessed_pay_code_names_nobody(street: Street, nothing_changes) -> None:
    guessed = "90" + "7" * 16
    with nothing_changes("pay-code-wrong", guessed):
        check_refused(charge(street, guessed), "pay-code-wrong", 404)


def test_what_is_no_code_at_all_is_told_so(street: Street, nothing_changes) -> None:
    for code, problem in (("99" + "1" * 16, "auth-code-unknown"), ("13" + "0" * 15, "auth-code-unknown"), ("１" * 18, "shape-wrong")):
        with nothing_changes(problem, code):
            check_refused(charge(street, code), problem, 422)


def test_a_pin_is_not_guessed_at_an_order(street: Street, nothing_changes) -> None:
    shopper = street.shopper(principal_fen=100_000)
    shopper.sets_pin("730185")
    body = shopper.basket(50_000, channel="wechat", expected_fen=0)
    check_refused(shopper.send("post", "/v1/orders", body), "pin-needed", 403)
    for left in (4, 3, 2, 1):
        with nothing_changes("pin-wrong", "730186"):
            assert check_refused(shopper.send("post", "/v1/orders", body | {"pin": "730186"}), "pin-wrong", 403)["left"] == left
    for pin in ("730186", "730185"):
        with nothing_changes("pin-locked", pin):
            check_refused(shopper.send("post", "/v1/orders", body | {"pin": pin}), "pin-locked", 403)
    assert shopper.value() == (100_000, 0)


def give_back(who: Shopper, area: str, number: str, **wanted: Any) -> Any:
    return who.send("post", f"/v1/{area}/orders/{number}/refunds", {"reason": "退货"} | wanted)


def test_no_more_is_given_back_than_was_paid(street: Street, nothing_changes) -> None:
    number = street.shopper().paid(5_000)["number"]
    office = street.staff("finance")
    with nothing_changes("order-refund-too-large"):
        check_refused(give_back(office, "office", number, amount_fen=5_001), "order-refund-too-large", 409)
    assert give_back(office, "office", number, amount_fen=3_000).status_code == 201
    with nothing_changes("order-refund-too-large"):
        assert check_refused(give_back(office, "office", number, amount_fen=2_001), "order-refund-too-large", 409)["left_fen"] == 2_000


def test_nothing_is_given_back_twice(street: Street) -> None:
    number = street.shopper().paid(5_000)["number"]
    office = street.staff("finance")
    first = office.send("post", f"/v1/office/orders/{number}/refunds", {"reason": "x"}, key="the-same-refund")
    before = books(street)
    again = office.send("post", f"/v1/office/orders/{number}/refunds", {"reason": "x"}, key="the-same-refund")
    assert (again.status_code, again.json["number"]) == (201, first.json["number"])
    check_refused(give_back(office, "office", number), "order-not-paid", 409)
    assert books(street) == before


def test_a_shop_gives_nothing_back_of_another_ones(street: Street, nothing_changes) -> None:
    number = street.shopper().paid(5_000)["number"]
    other = street.staff("shop_manager")
    with nothing_changes("order-not-found"):
        check_refused(give_back(other, "shop", number), "order-not-found", 404)


def test_a_tablet_gives_nothing_back(street: Street, nothing_changes) -> None:
    number = street.shopper().paid(5_000)["number"]
    tablet = street.staff("tablet", shop_id=street.shop_id)
    with nothing_changes("permission-missing"):
        check_refused(give_back(tablet, "shop", number), "permission-missing", 403)


def test_nobody_approves_an_own_refund(street: Street, nothing_changes) -> None:
    number = street.shopper().paid(200_000)["number"]
    office = street.staff("finance")
    waiting = give_back(office, "office", number).json["number"]
    with nothing_changes("another-person-needed"):
        answer = office.send("put", f"/v1/office/order-refunds/{waiting}/decision", {"approve": True})
        check_refused(answer, "another-person-needed", 403)


def test_nobody_claims_what_another_one_paid(street: Street, nothing_changes) -> None:
    payer = street.payer()
    placed = payer.ordered(1_000)
    stranger = street.shopper("wang-wei")
    guessed = {"number": placed["order"]["number"], "claim_code": "x" * 24}
    with nothing_changes("claim-unknown", placed["claim_code"]):
        check_refused(stranger.send("post", "/v1/order-claims", guessed), "claim-unknown", 404)


def test_a_key_does_not_carry_another_request(street: Street, nothing_changes) -> None:
    shopper = street.shopper()
    shopper.ordered(1_000, key="the-key-of-one")
    with nothing_changes("idempotency-key-reused", "the-key-of-one"):
        check_refused(shopper.order(2_000, key="the-key-of-one"), "idempotency-key-reused", 409)
