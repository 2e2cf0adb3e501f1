"""The smart business circle: joined, bought, points told, refunded, parked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.wechat.conftest import Mailbox, Simulator, now
from tests.wechat.test_independent import stranger
from tests.wechat.test_pay import read, wait_for
from wechat.circle import BusinessCircle, Points
from wechat.client import PayClient
from wechat.errors import OrderMissing, PayRefused, UnreadableNotice, Untrusted
from wechat.simulator.notice_sender import HURRIED

SHOP = {"shop_name": "一楼 奶茶", "shop_number": "A101"}


@pytest.fixture
def circle(wechat: Simulator, pay: PayClient, mailbox: tuple[Mailbox, str]) -> BusinessCircle:
    wechat.sim("circle", notify_url=mailbox[1], auth_url=mailbox[1])
    return BusinessCircle(pay, wechat.settings.appid, 1000)


def joined(wechat: Simulator, box: Mailbox, person: str) -> str:
    wechat.sim("circle/join", person=person, code="M0001")
    assert wechat.sim("notices/settle")["settled"]
    box.deliveries.clear()
    return wechat.openid(person)


def bought(wechat: Simulator, person: str, **said: Any) -> dict[str, Any]:
    return wechat.sim("circle/pay", person=person, amount=8800, **{**SHOP, **said})


def test_a_member_who_joins_is_told_with_the_card(wechat: Simulator, circle: BusinessCircle, mailbox: tuple[Mailbox, str]) -> None:
    openid = wechat.openid("joiner")
    assert circle.authorization(openid).state == "UNAUTHORIZED"
    assert wechat.sim("circle/join", person="joiner", code="M0001", auth_type="REGISTERED_AND_AUTHORIZATION_MODE")["told"]
    card = read(wechat, wait_for(lambda: mailbox[0].deliveries)[0]).mall_card()
    assert (card.openid, card.card_code, card.auth_type) == (openid, "M0001", "REGISTERED_AND_AUTHORIZATION_MODE")
    seen = circle.authorization(openid)
    assert seen.state == "AUTHORIZED" and seen.authorized_at is not None
    wechat.sim("circle/leave", person="joiner")
    gone = circle.authorization(openid)
    assert gone.state == "DEAUTHORIZED" and gone.deauthorized_at is not None


def test_an_authorisation_is_resent_in_a_hurry_and_then_given_up() -> None:
    assert (len(HURRIED), sum(HURRIED)) == (10, 4 * 60 + 51)


def test_a_lost_authorisation_is_found_by_asking(wechat: Simulator, circle: BusinessCircle, mailbox: tuple[Mailbox, str]) -> None:
    box, _ = mailbox
    box.answers = [500] * 20
    wechat.sim("circle/join", person="lost-joiner", code="M0002")
    wait_for(lambda: len(box.deliveries) == 11)
    assert wechat.sim("notices/settle")["settled"]
    assert len(box.deliveries) == 11
    assert circle.authorization(wechat.openid("lost-joiner")).state == "AUTHORIZED"


def test_a_members_purchase_is_told_and_a_strangers_is_not(wechat: Simulator, circle: BusinessCircle, mailbox: tuple[Mailbox, str]) -> None:
    box, _ = mailbox
    openid = joined(wechat, box, "buyer")
    number = bought(wechat, "buyer")["transaction_id"]
    notice = read(wechat, wait_for(lambda: box.deliveries)[0])
    payment = notice.mall_payment()
    assert (notice.original_type, payment.transaction_id, payment.amount_fen) == ("mall_transaction", number, 8800)
    assert (payment.openid, payment.shop_number, payment.commit_tag) == (openid, "A101", None)
    with pytest.raises(UnreadableNotice):
        notice.transaction()
    with pytest.raises(UnreadableNotice):
        notice.mall_refund()
    assert not bought(wechat, "a-stranger")["told"]
    assert bought(wechat, "a-stranger", commit_tag="BY-HAND")["told"]


def test_points_are_told_with_an_empty_signed_204(wechat: Simulator, circle: BusinessCircle, mailbox: tuple[Mailbox, str]) -> None:
    openid = joined(wechat, mailbox[0], "pointed")
    number = bought(wechat, "pointed")["transaction_id"]
    assert circle.waits_for_points(openid)
    wechat.sim("faults", kind="unsigned", path="/v3/businesscircle/points/notify")
    with pytest.raises(Untrusted):
        circle.report_points(Points(number, openid, 88, now(), total=1088))
    circle.report_points(Points(number, openid, 88, now(), total=1088))
    assert not circle.waits_for_points(openid)
    reported = wechat.sim("circle")["reported"][number]
    assert (reported["earn_points"], reported["increased_points"], reported["total_points"]) == (True, 88, 1088)


@pytest.mark.parametrize(("earned", "remark"), [(0, ""), (-1, "x")])
def test_points_that_make_no_sense_are_refused(
    wechat: Simulator, circle: BusinessCircle, mailbox: tuple[Mailbox, str], earned: int, remark: str
) -> None:
    openid = joined(wechat, mailbox[0], "odd")
    number = bought(wechat, "odd")["transaction_id"]
    with pytest.raises(PayRefused, match="PARAM_ERROR"):
        circle.report_points(Points(number, openid, earned, now(), remark=remark))


def test_points_of_somebody_elses_purchase_are_refused(wechat: Simulator, circle: BusinessCircle, mailbox: tuple[Mailbox, str]) -> None:
    joined(wechat, mailbox[0], "owner")
    number = bought(wechat, "owner")["transaction_id"]
    with pytest.raises(OrderMissing):
        circle.report_points(Points(number, wechat.openid("thief"), 88, now()))


def test_a_refund_is_told_only_after_its_points_were(wechat: Simulator, circle: BusinessCircle, mailbox: tuple[Mailbox, str]) -> None:
    box, _ = mailbox
    openid = joined(wechat, box, "returner")
    number = bought(wechat, "returner")["transaction_id"]
    assert not wechat.sim("circle/refund", transaction_id=number, amount=800)["told"]
    circle.report_points(Points(number, openid, 0, now(), remark="商品不参与积分活动"))
    assert wechat.sim("notices/settle")["settled"]  # the purchase was told of; what comes next is the refund
    box.deliveries.clear()
    told = wechat.sim("circle/refund", transaction_id=number, amount=1000)
    refund = read(wechat, wait_for(lambda: box.deliveries)[0]).mall_refund()
    assert told["told"] and refund.refund_id == told["refund_id"]
    assert (refund.transaction_id, refund.paid_fen, refund.refund_fen, refund.openid) == (number, 8800, 1000, openid)


def test_a_refund_after_thirty_days_is_not_told(wechat: Simulator, circle: BusinessCircle, mailbox: tuple[Mailbox, str]) -> None:
    openid = joined(wechat, mailbox[0], "late-returner")
    number = bought(wechat, "late-returner")["transaction_id"]
    circle.report_points(Points(number, openid, 88, now()))
    month = timedelta(days=30, minutes=1).total_seconds()
    wechat.sim("clock", advance=month)
    try:
        assert not wechat.sim("circle/refund", transaction_id=number, amount=1)["told"]
    finally:
        wechat.sim("clock", advance=-month)


def test_parking_is_told_with_an_empty_signed_204(wechat: Simulator, circle: BusinessCircle) -> None:
    circle.report_parking(wechat.openid("driver"), "粤B888888", "IN", now())
    wechat.sim("faults", kind="bad_signature", path="/v3/businesscircle/parkings")
    with pytest.raises(Untrusted):
        circle.report_parking(wechat.openid("driver"), "粤B888888", "OUT", now())
    assert [one["state"] for one in wechat.sim("circle")["parkings"]][-2:] == ["IN", "OUT"]


def test_an_independent_client_tells_points_and_asks_for_an_authorisation(
    wechat: Simulator, circle: BusinessCircle, mailbox: tuple[Mailbox, str]
) -> None:
    openid = joined(wechat, mailbox[0], "independent")
    number = bought(wechat, "independent")["transaction_id"]
    client = stranger(wechat)
    status, body = client.points_notify(number, openid, True, 88, "2026-11-25T12:00:00+08:00")
    assert (status, body) == (204, b"")
    assert '"AUTHORIZED"' in client.user_authorization(openid)[1]
