"""The mall and its shops, for anyone and for the office."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from api.approvals.two_people import two_people
from api.kit import http, identity, policy
from api.kit.pages import Page
from api.kit.sheets import SheetIncomplete, SheetTooLarge, SheetUnreadable
from api.kit.storage import FileRemoved, StorageFull
from api.kit.tables import exported
from api.malls import photos, schemas, service, sheets
from api.malls.errors import (
    AliasNotFound,
    AliasTooShort,
    ContractBackwards,
    FloorNotFound,
    FloorTaken,
    ImportRefused,
    OpeningHoursUnclear,
    PolicyContradicts,
    ShopCodeTaken,
    ShopNotFound,
    ShopPhotoNotFound,
    ShopPhotoTooLarge,
    ShopPhotoUnreadable,
    SiteNotFound,
    SiteTaken,
)
from api.malls.models import Floor, Shop, ShopAlias, Site
from api.malls.schemas import FloorSchema, OfficeShopSchema, ShopSchema, SiteSchema
from api.malls.service import ImportReport, MallInfo

FOREVER, A_WHILE = "public, max-age=31536000, immutable", "public, max-age=300"
FORM = 64 * 1024  # bytes that the form around a file may take

public = http.Blueprint("malls", __name__, audience=identity.anyone, url_prefix="/malls/<mall_code>")
office = http.Blueprint("mall office", __name__, audience=identity.mall_staff)

SitePage = http.page_of(SiteSchema)
FloorPage = http.page_of(FloorSchema)


@public.get("")
@public.response(200, schemas.MallSchema)
@public.problems(http.MallNotFound)
def show_mall() -> MallInfo:
    """The mall"""
    return service.mall_info()


@public.get("/sites")
@public.arguments(http.PageArgs, location="query")
@public.response(200, SitePage)
@public.problems(http.MallNotFound)
def list_sites(args: dict[str, Any]) -> Page[Site]:
    """The mall's buildings"""
    return service.sites(cursor=args.get("cursor"), limit=args["limit"])


@public.get("/floors")
@public.arguments(schemas.FloorsArgs, location="query")
@public.response(200, FloorPage)
@public.problems(http.MallNotFound)
def list_floors(args: dict[str, Any]) -> Page[Floor]:
    """The mall's floors, upwards"""
    return service.floors(site=args.get("site"), cursor=args.get("cursor"), limit=args["limit"])


@public.get("/shops")
@public.arguments(schemas.ShopsArgs, location="query")
@public.response(200, http.page_of(ShopSchema))
@public.problems(http.MallNotFound)
def list_shops(args: dict[str, Any]) -> Page[Shop]:
    """Shops one can go to today, found by name, pinyin, initials, unit or category"""
    return service.open_shops(**args)


@public.get("/shops/<int:shop_id>")
@public.response(200, ShopSchema)
@public.problems(http.MallNotFound, ShopNotFound)
def show_shop(shop_id: int) -> Shop:
    """One shop"""
    return service.shop_in_view(shop_id, trading=True)


@public.get("/shops/<int:shop_id>/photo")
@public.arguments(schemas.PhotoArgs, location="query")
@public.response(200, {"type": "string", "format": "binary"}, content_type="image/jpeg")
@public.problems(http.MallNotFound, ShopNotFound, ShopPhotoNotFound, FileRemoved)
def show_shop_photo(args: dict[str, str], shop_id: int) -> Response:
    """A shop's photo, for anyone; kept by browsers"""
    version, data = service.shop_photo(shop_id)
    response = Response(data, mimetype="image/jpeg")
    response.headers["Cache-Control"] = FOREVER if args.get("v") == version else A_WHILE
    response.set_etag(version)
    response.make_conditional(request)
    return response


@office.post("/sites")
@office.arguments(schemas.AddSiteArgs)
@office.response(201, SiteSchema)
@office.problems(SiteTaken)
@office.permission("shops.write")
def add_site(args: dict[str, Any]) -> Site:
    """Add a building"""
    return service.add_site(args, by=identity.staff().name)


@office.patch("/sites/<int:site_id>")
@office.arguments(schemas.ChangeSiteArgs)
@office.response(200, SiteSchema)
@office.problems(SiteNotFound)
@office.permission("shops.write")
def change_site(args: dict[str, Any], site_id: int) -> Site:
    """Change a building"""
    why = args.pop("why")
    return service.change_site(site_id, args, by=identity.staff().name, why=why)


@office.post("/floors")
@office.arguments(schemas.AddFloorArgs)
@office.response(201, FloorSchema)
@office.problems(SiteNotFound, FloorTaken)
@office.permission("shops.write")
def add_floor(args: dict[str, Any]) -> Floor:
    """Add a floor"""
    return service.add_floor(args, by=identity.staff().name)


@office.patch("/floors/<int:floor_id>")
@office.arguments(schemas.ChangeFloorArgs)
@office.response(200, FloorSchema)
@office.problems(FloorNotFound, FloorTaken)
@office.permission("shops.write")
def change_floor(args: dict[str, Any], floor_id: int) -> Floor:
    """Change a floor"""
    why = args.pop("why")
    return service.change_floor(floor_id, args, by=identity.staff().name, why=why)


@office.get("/shops")
@office.arguments(schemas.OfficeShopsArgs, location="query")
@office.response(200, http.page_of(OfficeShopSchema))
@office.permission("shops.read")
@exported("shops", schemas.OfficeShopsArgs, OfficeShopSchema)
def list_office_shops(args: dict[str, Any]) -> Page[Shop]:
    """Every shop, closed ones and ended contracts too"""
    closed = args.pop("closed", None)
    return service.shops(*([] if closed is None else [Shop.closed == closed]), **args)


@office.post("/shops")
@office.arguments(schemas.OpenShopArgs)
@office.response(201, OfficeShopSchema)
@office.problems(ShopCodeTaken, FloorNotFound, ContractBackwards, OpeningHoursUnclear)
@office.permission("shops.write")
@two_people("shop.open", arguments=schemas.OpenShopArgs, approver="shops.approve", alone=lambda args: service.prices_no_more(None, args))
def open_shop(args: dict[str, Any]) -> Shop:
    """Open a shop"""
    return service.open_shop(args, by=identity.staff().name)


@office.get("/shops/<int:shop_id>")
@office.response(200, OfficeShopSchema)
@office.problems(ShopNotFound)
@office.permission("shops.read")
def show_office_shop(shop_id: int) -> Shop:
    """One shop"""
    return service.shop_in_view(shop_id)


@office.patch("/shops/<int:shop_id>")
@office.arguments(schemas.ChangeShopArgs)
@office.response(200, OfficeShopSchema)
@office.problems(ShopNotFound, ShopCodeTaken, FloorNotFound, ContractBackwards, OpeningHoursUnclear)
@office.permission("shops.write")
@two_people(
    "shop.change",
    arguments=schemas.ChangeShopArgs,
    approver="shops.approve",
    before=lambda args, shop_id: {name: getattr(service.shop(shop_id), name) for name in args if name != "why"},
    alone=lambda args, shop_id: service.prices_no_more(service.shop(shop_id), args),
)
def change_shop(args: dict[str, Any], shop_id: int) -> Shop:
    """Change a shop, or close it"""
    why = args.pop("why")
    return service.change_shop(shop_id, args, by=identity.staff().name, why=why)


@office.put("/shops/<int:shop_id>/photo")
@office.arguments(schemas.ShopPhotoFiles, location="files", content_type="multipart/form-data")
@office.response(200, OfficeShopSchema)
@office.problems(ShopNotFound, ShopPhotoTooLarge, ShopPhotoUnreadable, http.BodyTooLarge, StorageFull)
@office.permission("shops.write")
@office.upload(photos.MAX_BYTES + FORM)
def give_shop_photo(files: dict[str, Any], shop_id: int) -> Shop:
    """Give a shop its photo, which shoppers see before they pay by its plate"""
    return service.give_photo(shop_id, files["photo"].read(), by=identity.staff().name)


@office.get("/shops/<int:shop_id>/aliases")
@office.arguments(http.PageArgs, location="query")
@office.response(200, http.page_of(schemas.AliasSchema))
@office.problems(ShopNotFound)
@office.permission("shops.read")
def list_aliases(args: dict[str, Any], shop_id: int) -> Page[ShopAlias]:
    """Other ways a shop is printed on paper"""
    return service.aliases(shop_id, cursor=args.get("cursor"), limit=args["limit"])


@office.post("/shops/<int:shop_id>/aliases")
@office.arguments(schemas.AddAliasArgs)
@office.response(200, schemas.LearnedSchema)
@office.problems(ShopNotFound, AliasTooShort)
@office.permission("aliases.write")
def add_alias(args: dict[str, str], shop_id: int) -> dict[str, bool]:
    """Teach another way a shop is printed"""
    return {"added": service.add_alias(shop_id, args["text"], args["kind"], by=identity.staff().name)}


@office.delete("/shop-aliases/<int:alias_id>")
@office.arguments(schemas.WhyArgs, location="query")
@office.response(204)
@office.problems(AliasNotFound)
@office.permission("aliases.write")
def forget_alias(args: dict[str, str], alias_id: int) -> None:
    """Forget an alias that misleads"""
    service.forget_alias(alias_id, by=identity.staff().name, why=args["why"])


@office.post("/shop-imports")
@office.arguments(schemas.ImportArgs, location="query")
@office.arguments(schemas.SheetFiles, location="files", content_type="multipart/form-data")
@office.response(200, schemas.ImportReportSchema)
@office.problems(SheetTooLarge, SheetUnreadable, SheetIncomplete, ImportRefused)
@office.permission("shops.import")
@office.upload(sheets.MAX_BYTES + FORM)
def import_shops(args: dict[str, bool], files: dict[str, Any]) -> ImportReport:
    """Import shops from a sheet: a dry run unless dry_run=false, then all of it or nothing"""
    return service.import_shops(files["file"].read(), dry_run=args["dry_run"], by=identity.staff().name)


@office.get("/shop-imports/template")
@office.response(200, content_type="text/csv", description="A sheet with headings and one example")
@office.permission("shops.import")
def show_template() -> Response:
    """An example sheet"""
    return Response(sheets.template(), mimetype="text/csv", headers={"Content-Disposition": 'attachment; filename="shops.csv"'})


@office.get("/policy")
@office.response(200, schemas.PolicyInForceSchema)
@office.permission("policy.read")
def show_policy() -> dict[str, Any]:
    """The mall's policy, and what each rule means"""
    described = [{"name": name, "default": rule.default, **rule.metadata} for name, rule in policy.fields().items()]
    return {"policy": service.mall_info().policy.values(), "rules": described}


@office.patch("/policy")
@office.arguments(schemas.ChangePolicyArgs)
@office.response(200, schemas.PolicySchema)
@office.problems(PolicyContradicts)
@office.permission("policy.write")
@two_people(
    "policy.change",
    arguments=schemas.ChangePolicyArgs,
    approver="policy.approve",
    before=lambda args: {name: value for name, value in service.mall_info().policy.values().items() if name in args},
)
def change_policy(args: dict[str, Any]) -> dict[str, Any]:
    """Change rules of the policy"""
    why = args.pop("why")
    return service.change_policy(args, by=identity.staff().name, why=why)
