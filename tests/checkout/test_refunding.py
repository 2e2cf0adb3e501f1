"""Refunds: whole, by line, by amount. Every tender gets its own back, earned points are taken, nothing comes back twice."""

from __future__ import annotations

import random
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from api.checkout import errors
from api.checkout.models import OrderPart, OrderShare
from api.checkout.service import orders, refunds
from api.kit import audit, clock, live
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Owner
from api.partners import service as partners
from api.partners.models import PartnerEvent
from api.payments import service as payments
from api.payments.models import Refund as GatewayRefund
from api.sales import service as sales
from api.sales.models import SaleRefund
from api.wallet import service as wallet
from api.wallet.models import CardDraw
from tests.checkout.conftest import Shopper, Street
from tests.payments.conftest import DEMO
from tests.races import meeting, until_others_wait


def give_back(staff: Shopper, number: str, **wanted: Any) -> Any:
    area = "shop" if staff.person.startswith("shop") else "office"
    return staff.send("post", f"/v1/{area}/orders/{number}/refunds", {"reason": "退货"} | wanted)


def decide(staff: Shopper, refund: dict[str, Any], *, approve: bool = True) -> Any:
    return staff.send("put", f"/v1/office/order-refunds/{refund['number']}/decision", {"approve": approve, "why": "看过小票"})


def moves_of(street: Street, number: str) -> list[tuple[str, str, str | None, str]]:
    """How a refund moved: from, to, why, by whom."""
    with street.inside():
        return moves_of_row(refunds.by_number(number))


def moves_of_row(row: Any) -> list[tuple[str, str, str | None, str]]:
    table = row.moves_table
    columns = (table.c.from_state, table.c.to_state, table.c.reason, table.c.moved_by)
    query = select(*columns).where(table.c[f"{row.noun}_id"] == row.id).order_by(table.c.seq)
    return [tuple(move) for move in session.execute(query)]


def audit_log(street: Street, number: str) -> list[tuple[Any, ...]]:
    """What the staff did to an order or a refund."""
    with street.inside():
        lines = reversed(audit.entries(subject_id=number).items)
        return [(line.who, line.did, line.subject_type, line.before, line.after, line.why) for line in lines]


def returned_by_line(street: Street, number: str) -> dict[int, int]:
    """What came back of each line of an order."""
    with street.inside():
        shares = session.scalars(select(OrderShare).where(OrderShare.order_id == orders.by_number(number).id)).all()
        return {line: sum(share.refunded_fen for share in shares if share.line == line) for line in {share.line for share in shares}}


def message(shopper: Shopper) -> dict[str, str]:
    return dict(shopper.get("/v1/messages")["items"][0]["body"])


def test_a_partial_refund_gives_every_tender_its_share_and_takes_earned_points(street: Street) -> None:
    shopper = street.shopper(points_held=2_000, principal_fen=3_000, bonus_fen=500)
    order = shopper.paid(10_000)
    assert order["points"] == 75
    given = give_back(street.staff("finance"), order["number"], amount_fen=5_000)
    assert given.status_code == 201, given.json
    assert (given.json["gateway_fen"], given.json["points_back"], given.json["points_taken"]) == (2_250, 1_000, 38)
    assert (given.json["points_fen"], shopper.value()) == (1_000, (1_500, 250))
    assert shopper.points()["balance"] == 75 - 38 + 1_000
    assert message(shopper) == {
        "zh": f"{order['title']} 退款 ¥50.00：¥22.50 原路退回，¥17.50 退回储值卡，退还 1,000 积分，扣回所得 38 积分。",
        "en": f"{order['title']} gives back ¥50.00: ¥22.50 to the wallet, ¥17.50 to the card, 1,000 points back, "
        "38 earned points taken back.",
    }
    street.due(ahead=120)
    after = shopper.read(order["number"])
    assert (after["state"], after["refunded_fen"], after["refunds"][0]["state"]) == ("paid", 5_000, "done")
    parts = after["refunds"][0]["given_by"]
    assert sum(part["amount_fen"] for part in parts) == 5_000
    assert [part["sentence"]["zh"] for part in parts] == [
        "¥22.50 原路退回微信支付", "¥15.00 退回储值本金", "¥2.50 退回储值赠金", "退还 1,000 积分"
    ]  # fmt: skip
    assert (after["points"], after["points_taken"]) == (75, 38)
    assert street.cash(Owner("shop", street.shop_id)) == 5_000
    street.books_agree()


def test_refunds_in_odd_pieces_end_at_exactly_what_was_paid(street: Street) -> None:
    shopper = street.shopper(points_held=1_100, principal_fen=3_333, bonus_fen=777)
    order = shopper.paid(9_999, excluded_fen=1_234)
    office = street.staff("administrator")
    for amount in (1, 3_332, 17, 4_444):
        assert give_back(office, order["number"], amount_fen=amount).status_code == 201
    assert give_back(office, order["number"], amount_fen=2_206).json["type"] == "/problems/order-refund-too-large"
    assert give_back(office, order["number"]).json["amount_fen"] == 2_205
    try:
        for _ in range(5):  # WeChat takes one refund of an order a minute; the others are asked for again
            street.due(ahead=10)
            street.wechat.sim("clock", advance=61)
    finally:
        street.wechat.sim("clock", start=True)
    after = shopper.read(order["number"])
    assert (after["state"], after["refunded_fen"]) == ("refunded", 9_999)
    assert all(row["amount_fen"] == row["refunded_fen"] for row in after["tenders"])
    assert shopper.value() == (3_333, 777)
    assert shopper.points()["balance"] == 1_100
    for owner in (Owner("shop", street.shop_id), Owner("bearer", 0), Owner("gateway", 1)):
        assert street.cash(owner) == 0
    street.books_agree()


def test_a_line_without_benefits_comes_back_without_touching_points(street: Street) -> None:
    shopper = street.shopper(points_held=3_000)
    order = shopper.paid(10_000, excluded_fen=4_000)
    excluded = next(line["line"] for line in order["lines"] if not line["earns"])
    given = give_back(street.staff("finance"), order["number"], lines=[excluded])
    assert (given.json["amount_fen"], given.json["gateway_fen"], given.json["points_back"], given.json["points_taken"]) == (
        4_000,
        4_000,
        0,
        0,
    )
    again = give_back(street.staff("finance"), order["number"], lines=[excluded])
    assert again.json["type"] == "/problems/refund-line-unknown"


def test_points_spent_meanwhile_become_a_debt(street: Street) -> None:
    shopper = street.shopper()
    order = shopper.paid(50_000)
    assert shopper.points()["balance"] == 500
    shopper.paid(10_000)  # spends them
    left = shopper.points()["balance"]
    given = give_back(street.staff("finance"), order["number"])
    debt = 500 - left
    assert (given.json["points_taken"], given.json["became_debt"]) == (500, debt)
    assert 0 < shopper.points()["debt"] == debt
    assert message(shopper)["zh"].endswith(f"扣回所得 500 积分，其中 {debt} 积分记为欠额。")
    street.books_agree()


def test_a_large_refund_waits_for_another_person(street: Street) -> None:
    shopper = street.shopper()
    order = shopper.paid(200_000)
    first, second = street.staff("finance"), street.staff("administrator")
    waiting = give_back(first, order["number"])
    assert (waiting.status_code, waiting.json["state"]) == (201, "waiting")
    path = f"/v1/office/order-refunds/{waiting.json['number']}/decision"
    assert first.send("put", path, {"approve": True}).json["type"] == "/problems/another-person-needed"
    assert shopper.read(order["number"])["refunded_fen"] == 0
    assert second.send("put", path, {"approve": True, "why": "看过小票"}).json["state"] == "given"
    again = second.send("put", path, {"approve": True}).json
    assert (again["type"], again["state"], again["wanted"]) == ("/problems/wrong-state", "given", "given")
    assert shopper.read(order["number"])["state"] == "refunded"
    street.books_agree()


def test_a_refund_says_who_asked_for_it_who_let_it_through_and_why(street: Street) -> None:
    order, begun = street.shopper().paid(200_000), clock.now()
    desk, second = street.staff("finance"), street.staff("administrator")
    number = give_back(desk, order["number"]).json["number"]
    assert re.fullmatch(r"R\d{18}", number)
    given = decide(second, {"number": number}).json
    street.due(ahead=10)
    who, other = f"staff:{desk.id}", f"staff:{second.id}"
    assert (given["asked_by"], given["decided_by"]) == (who, other)
    assert audit_log(street, order["number"]) == [(who, "asked for a refund", "order", None, {"amount_fen": 200_000}, "退货")]
    assert audit_log(street, number) == [(other, "approved a refund", "order_refund", None, None, "看过小票")]
    assert moves_of(street, number) == [
        ("waiting", "given", "退货", other),
        ("given", "done", "the wallet's part: done", "system"),
    ]
    with street.inside():
        refund, whole = refunds.by_number(number), orders.by_number(order["number"])
        assert session.get_one(GatewayRefund, refund.payment_refund_id).asked_by == who
        assert refund.given_at is not None and begun < refund.given_at < clock.now()
        assert moves_of_row(whole)[-1] == ("paid", "refunded", "退货", other)


def test_who_turns_a_refund_down_says_why(street: Street) -> None:
    order = street.shopper().paid(200_000)
    waiting, second = give_back(street.staff("finance"), order["number"]).json, street.staff("administrator")
    rejected = decide(second, waiting, approve=False).json
    who = f"staff:{second.id}"
    assert (rejected["state"], rejected["decided_by"], rejected["given_at"]) == ("rejected", who, None)
    assert audit_log(street, waiting["number"]) == [(who, "rejected a refund", "order_refund", None, None, "看过小票")]
    assert moves_of(street, waiting["number"]) == [("waiting", "rejected", "看过小票", who)]


def test_two_who_let_a_refund_through_at_once_give_it_once(street: Street) -> None:
    order = street.shopper().paid(200_000)
    waiting = give_back(street.staff("finance"), order["number"]).json
    people = [street.staff("administrator") for _ in range(2)]
    with meeting("FOR UPDATE", parties=2) as place, ThreadPoolExecutor(2) as pool:
        first, second = sorted(pool.map(lambda person: decide(person, waiting), people), key=lambda answer: answer.status_code)
    assert place.met == 1
    assert (first.status_code, first.json["state"]) == (200, "given")
    assert (second.status_code, second.json["type"], second.json["state"]) == (409, "/problems/wrong-state", "given")
    assert street.cash(Owner("shop", street.shop_id)) == 0
    street.books_agree()


def test_a_refund_up_to_the_limit_is_given_at_once_and_one_fen_more_waits(street: Street) -> None:
    order, desk = street.shopper().paid(300_000), street.staff("finance")
    assert give_back(desk, order["number"], amount_fen=100_000).json["state"] == "given"
    waiting = give_back(desk, order["number"], amount_fen=100_001).json
    assert (waiting["state"], waiting["amount_fen"], waiting["asked_by"], waiting["decided_by"]) == (
        "waiting",
        100_001,
        f"staff:{desk.id}",
        None,
    )
    assert waiting["number"].startswith("R")
    assert [row["number"] for row in desk.get("/v1/office/order-refunds?state=waiting")["items"]] == [waiting["number"]]
    assert len(desk.get("/v1/office/order-refunds")["items"]) == 2
    newest = desk.get("/v1/office/order-refunds?limit=1")
    assert ([row["number"] for row in newest["items"]], newest["next_cursor"] is None) == ([waiting["number"]], False)
    assert [decide(desk, refund).status_code for refund in (waiting, {"number": "R1"})] == [403, 404]


def test_what_is_left_when_a_waiting_refund_is_let_through_is_divided_anew(street: Street) -> None:
    order = street.shopper().paid(200_000, excluded_fen=120_000)
    first, second = street.staff("finance"), street.staff("administrator")
    earning = next(line["line"] for line in order["lines"] if line["earns"])
    waiting = give_back(first, order["number"], amount_fen=110_000).json
    assert give_back(first, order["number"], lines=[earning]).json["amount_fen"] == 80_000
    assert decide(second, waiting).json["state"] == "given"
    with street.inside():
        refund = refunds.by_number(waiting["number"])
        ((share_id, fen),) = refund.allocations
        assert (session.get_one(OrderShare, share_id).line, fen) == (1 - earning, 110_000)
    rest = give_back(first, order["number"]).json  # more of the order than one person gives back
    assert (rest["amount_fen"], rest["state"], decide(second, rest).json["state"]) == (10_000, "waiting", "given")
    assert street.cash(Owner("shop", street.shop_id)) == 0
    street.books_agree()


def test_a_waiting_refund_is_divided_as_it_was_agreed_while_that_is_left(street: Street) -> None:
    order = street.shopper().paid(200_000, excluded_fen=120_000)
    desk = street.staff("finance")
    earning = next(line["line"] for line in order["lines"] if line["earns"])
    waiting = give_back(desk, order["number"], amount_fen=150_000).json  # of them 60,000 of the line that earns
    assert give_back(desk, order["number"], lines=[earning], amount_fen=20_000).json["state"] == "given"
    assert decide(street.staff("administrator"), waiting).json["state"] == "given"
    assert returned_by_line(street, order["number"]) == {earning: 80_000, 1 - earning: 90_000}
    street.books_agree()


def test_a_waiting_refund_of_lines_that_came_back_meanwhile_is_too_large(street: Street) -> None:
    order = street.shopper().paid(200_000, excluded_fen=120_000)
    desk = street.staff("finance")
    second = street.staff("administrator")
    waiting = give_back(desk, order["number"], lines=[0, 1]).json
    assert give_back(desk, order["number"], amount_fen=100_000).json["state"] == "given"
    assert decide(second, give_back(desk, order["number"], amount_fen=100_000).json).json["state"] == "given"
    refused = decide(second, waiting)
    assert (refused.json["type"], refused.json["left_fen"]) == ("/problems/order-refund-too-large", 0)


def test_a_waiting_refund_that_became_too_large_is_not_given(street: Street) -> None:
    order = street.shopper().paid(200_000)
    first, second = street.staff("finance"), street.staff("administrator")
    waiting = give_back(first, order["number"], amount_fen=150_000).json
    assert give_back(first, order["number"], amount_fen=60_000).json["state"] == "given"
    refused = decide(second, waiting)
    assert (refused.json["type"], refused.json["left_fen"]) == ("/problems/order-refund-too-large", 140_000)
    assert decide(second, waiting, approve=False).json["state"] == "rejected"
    assert street.cash(Owner("shop", street.shop_id)) == 140_000


def test_what_value_paid_alone_comes_back_without_a_wallet(street: Street) -> None:
    shopper = street.shopper(points_held=1_000, principal_fen=5_000)
    number = shopper.ordered(3_000)["order"]["number"]
    given = give_back(street.staff("finance"), number, amount_fen=1_000).json
    assert (given["state"], given["gateway_fen"], given["payment_refund_id"]) == ("done", 0, None)
    assert [(to, why) for _, to, why, _ in moves_of(street, given["number"])] == [
        ("given", "退货"),
        ("done", "nothing for the wallet to give"),
    ]
    assert give_back(street.staff("finance"), number).json["state"] == "done"
    assert (shopper.read(number)["state"], shopper.value()) == ("refunded", (5_000, 0))
    assert shopper.points()["balance"] == 1_000
    street.books_agree()


def test_a_wallet_s_part_that_a_person_drops_leaves_the_refund_stuck(street: Street) -> None:
    order = street.shopper().paid(5_000)
    with street.inside():
        partners.add(name="CRM", url="http://localhost:9/", shop_id=None, events=["refund.done"], by="test")
    merchant = {"mchid": DEMO["wechat"]["merchant_no"]}
    street.wechat.sim("merchants", **merchant, can_refund=False)
    given = give_back(street.staff("finance"), order["number"], amount_fen=2_000).json
    street.due(ahead=10)
    street.wechat.sim("merchants", **merchant, can_refund=True)
    with street.inside():
        payments.drop(given["payment_refund_id"], by="test", why="paid in cash")
    (listed,) = street.staff("finance").get("/v1/office/order-refunds")["items"]
    assert listed["state"] == "stuck"
    assert moves_of(street, given["number"])[-1] == ("given", "stuck", "the wallet's part: dropped", "system")
    assert told_partners(street) == []  # it gave nothing


def told_partners(street: Street) -> list[tuple[str, int, str]]:
    """What partners hear: the event, the amount, the order."""
    with street.inside():
        events = session.scalars(select(PartnerEvent).order_by(PartnerEvent.id))
        return [(event.kind, event.facts["amount_fen"], event.facts["order_no"]) for event in events]


def test_partners_hear_what_a_shop_gave_back_and_what_the_wallet_has_given(street: Street) -> None:
    number = street.shopper().paid(5_000)["number"]
    with street.inside():
        partners.add(name="CRM", url="http://localhost:9/", shop_id=None, events=["sale.refunded", "refund.done"], by="test")
    give_back(street.staff("finance"), number, amount_fen=2_000)
    assert told_partners(street) == [("sale.refunded", 2_000, number)]
    street.due(ahead=10)
    assert told_partners(street) == [("sale.refunded", 2_000, number), ("refund.done", 2_000, number)]


def test_a_phone_hears_when_the_wallet_has_given_its_part(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    shopper = street.shopper()
    number = shopper.paid(5_000)["number"]
    give_back(street.staff("finance"), number)
    heard: list[Any] = []
    monkeypatch.setattr(live, "publish", lambda *whom, **facts: heard.append((*whom, facts)))
    street.due(ahead=10)
    assert heard == [("member", shopper.id, "order", {"number": number, "state": "refunded"})]


def gave(refund_id: int | str) -> GatewayRefund:
    """The wallet's word that it has given its part."""
    return GatewayRefund(cause_type="order_refund", cause_id=str(refund_id), state="done")


def test_a_wallet_s_part_of_a_refund_that_there_is_not_is_refused(inside: int) -> None:
    with pytest.raises(errors.OrderRefundNotFound):
        refunds.settle_refund(gave(4_242))


def test_a_wallet_s_word_that_comes_again_changes_nothing(street: Street) -> None:
    order = street.shopper().paid(5_000)
    given = give_back(street.staff("finance"), order["number"]).json
    with street.inside():
        refund = refunds.by_number(given["number"])
        assert refund.state == "given"
        with ThreadPoolExecutor(1) as pool:
            pool.submit(street.due, ahead=10).result()
        refunds.settle_refund(gave(refund.id))  # seen as given, and done meanwhile
        refunds.settle_refund(gave(refund.id))
    assert [to for _, to, _, _ in moves_of(street, given["number"])] == ["given", "done"]


def test_a_wallet_s_word_that_comes_twice_at_once_counts_once(street: Street) -> None:
    order = street.shopper().paid(5_000)
    given = give_back(street.staff("finance"), order["number"]).json
    with street.inside():
        refund_id = refunds.by_number(given["number"]).id

    def hear(_: int) -> None:
        with street.inside():
            refunds.settle_refund(gave(refund_id))

    with meeting("FROM order_refunds", parties=2) as place, ThreadPoolExecutor(2) as pool:
        list(pool.map(hear, range(2)))
    assert place.met == 1
    assert [to for _, to, _, _ in moves_of(street, given["number"])] == ["given", "done"]


def test_a_refund_waits_while_the_member_s_value_moves_elsewhere(street: Street) -> None:
    shopper, desk = street.shopper(), street.staff("finance")
    number = shopper.paid(5_000)["number"]
    with ThreadPoolExecutor(1) as pool:
        with street.inside():
            orders.hold_member(orders.by_number(number))
            refund = pool.submit(give_back, desk, number)
            until_others_wait()
        assert refund.result().status_code == 201


def test_a_refund_holds_what_the_order_earned_before_it_touches_a_card(street: Street) -> None:
    """Scoring locks the sale before the accounts: the other way round, the two would wait for each other."""
    shopper, desk = street.shopper(principal_fen=5_000), street.staff("finance")
    number = shopper.ordered(3_000)["order"]["number"]
    with ThreadPoolExecutor(1) as pool:
        with street.inside():
            (part,) = orders.parts_of(orders.by_number(number).id)
            (card,) = wallet.funds(shopper.id)
            sales.lock(part.sale_id)
            refund = pool.submit(give_back, desk, number)
            until_others_wait()
            session.execute(text("SET LOCAL lock_timeout = '200ms'"))
            assert ledger.lock(Owner("card", card.card_id), Asset.PRINCIPAL_FEN) == 2_000
        assert refund.result().status_code == 201
    assert shopper.value() == (5_000, 0)


def test_the_books_and_the_sale_name_the_refund_that_moved_them(street: Street) -> None:
    number = street.shopper().paid(5_000)["number"]
    given = give_back(street.staff("finance"), number, amount_fen=2_000).json
    with street.inside():
        refund = refunds.by_number(given["number"])
        cause = ("order_refund", refund.id)
        assert ledger.moved_by(Owner("shop", street.shop_id), Asset.CASH_FEN, [cause]) == {cause: -2_000}
        recorded = session.scalars(select(SaleRefund)).one()
        assert (recorded.source_type, recorded.source_id) == (f"order_refund:{street.shop_id}", refund.id)


def test_the_accounts_of_the_member_name_what_came_back_and_why(street: Street) -> None:
    shopper = street.shopper(points_held=1_000, principal_fen=5_000)
    given_up = shopper.ordered(20_000)["order"]["number"]
    assert shopper.send("put", f"/v1/orders/{given_up}/cancellation").status_code == 200
    number = shopper.ordered(3_000)["order"]["number"]
    give_back(street.staff("finance"), number)
    with street.inside():
        (card,) = wallet.funds(shopper.id)
        of_points = ledger.entries_of(Owner("member", shopper.id), Asset.POINTS).items
        of_card = ledger.entries_of(Owner("card", card.card_id), Asset.PRINCIPAL_FEN).items
    assert [(line.cause_type, line.amount) for line in of_card[:4]] == [
        ("order_refund_card", 2_000), ("order_hold", -2_000), ("order_release_card", 5_000), ("order_hold", -5_000),
    ]  # fmt: skip
    points_moved = [(line.cause_type, line.amount) for line in of_points]
    assert ("order_refund_points", 1_000) in points_moved and ("order_release", 1_000) in points_moved


def test_stored_value_comes_back_to_the_purchase_it_was_drawn_for(street: Street) -> None:
    shopper = street.shopper(principal_fen=9_000)
    first, second = (shopper.ordered(fen)["order"]["number"] for fen in (3_000, 4_000))
    give_back(street.staff("finance"), first, amount_fen=1_000)
    with street.inside():
        draws = {draw.cause_id: draw for draw in session.scalars(select(CardDraw))}
        came_back = [draws[orders.by_number(number).hold_cause].back_principal_fen for number in (first, second)]
        assert (came_back, {draw.shop_id for draw in draws.values()}) == ([1_000, 0], {street.shop_id})


def test_what_nobody_earned_points_for_comes_back_as_well(street: Street) -> None:
    payer = street.payer()
    number = payer.ordered(5_000)["order"]["number"]
    payer.pays(number)
    street.due(ahead=10)
    given = give_back(street.staff("finance"), number)
    assert (given.status_code, given.json["points_taken"], given.json["became_debt"]) == (201, 0, 0)
    assert street.cash(Owner("shop", street.shop_id)) == 0


def test_a_shop_gives_money_back_for_so_many_days(street: Street) -> None:
    order = street.shopper().paid(5_000)
    with street.inside():
        placed = orders.by_number(order["number"])
        part = session.scalars(select(OrderPart).where(OrderPart.order_id == placed.id)).one()
        last = part.paid_at + timedelta(days=30)
        clock.fix(last + timedelta(microseconds=1))
        with pytest.raises(errors.RefundTooLate):
            refunds.by_shop(placed, street.shop_id, refunds.Wanted(), by="shop", reason="退货")
        with pytest.raises(errors.OrderNotFound):
            refunds.by_shop(placed, street.shop_id + 1, refunds.Wanted(), by="shop", reason="退货")
        clock.fix(last)
        assert refunds.by_shop(placed, street.shop_id, refunds.Wanted(amount_fen=5), by="shop", reason="退货").amount_fen == 5
        clock.fix(None)


def test_a_rejected_refund_gives_nothing(street: Street) -> None:
    order = street.shopper().paid(200_000)
    waiting = give_back(street.staff("finance"), order["number"]).json
    decided = street.staff("administrator").send("put", f"/v1/office/order-refunds/{waiting['number']}/decision", {"approve": False})
    assert decided.json["state"] == "rejected"
    assert street.cash(Owner("shop", street.shop_id)) == 200_000


def test_a_shop_gives_back_its_own_payments_only(street: Street) -> None:
    order = street.shopper().paid(10_000)
    own, other = street.staff("shop_manager", shop_id=street.shop_id), street.staff("shop_manager")
    assert give_back(other, order["number"], amount_fen=100).status_code == 404
    tablet = street.staff("tablet", shop_id=street.shop_id)
    assert tablet.send("post", f"/v1/shop/orders/{order['number']}/refunds", {"reason": "x"}).json["type"] == "/problems/permission-missing"
    assert give_back(own, order["number"], amount_fen=100).json["amount_fen"] == 100


def test_an_unpaid_order_gives_nothing_back(street: Street) -> None:
    number = street.shopper().ordered(1_000)["order"]["number"]
    refused = give_back(street.staff("finance"), number).json
    assert (refused["type"], refused["state"]) == ("/problems/order-not-paid", "held")


@pytest.mark.parametrize("round_", range(3))
def test_racing_refunds_never_give_back_more_than_was_paid(street: Street, round_: int) -> None:
    shopper = street.shopper(points_held=1_000, principal_fen=2_000)
    order = shopper.paid(10_000)
    staff = [street.staff("finance") for _ in range(6)]
    chance = random.Random(round_)
    answers: list[Any] = []
    wanted = [(who, chance.randint(1_000, 4_000)) for who in staff]

    def ask(who: Shopper, fen: int) -> None:
        answers.append(give_back(who, order["number"], amount_fen=fen))

    threads = [threading.Thread(target=ask, args=pair) for pair in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    given = [answer.json["amount_fen"] for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    after = shopper.read(order["number"])
    assert after["refunded_fen"] == sum(given) <= 10_000
    assert street.cash(Owner("shop", street.shop_id)) == 10_000 - sum(given)
    street.books_agree()


def test_a_recharge_comes_back_only_as_far_as_it_is_unspent_and_its_bonus_never(street: Street, statements) -> None:
    shopper = street.shopper()
    packages = shopper.get("/v1/wallet/packages")
    package = (packages["items"] if isinstance(packages, dict) else packages)[0]
    said = {"purchase": {"kind": "recharge", "package_id": package["id"]}, "expected_fen": package["pays_fen"], "channel": "alipay"}
    placed = shopper.send("post", "/v1/orders", said)
    assert placed.status_code == 201, placed.json
    number = placed.json["order"]["number"]
    shopper.pays(number)
    street.due(ahead=10)
    assert shopper.read(number)["state"] == "paid"
    assert shopper.value() == (100_000, 10_000)
    assert shopper.points()["balance"] == 0
    finance = street.staff("finance")
    with statements() as seen:
        assert finance.get(f"/v1/office/orders/{number}")["refundable_fen"] == 100_000
    assert [text for text in seen if re.search(r"FOR (UPDATE|NO KEY UPDATE|SHARE)", text)] == []  # who looks holds nobody up
    given = give_back(finance, number)
    assert given.json["amount_fen"] == 100_000
    assert shopper.value() == (0, 0)
    street.due(ahead=60)
    street.books_agree()


def test_the_desk_finds_the_order_that_a_refund_belongs_to(street: Street) -> None:
    shopper, desk = street.shopper(), street.staff("finance")
    shopper.paid(1_500)
    order = shopper.paid(2_500)
    made = give_back(desk, order["number"]).json
    assert [one["number"] for one in desk.get(f"/v1/office/orders?order_id={made['order_id']}")["items"]] == [order["number"]]
