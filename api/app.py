"""The web application: settings in, a Flask app out. Each room is one line."""

from __future__ import annotations

from typing import Any

import flask
from werkzeug.middleware.proxy_fix import ProxyFix

from api import jobs as _jobs  # noqa: F401 - declares every job, so that routes may put them in
from api import web_pages
from api.checkout import routes as checkout_routes
from api.checkout import service as checkout
from api.exports import routes as export_routes
from api.kit import cache, db, health, http, identity, logs, sealed, storage
from api.ledger import commands as ledger_commands
from api.ledger import routes as ledger_routes
from api.malls import commands as mall_commands
from api.malls import routes as mall_routes
from api.malls import service as malls
from api.members import alipay_login, sms, wechat_login
from api.members import commands as member_commands
from api.members import routes as member_routes
from api.members import service as members
from api.merges import routes as merge_routes
from api.merges import service as merges
from api.messages import routes as message_routes
from api.messages import service as messages
from api.messages import wechat_push
from api.partners import routes as partner_routes
from api.partners import sending as partner_sending
from api.payments import commands as payment_commands
from api.payments import routes as payment_routes
from api.payments import service as payments
from api.plates import routes as plate_routes
from api.points import commands as point_commands
from api.points import routes as point_routes
from api.points import service as points
from api.receipts import routes as receipt_routes
from api.receipts import service as receipts
from api.sales import routes as sale_routes
from api.settings import Settings
from api.staff import commands as staff_commands
from api.staff import routes as staff_routes
from api.tills import routes as till_routes
from api.wallet import commands as wallet_commands
from api.wallet import routes as wallet_routes
from api.wallet import service as wallet


def create_app(settings: Settings) -> http.App:
    """Wire one process: logs, database, cache, storage, identity, rooms. Nothing is contacted yet."""
    settings.refuse_demo_secrets()
    configure(settings)
    app = http.App("api", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.config.update(_smorest_config())
    app.extensions["settings"] = settings
    app.extensions["find_mall"] = malls.id_of
    http.install(app)
    health.install(app, settings)
    health.CHECKS["reader"] = receipts.reader_trouble
    api = http.Api(app)
    api.spec.components.schema("Problem", component=http.problem_schema())
    _register_rooms(api)
    web_pages.install(app, settings)
    app.cli.add_command(ledger_commands.cli)
    app.cli.add_command(point_commands.cli)
    app.cli.add_command(wallet_commands.cli)
    app.cli.add_command(member_commands.members)
    app.cli.add_command(mall_commands.group)
    app.cli.add_command(staff_commands.group)
    app.cli.add_command(payment_commands.group)
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=settings.trusted_proxies)  # type: ignore[method-assign]
    return app


def configure(settings: Settings) -> None:
    """What every process needs, web or worker: logs, database, cache, storage, keys."""
    logs.configure(settings.log_level)
    db.connect(settings.database_url, pool_size=settings.pool_size)
    cache.configure(settings.redis_url)
    storage.configure(settings.files)
    identity.configure(settings.secret)
    sealed.configure(settings.data_key)
    wechat_login.configure(settings)
    alipay_login.configure(settings)
    sms.configure(settings)
    wechat_push.configure(settings)
    payments.configure(settings)
    partner_sending.configure(settings)
    _introduce_rooms()


def _introduce_rooms() -> None:
    """What the room of members must ask of rooms above it: may this member be folded into another, and what else is known of it."""
    members.holds_value[:] = [points.holds, _has_receipts, wallet.holds]
    members.exports.update(points=points.export, receipts=receipts.export, messages=messages.export, merges=merges.export)
    members.exports.update(wallet=wallet.export, orders=checkout.export)
    members.before_closing[:] = [checkout.refuse_closing, wallet.refuse_closing]
    members.at_closing[:] = [messages.forget, merges.forget, points.forfeit, wallet.forget, checkout.forget]
    members.at_folding[:] = [messages.hand_over]

    payments.on_paid[:] = [checkout.settle_payment]
    payments.on_closed[:] = [checkout.payment_over]
    payments.on_refund_final[:] = [checkout.settle_refund]
    payments.ledger_of[:] = [checkout.held_for]
    payments.shop_of[:] = [checkout.shop_of]
    wallet.held[:] = [checkout.value_held]


def _has_receipts(member_id: int) -> bool:
    return bool(receipts.receipts_of(member_id, cursor=None, limit=1).items)


def _register_rooms(api: http.Api) -> None:
    # Rooms are imported at the top of this module: that is how migrations and workers see every table.
    for blueprint in (
        mall_routes.public,
        mall_routes.office,
        member_routes.signing_in,
        member_routes.renewing,
        member_routes.own,
        member_routes.shop,
        member_routes.office,
        member_routes.records,
        merge_routes.office,
        message_routes.inbox,
        message_routes.wants,
        receipt_routes.members,
        receipt_routes.reviews,
        receipt_routes.shops,
        receipt_routes.reports,
        sale_routes.members,
        sale_routes.shop,
        sale_routes.office,
        till_routes.shop,
        till_routes.office,
        point_routes.members,
        point_routes.office,
        ledger_routes.office,
        plate_routes.public,
        plate_routes.shop,
        plate_routes.office,
        wallet_routes.members,
        checkout_routes.payers,
        checkout_routes.entering,
        checkout_routes.members,
        checkout_routes.shop,
        checkout_routes.office,
        payment_routes.office,
        payment_routes.merchants,
        payment_routes.notices,
        partner_routes.office,
        wallet_routes.shop,
        wallet_routes.office,
        staff_routes.public,
        staff_routes.office,
        staff_routes.shops,
        export_routes.office,
    ):
        api.register_blueprint(blueprint)


def _smorest_config() -> dict[str, Any]:
    return {
        "API_TITLE": "Mallbridge",
        "API_VERSION": "v1",
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": "/",
        "OPENAPI_JSON_PATH": "openapi.json",
        "API_SPEC_OPTIONS": {
            "info": {"description": "The consumer backend of a shopping mall."},
            "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}},
        },
    }


def wsgi() -> flask.Flask:
    """The app as a server runs it, from the environment."""
    from api.settings import from_environment

    return create_app(from_environment())
