"""Members take a locker; the service desk sees them all."""

from __future__ import annotations

from typing import Any

from api.lockers import schemas, service
from api.lockers.errors import LockerNotFound
from api.lockers.models import Locker

from api.kit import http, identity, pages
from api.kit.states import WrongState
from api.kit.tables import exported

members = http.Blueprint("lockers", __name__, audience=identity.members, url_prefix="/lockers", description="Lockers")
office = http.Blueprint("office_lockers", __name__, audience=identity.mall_staff, url_prefix="/lockers", description="Lockers at the desk")


@members.put("/<string:door>/taking")
@members.response(200, schemas.LockerSchema)
@members.problems(LockerNotFound, WrongState)
def take_locker(door: str) -> Locker:
    """Take a free locker"""
    return service.take(door, identity.member().id)


@office.get("")
@office.arguments(http.PageArgs, location="query")
@office.response(200, schemas.LockerPage)
@office.problems(pages.CursorInvalid)
@office.permission("lockers.read")
@exported("lockers", http.PageArgs, schemas.LockerSchema)
def list_lockers(args: dict[str, Any]) -> pages.Page[Locker]:
    """Every locker"""
    return service.listed(cursor=args.get("cursor"), limit=args["limit"])
