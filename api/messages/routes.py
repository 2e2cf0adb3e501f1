"""The member's inbox, and which messages are wanted."""

from __future__ import annotations

from typing import Any

from api.kit import http, identity, pages
from api.messages import errors, schemas, service
from api.messages.models import Message

inbox = http.Blueprint("messages", __name__, audience=identity.members, url_prefix="/messages", description="My messages")
wants = http.Blueprint("wants", __name__, audience=identity.members, url_prefix="/me/wants", description="Which messages I want")


@inbox.get("")
@inbox.arguments(schemas.InboxArgs, location="query")
@inbox.response(200, schemas.InboxSchema)
@inbox.problems(pages.CursorInvalid)
def list_messages(args: dict[str, Any]) -> service.Inbox:
    """List my messages, newest first, and how many are unread"""
    return service.inbox(identity.member().id, **{"cursor": None} | args)


@inbox.put("/<int:message_id>/read")
@inbox.response(200, schemas.MessageSchema)
@inbox.problems(errors.MessageNotFound)
def read_message(message_id: int) -> Message:
    """I have read this message"""
    return service.read(identity.member().id, message_id)


@inbox.put("/read-all")
@inbox.arguments(schemas.ReadAllArgs)
@inbox.response(200, schemas.UnreadSchema)
def read_all_messages(args: dict[str, Any]) -> dict[str, int]:
    """I have read all messages, up to the newest I saw"""
    return {"unread": service.read_all(identity.member().id, args["up_to"])}


@wants.get("")
@wants.response(200, schemas.WantListSchema)
def list_wants() -> dict[str, Any]:
    """Which messages I want, and where"""
    return {"wants": service.wants_of(identity.member().id)}


@wants.put("")
@wants.arguments(schemas.WantsArgs)
@wants.response(200, schemas.WantListSchema)
@wants.problems(errors.ServiceMessageNeeded, errors.OfferConsentNeeded)
def change_wants(args: dict[str, Any]) -> dict[str, Any]:
    """Say which messages I want; kinds that are not named stay as they are"""
    me = identity.member().id
    for said in args["wants"]:
        service.want(me, **said)
    return {"wants": service.wants_of(me)}
