"""From a scanned code to the shop that is paid, and to what may be paid there."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from api.kit import clock, db
from api.kit.db import session
from api.malls import service as malls
from api.malls.models import Shop
from api.plates.errors import (
    ExcludedPartNotTaken,
    ExcludedPartTooLarge,
    PlateAmountTooFine,
    PlateAmountTooLarge,
    PlateAmountTooSmall,
    PlateBlank,
    PlateRetired,
    PlateShopClosed,
    PlateUnknown,
)
from api.plates.models import Plate, PlateTerms, printed
from api.plates.policy import PlateRules
from api.plates.states import PlateState

KIND = "plate"


@dataclass(frozen=True)
class Terms:
    """What may be paid by a shop's plates: limits in fen, decimals in yuan, and whether a part that earns no benefit may be named."""

    min_fen: int
    max_fen: int
    decimals: int
    excluded_allowed: bool


@dataclass(frozen=True)
class PlateInUse:
    """A plate in use: where it stands, and what may be paid by it. `number` is as printed."""

    plate_id: int
    mall_id: int
    shop_id: int
    number: str
    code: str
    min_fen: int
    max_fen: int
    excluded_allowed: bool
    decimals: int = 2


@dataclass(frozen=True)
class ScannedPlate:
    """What a scanner is shown before an amount: the mall, the shop with its floor and site, and what may be paid."""

    plate: PlateInUse
    mall: malls.MallInfo
    shop: Shop


def enter(code: str) -> int:
    """Enter the mall whose plate this is, for a caller who is in none yet. PlateUnknown. One statement."""
    if not malls.enter_by_code(code, KIND):
        raise PlateUnknown()
    return db.mall()


def resolve(code: str) -> PlateInUse:
    """The shop that this mall's plate stands at. PlateUnknown, PlateBlank, PlateRetired, PlateShopClosed. One statement."""
    return _plate_and_shop(code)[0]


def _plate_and_shop(code: str) -> tuple[PlateInUse, Shop]:
    row = session.execute(
        select(Plate.id, Plate.number, Plate.state, Plate.shop_id, PlateTerms, Shop)
        .outerjoin(PlateTerms, PlateTerms.shop_id == Plate.shop_id)
        .outerjoin(Shop, Shop.id == Plate.shop_id)
        .options(joinedload(Shop.floor), joinedload(Shop.site))
        .where(Plate.code == code)
    ).one_or_none()
    if row is None:
        raise PlateUnknown()
    if row.state == PlateState.RETIRED:
        raise PlateRetired()
    if row.state == PlateState.BLANK:
        raise PlateBlank()
    info = malls.mall_info()
    shop = db.keep(row.Shop)
    if shop.closed or not shop.trades_on(clock.today(info.timezone)):
        raise PlateShopClosed()
    terms = in_force(row.PlateTerms, info.policy.of(PlateRules))
    plate = PlateInUse(
        row.id, info.id, row.shop_id, printed(row.number), code, terms.min_fen, terms.max_fen, terms.excluded_allowed, terms.decimals
    )
    return plate, shop


def show(code: str) -> ScannedPlate:
    """What a scanner sees, in the mall that was entered. Refusals as `resolve`. One statement."""
    plate, shop = _plate_and_shop(code)
    return ScannedPlate(plate, malls.mall_info(), shop)


def in_force(own: PlateTerms | None, policy: PlateRules) -> Terms:
    """The mall's rules, each but where the shop has one of its own; limits that cross give way to the mall's."""
    standard = Terms(policy.plate_min_fen, policy.plate_max_fen, policy.plate_decimals, policy.plate_excluded)
    if own is None:
        return standard
    least = standard.min_fen if own.min_fen is None else own.min_fen
    most = standard.max_fen if own.max_fen is None else own.max_fen
    return Terms(
        min(least, most),
        most,
        standard.decimals if own.decimals is None else own.decimals,
        standard.excluded_allowed if own.excluded_allowed is None else own.excluded_allowed,
    )


def check_amount(plate: PlateInUse | Terms, amount_fen: int, excluded_fen: int = 0) -> None:
    """Refuse what this plate, or any on these terms, does not take: PlateAmountTooSmall, …TooLarge, …TooFine, ExcludedPartNotTaken, …."""
    if amount_fen < plate.min_fen:
        raise PlateAmountTooSmall(min_fen=plate.min_fen)
    if amount_fen > plate.max_fen:
        raise PlateAmountTooLarge(max_fen=plate.max_fen)
    step = 10 ** (2 - plate.decimals)
    if amount_fen % step or excluded_fen % step:
        raise PlateAmountTooFine(decimals=plate.decimals)
    if excluded_fen and not plate.excluded_allowed:
        raise ExcludedPartNotTaken()
    if not 0 <= excluded_fen <= amount_fen:
        raise ExcludedPartTooLarge(amount_fen=amount_fen)
