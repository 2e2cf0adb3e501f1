"""Plates on paper."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select

from api.kit.db import session
from api.malls import service as malls
from api.malls.models import Shop
from api.plates import print_layout
from api.plates.errors import PlateSheetEmpty
from api.plates.models import Plate
from api.plates.states import PlateState


def address(base: str, code: str) -> str:
    """What the QR of a plate says. Both wallets are configured to open the mini-program for every address below /q/."""
    return f"{base.rstrip('/')}/q/{code}"


def sheet(
    base: str,
    *,
    batch_id: int | None = None,
    shop_id: int | None = None,
    plate_id: Collection[int] | None = None,
    from_number: int = 1,
) -> bytes:
    """A PDF of these plates but retired ones, the first `print_layout.MOST` by number. PlateSheetEmpty. Three statements."""
    query = select(Plate).where(Plate.state != PlateState.RETIRED, Plate.number >= from_number)
    if batch_id is not None:
        query = query.where(Plate.batch_id == batch_id)
    if shop_id is not None:
        query = query.where(Plate.shop_id == shop_id)
    if plate_id is not None:
        query = query.where(Plate.id.in_(plate_id))
    plates = session.scalars(query.order_by(Plate.number).limit(print_layout.MOST)).all()
    if not plates:
        raise PlateSheetEmpty()
    return print_layout.draw(_faces(base, plates))


def _faces(base: str, plates: Sequence[Plate]) -> list[print_layout.PlateFace]:
    mall, shops = malls.mall_info().name, malls.shops_in_view({plate.shop_id for plate in plates if plate.shop_id is not None})
    standing = [(plate, None if plate.shop_id is None else shops[plate.shop_id]) for plate in plates]
    return [
        print_layout.PlateFace(address(base, plate.code), plate.printed, mall, shop.name if shop else None, _place(shop) if shop else "")
        for plate, shop in standing
    ]


def _place(shop: Shop) -> str:
    return " · ".join([f"{shop.site.name} {shop.floor.label}", shop.unit])
