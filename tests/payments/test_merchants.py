"""Merchant accounts: who collects, and keys that follow one another without a single good notice refused."""

from __future__ import annotations

import shutil
from datetime import timedelta

import psycopg
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from api.kit import clock, db
from api.payments import service
from api.payments.errors import MerchantAccountNotFound, MerchantAccountTaken, MerchantAccountWrong, MerchantKeyWrong, NoMerchantAccount
from deploy import merchants
from tests.conftest import bearer, owner_rows
from tests.factories import make_mall, make_shop, make_staff
from tests.payments.conftest import DEMO, Till, add_account
from tests.processes import until
from wechat.simulator import keys as wechat_keys

LOCKED = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"password"))
    .decode()
)


def test_a_shop_of_its_own_collects_for_itself_and_a_mixed_order_by_the_mall(mall, wechat) -> None:
    with db.unit_of_work(mall):
        shop, other = make_shop().id, make_shop().id
        ours = add_account(wechat)
        own = service.open_account(
            by="test", channel="wechat", name="直收", shop_id=shop, collects="shop", merchant_no="1900000201", app_id="wx0000000000000demo"
        )
        assert service.account_for(shop, "wechat").id == own.id
        assert service.account_for(other, "wechat").id == service.account_for(None, "wechat").id == ours.id
        assert service.channels_for(shop) == ["wechat"]
        service.change_account(own.id, {"enabled": False}, by="test", why="合同到期")
        assert service.account_for(shop, "wechat").id == ours.id


def test_accounts_cost_no_statement_until_one_changes_in_any_process(mall, wechat, settings, statements) -> None:
    with db.unit_of_work(mall):
        account = add_account(wechat)
    with db.unit_of_work(mall):
        assert service.channels_for(None) == ["wechat"]
    with db.unit_of_work(mall), statements() as seen:
        assert service.account_for(None, "wechat").id == account.id == service.account(account.id).id
        assert service.channels_for(None) == ["wechat"]
    assert not seen
    # By hand, past the services and this process.
    with psycopg.connect(settings.database_url) as other:
        other.execute("SELECT set_config('mallbridge.mall_id', %s::text, true)", [mall])
        other.execute("UPDATE merchant_accounts SET enabled = false")
    with db.unit_of_work(mall):
        assert service.channels_for(None) == []
        with pytest.raises(NoMerchantAccount):
            service.account_for(None, "wechat")
        assert not service.account(account.id).enabled


def test_a_payment_by_an_account_of_another_mall_is_refused_although_that_one_is_remembered(mall, wechat) -> None:
    with db.unit_of_work(mall):
        account_id = add_account(wechat).id
        service.account(account_id)
    with db.unit_of_work():
        other = make_mall().id
    with db.unit_of_work(other), pytest.raises(MerchantAccountNotFound):
        service.account(account_id)


@pytest.mark.parametrize(
    "wrong",
    [{"collects": "shop"}, {"profit_share_bp": 100}, {"mode": "partner"}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_an_account_that_makes_no_sense_is_refused(mall, app, wrong) -> None:
    with db.unit_of_work(mall), pytest.raises(MerchantAccountWrong):
        service.open_account(by="test", channel="wechat", name="x", merchant_no="1", app_id="wx1", **wrong)


def test_an_account_is_there_once(mall, wechat) -> None:
    with db.unit_of_work(mall):
        add_account(wechat)
        with pytest.raises(MerchantAccountTaken):
            service.open_account(by="test", channel="wechat", name="again", **DEMO["wechat"])


def test_a_key_is_sealed_and_never_shown_again(mall, wechat, settings, client) -> None:
    with db.unit_of_work(mall):
        account = add_account(wechat)
        header = bearer("staff", make_staff("administrator").id, mall)
    text = (wechat.keys / "merchant_key.pem").read_text()
    secret, middle = (wechat.keys / "api_v3_key.txt").read_text().strip(), text.splitlines()[5]
    stored = owner_rows(settings, "SELECT sealed, fingerprint, serial FROM merchant_keys")
    shown = client.get(f"/v1/office/merchants/{account.id}/keys", headers=header).get_data(as_text=True)
    audit = str(owner_rows(settings, "SELECT before, after FROM audit_entries"))
    for place in (repr(stored), shown, audit):
        assert secret not in place and middle not in place
    assert shown.count("fingerprint") == 4


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("own_key", "nonsense"),
        ("notice_key", "too short"),
        ("trusted_certificate", "nonsense"),
        ("root_certificate", "x"),
        ("trusted_key", "x"),
        ("own_key", LOCKED),
    ],
    ids=["own", "notice", "certificate", "root", "trusted", "locked"],
)
def test_a_key_that_is_none_is_refused_by_name(mall, wechat, kind, text) -> None:
    with db.unit_of_work(mall):
        account = add_account(wechat)
        with pytest.raises(MerchantKeyWrong) as refusal:
            service.add_key(account.id, kind=kind, text=text, by="test")
    assert refusal.value.facts["errors"]["text"]


def test_our_new_key_signs_while_the_old_one_still_may(wechat_till, tmp_path) -> None:
    fresh = wechat_keys.ensure(tmp_path / "fresh")
    wechat_till.simulator.sim("merchants", mchid=DEMO["wechat"]["merchant_no"], certificate_pem=fresh.merchant_cert.read_text())
    before = wechat_till.placed()
    with db.unit_of_work(wechat_till.mall):
        key, certificate = fresh.merchant_key.read_text(), fresh.merchant_cert.read_text()
        service.add_key(wechat_till.account_id, kind="own_key", text=key, certificate=certificate, by="test")
    params = wechat_till.place(before)
    wechat_till.simulator.sim("pay", **params)
    until(lambda: wechat_till.due() or wechat_till.read(before).state == "paid", 10)
    assert wechat_till.placed().state == "placed"


@pytest.mark.parametrize("mode", ["public_key", "certificate", "mixed"])
def test_both_modes_of_trust_hold_at_once(wechat_till, told, mode) -> None:
    wechat_till.simulator.sim("sign-mode", mode=mode)
    paid = [wechat_till.placed() for _ in range(4)]
    for payment in paid:
        wechat_till.simulator.pay(payment)
    until(lambda: wechat_till.due() or len(told.paid) == len(paid), 10)
    assert sorted(told.paid) == sorted(payment.number for payment in paid)


def test_an_ended_key_is_refused_at_once_by_every_process(wechat_till, told, mailbox) -> None:
    with db.unit_of_work(wechat_till.mall):
        (key,) = [key for key in service.keys(wechat_till.account_id).items if key.kind == "trusted_key"]
    payment = wechat_till.placed()
    with db.unit_of_work(wechat_till.mall):
        service.end_key(wechat_till.account_id, key.id, by="test", why="换成新的")
    clock_ahead = clock.now() + timedelta(seconds=2)
    until(lambda: clock.now() > clock_ahead, 5)
    wechat_till.simulator.pay(payment)
    until(lambda: mailbox.answers, 10)
    assert mailbox.answers[0] == 401
    assert (wechat_till.read(payment).state, told.paid) == ("placed", [])


def test_the_demo_mall_gets_its_accounts_once_and_new_keys_when_the_folder_is_new(mall, settings, tmp_path) -> None:
    with db.unit_of_work(mall):
        assert merchants.set_up_accounts(settings, tmp_path) == 6
        assert merchants.set_up_accounts(settings, tmp_path) == 0
        assert sorted(account.channel for account in service.accounts().items) == ["alipay", "wechat"]
    shutil.rmtree(tmp_path / "wechat")
    with db.unit_of_work(mall):
        assert merchants.set_up_accounts(settings, tmp_path) == 4
        assert len(service.accounts().items) == 2


def test_certificate_mode_of_alipay_through_a_change_of_its_certificate(mall, alipay, settings, told) -> None:
    app_id = DEMO["alipay"]["app_id"]

    def text(file: str) -> str:
        return (alipay.keys / file).read_text()

    with db.unit_of_work(mall):
        account = service.open_account(by="test", channel="alipay", name="证书模式", **DEMO["alipay"])
        service.add_key(account.id, kind="own_key", text=text("app_key.pem"), certificate=text("app_cert.pem"), by="test")
        service.add_key(account.id, kind="root_certificate", text=text("alipay_root_cert.pem"), by="test")
        for file in ("alipay_cert.pem", "next_alipay_cert.pem"):
            service.add_key(account.id, kind="trusted_certificate", text=text(file), by="test")
        kept = [key for key in service.keys(account.id).items if key.kind in ("own_key", "trusted_certificate")]
        assert all(key.serial and key.ends_at for key in kept)
    till = Till(mall, alipay, settings, account.id)
    alipay.sim("applications", app_id=app_id, mode="certificate")
    try:
        for mode in ("present", "mixed", "next"):
            alipay.sim("sign-mode", mode=mode)
            payment = till.placed()
            alipay.pay(payment)
            until(lambda payment=payment: till.due() or till.read(payment).state == "paid", 10)
    finally:
        alipay.sim("sign-mode", mode="present")
        alipay.sim("applications", app_id=app_id, mode="both")
    assert len(told.paid) == 3
