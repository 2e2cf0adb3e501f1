"""Messages on the wire."""

from __future__ import annotations

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range

from api.kit.http import PageArgs, Schema
from api.messages.models import Kind, Unwanted

KINDS = OneOf([str(kind) for kind in Kind])


class MessageSentenceSchema(Schema):
    """One sentence in Chinese and English."""

    zh = ma.fields.String(required=True)
    en = ma.fields.String(required=True)


class MessageSchema(Schema):
    """A line of the inbox."""

    id = ma.fields.Integer(required=True)
    kind = ma.fields.String(required=True, validate=KINDS)
    title = ma.fields.Nested(MessageSentenceSchema, required=True)
    body = ma.fields.Nested(MessageSentenceSchema, required=True)
    page = ma.fields.String(
        allow_none=True, required=True, metadata={"description": "the page of the mini-program it leads to, with its query: receipt?id=7"}
    )
    created_at = ma.fields.AwareDateTime(required=True)
    read_at = ma.fields.AwareDateTime(allow_none=True, required=True)
    expires_at = ma.fields.AwareDateTime(required=True)


class InboxSchema(Schema):
    """One page of the inbox, and how many are unread in all."""

    items = ma.fields.List(ma.fields.Nested(MessageSchema), required=True)
    next_cursor = ma.fields.String(allow_none=True, required=True)
    unread = ma.fields.Integer(required=True)


class InboxArgs(PageArgs):
    """Which messages."""

    kind = ma.fields.String(load_default=None, validate=KINDS)
    unread = ma.fields.Boolean(load_default=False)


class ReadAllArgs(Schema):
    """All, or only up to the newest message that was on the screen."""

    up_to = ma.fields.Integer(load_default=None, allow_none=True, strict=True, validate=Range(1, 2**63 - 1))


class UnreadSchema(Schema):
    """How many messages are unread."""

    unread = ma.fields.Integer(required=True)


class WantSchema(Schema):
    """What a member wants of one kind of messages. Service messages stay in the inbox."""

    kind = ma.fields.String(required=True, validate=KINDS)
    service = ma.fields.Boolean(required=True, metadata={"description": "about the member's own receipts and points"})
    inbox = ma.fields.Boolean(required=True)
    push = ma.fields.Boolean(required=True)
    reason = ma.fields.String(allow_none=True, required=True)
    paused_until_on = ma.fields.Date(allow_none=True, required=True)
    template_id = ma.fields.String(
        allow_none=True, required=True, metadata={"description": "the WeChat template to ask the member's agreement for"}
    )


class WantListSchema(Schema):
    """All kinds."""

    wants = ma.fields.List(ma.fields.Nested(WantSchema), required=True)


class WantArgs(Schema):
    """What is wanted of one kind."""

    kind = ma.fields.Enum(Kind, by_value=True, required=True)
    inbox = ma.fields.Boolean(load_default=True)
    push = ma.fields.Boolean(load_default=True)
    reason = ma.fields.String(load_default=None, allow_none=True, validate=OneOf([str(reason) for reason in Unwanted]))
    paused_until_on = ma.fields.Date(load_default=None, allow_none=True)


class WantsArgs(Schema):
    """The kinds that change; the others stay."""

    wants = ma.fields.List(ma.fields.Nested(WantArgs), required=True, validate=Length(1, len(Kind)))


class PushGrantArgs(Schema):
    """The templates that the member has just agreed to, one message each."""

    template_ids = ma.fields.List(ma.fields.String(validate=Length(1, 64)), required=True, validate=Length(1, len(Kind)))
