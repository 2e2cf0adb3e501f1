from __future__ import annotations

from datetime import date
from typing import Any

from api.kit import http, identity, pages
from api.kit.tables import exported
from api.sales import schemas, service
from api.sales.errors import SaleNotFound
from api.sales.models import Sale

members = http.Blueprint("sales", __name__, audience=identity.members, url_prefix="/sales", description="Purchases")
shop = http.Blueprint("shop_sales", __name__, audience=identity.shop_staff, url_prefix="/sales", description="A shop's purchases")
office = http.Blueprint("office_sales", __name__, audience=identity.mall_staff, url_prefix="/sales", description="The mall's purchases")


@members.get("")
@members.arguments(http.PageArgs, location="query")
@members.response(200, schemas.SalePage)
@members.problems(pages.CursorInvalid)
def list_my_sales(args: dict[str, Any]) -> pages.Page[Sale]:
    """List my own purchases that scored"""
    return service.sales_of_mall(member_id=identity.member().id, cursor=args.get("cursor"), limit=args["limit"])


@shop.get("")
@shop.arguments(schemas.ShopSalesArgs, location="query")
@shop.response(200, schemas.SalePage)
@shop.problems(pages.CursorInvalid)
@shop.permission("own_sales.read")
def list_shop_sales(args: dict[str, Any]) -> pages.Page[Sale]:
    """List my shop's sales, of one day or all"""
    return service.sales_of_mall(shop_id=identity.shop().shop_id, on=args["on"], cursor=args.get("cursor"), limit=args["limit"])


@shop.get("/day")
@shop.arguments(schemas.DayArgs, location="query")
@shop.response(200, schemas.DayTotalSchema)
@shop.permission("own_sales.read")
def read_shop_day(args: dict[str, date | None]) -> service.DayTotal:
    """Count and total of my shop's sales on a day"""
    shop_id = identity.shop().shop_id
    assert shop_id is not None
    return service.day_total(shop_id, args["on"])


@office.get("")
@office.arguments(schemas.OfficeSalesArgs, location="query")
@office.response(200, schemas.OfficeSalePage)
@office.problems(pages.CursorInvalid)
@office.permission("sales.read")
@exported("sales", schemas.OfficeSalesArgs, schemas.OfficeSaleSchema)
def list_sales(args: dict[str, Any]) -> pages.Page[Sale]:
    """List sales of the mall"""
    return service.sales_of_mall(shop_id=args["shop_id"], member_id=args["member_id"], cursor=args.get("cursor"), limit=args["limit"])


@office.get("/<int:sale_id>")
@office.response(200, schemas.SaleWithSightingsSchema)
@office.problems(SaleNotFound)
@office.permission("sales.read")
def read_sale(sale_id: int) -> dict[str, Any]:
    """Read a sale with every sighting of it"""
    return {"sale": service.read(sale_id), "sightings": service.sightings_of(sale_id)}
