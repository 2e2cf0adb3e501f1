"""Puts the simulator together."""

from __future__ import annotations

from flask import Flask

from alipay.signing import public_key
from alipay.simulator import control, faults, gateway, keys
from alipay.simulator.clock import SimClock
from alipay.simulator.dice import Dice
from alipay.simulator.notice_sender import NoticeSender
from alipay.simulator.people import People
from alipay.simulator.settings import Settings
from alipay.simulator.signer import Signer, app_certificates
from alipay.simulator.store import Application, Store
from alipay.simulator.trades import Trades


def create_app(settings: Settings) -> Flask:
    """An Alipay of its own: two apps made in one process share nothing."""
    files = keys.ensure(settings.keys)
    clock = SimClock()
    signer = Signer.of(files)
    store = Store(People(settings.seed), clock, dice=Dice(settings.dice_seed))
    content_key = files.content_key.read_text().strip()
    app_key = public_key(files.app_public_key.read_text())
    named = app_certificates(files)
    store.apps[settings.app_id] = Application(settings.app_id, app_key, content_key, settings.seller_id, certificate=named.app_cert_sn)
    notice_sender = NoticeSender(store, signer, settings.schedule_factor)
    trades = Trades(store, notice_sender, settings.identity)
    app = Flask("alipay.simulator")
    faults.install(app, store.faults, store.failure_rates, store.dice)
    app.register_blueprint(gateway.blueprint(gateway.Desk(store, trades, settings.identity, signer, named.alipay_root_cert_sn)))
    app.register_blueprint(control.blueprint(store, trades, notice_sender, signer, settings))
    return app
