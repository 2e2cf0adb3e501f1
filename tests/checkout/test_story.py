"""The whole story, over HTTP, through each gateway, and with each trouble once: every tender and the points are right, to the fen."""

from __future__ import annotations

import time

import pytest

from api.kit import clock
from api.ledger import service as ledger
from api.ledger.service import Owner
from api.malls import service as malls
from api.wallet.service import balance_report
from tests.checkout.conftest import Shopper, Street

TROUBLES = ["none", "notice lost", "notice twice", "order answered by a cut line", "refund answered by a cut line"]


def pays_somehow(street: Street, shopper: Shopper, number: str, trouble: str) -> None:
    """The shopper confirms in the wallet; we hear of it by notice, or by asking."""
    payment = street.payment_of(number)
    simulator = street.wechat if payment.channel == "wechat" else street.alipay
    if trouble == "notice twice":
        simulator.sim("troubles", kind="duplicate", copies=3)
    simulator.sim("pay", out_trade_no=payment.number, notify=trouble != "notice lost")
    for _ in range(100):
        street.due(ahead=10 if trouble == "notice lost" else 0)
        if shopper.read(number)["state"] == "paid":
            return
        time.sleep(0.05)
    raise AssertionError("the money was never found")


def order(street: Street, shopper: Shopper, body: dict, trouble: str) -> str:
    """Place an order; when the wallet's answer is lost, ask again."""
    channel = body["channel"]
    if trouble == "order answered by a cut line":
        getattr(street, channel).fault("reset", "place")
    placed = shopper.send("post", "/v1/orders", body)
    assert placed.status_code == 201, placed.json
    number = placed.json["order"]["number"]
    if placed.json["wallet"] is None:
        assert shopper.send("post", f"/v1/orders/{number}/payments", {"channel": channel}).status_code == 201
    return str(number)


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("channel", ["wechat", "alipay"])
def test_recharge_pay_by_three_tenders_earn_and_refund_a_part(street: Street, channel: str, trouble: str) -> None:
    shopper = street.shopper(points_held=2_000)
    package = shopper.get("/v1/wallet/packages")["items"][0]
    recharge = {"purchase": {"kind": "recharge", "package_id": package["id"]}, "channel": channel, "expected_fen": package["pays_fen"]}
    pays_somehow(street, shopper, order(street, shopper, recharge, trouble), trouble)
    assert shopper.value() == (100_000, 10_000)

    quote = shopper.quote(150_000)
    assert (quote["points_fen"], quote["stored_fen"], quote["gateway_fen"]) == (2_000, 110_000, 38_000)
    assert quote["pin_needed"]
    shopper.sets_pin("729461")
    body = shopper.basket(150_000, channel=channel, expected_fen=38_000)
    assert shopper.send("post", "/v1/orders", body).json["type"] == "/problems/pin-needed"
    number = order(street, shopper, body | {"pin": "729461"}, trouble)
    pays_somehow(street, shopper, number, trouble)
    paid = shopper.read(number)
    assert (paid["points"], paid["refunded_fen"]) == (1_380, 0)  # of money and principal; neither bonus nor points earn
    assert shopper.points()["balance"] == 1_380

    if trouble == "refund answered by a cut line":
        getattr(street, channel).fault("reset", "refund")
    given = street.staff("finance").send("post", f"/v1/office/orders/{number}/refunds", {"amount_fen": 75_000, "reason": "退一件"})
    assert (given.json["gateway_fen"], given.json["points_back"], given.json["points_taken"]) == (19_000, 1_000, 690)
    street.due(ahead=700)
    after = shopper.read(number)
    assert [refund["state"] for refund in after["refunds"]] == ["done"]
    assert {row["tender"]: row["refunded_fen"] for row in after["tenders"]} == {
        "gateway": 19_000, "stored_principal": 50_000, "stored_bonus": 5_000, "points": 1_000,
    }  # fmt: skip
    assert shopper.value() == (50_000, 5_000)
    assert shopper.points()["balance"] == 1_380 - 690 + 1_000
    assert street.cash(Owner("shop", street.shop_id)) == 75_000
    street.books_agree()
    with street.inside():
        assert ledger.record_proof().differences == 0
        assert balance_report.record_report(clock.today(malls.mall_info().timezone)).differences == []
