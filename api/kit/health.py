"""Whether this process is alive and ready, its metrics, and the contract's page: /healthz, /readyz, /metrics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import text

from api.kit import cache, clock, db, logs, rooms
from api.kit.rooms import Check
from api.settings import Settings

log = logs.get(__name__)

MAX_SKEW_SECONDS = 60

_PAGE = """<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>Mallbridge API</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/docs/swagger-ui.css">
</head><body><div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
"""
_START = 'window.onload = () => SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null});\n'

#: name → question: those of every process, and what the rooms add.
CHECKS: dict[str, Check] = {}


def install(app: flask.Flask, settings: Settings) -> None:
    """Add the operators' addresses to an app."""
    registry = CollectorRegistry()
    seconds = Histogram(
        "http_request_seconds",
        "Time of a request",
        ["method", "path", "status"],
        registry=registry,
        buckets=(0.01, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
    )
    app.extensions["observe"] = lambda method, path, status, took: seconds.labels(method, path, status).observe(took)
    app.extensions["metrics"] = registry
    _gauges(registry)
    CHECKS.update(database=Check(lambda: _database(settings)), cache=Check(_cache, needed=False), clock=Check(_clock))
    for room in rooms.every():
        CHECKS.update(room.checks)
        room.metrics(registry)
    app.add_url_rule("/healthz", "healthz", _alive)
    app.add_url_rule("/readyz", "readyz", _ready)
    app.add_url_rule("/metrics", "metrics", lambda: flask.Response(generate_latest(registry), mimetype="text/plain"))
    app.add_url_rule("/docs", "docs", lambda: flask.Response(_PAGE, mimetype="text/html"))
    app.add_url_rule("/docs/start.js", "docs_start", lambda: flask.Response(_START, mimetype="text/javascript"))
    app.add_url_rule("/docs/<any('swagger-ui.css','swagger-ui-bundle.js'):name>", "docs_file", _docs_file)


def _gauges(registry: CollectorRegistry) -> None:
    Gauge("clock_skew_seconds", "Database clock minus own clock", registry=registry).set_function(lambda: clock.skew().total_seconds())
    Counter("process_starts", "Starts of this process", registry=registry).inc()


def _docs_file(name: str) -> flask.Response:
    import flask_swagger_ui

    return flask.send_from_directory(Path(flask_swagger_ui.__file__).parent / "dist", name, max_age=86400)


def _alive() -> flask.Response:
    return flask.jsonify({"alive": True})


def _ready() -> flask.Response:
    """200 when everything this process needs is there; 503 names what is not."""
    answers = {name: _run(check.ask) for name, check in CHECKS.items()}
    needed = {name: trouble for name, trouble in answers.items() if trouble and CHECKS[name].needed}
    response = flask.jsonify({"ready": not needed, "checks": {name: trouble or "ok" for name, trouble in answers.items()}})
    response.status_code = 503 if needed else 200
    return response


def _run(check: Callable[[], str | None]) -> str | None:
    try:
        return check()
    except Exception as error:
        log.warning("a readiness check failed", error_type=type(error).__name__)
        return "does not answer"


def _cache() -> str | None:
    return None if cache.alive() else "does not answer; the mall goes on without it"


def _clock() -> str | None:
    off = abs(clock.skew().total_seconds())
    return None if off < MAX_SKEW_SECONDS else f"this server's clock is {off:.0f} s off; the database's is used"


def _database(settings: Settings) -> str | None:
    with db.engine().connect() as connection:
        row = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        role: Any = connection.execute(text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")).scalar()
    if row != head_revision():
        return f"migrations are at {row}, this code wants {head_revision()}: run `make migrate`"
    if role and settings.production:
        return "the app's database role may bypass row-level security: give it a plain role"
    return None


def head_revision() -> str:
    """The newest migration in this code."""
    folder = Path(__file__).resolve().parents[2] / "migrations" / "versions"
    return max(path.stem.split("_")[0] for path in folder.glob("[0-9]*.py"))
