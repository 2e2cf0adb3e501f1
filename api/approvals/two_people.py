"""Routes whose act takes two people: the first request is tried, undone and kept; another person's approval does it for who asked."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import flask
import marshmallow as ma
from flask import request

from api.approvals import service
from api.approvals.errors import ApprovalOpen, ApprovalOutdated
from api.approvals.schemas import ApprovalSchema
from api.approvals.service import Act
from api.kit import db, identity, logs

MASK = "••••"

Before = Callable[..., dict[str, Any] | None]
View = Callable[..., Any]


def two_people(
    name: str,
    *,
    arguments: type[ma.Schema],
    approver: str,
    before: Before | None = None,
    alone: Callable[..., bool] | None = None,
    first: Callable[..., None] | None = None,
    shown: Mapping[str, Callable[[dict[str, Any]], Any]] | None = None,
    why: str = "why",
) -> Callable[[View], View]:
    """The act of this route waits for a second person, who holds `approver`; it stands right above the function, below `arguments`.

    The request is done once and undone, so that whoever asks hears every refusal of the act itself at once. `before` reads what it would
    change (arguments and values of the address as the route gets them); an approval is refused when that is another by then. `alone` says
    which requests one person may do. `first` is what only who asks can show (a code that was read out): it is asked once, at the request,
    and may count wrong tries. `shown` is what who decides sees besides what was sent, or instead of it: name → from the arguments, in words
    as {zh, en}. `why` names the field of the reason. The answer is 202 with the approval instead of the route's own. The act must be of the
    database alone.
    """

    def wrap(view: View) -> View:
        def run(body: dict[str, Any], place: Mapping[str, Any]) -> None:
            values = dict(place)
            try:
                with identity.acting(values.pop("asked_by"), asking.__dict__["_apidoc"].get("permission")):
                    view(arguments().load(body), **values)
            except (identity.PermissionMissing, ma.ValidationError) as refused:
                raise ApprovalOutdated() from refused

        def read(body: dict[str, Any], place: Mapping[str, Any]) -> dict[str, Any] | None:
            return _plain(before(arguments().load(body), **place)) if before else None

        facts = shown or {}
        act = Act(name, approver, _names(arguments(), why) | facts.keys(), run, read)
        assert name not in service.ACTS, f"two acts are called {name}"
        service.ACTS[name] = act

        @functools.wraps(view)
        def asking(args: dict[str, Any], **place: Any) -> Any:
            if first is not None:
                first(args, **place)
            if alone is not None and alone(args, **place):
                return view(args, **place)
            with db.undone():
                view(dict(args), **place)
            body = request.get_json()
            asked = _shown(arguments(), body, why) | {fact: of_arguments(args) for fact, of_arguments in facts.items()}
            made = service.ask(
                act, body, place, asked=asked, subject=" ".join(map(str, place.values())) or None,
                why=body.get(why), by=identity.principal().name,
            )  # fmt: skip
            response = flask.jsonify(ApprovalSchema().dump(made))
            response.status_code = HTTPStatus.ACCEPTED
            return response

        asking.__dict__["_apidoc"] = getattr(view, "_apidoc", {}) | {
            "accepted": ApprovalSchema, "only_accepted": alone is None, "act": name, "approver": approver, "more_problems": (ApprovalOpen,),
        }  # fmt: skip
        return asking

    return wrap


def _plain(values: dict[str, Any] | None) -> dict[str, Any] | None:
    plain: dict[str, Any] | None = json.loads(json.dumps(values, default=str))
    return plain


def _names(schema: ma.Schema, why: str) -> frozenset[str]:
    return frozenset(field.data_key or name for name, field in schema.load_fields.items()) - {why}


def _shown(schema: ma.Schema, body: dict[str, Any], why: str) -> dict[str, Any]:
    secret = {field.data_key or name for name, field in schema.load_fields.items() if field.load_only}
    shown: dict[str, Any] = logs.clean({name: value for name, value in body.items() if name not in secret | {why}})
    return shown | dict.fromkeys(secret & body.keys(), MASK)
