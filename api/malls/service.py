"""What can be done with malls, sites, floors and shops."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import cast

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock, db
from api.kit.db import session
from api.kit.http import MallNotFound
from api.malls import names
from api.malls import policy as rules
from api.malls.errors import AliasTooShort, ShopNotFound
from api.malls.models import Floor, Mall, Shop, ShopAlias, Site
from api.malls.policy import Policy


def id_of(code: str) -> int:
    """The mall with this public code. MallNotFound."""
    mall_id = session.scalar(select(Mall.id).where(Mall.code == code))
    if mall_id is None:
        raise MallNotFound()
    return mall_id


@dataclass(frozen=True)
class MallInfo:
    """The entered mall as it is now. `shops_version` grows with every change of a shop or an alias."""

    id: int
    code: str
    name: str
    timezone: str
    currency: str
    policy: Policy
    shops_version: int


def mall_info() -> MallInfo:
    """The entered mall with its policy; one statement, once a unit of work."""
    held = cast(MallInfo | None, session.info.get("mall_info"))
    if held is not None and held.id == db.mall():
        return held
    row = session.execute(
        select(Mall.id, Mall.code, Mall.name, Mall.timezone, Mall.currency, Mall.policy, Mall.shops_version).where(Mall.id == db.mall())
    ).one()
    info = MallInfo(row.id, row.code, row.name, row.timezone, row.currency, rules.read(row.policy), row.shops_version)
    session.info["mall_info"] = info
    return info


def policy() -> Policy:
    """The policy of the entered mall."""
    return mall_info().policy


def hold() -> None:
    """Let nobody else in who also holds the mall, until this transaction ends."""
    session.execute(select(Mall.id).where(Mall.id == db.mall()).with_for_update())


def shop(shop_id: int) -> Shop:
    """A shop of this mall, closed ones too. ShopNotFound."""
    found = session.get(Shop, shop_id)
    if found is None:
        raise ShopNotFound()
    return found


@dataclass(frozen=True)
class ShopNames:
    """Everything by which a shop can be recognised on paper. Names, trading names and aliases are in the form of `names.normalise_name`,
    unit, tax number and phones in the form of `names.normalise_number`."""

    id: int
    name: str  # as it is shown
    names: tuple[str, ...]  # name over the door, trading names, legal name
    aliases: tuple[str, ...]  # learned and printed names
    units: tuple[str, ...]
    tax_numbers: tuple[str, ...]
    phones: tuple[str, ...]
    floor: str
    site: str
    category: str
    closed: bool


_matching: dict[int, tuple[int, tuple[ShopNames, ...]]] = {}
_matching_lock = threading.Lock()


def shops_for_matching() -> tuple[ShopNames, ...]:
    """Every shop of the mall as paper may name it. Kept in this process until a shop changes: then it costs two statements, else none
    beyond `mall_info`."""
    info = mall_info()
    held = _matching.get(info.id)
    if held is not None and held[0] == info.shops_version:
        return held[1]
    loaded = _load_names()
    if not session.info.get("shops_changed"):  # what is not committed must not be shown to other requests
        with _matching_lock:
            _matching[info.id] = (info.shops_version, loaded)
    return loaded


def _load_names() -> tuple[ShopNames, ...]:
    aliases: dict[int, list[tuple[str, str]]] = {}
    for shop_id, kind, normalised in session.execute(select(ShopAlias.shop_id, ShopAlias.kind, ShopAlias.normalised)):
        aliases.setdefault(shop_id, []).append((kind, normalised))
    rows = session.execute(
        select(Shop, Floor.label, Site.name).join(Floor, Floor.id == Shop.floor_id).join(Site, Site.id == Shop.site_id).order_by(Shop.id)
    )
    return tuple(_names_of(found, floor, site, aliases.get(found.id, [])) for found, floor, site in rows)


def _names_of(found: Shop, floor: str, site: str, aliases: list[tuple[str, str]]) -> ShopNames:
    def also(*kinds: str) -> list[str]:
        return [text for kind, text in aliases if kind in kinds]

    spoken = [found.name, *found.trading_names, *([found.legal_name] if found.legal_name else [])]
    numbers = names.normalise_number
    return ShopNames(
        id=found.id,
        name=found.name,
        names=_unique([names.normalise_name(name) for name in spoken]),
        aliases=_unique(also("name", "printed")),
        units=_unique([numbers(found.unit), *also("unit")]),
        tax_numbers=_unique([numbers(found.tax_number or ""), *also("tax_no")]),
        phones=_unique([numbers(found.phone or ""), *also("phone")]),
        floor=floor,
        site=site,
        category=found.category,
        closed=found.closed,
    )


def _unique(texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def learn_alias(shop_id: int, text: str, learned_from: str, kind: str = "printed") -> bool:
    """Remember another way the shop is printed ("receipt:71" says where from). False when it was known. ShopNotFound, AliasTooShort."""
    found = shop(shop_id)
    normalised = names.normalise_name(text) if kind in ("name", "printed") else names.normalise_number(text)
    if len(normalised) < 2:
        raise AliasTooShort()
    row = {"shop_id": found.id, "kind": kind, "text": text.strip(), "normalised": normalised}
    added = insert(ShopAlias).values(**row, learned_from=learned_from, learned_at=clock.now()).on_conflict_do_nothing()
    if session.scalar(added.returning(ShopAlias.id)) is None:
        return False
    shops_changed()
    return True


def shops_changed() -> None:
    """Say that shops or aliases changed, so that every process reads them again."""
    session.execute(update(Mall).where(Mall.id == db.mall()).values(shops_version=Mall.shops_version + 1))
    session.info["shops_changed"] = True
    session.info.pop("mall_info", None)
