"""Sites, floors and shops: shown to anyone, kept by the office."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.orm import joinedload

from api.kit import audit, clock, db, pages
from api.kit.db import session
from api.kit.pages import Page
from api.malls import hours, names
from api.malls.errors import (
    ContractBackwards,
    FloorNotFound,
    FloorTaken,
    OpeningHoursUnclear,
    ShopCodeTaken,
    ShopNotFound,
    SiteNotFound,
    SiteTaken,
)
from api.malls.models import Floor, Shop, Site
from api.malls.service.mall import SHOP_CLOSED, invalidate_shops, mall_info

T = TypeVar("T", Site, Floor, Shop)

SITE_FACTS = ("code", "name", "address")
FLOOR_FACTS = ("site_id", "label", "position")
SHOP_FACTS = (
    "code",
    "site_id",
    "floor_id",
    "unit",
    "name",
    "legal_name",
    "trading_names",
    "tax_number",
    "category",
    "phone",
    "invoice_url",
    "opening_hours",
    "starts_on",
    "ends_on",
    "points_rate_bp",
    "excluded",
    "closed",
)


def sites(*, cursor: str | None, limit: int) -> Page[Site]:
    """The mall's buildings."""
    return pages.page(select(Site), Site.id, cursor=cursor, limit=limit, descending=False)


def add_site(values: dict[str, Any], *, by: str) -> Site:
    """Add a building. SiteTaken."""
    if session.scalar(select(Site.id).where(Site.code == values["code"])) is not None:
        raise SiteTaken()
    return _added(Site(**values), "site", SITE_FACTS, by)


def change_site(site_id: int, changes: dict[str, Any], *, by: str, why: str) -> Site:
    """Change a building's name or address. SiteNotFound."""
    site = session.get(Site, site_id)
    if site is None:
        raise SiteNotFound()
    return _changed(site, changes, "site", SITE_FACTS, by, why)


def floors(*, site: str | None, cursor: str | None, limit: int) -> Page[Floor]:
    """The mall's floors, of one site (by its code) or of all."""
    query = select(Floor).options(joinedload(Floor.site))
    if site is not None:
        query = query.join(Site, Site.id == Floor.site_id).where(Site.code == site)
    return pages.page(query, Floor.site_id, Floor.position, Floor.id, cursor=cursor, limit=limit, descending=False)


def add_floor(values: dict[str, Any], *, by: str) -> Floor:
    """Add a floor. SiteNotFound, FloorTaken."""
    site = session.get(Site, values["site_id"])
    if site is None:
        raise SiteNotFound()
    if session.scalar(select(Floor.id).where(Floor.site_id == site.id, Floor.label == values["label"])) is not None:
        raise FloorTaken()
    return _added(Floor(**values, site=site), "floor", FLOOR_FACTS, by)


def change_floor(floor_id: int, changes: dict[str, Any], *, by: str, why: str) -> Floor:
    """Change a floor's label or position. FloorNotFound, FloorTaken."""
    floor = session.scalar(select(Floor).where(Floor.id == floor_id).options(joinedload(Floor.site)))
    if floor is None:
        raise FloorNotFound()
    label = changes.get("label", floor.label)
    taken = select(Floor.id).where(Floor.site_id == floor.site_id, Floor.label == label, Floor.id != floor.id)
    if session.scalar(taken) is not None:
        raise FloorTaken()
    return _changed(floor, changes, "floor", FLOOR_FACTS, by, why)


def _added(row: T, noun: str, known: tuple[str, ...], by: str) -> T:
    session.add(row)
    session.flush()
    invalidate_shops()
    audit.record(by, f"added the {noun}", noun, row.id, after=facts(row, known))
    return row


def _changed(row: T, changes: dict[str, Any], noun: str, known: tuple[str, ...], by: str, why: str) -> T:
    before = facts(row, known)
    for name, value in changes.items():
        setattr(row, name, value)
    if isinstance(row, Shop):
        refresh_search(row)
    session.flush()
    after = facts(row, known)
    if before == after:
        return row
    if isinstance(row, Shop) and row.closed and not before["closed"]:
        tell_closed(row.id)
    invalidate_shops()
    changed = [name for name in known if before[name] != after[name]]
    old, new = ({name: side[name] for name in changed} for side in (before, after))
    audit.record(by, f"changed the {noun}", noun, row.id, before=old, after=new, why=why)
    return row


def tell_closed(shop_id: int) -> None:
    """Let everybody hear that a shop closed, in the transaction that closes it."""
    for hear in SHOP_CLOSED:
        hear(shop_id)


def facts(row: Any, known: tuple[str, ...]) -> dict[str, Any]:
    """A row as the audit log shows it."""
    values = {name: getattr(row, name) for name in known}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}


def _in_view() -> Select[Shop]:
    return select(Shop).options(joinedload(Shop.floor), joinedload(Shop.site))


def _trading() -> ColumnElement[bool]:
    today = clock.today(mall_info().timezone)
    begun, lasts = or_(Shop.starts_on.is_(None), Shop.starts_on <= today), or_(Shop.ends_on.is_(None), Shop.ends_on >= today)
    return ~Shop.closed & begun & lasts


def open_shops(**wanted: Any) -> Page[Shop]:
    """Shops a shopper can go to today: not closed, within their contract. Arguments as `shops`."""
    return shops(_trading(), **wanted)


def shops(
    *conditions: ColumnElement[bool],
    q: str | None = None,
    category: str | None = None,
    floor: str | None = None,
    site: str | None = None,
    cursor: str | None = None,
    limit: int = pages.DEFAULT_LIMIT,
) -> Page[Shop]:
    """Shops by name. `q` is looked for in names, their pinyin and its initials, the unit and the category; one statement."""
    query = _in_view().where(*conditions)
    if q is not None:
        form = names.search_form(q)
        query = query.where(Shop.search_text.contains(form, autoescape=True) if form else false())
    if category is not None:
        query = query.where(Shop.category == category)
    if floor is not None:
        query = query.where(Shop.floor.has(Floor.label == floor))
    if site is not None:
        query = query.where(Shop.site.has(Site.code == site))
    return pages.page(query, Shop.name, Shop.id, cursor=cursor, limit=limit, descending=False)


def shop(shop_id: int) -> Shop:
    """A shop of this mall, closed ones too. ShopNotFound."""
    row = session.get(Shop, shop_id)
    if row is None:
        raise ShopNotFound()
    return db.keep(row)


def shop_names(shop_ids: Collection[int] | None = None) -> dict[int, str]:
    """What shops are called, closed ones too: these, or all. One statement."""
    query = select(Shop.id, Shop.name)
    rows = session.execute(query if shop_ids is None else query.where(Shop.id.in_(shop_ids)))
    return {row.id: row.name for row in rows}


def site_names() -> dict[int, str]:
    """What the mall's buildings are called. One statement."""
    return {row.id: row.name for row in session.execute(select(Site.id, Site.name))}


def shop_in_view(shop_id: int, *, trading: bool = False) -> Shop:
    """A shop with its floor and site; with `trading` only where a shopper can go today. ShopNotFound."""
    conditions = (_trading(),) if trading else ()
    row = session.scalar(_in_view().where(Shop.id == shop_id, *conditions))
    if row is None:
        raise ShopNotFound()
    return row


def shops_in_view(shop_ids: Collection[int]) -> dict[int, Shop]:
    """Shops with their floors and sites, closed ones too. One statement."""
    return {row.id: row for row in session.scalars(_in_view().where(Shop.id.in_(shop_ids)))}


def open_shop(values: dict[str, Any], *, by: str) -> Shop:
    """Open a shop. ShopCodeTaken, FloorNotFound, ContractBackwards, OpeningHoursUnclear."""
    values = _checked(values)
    _refuse_backwards(values.get("starts_on"), values.get("ends_on"))
    if session.scalar(select(Shop.id).where(Shop.code == values["code"])) is not None:
        raise ShopCodeTaken()
    floor = _floor(values["floor_id"])
    made = Shop(**values, site_id=floor.site_id, floor=floor, site=floor.site)
    refresh_search(made)
    return _added(made, "shop", SHOP_FACTS, by)


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    if (written := values.get("opening_hours")) is not None:
        try:
            values = values | {"opening_hours": hours.normal(written)}
        except ValueError as error:
            raise OpeningHoursUnclear(str(error)) from error
    return values


def _floor(floor_id: int) -> Floor:
    floor = session.scalar(select(Floor).where(Floor.id == floor_id).options(joinedload(Floor.site)))
    if floor is None:
        raise FloorNotFound()
    return floor


def change_shop(shop_id: int, changes: dict[str, Any], *, by: str, why: str) -> Shop:
    """Change a shop. ShopNotFound, ShopCodeTaken, FloorNotFound, ContractBackwards, OpeningHoursUnclear."""
    row, changes = shop_in_view(shop_id), _checked(changes)
    if session.scalar(select(Shop.id).where(Shop.code == changes.get("code", row.code), Shop.id != row.id)) is not None:
        raise ShopCodeTaken()
    if "floor_id" in changes:
        floor = _floor(changes["floor_id"])
        changes = changes | {"site_id": floor.site_id, "floor": floor, "site": floor.site}
    _refuse_backwards(changes.get("starts_on", row.starts_on), changes.get("ends_on", row.ends_on))
    return _changed(row, changes, "shop", SHOP_FACTS, by, why)


#: The mall's own rate of points, in basis points.
OWN_RATE_BP = 10_000


class Place(NamedTuple):
    """By what rules of other rooms know a shop, besides its number."""

    category: str
    site_id: int


#: What gives more in one place than in another says so: of where a shop stands, and of where it is to stand.
PRICED_BY: list[Callable[[Place, Place], bool]] = []


def prices_no_more(shop: Shop | None, values: Mapping[str, Any]) -> bool:
    """Whether a shop that is opened (None) or changed with these values gives no more points than before, or than the mall's own rate."""
    rate_bp, excluded = (shop.points_rate_bp, shop.excluded) if shop else (OWN_RATE_BP, False)
    same_price = values.get("points_rate_bp", rate_bp) <= rate_bp and (values.get("excluded", excluded) or not excluded)
    return same_price and (shop is None or not _is_priced_anew(shop, values))


def _is_priced_anew(shop: Shop, values: Mapping[str, Any]) -> bool:
    floor_id = values.get("floor_id", shop.floor_id)
    site_id = shop.site_id if floor_id == shop.floor_id else _floor(floor_id).site_id
    before, after = Place(shop.category, shop.site_id), Place(values.get("category", shop.category), site_id)
    return before != after and any(differs(before, after) for differs in PRICED_BY)


def _refuse_backwards(starts_on: date | None, ends_on: date | None) -> None:
    if starts_on and ends_on and ends_on < starts_on:
        raise ContractBackwards()


def refresh_search(row: Shop) -> None:
    """Write down what the shop is found by, after its names, unit or category changed."""
    row.search_text = names.search_text([row.name, *(row.trading_names or [])], row.unit, row.category or "")
