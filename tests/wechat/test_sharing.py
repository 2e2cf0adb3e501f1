"""Parts of a payment go to other accounts, the rest is set free, and parts come back before a refund."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.wechat.conftest import Simulator, now
from tests.wechat.test_independent import stranger
from tests.wechat.test_pay import number, paid, refund_of, wait_for
from wechat.client import PayClient, SubMerchant
from wechat.errors import BalanceShort, OrderMissing, PayRefused
from wechat.sharing import Part, ProfitSharing, Receiver

HEADQUARTERS = "1900000409"
A_WHILE = 120


@pytest.fixture
def later(wechat: Simulator) -> Iterator[PayClient]:
    """A client two minutes later than the payments, when they may be shared."""
    yield wechat.pay_client(clock=lambda: now() + timedelta(seconds=A_WHILE))


@pytest.fixture
def sharing(wechat: Simulator, later: PayClient) -> Iterator[ProfitSharing]:
    wechat.sim("clock", advance=A_WHILE)
    books = ProfitSharing(later, wechat.settings.appid)
    books.add_receiver(Receiver(HEADQUARTERS, "HEADQUARTER"))
    yield books
    wechat.sim("clock", advance=-A_WHILE)
    wechat.sim("share-accounts", account=HEADQUARTERS, fail_reason="")


def frozen(wechat: Simulator, later: PayClient) -> str:
    """A payment of 12.80 yuan that is held for sharing, long enough ago."""
    wechat.sim("clock", advance=-A_WHILE)
    try:
        out_trade_no = paid(wechat, wechat.pay_client(), profit_sharing=True)
    finally:
        wechat.sim("clock", advance=A_WHILE)
    return str(later.query(out_trade_no).transaction_id)


def test_a_part_is_shared_and_the_rest_set_free(wechat: Simulator, later: PayClient, sharing: ProfitSharing) -> None:
    paid_no, share_no = frozen(wechat, later), number()
    assert sharing.unshared(paid_no) == 1280
    parts = [Part(HEADQUARTERS, 128, "品牌管理费")]
    begun = sharing.share(paid_no, share_no, parts, unfreeze_rest=False)
    assert (begun.state, begun.parts[0].result) == ("PROCESSING", "PENDING")
    assert sharing.share(paid_no, share_no, parts, unfreeze_rest=False).order_id == begun.order_id
    done = wait_for(lambda: (seen := sharing.query(paid_no, share_no)).state == "FINISHED" and seen)
    assert [(part.account, part.amount_fen, part.result) for part in done.parts] == [(HEADQUARTERS, 128, "SUCCESS")]
    assert done.parts[0].finished_at is not None
    assert sharing.unshared(paid_no) == 1152
    freed = sharing.unfreeze(paid_no, number(), "解冻全部剩余资金")
    assert (freed.parts[0].account, freed.parts[0].amount_fen) == (wechat.settings.mchid, 1152)
    assert sharing.unshared(paid_no) == 0
    with pytest.raises(BalanceShort):
        sharing.share(paid_no, number(), [Part(HEADQUARTERS, 1, "x")], unfreeze_rest=False)


def test_finished_does_not_mean_success(wechat: Simulator, later: PayClient, sharing: ProfitSharing) -> None:
    wechat.sim("share-accounts", account=HEADQUARTERS, fail_reason="ACCOUNT_ABNORMAL")
    paid_no, share_no = frozen(wechat, later), number()
    sharing.share(paid_no, share_no, [Part(HEADQUARTERS, 128, "x")], unfreeze_rest=False)
    done = wait_for(lambda: (seen := sharing.query(paid_no, share_no)).state == "FINISHED" and seen)
    assert (done.parts[0].result, done.parts[0].fail_reason) == ("CLOSED", "ACCOUNT_ABNORMAL")
    assert sharing.unshared(paid_no) == 1280


def test_a_shared_payment_is_refunded_only_after_the_part_came_back(wechat: Simulator, later: PayClient, sharing: ProfitSharing) -> None:
    paid_no, share_no, back_no = frozen(wechat, later), number(), number()
    out_trade_no = later.query_paid(paid_no).out_trade_no
    sharing.share(paid_no, share_no, [Part(HEADQUARTERS, 128, "x")], unfreeze_rest=True)
    wait_for(lambda: sharing.query(paid_no, share_no).state == "FINISHED")
    with pytest.raises(BalanceShort):
        later.refund(refund_of(out_trade_no, 1280))
    with pytest.raises(PayRefused, match="INVALID_REQUEST"):
        sharing.take_back(share_no, number(), HEADQUARTERS, 129, "x")
    begun = sharing.take_back(share_no, back_no, HEADQUARTERS, 128, "用户退款")
    assert begun.result == "PROCESSING"
    assert sharing.take_back(share_no, back_no, HEADQUARTERS, 128, "用户退款").return_id == begun.return_id
    assert wait_for(lambda: sharing.query_return(share_no, back_no).result == "SUCCESS")
    assert later.refund(refund_of(out_trade_no, 1280)).status == "PROCESSING"


def test_an_account_that_gives_nothing_back_is_told(wechat: Simulator, later: PayClient, sharing: ProfitSharing) -> None:
    paid_no, share_no, back_no = frozen(wechat, later), number(), number()
    sharing.share(paid_no, share_no, [Part(HEADQUARTERS, 128, "x")], unfreeze_rest=True)
    wait_for(lambda: sharing.query(paid_no, share_no).state == "FINISHED")
    wechat.sim("share-accounts", account=HEADQUARTERS, fail_reason="BALANCE_NOT_ENOUGH")
    sharing.take_back(share_no, back_no, HEADQUARTERS, 1, "x")
    failed = wait_for(lambda: (seen := sharing.query_return(share_no, back_no)).result != "PROCESSING" and seen)
    assert (failed.result, failed.fail_reason) == ("FAILED", "BALANCE_NOT_ENOUGH")


def test_what_may_not_be_shared_is_refused(wechat: Simulator, later: PayClient, sharing: ProfitSharing) -> None:
    part = [Part(HEADQUARTERS, 1, "x")]
    with pytest.raises(OrderMissing):
        sharing.share("4200000000000000000000000000", number(), part, unfreeze_rest=False)
    plain = str(later.query(paid(wechat, later)).transaction_id)
    with pytest.raises(PayRefused, match="非分账"):
        sharing.share(plain, number(), part, unfreeze_rest=False)
    fresh = str(later.query(paid(wechat, later, profit_sharing=True)).transaction_id)
    with pytest.raises(PayRefused, match="暂时无法分账"):
        sharing.share(fresh, number(), part, unfreeze_rest=False)
    held = frozen(wechat, later)
    with pytest.raises(PayRefused, match="NO_AUTH"):
        sharing.share(held, number(), [Part("1900000998", 1, "x")], unfreeze_rest=False)
    with pytest.raises(PayRefused, match="最大分账比例"):
        sharing.share(held, number(), [Part(HEADQUARTERS, 385, "x")], unfreeze_rest=False)
    with pytest.raises(PayRefused, match="PARAM_ERROR"):
        sharing.share(held, number(), part * 51, unfreeze_rest=False)
    share_no = number()
    sharing.share(held, share_no, part, unfreeze_rest=False)
    with pytest.raises(PayRefused, match="参数不一致"):
        sharing.share(held, share_no, [Part(HEADQUARTERS, 2, "x")], unfreeze_rest=False)
    sharing.remove_receiver(HEADQUARTERS)
    with pytest.raises(PayRefused, match="NO_AUTH"):
        sharing.share(held, number(), part, unfreeze_rest=False)


def test_after_thirty_days_everything_is_free(wechat: Simulator, later: PayClient, sharing: ProfitSharing) -> None:
    held, month = frozen(wechat, later), 30 * 86400
    wechat.sim("clock", advance=month)
    try:
        old = ProfitSharing(wechat.pay_client(clock=lambda: now() + timedelta(seconds=A_WHILE + month)), wechat.settings.appid)
        assert old.unshared(held) == 0
    finally:
        wechat.sim("clock", advance=-month)


def test_a_receivers_name_goes_out_sealed(wechat: Simulator, later: PayClient, sharing: ProfitSharing) -> None:
    person = Receiver(wechat.openid("li-lei"), "CUSTOM", "PERSONAL_OPENID", name="李雷", custom_relation="代理商")
    serial, sealed = later.seal("李雷")
    assert serial == wechat.public_key_id and "李雷" not in sealed
    assert sharing.add_receiver(person) is None
    plain = {"appid": wechat.settings.appid, "type": "MERCHANT_ID", "account": "1", "relation_type": "STORE", "name": "李雷"}
    with pytest.raises(PayRefused, match="解密失败"):
        later.post("/v3/profitsharing/receivers/add", plain)
    with pytest.raises(PayRefused, match="relation_type"):
        sharing.add_receiver(Receiver("1", "FRIEND"))


def test_a_service_provider_shares_for_its_sub_merchant(wechat: Simulator, later: PayClient, sharing: ProfitSharing) -> None:
    wechat.sim("clock", advance=-A_WHILE)
    try:
        sub = SubMerchant(wechat.settings.sub_mchid)
        partner = wechat.pay_client(sub=sub)
        order = wechat.order(number(), profit_sharing=True)
        partner.prepay_jsapi(order)
        held = wechat.sim("pay", out_trade_no=order.out_trade_no)["transaction_id"]
    finally:
        wechat.sim("clock", advance=A_WHILE)
    books = ProfitSharing(wechat.pay_client(sub=sub, clock=lambda: now() + timedelta(seconds=A_WHILE)), wechat.settings.appid)
    with pytest.raises(PayRefused, match="NO_AUTH"):
        books.share(held, number(), [Part(HEADQUARTERS, 1, "x")], unfreeze_rest=True)
    books.add_receiver(Receiver(HEADQUARTERS, "HEADQUARTER"))
    assert books.share(held, number(), [Part(HEADQUARTERS, 1, "x")], unfreeze_rest=True).transaction_id == held
    with pytest.raises(OrderMissing):
        sharing.share(held, number(), [Part(HEADQUARTERS, 1, "x")], unfreeze_rest=True)


def test_an_independent_client_shares_asks_frees_and_takes_back(wechat: Simulator, later: PayClient, sharing: ProfitSharing) -> None:
    held, share_no, back_no = frozen(wechat, later), number(), number()
    client = stranger(wechat)
    status, body = client.profitsharing_add_receiver("MERCHANT_ID", "1900000509", "STORE", name="门店")
    assert status == 200, body
    receivers = [{"type": "MERCHANT_ID", "account": "1900000509", "amount": 100, "description": "x"}]
    status, body = client.profitsharing_order(held, share_no, receivers, unfreeze_unsplit=False)
    assert (status, json.loads(body)["state"]) == (200, "PROCESSING")
    assert wait_for(lambda: json.loads(client.profitsharing_order_query(held, share_no)[1])["state"] == "FINISHED")
    assert json.loads(client.profitsharing_amount_query(held)[1])["unsplit_amount"] == 1180
    assert client.profitsharing_return(back_no, "1900000509", 100, "x", out_order_no=share_no)[0] == 200
    assert wait_for(lambda: json.loads(client.profitsharing_return_query(share_no, back_no)[1])["result"] == "SUCCESS")
    assert json.loads(client.profitsharing_unfreeze(held, number(), "x")[1])["receivers"][0]["amount"] == 1180
