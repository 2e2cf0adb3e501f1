"""The demo mall's merchant accounts, with the keys that the simulators of this machine made for us."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from alipay.simulator import keys as alipay_keys
from alipay.simulator.settings import DEMO_SELLER_ID
from api.app import configure
from api.kit import db
from api.kit.db import session
from api.malls.models import Mall
from api.payments import service as payments
from api.payments.models import MerchantAccount
from api.settings import ROOT, Settings, from_environment
from wechat.simulator import keys as wechat_keys
from wechat.simulator.settings import DEMO_MCHID

BY = "command"
SIMULATORS = ROOT / "var" / "simulators"

Keys = list[tuple[str, str, str, str]]


def add_accounts(code: str = "demo", *, folder: Path = SIMULATORS) -> int:
    """Give the demo mall its accounts, and the keys that it does not have yet; how many keys were added. Nothing in production."""
    settings = from_environment()
    if settings.production:
        return 0
    configure(settings)
    with db.unit_of_work():
        mall_id = session.scalar(select(Mall.id).where(Mall.code == code))
        if mall_id is None:
            return 0
        db.enter(mall_id)
        return set_up_accounts(settings, folder)


def set_up_accounts(settings: Settings, folder: Path) -> int:
    """The accounts and keys of the entered mall; how many keys were added."""
    return _wechat(settings, folder / "wechat") + _alipay(settings, folder / "alipay")


def _wechat(settings: Settings, folder: Path) -> int:
    files = wechat_keys.ensure(folder)
    account = _account("wechat", "微信支付（模拟）", DEMO_MCHID, settings.wechat_appid)
    keys: Keys = [
        ("own_key", files.merchant_key.read_text(), files.merchant_cert.read_text(), ""),
        ("notice_key", files.api_v3_key.read_text(), "", ""),
        ("trusted_key", files.public_key.read_text(), "", files.public_key_id.read_text()),
        ("trusted_certificate", files.platform_cert.read_text(), "", ""),
    ]
    return _add(account, keys)


def _alipay(settings: Settings, folder: Path) -> int:
    files = alipay_keys.ensure(folder)
    account = _account("alipay", "支付宝（模拟）", DEMO_SELLER_ID, settings.alipay_appid)
    return _add(account, [("own_key", files.app_key.read_text(), "", ""), ("trusted_key", files.alipay_public_key.read_text(), "", "")])


def _account(channel: str, name: str, merchant_no: str, app_id: str) -> MerchantAccount:
    for held in payments.accounts(channel=channel, limit=100).items:
        if (held.merchant_no, held.app_id, held.shop_id) == (merchant_no, app_id, None):
            return held
    return payments.open_account(by=BY, channel=channel, name=name, merchant_no=merchant_no, app_id=app_id)


def _add(account: MerchantAccount, keys: Keys) -> int:
    """Simulators whose folder was removed made new keys: those are added, and sign from then on."""
    known = {key.fingerprint for key in payments.keys(account.id, limit=100).items}
    added = 0
    for kind, text, certificate, serial in keys:
        if payments.fingerprint(text) not in known:
            payments.add_key(account.id, kind=kind, text=text, certificate=certificate, serial=serial, by=BY)
            added += 1
    return added
