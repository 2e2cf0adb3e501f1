"""What a shop's plates allow: the mall's rules, or the shop's own."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from api.kit import audit
from api.kit.db import session
from api.malls import service as malls
from api.plates.errors import PlateTermsContradict
from api.plates.models import PlateTerms
from api.plates.policy import PlateRules
from api.plates.service.resolution import Terms, in_force

OWN = ("min_fen", "max_fen", "decimals", "excluded_allowed")


def terms_of(shop_id: int) -> tuple[PlateTerms | None, Terms]:
    """A shop's own terms, if it has any, and what is in force there. ShopNotFound."""
    malls.shop(shop_id)
    own = session.scalars(select(PlateTerms).where(PlateTerms.shop_id == shop_id)).one_or_none()
    return own, in_force(own, malls.policy(PlateRules))


def set_terms(shop_id: int, values: dict[str, Any], *, by: str, why: str) -> tuple[PlateTerms | None, Terms]:
    """Give a shop terms of its own; None means as the mall's policy says. ShopNotFound, PlateTermsContradict."""
    before, _ = terms_of(shop_id)
    _refuse_crossed(values)
    old = {name: getattr(before, name) for name in OWN} if before else None
    new = {name: values.get(name) for name in OWN}
    put = insert(PlateTerms).values(shop_id=shop_id, **new)
    session.execute(put.on_conflict_do_update(index_elements=["mall_id", "shop_id"], set_=new))
    if before is not None:
        session.refresh(before)
    audit.record(by, "set the terms of plates", "shop", shop_id, before=old, after=new, why=why)
    return terms_of(shop_id)


def _refuse_crossed(values: dict[str, Any]) -> None:
    standard = asdict(in_force(None, malls.policy(PlateRules)))
    least, most = (standard[name] if values.get(name) is None else values[name] for name in ("min_fen", "max_fen"))
    if least > most:
        raise PlateTermsContradict(min_fen=least, max_fen=most)
