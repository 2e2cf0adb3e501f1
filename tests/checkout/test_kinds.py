"""Kinds of purchase: their own words in the contract, the mall as a seller among tenants, and late money that asks the thing again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from api.checkout import benefits
from api.checkout.benefits import PricedLine
from api.checkout.mix import Tender
from api.checkout.service import orders, quotes
from api.checkout.shares import Bearer, BearerKind, Share
from api.kit import db, live
from api.kit.db import session
from api.ledger.service import Owner
from api.malls import service as malls
from api.members.service import profile
from api.payments import service as payments
from api.purchases.baskets import Basket, Line, Purchase, Seller
from api.wallet import service as wallet
from api.wallet.models import CardProduct
from tests.checkout.conftest import Shopper, Street
from tests.checkout.stall import Stall, StallSoldOut, open_stall
from tests.checkout.test_bad_input import check_refused
from tests.checkout.test_paying import late
from tests.checkout.test_refunding import give_back
from tests.factories import make_shop
from tests.wallet.conftest import make_package


@pytest.fixture
def stall(street: Street) -> Iterator[Stall]:
    with open_stall() as opened:
        yield opened


def goods(*of: tuple[int | None, int]) -> dict[str, Any]:
    return {"purchase": {"kind": "stall", "goods": [{"shop_id": shop_id, "fen": fen} for shop_id, fen in of]}}


def ordered(shopper: Shopper, what: dict[str, Any], **more: Any) -> dict[str, Any]:
    quote = shopper.send("post", "/v1/quotes", what)
    assert quote.status_code == 200, quote.json
    body = what | {"channel": "wechat", "expected_fen": quote.json["gateway_fen"]} | more
    answer = shopper.send("post", "/v1/orders", body)
    assert answer.status_code == 201, answer.json
    return dict(answer.json["order"])


def paid(street: Street, shopper: Shopper, what: dict[str, Any]) -> dict[str, Any]:
    number = ordered(shopper, what)["number"]
    shopper.pays(number)
    street.due(ahead=10)
    return shopper.read(number)


def recharge(street: Street, member_limit: int | None) -> dict[str, Any]:
    with street.inside():
        package = make_package(member_limit=member_limit, pays_fen=10_000, bonus_fen=1_000)
    return {"purchase": {"kind": "recharge", "package_id": package.id}}


# -- what may be asked for --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("purchase", "wrong"),
    [
        (None, "purchase"),
        ([], "purchase"),
        ({}, "kind"),
        ({"kind": "charge", "amount_fen": 100}, "kind"),
        ({"kind": "nothing"}, "kind"),
        ({"kind": 7}, "kind"),
        ({"kind": "plate", "amount_fen": 100}, "plate"),
        ({"kind": "plate", "plate": "abcdefgh"}, "amount_fen"),
        ({"kind": "recharge", "package_id": 0}, "package_id"),
        ({"kind": "recharge", "package_id": 1, "amount_fen": 100}, "amount_fen"),
    ],
)
def test_a_purchase_of_no_kind_or_with_other_words_is_refused_by_field(street: Street, purchase: Any, wrong: str) -> None:
    shopper = street.shopper()
    answer = shopper.send("post", "/v1/quotes", {"purchase": purchase})
    check_refused(answer, "shape-wrong", 422)
    assert wrong in str(answer.json["errors"])


def test_a_kind_that_only_its_own_file_names_is_quoted_ordered_paid_and_given_back(street: Street, stall: Stall) -> None:
    shopper = street.shopper()
    order = paid(street, shopper, goods((street.shop_id, 3_000), (street.shop_id, 2_000)))
    assert (order["kind"], order["state"], order["title"], order["title_en"], order["points"]) == ("stall", "paid", "小摊", "Stall", 50)
    assert [(line["net_fen"], line["list_fen"], line["quantity"]) for line in order["lines"]] == [(3_000, 3_100, 1), (2_000, 2_100, 1)]
    (purchase,) = stall.paid
    assert [line.line.item_ref for line in purchase.lines] == ["good-0", "good-1"]
    payers = [[(part.tender, part.fen) for part in line.allocations] for line in purchase.lines]
    assert payers == [[("gateway", 3_000)], [("gateway", 2_000)]]
    assert give_back(street.staff("finance"), order["number"], lines=[1]).status_code == 201
    ((_, refund),) = stall.refunds
    assert (refund.amount_fen, [(cell.line, cell.tender, cell.fen) for cell in refund.cells]) == (2_000, [(1, "gateway", 2_000)])
    assert stall.left == 9
    street.books_agree()


def test_what_is_sold_out_takes_nothing(street: Street, stall: Stall) -> None:
    stall.left = 0
    shopper = street.shopper(points_held=1_000)
    what = goods((street.shop_id, 3_000))
    left = shopper.send("post", "/v1/quotes", what).json["gateway_fen"]
    refused = shopper.send("post", "/v1/orders", what | {"channel": "wechat", "expected_fen": left})
    check_refused(refused, "stall-sold-out", 409)
    assert shopper.points()["balance"] == 1_000
    assert shopper.get("/v1/orders")["items"] == []


# -- the mall sells too -----------------------------------------------------------------------------------------------


def test_one_order_of_the_malls_own_goods_and_a_tenants_is_shown_booked_and_invoiced_by_seller(street: Street, stall: Stall) -> None:
    shopper = street.shopper()
    order = paid(street, shopper, goods((None, 4_000), (street.shop_id, 6_000)))
    assert (order["state"], order["shop_id"], order["total_fen"], order["points"]) == ("paid", None, 10_000, 60)
    assert [line["shop_id"] for line in order["lines"]] == [None, street.shop_id]
    assert {invoice["shop_id"]: invoice["amount_fen"] for invoice in order["invoices"]} == {None: 4_000, street.shop_id: 6_000}
    mall, shop = Owner("mall", street.mall), Owner("shop", street.shop_id)
    assert (street.cash(mall), street.cash(shop)) == (4_000, 6_000)
    assert give_back(street.staff("finance"), order["number"]).status_code == 201
    street.due(ahead=10)
    after = shopper.read(order["number"])
    assert (after["state"], after["invoices"], shopper.points()["balance"]) == ("refunded", [], 0)
    assert (street.cash(mall), street.cash(shop)) == (0, 0)
    street.books_agree()


def test_a_card_that_every_shop_takes_pays_the_malls_own_goods_and_one_of_a_shop_does_not(street: Street, stall: Stall) -> None:
    shopper = street.shopper(principal_fen=10_000)
    quote = shopper.send("post", "/v1/quotes", goods((None, 4_000), (street.shop_id, 3_000))).json
    assert (quote["gateway_fen"], quote["stored_fen"]) == (0, 7_000)
    order = ordered(shopper, goods((None, 4_000), (street.shop_id, 3_000)))
    assert order["state"] == "paid"
    assert street.cash(Owner("shop", street.shop_id)) == 3_000
    assert street.cash(Owner("mall", street.mall)) == -3_000  # what it owes the shop; its own goods it owes nobody
    (own,) = [invoice for invoice in order["invoices"] if invoice["shop_id"] is None]
    assert own["amount_fen"] == 4_000
    with street.inside():
        session.execute(update(CardProduct).values(shop_ids=[street.shop_id]))
    quote = shopper.send("post", "/v1/quotes", goods((None, 4_000), (street.shop_id, 3_000))).json
    assert (quote["gateway_fen"], quote["stored_fen"]) == (4_000, 3_000)
    street.books_agree()


def test_a_tenants_own_account_never_collects_for_the_mall(street: Street, stall: Stall) -> None:
    with street.inside():
        own = payments.open_account(
            by="test", channel="wechat", name="own", mode="direct", merchant_no="1900009999", app_id="wxown", shop_id=street.shop_id,
            collects="shop",
        )  # fmt: skip
        assert payments.account_for(street.shop_id, "wechat").id == own.id
    order = ordered(street.shopper(), goods((None, 1_000), (street.shop_id, 1_000)))
    assert street.payment_of(order["number"]).account_id != own.id


# -- late money -------------------------------------------------------------------------------------------------------


def test_late_money_revives_a_recharge_whose_package_can_still_be_had(street: Street) -> None:
    shopper, what = street.shopper(), recharge(street, member_limit=1)
    number = ordered(shopper, what)["number"]
    late(street, street.payment_of(number))
    assert shopper.read(number)["state"] == "paid"
    assert shopper.value() == (10_000, 1_000)
    assert "到账" in shopper.get("/v1/messages")["items"][0]["title"]["zh"]
    street.books_agree()


def test_late_money_of_a_recharge_goes_back_when_another_order_took_the_last_package(street: Street) -> None:
    """Before, the notice stayed in error for ever and nothing went back."""
    shopper, what = street.shopper(), recharge(street, member_limit=1)
    number = ordered(shopper, what)["number"]
    payment = street.payment_of(number)
    late(street, payment, between=lambda: paid(street, shopper, what))
    [under_way] = shopper.read(number)["returned"]
    assert (under_way["amount_fen"], under_way["done_at"]) == (10_000, None)
    street.due(ahead=5)
    order = shopper.read(number)
    assert (order["state"], order["points_taken"], [part["amount_fen"] for part in order["returned"]]) == ("closed", 0, [10_000])
    with street.inside():
        assert [refund.amount_fen for refund in payments.refunds_of(payment.id)] == [10_000]
    assert "退回" in shopper.get("/v1/messages")["items"][0]["title"]["zh"]
    assert shopper.value() == (10_000, 1_000)
    street.books_agree()


@pytest.mark.parametrize("left", [0, 1])
def test_late_money_asks_the_thing_of_any_kind_again(street: Street, stall: Stall, left: int) -> None:
    shopper = street.shopper(points_held=1_000)
    number = ordered(shopper, goods((street.shop_id, 5_000)))["number"]
    payment = street.payment_of(number)

    def others_buy() -> None:
        stall.left = left

    late(street, payment, between=others_buy)
    street.due(ahead=5)
    assert shopper.read(number)["state"] == ("paid" if left else "closed")
    with street.inside():
        assert len(payments.refunds_of(payment.id)) == (0 if left else 1)
    # What the tenants took again for the revival came back with it.
    assert shopper.points()["balance"] == (40 if left else 1_000)
    assert stall.left == 0
    street.books_agree()


def test_late_money_of_a_member_who_has_left_goes_back(street: Street) -> None:
    shopper, what = street.shopper(), recharge(street, member_limit=None)
    number = ordered(shopper, what)["number"]
    payment = street.payment_of(number)

    def leave() -> None:
        with street.inside():
            profile.close(shopper.id)

    late(street, payment, between=leave)
    with street.inside():
        assert orders.by_number(number).state == "closed"
        assert [refund.amount_fen for refund in payments.refunds_of(payment.id)] == [10_000]
        assert wallet.funds(shopper.id) == []
    street.books_agree()


def test_money_in_time_goes_back_when_the_thing_cannot_be_given_any_more(street: Street) -> None:
    """Before, its notice stayed in error for ever."""
    shopper, what = street.shopper(), recharge(street, member_limit=None)
    number = ordered(shopper, what)["number"]
    payment = street.payment_of(number)
    with street.inside():
        session.execute(update(CardProduct).values(limit_fen=5_000))
    shopper.pays(number)
    street.due(ahead=10)
    assert shopper.read(number)["state"] == "closed"
    with street.inside():
        assert [refund.amount_fen for refund in payments.refunds_of(payment.id)] == [10_000]
    assert "退回" in shopper.get("/v1/messages")["items"][0]["title"]["zh"]
    street.books_agree()


def test_a_phone_hears_nothing_of_an_order_that_was_not_revived(street: Street, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []
    monkeypatch.setattr(live, "publish", lambda *_, **facts: db.after_commit(lambda: heard.append(facts)))
    shopper = street.shopper()
    number = ordered(shopper, goods((street.shop_id, 5_000)))["number"]

    def refuse(purchase: Purchase) -> None:
        live.publish("member", shopper.id, "order", state="paid")
        raise StallSoldOut()

    payment = street.payment_of(number)
    late(street, payment, between=lambda: setattr(stall, "reserve_again", refuse))
    assert [facts for facts in heard if facts.get("state") == "paid"] == []


# -- refunds of what is measured when it is given ---------------------------------------------------------------------


@pytest.mark.parametrize("spent_before", [True, False])
def test_a_recharge_refund_that_waited_is_refused_when_other_money_is_unspent_by_then(street: Street, spent_before: bool) -> None:
    """Before, a member spent the card while the refund waited, and got all of the money back."""
    shopper, what = street.shopper(), recharge(street, member_limit=None)
    with street.inside():
        malls.change_policy({"refund_limit_fen": 1_000}, by="test", why="a second person")
    number = paid(street, shopper, what)["number"]
    if spent_before:
        spend(shopper)
    waits = give_back(street.staff("finance"), number)
    assert waits.json["state"] == "waiting"
    if spent_before:
        paid(street, shopper, what)
    else:
        spend(shopper)
    decision = f"/v1/office/order-refunds/{waits.json['number']}/decision"
    refused = street.staff("finance").send("put", decision, {"approve": True})
    check_refused(refused, "order-refund-too-large", 409)
    assert refused.json["left_fen"] == (10_000 if spent_before else 5_000)
    assert shopper.read(number)["refunded_fen"] == 0
    street.books_agree()


@pytest.mark.parametrize("wanted", [{"lines": [0]}, {"lines": [0], "amount_fen": 10_000}, {"amount_fen": 9_999}])
def test_a_recharge_comes_back_with_all_that_is_unspent_of_it_or_not_at_all(street: Street, wanted: dict[str, Any]) -> None:
    number = paid(street, street.shopper(), recharge(street, member_limit=None))["number"]
    desk = street.staff("finance")
    refused = give_back(desk, number, **wanted)
    check_refused(refused, "order-refund-too-large", 409)
    assert refused.json["left_fen"] == 10_000
    assert give_back(desk, number, amount_fen=10_000).json["amount_fen"] == 10_000


def test_a_shop_whose_goods_stay_is_not_asked_for_points(street: Street, stall: Stall) -> None:
    with street.inside():
        other_shop = make_shop().id
    shopper = street.shopper()
    order = paid(street, shopper, goods((street.shop_id, 6_000), (other_shop, 7_000)))
    given = give_back(street.staff("finance"), order["number"], lines=[1]).json
    assert (given["amount_fen"], given["points_taken"]) == (7_000, 70)
    assert (street.cash(Owner("shop", street.shop_id)), street.cash(Owner("shop", other_shop))) == (6_000, 0)
    assert shopper.points()["balance"] == 60


def spend(shopper: Shopper) -> None:
    what = {"purchase": {"kind": "plate", "plate": shopper.street.plate, "amount_fen": 5_000}}
    assert ordered(shopper, what)["state"] == "paid"


# -- what one of several sellers sees ---------------------------------------------------------------------------------


def test_a_shop_sees_and_hears_of_its_own_part_only(street: Street, stall: Stall, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[tuple[int, int]] = []
    publish = live.publish

    def ring(kind: str, subject: int, event: str, **facts: Any) -> None:
        if (kind, event) == ("shop", "refund"):
            rung.append((subject, facts["amount_fen"]))
        publish(kind, subject, event, **facts)

    monkeypatch.setattr(live, "publish", ring)
    with street.inside():
        other_shop = make_shop().id
    shopper = street.shopper(principal_fen=2_000)
    order = paid(street, shopper, goods((None, 4_000), (street.shop_id, 6_000), (other_shop, 7_000)))
    clerk = street.staff("shop_manager", shop_id=street.shop_id)
    seen = clerk.get(f"/v1/shop/orders/{order['number']}")
    assert (seen["total_fen"], [line["shop_id"] for line in seen["lines"]], seen["sentences"]) == (6_000, [street.shop_id], [])
    assert [invoice["shop_id"] for invoice in seen["invoices"]] == [street.shop_id]
    assert sum(tender["amount_fen"] for tender in seen["tenders"]) == 6_000
    assert len(seen["explanations"]) == 1
    assert give_back(street.staff("finance"), order["number"], lines=[0, 1]).status_code == 201
    assert rung == [(street.shop_id, 6_000)]
    seen = clerk.get(f"/v1/shop/orders/{order['number']}")
    assert (seen["refunded_fen"], [refund["amount_fen"] for refund in seen["refunds"]]) == (6_000, [6_000])
    assert seen["refunds"][0]["points_taken"] == 0


def test_a_card_is_named_once(street: Street) -> None:
    shopper = street.shopper(principal_fen=5_000)
    card = next(option["source_id"] for option in shopper.quote(100)["options"] if option["kind"] == "card")
    refused = shopper.send("post", "/v1/quotes", shopper.basket(10_000, choose={"points": None, "card_ids": [card, card]}))
    check_refused(refused, "shape-wrong", 422)


def test_an_empty_basket_is_refused(street: Street, stall: Stall) -> None:
    check_refused(street.shopper().send("post", "/v1/quotes", goods()), "basket-empty", 422)


# -- benefits of the lines --------------------------------------------------------------------------------------------


@pytest.fixture
def benefit() -> Iterator[list[Any]]:
    before = list(benefits.BENEFITS)
    yield benefits.BENEFITS
    benefits.BENEFITS[:] = before


def thirty_off(lines: Any, member_id: int | None) -> tuple[PricedLine, ...]:
    """A brand pays 30 fen of the first line."""
    bearer = Bearer(BearerKind.BRAND, 7, 30)
    return (PricedLine(lines[0].line, (Share(0, Tender.POINTS, None, 30, (bearer,)),)), *lines[1:])


def test_what_a_benefit_pays_is_left_to_nobody_else(street: Street, stall: Stall, benefit: list[Any]) -> None:
    basket = Basket("stall", {}, "x", (Line("a", 100, Seller(street.shop_id)), Line("b", 50, Seller(street.shop_id))))
    with street.inside():
        assert [share.fen for share in quotes.quote(basket, None).shares] == [100, 50]
        benefit.append(thirty_off)
        quote = quotes.quote(basket, None)
    assert (quote.total_fen, quote.gateway_fen) == (150, 120)
    assert [(share.line, share.fen, [bearer.kind for bearer in share.bearers]) for share in quote.shares] == [
        (0, 70, []), (0, 30, [BearerKind.BRAND]), (1, 50, []),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("share", "why"),
    [
        (Share(0, Tender.POINTS, None, 101, (Bearer(BearerKind.MALL, 0, 101),)), "more than a line costs"),
        (Share(0, Tender.POINTS, None, 30, (Bearer(BearerKind.MALL, 0, 29),)), "to the fen"),
        (Share(1, Tender.POINTS, None, 30, (Bearer(BearerKind.MALL, 0, 30),)), "names its line"),
        (Share(0, Tender.POINTS, None, 0, ()), "names its line"),
    ],
)
def test_a_benefit_that_does_not_add_up_is_our_bug_and_told_at_once(benefit: list[Any], share: Share, why: str) -> None:
    benefit.append(lambda lines, member_id: (PricedLine(lines[0].line, (share,)),))
    with pytest.raises(ValueError, match=why):
        benefits.price((Line("a", 100),), None)


def test_a_benefit_returns_every_line_it_was_given(benefit: list[Any]) -> None:
    benefit.append(lambda lines, member_id: ())
    with pytest.raises(ValueError, match="returns the lines"):
        benefits.price((Line("a", 100),), None)
