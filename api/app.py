"""The web application: settings in, a Flask app out. It asks every room for what it gives the house, and names none."""

from __future__ import annotations

from typing import Any

import flask
from flask.cli import AppGroup
from werkzeug.middleware.proxy_fix import ProxyFix

from api import safety, web_pages
from api.kit import cache, db, health, http, identity, logs, rooms, sealed, storage
from api.kit.errors import ThisMachineOnly
from api.settings import Settings, ending_the_process, from_environment


def create_app(settings: Settings) -> http.App:
    """Wire one process: logs, database, cache, storage, identity, rooms. Nothing is contacted yet."""
    settings.refuse_unsafe()
    configure(settings)
    app = http.App("api", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.config.update(_smorest_config())
    app.extensions["settings"] = settings
    if not settings.production:
        app.before_request(_refuse_beyond)
    http.install(app)
    health.install(app, settings)
    api = http.Api(app)
    api.spec.components.schema("Problem", component=http.problem_schema())
    for room in rooms.every():
        for blueprint in room.declared("routes", http.Blueprint):
            api.register_blueprint(blueprint)
        for group in room.declared("commands", AppGroup):
            app.cli.add_command(group)
    web_pages.install(app, settings)
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=settings.trusted_proxies)  # type: ignore[method-assign]
    return app


def _refuse_beyond() -> None:
    """Outside production, whoever is on another machine is refused, also behind a proxy that stands on this one."""
    proxies = flask.current_app.extensions["settings"].trusted_proxies
    if safety.reaches_beyond(flask.request.host, flask.request.headers.keys(), proxies=proxies):
        raise ThisMachineOnly()


def configure(settings: Settings) -> None:
    """What every process needs, web or worker: logs, database, cache, storage, keys, and the rooms with their jobs."""
    logs.configure(settings.log_level)
    db.connect(settings.database_url, pool_size=settings.pool_size)
    cache.configure(settings.redis_url)
    storage.configure(settings.files)
    identity.configure(settings.secret)
    sealed.configure(settings.data_key)
    rooms.load()
    for room in rooms.every():
        room.configure(settings)
        room.connect()


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
    with ending_the_process():
        settings = from_environment()
        settings.refuse_listening()
        return create_app(settings)
