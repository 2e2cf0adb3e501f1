from __future__ import annotations

from typing import Any

from api.kit import http, identity, pages
from api.kit.states import WrongState
from api.kit.tables import exported
from api.malls.errors import ShopNotFound
from api.partners import schemas, service
from api.partners.errors import (
    DeliveryNotFound,
    PartnerAddressRefused,
    PartnerNameTaken,
    PartnerNotFound,
    PartnerPaused,
    PartnerSecretRotated,
    TooManyPartners,
)
from api.partners.models import PartnerDelivery, PartnerEndpoint
from api.partners.service.delivery_log import DeliveryDetails

office = http.Blueprint("office_partners", __name__, audience=identity.mall_staff, description="Partners that hear of what happens")


@office.get("/partners")
@office.arguments(http.PageArgs, location="query")
@office.response(200, schemas.PartnerPage)
@office.problems(pages.CursorInvalid)
@office.permission("partners.read")
def list_partners(args: dict[str, Any]) -> pages.Page[PartnerEndpoint]:
    """Partners, newest first"""
    return service.endpoints(cursor=args.get("cursor"), limit=args["limit"])


# The two answers that hold a secret are not kept for an Idempotency-Key: a name is taken once, a rotation is counted.
@office.post("/partners")
@office.arguments(schemas.PartnerArgs)
@office.response(201, schemas.PartnerWithSecretSchema)
@office.problems(PartnerAddressRefused, PartnerNameTaken, TooManyPartners, ShopNotFound)
@office.permission("partners.write")
def add_partner(args: dict[str, Any]) -> dict[str, Any]:
    """Let a partner hear of events; its secret is shown this once"""
    made, secret = service.add(by=identity.staff().name, **args)
    return {"partner": made, "secret": secret}


@office.get("/partners/<int:partner_id>")
@office.response(200, schemas.PartnerCountsSchema)
@office.problems(PartnerNotFound)
@office.permission("partners.read")
def read_partner(partner_id: int) -> dict[str, Any]:
    """One partner, with what waits and what was given up"""
    return {"partner": service.find(partner_id), **service.counts([partner_id])[partner_id]}


@office.patch("/partners/<int:partner_id>")
@office.arguments(schemas.PartnerChangeArgs)
@office.response(200, schemas.PartnerSchema)
@office.problems(PartnerNotFound, PartnerAddressRefused, PartnerNameTaken, ShopNotFound)
@office.permission("partners.write")
def change_partner(args: dict[str, Any], partner_id: int) -> PartnerEndpoint:
    """Change name, address, shop or events"""
    why = args.pop("why")
    return service.change(partner_id, args, by=identity.staff().name, why=why)


@office.put("/partners/<int:partner_id>/removal")
@office.arguments(schemas.PartnerWhyArgs)
@office.response(204)
@office.problems(PartnerNotFound)
@office.permission("partners.write")
def remove_partner(args: dict[str, Any], partner_id: int) -> None:
    """Tell a partner no more"""
    service.remove(partner_id, by=identity.staff().name, why=args["why"])


@office.put("/partners/<int:partner_id>/pause")
@office.arguments(schemas.PartnerWhyArgs)
@office.response(200, schemas.PartnerSchema)
@office.problems(PartnerNotFound)
@office.permission("partners.write")
def pause_partner(args: dict[str, Any], partner_id: int) -> PartnerEndpoint:
    """Send nothing for now"""
    return service.pause(partner_id, by=identity.staff().name, why=args["why"])


@office.delete("/partners/<int:partner_id>/pause")
@office.response(200, schemas.PartnerSchema)
@office.problems(PartnerNotFound)
@office.permission("partners.write")
def resume_partner(partner_id: int) -> PartnerEndpoint:
    """Send again, and what waited meanwhile"""
    return service.resume(partner_id, by=identity.staff().name)


@office.post("/partners/<int:partner_id>/secrets")
@office.arguments(schemas.RotationArgs)
@office.response(201, schemas.PartnerWithSecretSchema)
@office.problems(PartnerNotFound, PartnerSecretRotated)
@office.permission("partners.write")
def rotate_secret(args: dict[str, Any], partner_id: int) -> dict[str, Any]:
    """Replace the secret; the new one is shown this once, and the one before signs beside it for a while"""
    partner, secret = service.rotate(partner_id, by=identity.staff().name, **args)
    return {"partner": partner, "secret": secret}


@office.post("/partners/<int:partner_id>/tests")
@office.response(202, schemas.PartnerDeliverySchema)
@office.problems(PartnerNotFound, PartnerPaused)
@office.idempotent
@office.permission("partners.write")
def test_partner(partner_id: int) -> PartnerDelivery:
    """Send a test event"""
    return service.test(partner_id, by=identity.staff().name)


@office.post("/partners/<int:partner_id>/resendings")
@office.arguments(schemas.ResendArgs)
@office.response(202, schemas.ResendingSchema)
@office.problems(PartnerNotFound, PartnerPaused)
@office.idempotent
@office.permission("partners.write")
def resend_all(args: dict[str, Any], partner_id: int) -> dict[str, int]:
    """Send everything again that was given up since a moment, in the background"""
    return {"deliveries": service.resend_since(partner_id, args["since"], by=identity.staff().name)}


@office.get("/partner-deliveries")
@office.arguments(schemas.DeliveriesArgs, location="query")
@office.response(200, schemas.PartnerDeliveryPage)
@office.problems(pages.CursorInvalid)
@office.permission("partners.read")
@exported("partner_deliveries", schemas.DeliveriesArgs, schemas.PartnerDeliverySchema)
def list_deliveries(args: dict[str, Any]) -> pages.Page[PartnerDelivery]:
    """The log of deliveries to partners, newest first"""
    return service.deliveries(**args)


@office.get("/partner-deliveries/<int:delivery_id>")
@office.response(200, schemas.PartnerDeliveryWholeSchema)
@office.problems(DeliveryNotFound)
@office.permission("partners.read")
def read_delivery(delivery_id: int) -> DeliveryDetails:
    """One delivery with what was sent and every attempt"""
    return service.delivery(delivery_id)


@office.post("/partner-deliveries/<int:delivery_id>/sendings")
@office.response(202, schemas.PartnerDeliverySchema)
@office.problems(DeliveryNotFound, PartnerNotFound, PartnerPaused, WrongState)
@office.idempotent
@office.permission("partners.write")
def resend_one(delivery_id: int) -> PartnerDelivery:
    """Send one delivery again"""
    return service.resend(delivery_id, by=identity.staff().name)
