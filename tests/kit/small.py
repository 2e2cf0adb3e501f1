"""A small room of the tests' own on a second app: what the kit promises every room, tried without any."""

from __future__ import annotations

import marshmallow as ma
from sqlalchemy import func, select

from api.app import _smorest_config
from api.kit import clock, db, health, http, identity, once, pages
from api.kit.audit import AuditEntry
from api.kit.db import session
from api.kit.errors import Conflict
from api.settings import Settings


class ThingArgs(http.Schema):
    name = ma.fields.String(required=True, validate=ma.validate.Length(1, 20))
    amount_fen = ma.fields.Integer(strict=True, validate=ma.validate.Range(0, 100))


class ThingSchema(http.Schema):
    id = ma.fields.Integer()
    who = ma.fields.String()
    did = ma.fields.String()


class SoldOut(Conflict):
    """Every one of these has been taken."""


blp = http.Blueprint("things", __name__, audience=identity.members, url_prefix="/things")


@blp.post("")
@blp.arguments(ThingArgs)
@blp.response(201, ThingSchema)
@blp.idempotent
def make(args):
    """Make a thing: one row, so that effects can be counted."""
    return _row(args["name"])


@blp.post("/slow")
@blp.arguments(ThingArgs)
@blp.response(201, ThingSchema)
@blp.idempotent
def make_after_talking(args):
    """Make a thing after speaking to somebody outside."""
    row = _row(args["name"])
    db.checkpoint()
    if args["name"] == "dies":
        raise RuntimeError("the gateway fell silent, phone 13800138000, token=abcdef123456")
    return row


@blp.get("")
@blp.arguments(http.PageArgs, location="query")
@blp.response(200, http.page_of(ThingSchema))
def things(args):
    """A page of things."""
    return pages.page(select(AuditEntry), AuditEntry.at, AuditEntry.id, cursor=args.get("cursor"), limit=args["limit"])


@blp.get("/sold-out")
@blp.problems(SoldOut)
def sold_out():
    """Refuse."""
    session.add(_row("never kept"))
    raise SoldOut(left=0)


@blp.get("/broken")
def broken():
    """A bug that knows secrets."""
    raise ValueError("phone 13800138000 card 6222021234567890123 password=hunter2hunter2")


@blp.get("/clash")
def clash():
    """A constraint loses a race."""
    session.add(once.OnceKey(principal="member:1", key="the-same-key", request_hash="13800138000", made_at=clock.now()))
    session.flush()
    session.add(once.OnceKey(principal="member:1", key="the-same-key", request_hash="13800138000", made_at=clock.now()))
    session.flush()
    return {}


def _row(name: str) -> AuditEntry:
    row = AuditEntry(who=identity.member().name, did=name, subject_type="thing", subject_id="1", at=clock.now())
    session.add(row)
    session.flush()
    return row


def small_app(settings: Settings) -> http.App:
    """The app of this one room, on the connections that are open already."""
    app = http.App("small", static_folder=None)
    app.config.update(_smorest_config())
    app.extensions["settings"] = settings
    http.install(app)
    health.install(app, settings)
    http.Api(app).register_blueprint(blp)
    return app


def count(mall_id: int, name: str) -> int:
    """How many things of that name there are."""
    with db.unit_of_work(mall_id):
        return int(session.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.did == name)) or 0)


__all__ = ["count", "small_app"]
