"""What goes in and out of the room of partners."""

from __future__ import annotations

from typing import Any

from marshmallow import fields
from marshmallow.validate import Length, OneOf, Range, Regexp

from api.kit import http
from api.partners.models import WANTED, EventKind
from api.partners.states import DeliveryState

STATES = [str(state) for state in DeliveryState]
KINDS = [str(kind) for kind in EventKind]
CHOICES = [str(kind) for kind in WANTED]
#: No user name, no blank, no fragment; whether the host may be spoken to is the service's to say.
URL = Regexp(
    r"https?://([A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,7}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?([/?][!\"$-~]{0,400})?\Z",
    error="an address that begins with https://, with at most 400 characters after its host",
)
NAME, WHY = Length(1, 60), Length(2, 300)
ID = Range(1, 2**63 - 1)
MOST_HOURS = 7 * 24


def _events(**given: Any) -> Any:
    wanted = {"description": "what it hears of"}
    return fields.List(fields.String(validate=OneOf(CHOICES)), validate=Length(1, len(CHOICES)), metadata=wanted, **given)


class PartnerArgs(http.Schema):
    """A new partner: what it is called, where it hears of what, and whether of one shop only."""

    name = fields.String(required=True, validate=NAME)
    url = fields.String(required=True, validate=[Length(max=600), URL])
    shop_id = fields.Integer(load_default=None, allow_none=True, validate=ID)
    events = _events(required=True)


class PartnerChangeArgs(http.Schema):
    """What of a partner changes, and why."""

    name = fields.String(validate=NAME)
    url = fields.String(validate=[Length(max=600), URL])
    shop_id = fields.Integer(allow_none=True, validate=ID)
    events = _events()
    why = fields.String(required=True, validate=WHY)


class PartnerWhyArgs(http.Schema):
    """Why a partner is paused or removed."""

    why = fields.String(required=True, validate=WHY)


class RotationArgs(http.Schema):
    """How often the secret was replaced when you looked, and for how many hours the one before still signs beside the new one."""

    rotation = fields.Integer(required=True, validate=Range(0, 2**31))
    keep_hours = fields.Integer(load_default=24, validate=Range(0, MOST_HOURS))


class ResendArgs(http.Schema):
    """Since when: what was given up of the events written down from then on is sent again."""

    since = fields.AwareDateTime(required=True)


class PartnerSchema(http.Schema):
    """A partner. `failures` are in a row; while it rests nothing is sent."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    url = fields.String(required=True)
    shop_id = fields.Integer(required=True, allow_none=True)
    events = fields.List(fields.String(validate=OneOf(CHOICES)), required=True)
    rotations = fields.Integer(required=True, metadata={"description": "how often the secret was replaced"})
    old_secret_ends_at = fields.AwareDateTime(required=True, allow_none=True, metadata={"description": "until then both secrets sign"})
    paused_at = fields.AwareDateTime(required=True, allow_none=True)
    paused_why = fields.String(required=True, allow_none=True, metadata={"description": "`gone`: it answered 410"})
    failures = fields.Integer(required=True)
    failing_from_at = fields.AwareDateTime(required=True, allow_none=True)
    rests_until_at = fields.AwareDateTime(required=True, allow_none=True)
    made_by = fields.String(required=True)
    made_at = fields.AwareDateTime(required=True)


class PartnerWithSecretSchema(http.Schema):
    """A partner with its secret, which is not shown again."""

    partner = fields.Nested(PartnerSchema, required=True)
    secret = fields.String(required=True)


class PartnerCountsSchema(http.Schema):
    """A partner, and how many of its deliveries wait and were given up."""

    partner = fields.Nested(PartnerSchema, required=True)
    waiting = fields.Integer(required=True)
    given_up = fields.Integer(required=True)


class DeliveriesArgs(http.PageArgs):
    """Which deliveries: of a partner, in a state, of a kind of event, of one event's number, since a moment."""

    partner_id = fields.Integer(load_default=None, validate=ID)
    state = fields.String(load_default=None, validate=OneOf(STATES))
    event = fields.String(load_default=None, validate=OneOf(KINDS))
    number = fields.String(load_default=None, validate=Length(1, 64))
    since = fields.AwareDateTime(load_default=None)


class PartnerDeliverySchema(http.Schema):
    """One event on its way to one partner."""

    id = fields.Integer(required=True)
    partner_id = fields.Integer(required=True, attribute="endpoint_id")
    event = fields.String(required=True, attribute="kind", validate=OneOf(KINDS))
    number = fields.String(required=True, metadata={"description": "the webhook-id"})
    state = fields.String(required=True, validate=OneOf(STATES))
    attempts = fields.Integer(required=True)
    trouble = fields.String(required=True, allow_none=True, metadata={"description": "why the last attempt failed, by name"})
    next_at = fields.AwareDateTime(required=True, metadata={"description": "when it is tried next, while it waits"})
    ends_at = fields.AwareDateTime(required=True, metadata={"description": "after that it is given up"})
    made_at = fields.AwareDateTime(required=True)
    moved_at = fields.AwareDateTime(required=True)


class PartnerAttemptSchema(http.Schema):
    """One try. Without an end it was cut short on our side, and sent again."""

    seq = fields.Integer(required=True)
    begun_at = fields.AwareDateTime(required=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)
    status = fields.Integer(required=True, allow_none=True)
    trouble = fields.String(required=True, allow_none=True)
    answer = fields.String(required=True, allow_none=True, metadata={"description": "the answer's first bytes"})
    took_ms = fields.Integer(required=True, allow_none=True)


class PartnerDeliveryWholeSchema(http.Schema):
    """A delivery, the body that is sent, and its newest attempts."""

    delivery = fields.Nested(PartnerDeliverySchema, required=True)
    partner = fields.String(required=True)
    body = fields.String(required=True, attribute="event.body")
    attempts = fields.List(fields.Nested(PartnerAttemptSchema), required=True)


class ResendingSchema(http.Schema):
    """How many deliveries are sent again."""

    deliveries = fields.Integer(required=True)


PartnerPage = http.page_of(PartnerSchema)
PartnerDeliveryPage = http.page_of(PartnerDeliverySchema)
