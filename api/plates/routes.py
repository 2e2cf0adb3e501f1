"""Plates: what anyone who scans one is shown, and the office that keeps them."""

from __future__ import annotations

from typing import Any

import flask
from flask import request

from api.approvals.two_people import two_people
from api.kit import http, identity, limits, pages
from api.kit.once import IdempotencyKeyReused
from api.kit.states import WrongState
from api.kit.tables import exported
from api.malls.errors import ShopNotFound
from api.plates import errors, schemas, service
from api.plates.models import Plate, PlateAlarm, PlateBatch, PlateCheck

#: Generous: everybody in the mall's Wi-Fi has the same address.
BY_ADDRESS = limits.Limit("plates-address", 1200, 60)

public = http.Blueprint("plates", __name__, audience=identity.anyone, url_prefix="/plates", description="Code plates on counters")
office = http.Blueprint("plate_office", __name__, audience=identity.mall_staff, description="Keeping the plates")

shop = http.Blueprint("shop_plates", __name__, audience=identity.shop_staff, description="What a shop may be paid by its plates")

OF_A_SCAN = (errors.PlateUnknown, errors.PlateBlank, errors.PlateRetired, errors.PlateShopClosed)


def _base() -> str:
    return str(flask.current_app.extensions["settings"].public_url)


@public.get("/<code>")
@public.response(200, schemas.ScannedPlateSchema)
@public.problems(*OF_A_SCAN, limits.TooOften)
def show_plate(code: str) -> service.ScannedPlate:
    """The shop that a plate stands at, and what may be paid there"""
    limits.spend(BY_ADDRESS, request.remote_addr or "")
    service.enter(code)
    return service.show(code)


@shop.get("/plate-terms")
@shop.response(200, schemas.PlateAmountSchema)
@shop.permission("own_payments.read")
def read_own_terms() -> service.Terms:
    """What may be paid to my shop at once, and whether a part may be named that earns no benefit"""
    shop_id = identity.shop().shop_id
    assert shop_id is not None
    return service.terms_of(shop_id)[1]


@office.get("/plates")
@office.arguments(schemas.PlatesArgs, location="query")
@office.response(200, http.page_of(schemas.PlateSchema))
@office.problems(pages.CursorInvalid)
@office.permission("plates.read")
@exported("plates", schemas.PlatesArgs, schemas.PlateSchema)
def list_plates(args: dict[str, Any]) -> pages.Page[Plate]:
    """Every plate, newest first"""
    return service.plates(**args)


@office.get("/plates/<int:plate_id>")
@office.response(200, schemas.PlateWithMovesSchema)
@office.problems(errors.PlateUnknown)
@office.permission("plates.read")
def read_plate(plate_id: int) -> dict[str, Any]:
    """One plate with its moves"""
    return {"plate": service.plate_of(plate_id), "history": service.moves_of(plate_id)}


@office.get("/plate-batches")
@office.arguments(http.PageArgs, location="query")
@office.response(200, http.page_of(schemas.PlateBatchSchema))
@office.problems(pages.CursorInvalid)
@office.permission("plates.read")
@exported("plate_batches", http.PageArgs, schemas.PlateBatchSchema)
def list_plate_batches(args: dict[str, Any]) -> pages.Page[PlateBatch]:
    """Every batch of plates, newest first"""
    return service.batches(cursor=args.get("cursor"), limit=args["limit"])


@office.post("/plate-batches")
@office.arguments(schemas.IssueArgs)
@office.response(201, schemas.PlateBatchSchema)
@office.problems(IdempotencyKeyReused)
@office.permission("plates.write")
@office.idempotent
def issue_plates(args: dict[str, Any]) -> PlateBatch:
    """Make a batch of blank plates"""
    return service.issue(args["plates"], note=args["note"], by=identity.staff().name)


@office.get("/plate-sheet")
@office.arguments(schemas.SheetArgs, location="query")
@office.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf")
@office.problems(errors.PlateSheetEmpty)
@office.permission("plates.read")
def print_plates(args: dict[str, Any]) -> flask.Response:
    """A print sheet (PDF, A4): QR, number, shop and place of at most 120 plates, from a number on"""
    name = {"Content-Disposition": 'inline; filename="plates.pdf"'}
    return flask.Response(service.sheet(_base(), **args), mimetype="application/pdf", headers=name)


@office.put("/plates/<int:plate_id>/shop")
@office.arguments(schemas.BindArgs)
@office.response(200, schemas.PlateSchema)
@office.problems(errors.PlateUnknown, errors.PlateBound, errors.PlateRetired, ShopNotFound)
@office.permission("plates.write")
def bind_plate(args: dict[str, Any], plate_id: int) -> Plate:
    """Put a blank plate on a shop's counter"""
    return service.bind(plate_id, args["shop_id"], by=identity.staff().name, why=args["why"])


def _stands_at(_args: dict[str, Any], plate_id: int) -> dict[str, Any]:
    return {"shop_id": service.plate_of(plate_id).shop_id}


@office.post("/plates/<int:plate_id>/moves")
@office.arguments(schemas.MovePlateArgs)
@office.response(200, schemas.PlateSchema)
@office.problems(errors.PlateUnknown, errors.PlateStandsThere, errors.PlateRetired, ShopNotFound, WrongState)
@office.permission("plates.write")
@two_people("plate.move", arguments=schemas.MovePlateArgs, approver="plates.approve", before=_stands_at)
def move_plate(args: dict[str, Any], plate_id: int) -> Plate:
    """Let a plate stand at another shop from now on"""
    return service.move(plate_id, args["shop_id"], by=identity.staff().name, why=args["why"])


@office.put("/plates/<int:plate_id>/retirement")
@office.arguments(schemas.RetireArgs)
@office.response(200, schemas.PlateSchema)
@office.problems(errors.PlateUnknown, WrongState)
@office.permission("plates.write")
def retire_plate(args: dict[str, Any], plate_id: int) -> Plate:
    """Take a plate out of use for good"""
    return service.retire(plate_id, by=identity.staff().name, why=args["why"])


@office.get("/shops/<int:shop_id>/plate-terms")
@office.response(200, schemas.PlateTermsSchema)
@office.problems(ShopNotFound)
@office.permission("plates.read")
def show_plate_terms(shop_id: int) -> dict[str, Any]:
    """What may be paid by a shop's plates"""
    own, in_force = service.terms_of(shop_id)
    return {"own": own, "in_force": in_force}


@office.put("/shops/<int:shop_id>/plate-terms")
@office.arguments(schemas.SetTermsArgs)
@office.response(200, schemas.PlateTermsSchema)
@office.problems(ShopNotFound, errors.PlateTermsContradict)
@office.permission("plates.write")
def set_plate_terms(args: dict[str, Any], shop_id: int) -> dict[str, Any]:
    """Give a shop terms of its own, or leave it to the mall's policy"""
    why = args.pop("why")
    own, in_force = service.set_terms(shop_id, args, by=identity.staff().name, why=why)
    return {"own": own, "in_force": in_force}


@office.post("/plate-scans")
@office.arguments(schemas.ScanArgs)
@office.response(200, schemas.ExpectedSchema)
@office.permission("plates.check")
def scan_plate(args: dict[str, Any]) -> service.ExpectedPlate:
    """What should be seen around a scanned code: the shop, its photo, floor and unit"""
    return service.expected(args["scanned"], _base())


@office.post("/plate-checks")
@office.arguments(schemas.CheckArgs)
@office.response(201, schemas.PlateCheckSchema)
@office.problems(ShopNotFound, IdempotencyKeyReused)
@office.permission("plates.check")
@office.idempotent
def check_plate(args: dict[str, Any]) -> PlateCheck:
    """Write down what stands on a shop's counter; what is wrong raises an alarm"""
    return service.check(args.pop("scanned"), _base(), **args, by=identity.staff().name)


@office.get("/plate-checks")
@office.arguments(schemas.ChecksArgs, location="query")
@office.response(200, http.page_of(schemas.PlateCheckSchema))
@office.problems(pages.CursorInvalid)
@office.permission("plates.read")
@exported("plate_checks", schemas.ChecksArgs, schemas.PlateCheckSchema)
def list_plate_checks(args: dict[str, Any]) -> pages.Page[PlateCheck]:
    """Spot checks, newest first"""
    return service.checks(shop_id=args.get("shop_id"), cursor=args.get("cursor"), limit=args["limit"])


@office.get("/plate-alarms")
@office.arguments(schemas.AlarmsArgs, location="query")
@office.response(200, http.page_of(schemas.PlateAlarmSchema))
@office.problems(pages.CursorInvalid)
@office.permission("plates.read")
@exported("plate_alarms", schemas.AlarmsArgs, schemas.PlateAlarmSchema)
def list_plate_alarms(args: dict[str, Any]) -> pages.Page[PlateAlarm]:
    """Alarms about plates, newest first"""
    return service.alarms(**args)


@office.put("/plate-alarms/<int:alarm_id>/verdict")
@office.arguments(schemas.PlateVerdictArgs)
@office.response(200, schemas.PlateAlarmSchema)
@office.problems(errors.PlateAlarmUnknown, errors.PlateAlarmSeen)
@office.permission("plates.check")
def acknowledge_plate_alarm(args: dict[str, Any], alarm_id: int) -> PlateAlarm:
    """Say what an alarm came to"""
    return service.acknowledge(alarm_id, by=identity.staff().name, verdict=args["verdict"])
