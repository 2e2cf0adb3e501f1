"""The member's inbox, and which messages are wanted."""

from __future__ import annotations

from typing import Any

from api.kit import http, identity, limits, pages
from api.kit.limits import Limit
from api.kit.once import IdempotencyKeyReused
from api.messages import errors, schemas, service
from api.messages.models import Message

GRANTS_BY_MEMBER = Limit("push-grants", 30, 3600)

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


@wants.post("/grants")
@wants.arguments(schemas.PushGrantArgs)
@wants.response(204)
@wants.problems(limits.TooOften, IdempotencyKeyReused)
@wants.idempotent
def grant_pushes(args: dict[str, Any]) -> None:
    """I agreed on my phone to one more message of these templates"""
    who = identity.member()
    limits.spend(GRANTS_BY_MEMBER, f"{who.mall_id}:{who.id}")
    service.grant(who.id, args["template_ids"])


@wants.put("")
@wants.arguments(schemas.WantsArgs)
@wants.response(200, schemas.WantListSchema)
@wants.problems(errors.ServiceMessageNeeded, errors.OfferConsentNeeded)
def change_wants(args: dict[str, Any]) -> dict[str, Any]:
    """Say which messages I want; kinds that are not named stay as they are"""
    me = identity.member().id
    for want in args["wants"]:
        service.set_want(me, **want)
    return {"wants": service.wants_of(me)}
