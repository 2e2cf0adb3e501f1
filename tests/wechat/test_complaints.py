"""A payer complains: told, read, answered, closed, listed; and what WeChat Pay refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from tests.wechat.conftest import Mailbox, Simulator, now
from tests.wechat.test_pay import number, paid, placed, read, wait_for
from wechat.client import PayClient, RefundOrder, SubMerchant
from wechat.complaints import Complaints
from wechat.errors import OrderMissing, PayRefused, UnreadableNotice, Untrusted
from wechat.simulator.clock import CHINA_OFFSET


@pytest.fixture
def desk(pay: PayClient) -> Iterator[Complaints]:
    books = Complaints(pay)
    yield books
    books.send_no_notices()


def complain(wechat: Simulator, out_trade_no: str, **said: Any) -> str:
    return str(wechat.sim("complaints", out_trade_no=out_trade_no, **said)["complaint_id"])


def today() -> Any:
    return (now() + CHINA_OFFSET).date()


def test_a_complaint_is_read_with_its_order_and_the_phone_opened(wechat: Simulator, pay: PayClient, desk: Complaints) -> None:
    out_trade_no = paid(wechat, pay)
    made = complain(wechat, out_trade_no, text="面里有异物", phone="+8613800138000", problem_type="REFUND", apply_refund_amount=500)
    found = desk.complaint(made)
    assert (found.complaint_id, found.state, found.detail, found.mchid) == (made, "PENDING", "面里有异物", wechat.settings.mchid)
    assert [(order.out_trade_no, order.amount_fen) for order in found.orders] == [(out_trade_no, 1280)]
    assert (found.payer_phone, found.refund_wanted_fen, found.times, found.payer_waits) == ("+8613800138000", 500, 1, False)
    assert "13800138000" not in repr(found)


def test_the_phone_travels_sealed(wechat: Simulator, pay: PayClient) -> None:
    made = complain(wechat, placed(wechat, pay), phone="+8613800138000")
    answer = pay.get(f"/v3/merchant-service/complaints-v2/{made}")
    assert "13800138000" not in str(answer) and len(answer["payer_phone"]) > 300


def test_a_phone_sealed_for_another_certificate_costs_nothing_but_the_phone(wechat: Simulator, pay: PayClient, desk: Complaints) -> None:
    made = complain(wechat, placed(wechat, pay))
    answer = pay.get(f"/v3/merchant-service/complaints-v2/{made}")
    sealed = answer["payer_phone"]
    from wechat.records import complaint
    from wechat.signing import seal_field
    from wechat.simulator.keys import new_key

    other = complaint(answer | {"payer_phone": seal_field(new_key().public_key(), "1")})
    assert desk._opened(other).payer_phone is None
    assert desk._opened(complaint(answer | {"payer_phone": sealed})).payer_phone is not None


def test_answering_takes_it_up_and_completing_closes_it(wechat: Simulator, pay: PayClient, desk: Complaints) -> None:
    mchid = wechat.settings.mchid
    made = complain(wechat, placed(wechat, pay))
    with pytest.raises(PayRefused, match="INVALID_REQUEST"):
        desk.complete(made, mchid)
    desk.answer(made, mchid, "已为您退款 <b>全额</b>")
    assert desk.complaint(made).state == "PROCESSING"
    desk.complete(made, mchid)
    assert desk.complaint(made).state == "PROCESSED"
    said = [(word.kind, word.content) for word in desk.words(made)]
    assert said == [
        ("USER_CREATE_COMPLAINT", "商品与描述不符"),
        ("MERCHANT_RESPONSE", "已为您退款 <b>全额</b>"),
        ("MERCHANT_CONFIRM_COMPLETE", ""),
    ]
    for act in (lambda: desk.answer(made, mchid, "再说一句"), lambda: desk.complete(made, mchid)):
        with pytest.raises(PayRefused, match="INVALID_REQUEST"):
            act()


def test_what_wechat_pay_refuses(wechat: Simulator, pay: PayClient, desk: Complaints) -> None:
    made = complain(wechat, placed(wechat, pay))
    with pytest.raises(OrderMissing):
        desk.complaint("2000009")
    with pytest.raises(PayRefused, match="NO_AUTH"):
        desk.answer(made, "1900000999", "您好")
    with pytest.raises(PayRefused, match="PARAM_ERROR"):
        desk.answer(made, wechat.settings.mchid, "字" * 201)
    with pytest.raises(PayRefused, match="PARAM_ERROR"):
        desk.raised(today() - timedelta(days=31), today())
    desk.answer(made, wechat.settings.mchid, "字" * 200)
    assert requests.get(f"{wechat.url}/v3/merchant-service/complaints-v2/{made}", timeout=10).status_code == 401


def test_an_answer_with_a_wrong_signature_is_not_believed(wechat: Simulator, pay: PayClient, desk: Complaints) -> None:
    made = complain(wechat, placed(wechat, pay))
    wechat.sim("faults", kind="bad_signature", path="/v3/merchant-service", method="GET")
    with pytest.raises(Untrusted):
        desk.complaint(made)
    assert desk.complaint(made).complaint_id == made


def test_those_of_a_period_come_page_by_page(wechat: Simulator, pay: PayClient, desk: Complaints) -> None:
    before = desk.raised(today(), today()).total
    made = [complain(wechat, number(), amount=100 + nth) for nth in range(3)]
    page = desk.raised(today() - timedelta(days=1), today(), offset=before, limit=2)
    assert (page.total, [one.complaint_id for one in page.complaints]) == (before + 3, made[:2])
    rest = desk.raised(today() - timedelta(days=1), today(), offset=before + 2, limit=2)
    assert [one.complaint_id for one in rest.complaints] == made[2:]
    assert desk.raised(today() - timedelta(days=3), today() - timedelta(days=2)).total == 0


def test_a_refund_of_everything_is_seen(wechat: Simulator, pay: PayClient, desk: Complaints) -> None:
    out_trade_no = paid(wechat, pay)
    made = complain(wechat, out_trade_no)
    pay.refund(RefundOrder(out_trade_no, number(), 1280, 1280))
    assert wait_for(lambda: desk.complaint(made).fully_refunded)


def test_notices_go_where_they_were_asked_to(wechat: Simulator, pay: PayClient, desk: Complaints, mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    assert desk.notice_url() is None
    for asked in ("http://127.0.0.1:9/elsewhere", url, url):
        desk.send_notices_to(asked)
        assert desk.notice_url() == asked
    box.answers = [500]
    made = complain(wechat, placed(wechat, pay))
    wait_for(lambda: len(box.deliveries) >= 2)
    first, again = [read(wechat, delivery) for delivery in box.deliveries[:2]]
    assert (first.id, first.event_type, first.original_type) == (again.id, "COMPLAINT.CREATE", "complaint")
    assert (first.complaint().complaint_id, first.complaint().action) == (made, "CREATE_COMPLAINT")
    with pytest.raises(UnreadableNotice):
        first.transaction()
    wechat.sim(f"complaints/{made}/words", text="请回电")
    desk.answer(made, wechat.settings.mchid, "好的")
    wechat.sim(f"complaints/{made}/continue")
    wait_for(lambda: len(box.deliveries) >= 5)
    told = sorted(read(wechat, delivery).complaint().action for delivery in box.deliveries[2:5])
    assert told == ["CONTINUE_COMPLAINT", "MERCHANT_RESPONSE", "USER_RESPONSE"]
    again = desk.complaint(made)
    assert (again.state, again.times) == ("PENDING", 2)


def test_a_provider_answers_for_the_sub_merchant_that_is_accused(wechat: Simulator) -> None:
    sub = wechat.settings.sub_mchid
    books = Complaints(wechat.pay_client(sub=SubMerchant(sub)))
    before = books.raised(today(), today()).total
    made = complain(wechat, number(), amount=100, sub_mchid=sub)
    complain(wechat, number(), amount=100)
    page = books.raised(today(), today(), offset=before)
    assert [(one.complaint_id, one.mchid) for one in page.complaints] == [(made, sub)]
    with pytest.raises(PayRefused, match="NO_AUTH"):
        books.answer(made, wechat.settings.mchid, "您好")
    books.answer(made, sub, "您好")
    assert books.complaint(made).state == "PROCESSING"
