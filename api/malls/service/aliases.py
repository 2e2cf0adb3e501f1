"""What the reading of receipts needs to know of shops: every way a shop may be printed, and new ways learned."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from api.kit import audit, clock, pages
from api.kit.db import session
from api.kit.pages import Page
from api.malls import names
from api.malls.errors import AliasNotFound, AliasTooShort
from api.malls.models import Floor, Shop, ShopAlias, Site
from api.malls.service.mall import SHOPS_CHANGED, invalidate_shops, mall_info
from api.malls.service.shops import shop


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
    cores: tuple[str, ...] = ()  # what is left of all of them without legal forms and words of the trade


_Stamp = tuple[int, str, int]
_matching: dict[int, tuple[_Stamp, tuple[ShopNames, ...]]] = {}
_matching_lock = threading.Lock()


def shops_for_matching() -> tuple[ShopNames, ...]:
    """Every shop of the mall as paper may name it, by id. Kept in this process until a shop changes: then it costs two statements, else
    none beyond `mall_info`."""
    info = mall_info()
    stamp = (info.id, info.code, info.shops_version)
    held = _matching.get(info.id)
    if held is not None and held[0] == stamp:
        return held[1]
    loaded = _load_names()
    if not SHOPS_CHANGED.get():
        with _matching_lock:
            _matching[info.id] = (stamp, loaded)
    return loaded


def _load_names() -> tuple[ShopNames, ...]:
    aliases: dict[int, list[tuple[str, str, str]]] = {}
    for shop_id, *alias in session.execute(select(ShopAlias.shop_id, ShopAlias.kind, ShopAlias.normalised, ShopAlias.text)):
        aliases.setdefault(shop_id, []).append((alias[0], alias[1], alias[2]))
    rows = session.execute(
        select(Shop, Floor.label, Site.name).join(Floor, Floor.id == Shop.floor_id).join(Site, Site.id == Shop.site_id).order_by(Shop.id)
    )
    return tuple(_names_of(shop_row, floor, site, aliases.get(shop_row.id, [])) for shop_row, floor, site in rows)


def _names_of(shop_row: Shop, floor: str, site: str, aliases: list[tuple[str, str, str]]) -> ShopNames:
    def also(*kinds: str) -> list[str]:
        return [normalised for kind, normalised, _ in aliases if kind in kinds]

    spoken = [shop_row.name, *shop_row.trading_names, *([shop_row.legal_name] if shop_row.legal_name else [])]
    numbers = names.normalise_number
    return ShopNames(
        id=shop_row.id,
        name=shop_row.name,
        names=_unique([names.normalise_name(name) for name in spoken]),
        aliases=_unique(also("name", "printed")),
        units=_unique([numbers(shop_row.unit), *also("unit")]),
        tax_numbers=_unique([numbers(shop_row.tax_number or ""), *also("tax_no")]),
        phones=_unique([numbers(shop_row.phone or ""), *also("phone")]),
        floor=floor,
        site=site,
        category=shop_row.category,
        closed=shop_row.closed,
        cores=_unique([names.core_name(name) for name in (*spoken, *(text for kind, _, text in aliases if kind in ("name", "printed")))]),
    )


def _unique(texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def learn_alias(shop_id: int, text: str, learned_from: str, kind: str = "printed") -> bool:
    """Remember another way the shop is printed ("receipt:71" says where from). False when it was known. ShopNotFound, AliasTooShort."""
    known_shop = shop(shop_id)
    normalised = names.normalise_name(text) if kind in ("name", "printed") else names.normalise_number(text)
    if len(normalised) < 2:
        raise AliasTooShort()
    row = {"shop_id": known_shop.id, "kind": kind, "text": text.strip(), "normalised": normalised}
    added = insert(ShopAlias).values(**row, learned_from=learned_from, learned_at=clock.now()).on_conflict_do_nothing()
    if session.scalar(added.returning(ShopAlias.id)) is None:
        return False
    invalidate_shops()
    return True


def aliases(shop_id: int, *, cursor: str | None, limit: int) -> Page[ShopAlias]:
    """A shop's aliases, newest first. ShopNotFound."""
    query = select(ShopAlias).where(ShopAlias.shop_id == shop(shop_id).id)
    return pages.page(query, ShopAlias.id, cursor=cursor, limit=limit)


def add_alias(shop_id: int, text: str, kind: str, *, by: str) -> bool:
    """Staff teach another way a shop is printed. False when it was known. ShopNotFound, AliasTooShort."""
    added = learn_alias(shop_id, text, by, kind)
    if added:
        audit.record(by, "added an alias", "shop", shop_id, after={"kind": kind, "text": text})
    return added


def forget_alias(alias_id: int, *, by: str, why: str) -> None:
    """Forget an alias that misleads. AliasNotFound."""
    gone = session.execute(
        delete(ShopAlias).where(ShopAlias.id == alias_id).returning(ShopAlias.shop_id, ShopAlias.kind, ShopAlias.text)
    ).one_or_none()
    if gone is None:
        raise AliasNotFound()
    invalidate_shops()
    audit.record(by, "forgot an alias", "shop", gone.shop_id, before={"kind": gone.kind, "text": gone.text}, why=why)
