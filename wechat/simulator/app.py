"""Puts the simulator together."""

from __future__ import annotations

from flask import Flask

from wechat.aead import api_v3_key
from wechat.signing import certificate_serial
from wechat.simulator import control, faults, keys, miniprogram, pay
from wechat.simulator.circle import Circles
from wechat.simulator.clock import SimClock
from wechat.simulator.complaints import ComplaintDesk
from wechat.simulator.dice import Dice
from wechat.simulator.notice_sender import NoticeSender
from wechat.simulator.people import People
from wechat.simulator.settings import Settings
from wechat.simulator.store import MerchantAccount, Store
from wechat.simulator.till import Till
from wechat.simulator.wire import Signer, public_key_of


def create_app(settings: Settings) -> Flask:
    """A WeChat of its own: two apps made in one process share nothing."""
    files = keys.ensure(settings.keys)
    clock = SimClock()
    store = Store(People(settings.seed), clock, Dice(settings.dice_seed), templates=dict(settings.templates))
    store.apps[settings.appid] = settings.secret
    store.merchants[settings.mchid] = _demo_merchant(settings, files)
    signer = Signer.from_files(files, clock, settings.sign_mode)
    notice_sender = NoticeSender(store, signer, settings.schedule_factor, settings.answer_seconds)
    app = Flask("wechat.simulator")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    faults.install(app, store.faults, store.failure_rates, store.dice)
    app.register_blueprint(miniprogram.blueprint(store))
    till = Till(store, notice_sender, settings.refund_seconds)
    circles = Circles(till)
    desk = ComplaintDesk(till)
    app.register_blueprint(pay.blueprint(till, signer, circles, desk))
    app.register_blueprint(control.blueprint(till, signer, circles, desk, settings))
    return app


def _demo_merchant(settings: Settings, files: keys.KeyFiles) -> MerchantAccount:
    certificate = files.merchant_cert.read_text()
    return MerchantAccount(
        mchid=settings.mchid,
        api_v3_key=api_v3_key(files.api_v3_key.read_text().strip()),
        certificates={certificate_serial(certificate): public_key_of(certificate)},
        appids={settings.appid},
        subs={settings.sub_mchid},
    )
