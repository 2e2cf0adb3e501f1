"""From a plate to a paid order: one purchase, one sale, one award, the tenant's cash to the fen."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy.pool import QueuePool

from api.checkout.jobs import sweep
from api.checkout.service import holds, orders
from api.kit import clock, db
from api.ledger.service import Owner
from api.malls import service as malls
from api.payments import service as payments
from api.payments.service import collection
from api.payments.states import PaymentState
from tests.checkout.conftest import Street
from tests.races import meeting
from tests.trials import trials


def test_a_purchase_at_a_plate_is_paid_by_the_wallet_and_earns(street: Street) -> None:
    shopper = street.shopper()
    quote = shopper.quote(12_800)
    assert (quote["gateway_fen"], quote["points"], quote["pin_needed"]) == (12_800, 0, False)
    placed = shopper.ordered(12_800)
    assert placed["order"]["state"] == "held"
    assert placed["wallet"]["package"].startswith("prepay_id=")
    shopper.pays(placed["order"]["number"])
    street.due(ahead=10)
    order = shopper.read(placed["order"]["number"])
    assert (order["state"], order["points"], order["channel"]) == ("paid", 128, "wechat")
    assert "128 分" in order["explanations"][0]["zh"]
    assert shopper.points()["balance"] == 128
    assert street.cash(Owner("shop", street.shop_id)) == 12_800
    street.books_agree()


def test_points_that_must_wait_for_the_return_window_say_from_when_they_can_be_spent(street: Street) -> None:
    with street.inside():
        malls.change_policy({"return_window_days": 7}, by="test", why="goods may come back")
    shopper = street.shopper()
    number = shopper.ordered(12_800)["order"]["number"]
    assert shopper.read(number)["points_from_at"] is None
    shopper.pays(number)
    street.due(ahead=10)
    order = shopper.read(number)
    assert (order["state"], order["points"], order["lines"][0]["name"], order["lines"][0]["name_en"]) == ("paid", 128, "消费", "Purchase")
    wait = datetime.fromisoformat(order["points_from_at"]) - datetime.fromisoformat(order["paid_at"])
    assert timedelta(days=7) <= wait <= timedelta(days=8)
    assert (shopper.points()["balance"], shopper.points()["pending"]) == (0, 128)


@pytest.mark.parametrize("channel", ["wechat", "alipay"])
def test_points_stored_value_and_a_wallet_pay_together(street: Street, channel: str) -> None:
    shopper = street.shopper(points_held=2_050, principal_fen=3_000, bonus_fen=500)
    quote = shopper.quote(10_000)
    assert (quote["points"], quote["points_fen"], quote["stored_fen"], quote["gateway_fen"]) == (2_000, 2_000, 3_500, 4_500)
    placed = shopper.ordered(10_000, channel=channel)
    assert shopper.points()["balance"] == 50
    assert shopper.value() == (0, 0)
    shopper.pays(placed["order"]["number"])
    street.due(ahead=10)
    order = shopper.read(placed["order"]["number"])
    assert {row["tender"]: row["amount_fen"] for row in order["tenders"]} == {
        "gateway": 4_500, "stored_principal": 3_000, "stored_bonus": 500, "points": 2_000,
    }  # fmt: skip
    # Money and principal earn; bonus and points do not.
    assert order["points"] == 75
    assert street.cash(Owner("shop", street.shop_id)) == 10_000
    assert street.cash(Owner("bearer", 0)) == -2_500
    street.books_agree()


def test_a_quote_says_in_points_what_points_could_pay_and_in_which_steps(street: Street) -> None:
    points, *cards = street.shopper(points_held=2_050, principal_fen=3_000).quote(10_000)["options"]
    assert (points["points"], points["could_points"], points["step_points"]) == (2_000, 2_000, 100)
    assert [(card["points"], card["could_points"], card["step_points"]) for card in cards] == [(None, None, None)]


def test_what_can_pay_is_turned_off_and_on_by_what_its_option_says(street: Street) -> None:
    shopper = street.shopper(points_held=2_000, principal_fen=3_000)
    chosen: dict[str, object] = {}

    def turned(kind: str, way: str) -> int:
        option = next(one for one in shopper.quote(10_000, choose=chosen)["options"] if one["kind"] == kind)
        chosen.update(option[way])
        return shopper.quote(10_000, choose=chosen)["gateway_fen"]

    assert shopper.quote(10_000)["gateway_fen"] == 5_000
    assert [turned("points", "turn_off"), turned("card", "turn_off")] == [7_000, 10_000]
    assert [turned("card", "turn_on"), turned("points", "turn_on")] == [7_000, 5_000]


def test_no_more_of_any_tender_is_taken_than_the_shopper_saw(street: Street) -> None:
    shopper = street.shopper(points_held=1_000, principal_fen=5_000)
    seen = shopper.quote(2_000)
    assert [(part["tender"], part["amount_fen"]) for part in seen["parts"]] == [("stored_principal", 1_000), ("points", 1_000)]
    body = shopper.basket(2_000, expected_fen=0, expected=seen["parts"])
    shopper.paid(1_000, choose={"points": 500, "card_ids": []})  # on another phone
    refused = shopper.send("post", "/v1/orders", body)
    assert (refused.status_code, refused.json["type"].rpartition("/")[2]) == (409, "quote-changed")
    assert [(part["tender"], part["amount_fen"]) for part in refused.json["parts"]] == [("stored_principal", 1_500), ("points", 500)]
    assert (shopper.value(), shopper.points()["balance"]) == ((5_000, 0), 505)
    again = shopper.send("post", "/v1/orders", body | {"expected": refused.json["parts"]})
    assert (again.status_code, again.json["order"]["state"], shopper.value()) == (201, "paid", (3_500, 0))


def test_a_client_that_was_shown_no_parts_consents_to_what_is_left_for_the_wallet(street: Street) -> None:
    shopper = street.shopper(points_held=1_000, principal_fen=5_000)
    assert shopper.send("post", "/v1/orders", shopper.basket(2_000, expected_fen=0, expected=None)).status_code == 201


@pytest.mark.parametrize(
    "part",
    [
        {"tender": "gold", "source_id": None, "amount_fen": 1},
        {"tender": "points", "source_id": None, "amount_fen": -1},
        {"tender": "points", "amount_fen": 1},
    ],
)
def test_what_no_quote_says_is_no_expectation(street: Street, part: dict[str, object]) -> None:
    body = street.shopper().basket(2_000, expected_fen=2_000, channel="wechat", expected=[part])
    assert street.shopper("han-meimei").send("post", "/v1/orders", body).status_code == 422


def test_an_expectation_names_each_part_once(street: Street) -> None:
    twice = [{"tender": "gateway", "source_id": None, "amount_fen": 1_000}] * 2
    body = street.shopper().basket(2_000, expected_fen=2_000, channel="wechat", expected=twice)
    assert street.shopper("han-meimei").send("post", "/v1/orders", body).status_code == 422


def test_points_that_cannot_be_used_are_counted_all_the_same(street: Street) -> None:
    shopper = street.shopper(points_held=383)
    [points] = [option for option in shopper.quote(1_000, excluded_fen=1_000)["options"] if option["kind"] == "points"]
    assert points["sentence"]["zh"] == "积分 383：此次金额不参与优惠"
    assert (points["has_fen"], points["could_fen"], points["reason"]) == (383, 0, "no_line_takes_part")
    with street.inside():
        malls.change_policy({"points_pay": False}, by="test", why="not yet")
    [points] = [option for option in shopper.quote(1_000)["options"] if option["kind"] == "points"]
    assert points["sentence"]["zh"] == "积分 383：商场暂未开放"


def test_orders_say_in_words_what_was_bought_and_what_paid(street: Street) -> None:
    shopper = street.shopper(points_held=2_000)
    order = shopper.paid(10_000)
    assert order["kind_title"] == {"zh": "码牌支付", "en": "Code plate"}
    assert {tender["title"]["zh"] for tender in order["tenders"]} == {"2,000 积分抵扣", "微信支付"}
    [row] = street.staff("shop_clerk", shop_id=street.shop_id).get("/v1/shop/payments")["items"]
    assert row["kind_title"] == order["kind_title"]
    kinds = street.staff("finance").get("/v1/office/order-kinds")["items"]
    assert {"kind": "recharge", "title": {"zh": "储值卡充值", "en": "Stored-value recharge"}} in kinds
    assert {kind["kind"] for kind in kinds} >= {"plate", "charge", "recharge"}


def test_what_value_pays_alone_never_asks_a_gateway(street: Street) -> None:
    shopper = street.shopper(principal_fen=20_000)
    placed = shopper.ordered(5_000)
    assert (placed["order"]["state"], placed["wallet"], placed["order"]["points"]) == ("paid", None, 50)
    assert shopper.value() == (15_000, 0)
    street.books_agree()


def test_the_part_without_benefits_takes_no_points_and_earns_none(street: Street) -> None:
    shopper = street.shopper(points_held=50_000)
    quote = shopper.quote(10_000, excluded_fen=4_000)
    assert (quote["points_fen"], quote["gateway_fen"]) == (3_000, 7_000)
    order = shopper.paid(10_000, excluded_fen=4_000)
    assert order["points"] == 30


def test_the_shopper_chooses_how_many_points_and_which_cards(street: Street) -> None:
    shopper = street.shopper(points_held=5_000, principal_fen=10_000)
    chosen = shopper.quote(10_000, choose={"points": 300, "card_ids": []})
    assert (chosen["points_fen"], chosen["stored_fen"], chosen["gateway_fen"], chosen["best_gateway_fen"]) == (300, 0, 9_700, 0)
    refused = shopper.send("post", "/v1/quotes", shopper.basket(10_000, choose={"points": 350}))
    assert (refused.status_code, refused.json["type"], refused.json["reason"]) == (422, "/problems/tender-not-usable", "not_whole_steps")


def test_a_price_that_changed_meanwhile_is_told_and_nothing_is_taken(street: Street) -> None:
    shopper = street.shopper(points_held=1_000)
    refused = shopper.send("post", "/v1/orders", shopper.basket(10_000, channel="wechat", expected_fen=10_000))
    assert (refused.status_code, refused.json["type"], refused.json["gateway_fen"]) == (409, "/problems/quote-changed", 9_000)
    assert shopper.points()["balance"] == 1_000


def test_a_notice_settles_the_order(street: Street) -> None:
    shopper = street.shopper()
    number = shopper.ordered(6_600)["order"]["number"]
    shopper.pays(number, notify=True)
    for _ in range(100):
        street.due()
        if shopper.read(number)["state"] == "paid":
            break
        time.sleep(0.05)
    assert shopper.read(number)["points"] == 66


def test_a_double_tap_makes_one_order(street: Street) -> None:
    shopper = street.shopper()
    first = shopper.order(5_000, key="the-same-key-1")
    second = shopper.order(5_000, key="the-same-key-1")
    other = shopper.order(5_100, key="the-same-key-1")
    assert first.json["order"]["number"] == second.json["order"]["number"]
    assert (other.status_code, other.json["type"]) == (409, "/problems/idempotency-key-reused")
    assert len(shopper.get("/v1/orders")["items"]) == 1


def test_ten_taps_at_once_make_one_order(street: Street, figure: Callable[[str], None]) -> None:
    """Row 9: the same key ten times in parallel, and once with another amount."""
    rounds = trials(200) // 10
    for number in range(rounds):
        shopper, key = street.shopper(f"tapper-{number}"), f"ten-taps-{number:04d}"
        bodies = [shopper.basket(5_000, channel="wechat", expected_fen=5_000)] * 9
        bodies.append(shopper.basket(5_100, channel="wechat", expected_fen=5_100))
        with meeting("INSERT INTO once_keys", parties=10) as place, ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda body, who=shopper, key=key: who.send("post", "/v1/orders", body, key=key), bodies))
        assert place.met == 1
        assert {answer.status_code for answer in answers} <= {201, 409}
        made = {answer.json["order"]["number"] for answer in answers if answer.status_code == 201}
        kinds = {answer.json["type"] for answer in answers if answer.status_code == 409}
        assert kinds <= {"/problems/idempotency-key-reused", "/problems/request-unfinished"}
        assert len(made) == len(shopper.get("/v1/orders")["items"]) == 1
    figure(f"{rounds * 10} taps with {rounds} keys, {rounds} orders")


def test_with_every_connection_taken_a_payer_is_asked_to_wait_and_served_right_after(street: Street, figure: Callable[[str], None]) -> None:
    """Row 26: long transactions hold the whole pool."""
    shopper, key = street.shopper(), "no-connection-left"
    body = shopper.basket(5_000, channel="wechat", expected_fen=5_000)
    pool = db.engine().pool
    assert isinstance(pool, QueuePool)
    taken = [db.engine().connect() for _ in range(pool.size() + pool._max_overflow - pool.checkedout())]
    refused = shopper.send("post", "/v1/orders", body, key=key)
    for connection in taken:
        connection.close()
    assert (refused.status_code, refused.json["type"]) == (503, "/problems/database-away")
    assert int(refused.headers["Retry-After"]) > 0
    began = time.monotonic()
    assert shopper.send("post", "/v1/orders", body, key=key).status_code == 201
    figure(f"{len(taken)} connections held, 503 with Retry-After, served {time.monotonic() - began:.2f} s after they were free")
    assert len(shopper.get("/v1/orders")["items"]) == 1


def test_a_cancelled_order_frees_everything(street: Street) -> None:
    shopper = street.shopper(points_held=1_000, principal_fen=2_000, bonus_fen=100)
    number = shopper.ordered(10_000)["order"]["number"]
    assert (shopper.points()["balance"], shopper.value()) == (0, (0, 0))
    told = shopper.get("/v1/wallet")
    assert (told["held_principal_fen"], told["held_bonus_fen"]) == (2_000, 100)
    cancelled = shopper.send("put", f"/v1/orders/{number}/cancellation")
    assert (cancelled.status_code, cancelled.json["state"]) == (200, "closed")
    assert (shopper.points()["balance"], shopper.value()) == (1_000, (2_000, 100))
    assert shopper.get("/v1/wallet")["held_principal_fen"] == 0
    assert shopper.get("/v1/wallet/history")["items"][0]["title"]["en"].startswith("Order given up")
    assert shopper.send("put", f"/v1/orders/{number}/cancellation").json["state"] == "closed"
    street.books_agree()


def test_an_order_that_ran_out_frees_everything(street: Street) -> None:
    shopper = street.shopper(points_held=1_000)
    number = shopper.ordered(10_000)["order"]["number"]
    with street.inside():
        orders.by_number(number).expires_at = clock.now() - timedelta(seconds=1)
    with street.inside():
        sweep.run()
    street.due()
    assert shopper.read(number)["state"] == "closed"
    assert shopper.points()["balance"] == 1_000
    street.books_agree()


def test_money_that_comes_after_closing_revives_the_order_while_it_can_be_held_again(street: Street) -> None:
    shopper = street.shopper(points_held=1_000)
    number = shopper.ordered(10_000)["order"]["number"]
    payment = street.payment_of(number)
    late(street, payment)
    order = shopper.read(number)
    assert (order["state"], order["points"]) == ("paid", 90)
    assert shopper.points()["balance"] == 90
    assert "到账" in shopper.get("/v1/messages")["items"][0]["title"]["zh"]
    street.books_agree()


def test_money_that_comes_after_closing_goes_back_when_the_value_is_gone(street: Street) -> None:
    shopper = street.shopper(points_held=1_000)
    number = shopper.ordered(10_000)["order"]["number"]
    payment = street.payment_of(number)
    late(street, payment, between=lambda: shopper.paid(20_000))
    street.due(ahead=5)
    assert shopper.read(number)["state"] == "closed"
    with street.inside():
        assert [refund.amount_fen for refund in payments.refunds_of(payment.id)] == [payment.amount_fen]
    assert "退回" in shopper.get("/v1/messages")["items"][0]["title"]["zh"]
    street.books_agree()


def late(street: Street, payment, between=lambda: None) -> None:
    """Our close is believed by us only: the payer had paid a moment before."""
    with street.inside():
        held = collection.hold(payment.id)
        collection.shut(held, PaymentState.CLOSED, "closed")
        holds.close(*orders.lock_whole(payment.order_id), by="test", reason="expired")
    between()
    simulator = street.wechat if payment.channel == "wechat" else street.alipay
    simulator.sim("pay", out_trade_no=payment.number, notify=False)
    with street.inside():
        collection.ask(payment.id)


def test_who_pays_without_membership_joins_afterwards_and_earns(street: Street) -> None:
    payer = street.payer()
    assert payer.quote(8_800)["options"][0]["reason"] == "not_a_member"
    placed = payer.ordered(8_800)
    payer.pays(placed["order"]["number"])
    street.due(ahead=10)
    order = payer.read(placed["order"]["number"])
    assert (order["state"], order["points"]) == ("paid", None)
    member = street.shopper("han-meimei")
    claim = {"number": order["number"], "claim_code": placed["claim_code"]}
    claimed = member.send("post", "/v1/order-claims", claim)
    assert (claimed.status_code, claimed.json["points"]) == (201, 88)
    stranger = street.shopper("wang-wei")
    assert stranger.send("post", "/v1/order-claims", claim).json["type"] == "/problems/claim-taken"
    wrong = stranger.send("post", "/v1/order-claims", claim | {"claim_code": "x" * 24})
    assert wrong.json["type"] == "/problems/claim-unknown"
    assert member.points()["balance"] == 88


def test_nobody_sees_or_cancels_another_ones_order(street: Street) -> None:
    number = street.shopper().ordered(1_000)["order"]["number"]
    other = street.shopper("wang-wei")
    assert other.send("get", f"/v1/orders/{number}").status_code == 404
    assert other.send("put", f"/v1/orders/{number}/cancellation").status_code == 404


@pytest.mark.parametrize(
    "amount",
    [0, -1, 1e308, "NaN", 2**63, "１２", 12.345, None, True, "100"],
    ids=["zero", "below-zero", "huge-float", "nan", "2-to-63", "full-width", "third-decimal", "none", "true", "text"],
)
def test_odd_amounts_are_refused_by_name_and_change_nothing(street: Street, amount) -> None:
    shopper = street.shopper()
    refused = shopper.send("post", "/v1/quotes", shopper.basket(amount))
    if amount == "100":
        assert refused.status_code == 200
        return
    assert refused.status_code in (400, 422), refused.json
    assert shopper.get("/v1/orders")["items"] == []


def test_a_wallet_that_falls_silent_leaves_the_order_to_be_paid_again(street: Street) -> None:
    shopper = street.shopper()
    street.wechat.fault("reset", "place")
    placed = shopper.ordered(1_000)
    assert (placed["wallet"], placed["order"]["state"]) == (None, "held")
    again = shopper.send("post", f"/v1/orders/{placed['order']['number']}/payments", {"channel": "wechat"})
    assert again.status_code == 201
    assert again.json["wallet"]["package"].startswith("prepay_id=")


def test_what_a_wallet_refuses_is_given_up_and_the_key_says_so_again(street: Street) -> None:
    shopper = street.shopper(points_held=1_000)
    street.wechat.fault("refuse", "place", status=403, code="RULE_LIMIT")
    first = shopper.order(10_000, key="refused-by-wechat")
    again = shopper.send("post", "/v1/orders", shopper.basket(10_000, channel="wechat", expected_fen=9_000), key="refused-by-wechat")
    assert (first.status_code, first.json["type"]) == (502, "/problems/gateway-payment-refused")
    assert (again.status_code, again.json, again.headers["Idempotent-Replay"]) == (502, first.json, "true")
    assert [order["state"] for order in shopper.get("/v1/orders")["items"]] == ["closed"]
    assert shopper.points()["balance"] == 1_000
    street.books_agree()


def test_another_wallet_pays_after_the_first_payment_is_closed(street: Street) -> None:
    shopper = street.shopper()
    number = shopper.ordered(1_000, channel="wechat")["order"]["number"]
    first = street.payment_of(number)
    changed = shopper.send("post", f"/v1/orders/{number}/payments", {"channel": "alipay"})
    assert changed.status_code == 201, changed.json
    shopper.pays(number)
    street.due(ahead=10)
    order = shopper.read(number)
    assert (order["state"], order["channel"]) == ("paid", "alipay")
    with street.inside():
        assert payments.read(first.id).state == "closed"


def test_who_looks_at_the_order_lets_the_wallet_be_asked_at_once(street: Street) -> None:
    shopper = street.shopper()
    number = shopper.ordered(1_000)["order"]["number"]
    shopper.pays(number)
    payment = street.payment_of(number)
    with street.inside():
        held = payments.read(payment.id)
        held.made_at = held.made_at - timedelta(seconds=4)
    assert shopper.read(number)["state"] == "held"
    assert street.due() >= 1
    assert shopper.read(number)["state"] == "paid"
    assert street.due(ahead=3600) <= 2  # the ask that was planned before finds nothing left to do, and the growth is counted


def test_a_quote_names_the_wallets_that_can_pay(street: Street) -> None:
    shopper = street.shopper(principal_fen=5_000)
    assert shopper.quote(6_000)["wallets"] == ["alipay", "wechat"]
    assert shopper.quote(5_000)["wallets"] == []
