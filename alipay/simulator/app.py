"""Puts the simulator together."""

from __future__ import annotations

from flask import Flask

from alipay.signing import private_key, public_key
from alipay.simulator import control, faults, gateway, keys
from alipay.simulator.clock import SimClock
from alipay.simulator.people import People
from alipay.simulator.postman import Postman
from alipay.simulator.settings import Settings
from alipay.simulator.store import Application, Store
from alipay.simulator.trades import Trades


def create_app(settings: Settings) -> Flask:
    """An Alipay of its own: two apps made in one process share nothing."""
    files = keys.ensure(settings.keys)
    clock = SimClock()
    key = private_key(files.alipay_key.read_text())
    store = Store(People(settings.seed), clock)
    content_key = files.content_key.read_text().strip()
    app_key = public_key(files.app_public_key.read_text())
    store.apps[settings.app_id] = Application(settings.app_id, app_key, content_key, settings.seller_id)
    postman = Postman(clock, key, settings.schedule_factor)
    trades = Trades(store, postman, settings.identity)
    app = Flask("alipay.simulator")
    faults.install(app, store.faults)
    app.register_blueprint(gateway.blueprint(gateway.Desk(store, trades, settings.identity, key)))
    app.register_blueprint(control.blueprint(store, trades, postman, key, settings))
    return app
