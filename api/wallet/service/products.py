"""Kinds of cards (卡种): where they are accepted, how long they are valid, how much may be on one, when they are invoiced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from api.kit import audit, clock, pages
from api.kit.db import session
from api.malls import service as malls
from api.wallet.errors import ProductCodeTaken, ProductWrong
from api.wallet.models import CardProduct
from api.wallet.policy import WalletRules
from api.wallet.service import card_opening


def make_product(*, by: str, **values: Any) -> CardProduct:
    """Make a kind of card. ProductCodeTaken, ProductWrong."""
    if session.scalar(select(CardProduct.id).where(CardProduct.code == values["code"])) is not None:
        raise ProductCodeTaken()
    _refuse_wrong(values)
    made = CardProduct(made_by=by, made_at=clock.now(), **values)
    session.add(made)
    session.flush()
    audit.record(by, "kind of card made", "card_product", made.id, after=_audit_values(made))
    return made


def change_product(product_id: int, *, by: str, why: str, **values: Any) -> CardProduct:
    """Change a kind of card, from now on and for all its cards; named or not, of plastic or not, and when it is invoiced stay.

    ProductNotFound, ProductWrong.
    """
    product = card_opening.product(product_id)
    before = _audit_values(product)
    names = ("named", "limit_fen", "valid_years", "shop_ids", "bonus_most_bp")
    _refuse_wrong({name: values.get(name, getattr(product, name)) for name in names})
    for name, value in values.items():
        setattr(product, name, value)
    session.flush()
    audit.record(by, "kind of card changed", "card_product", product.id, before=before, after=_audit_values(product), why=why)
    return product


def _refuse_wrong(values: dict[str, Any]) -> None:
    policy, wrong = malls.policy(WalletRules), {}
    most = policy.named_card_limit_fen if values["named"] else policy.unnamed_card_limit_fen
    if values["limit_fen"] > most:
        wrong["limit_fen"] = f"the law allows {most} fen on such a card"
    years = values.get("valid_years")
    if values["named"] and years is not None:
        wrong["valid_years"] = "a named card never expires"
    if not values["named"] and (years is None or years < policy.unnamed_valid_years):
        wrong["valid_years"] = f"an unnamed card is valid for at least {policy.unnamed_valid_years} years"
    if values.get("shop_ids") is not None and _unknown_shops(values["shop_ids"]):
        wrong["shop_ids"] = f"there are no such shops: {_unknown_shops(values['shop_ids'])}"
    if wrong:
        raise ProductWrong(errors=wrong)


def _unknown_shops(shop_ids: Sequence[int]) -> list[int]:
    known = malls.shop_names(list(shop_ids))
    return sorted(shop_id for shop_id in shop_ids if shop_id not in known)


def _audit_values(kind: CardProduct) -> dict[str, Any]:
    names = ("code", "form", "named", "limit_fen", "valid_years", "bonus_most_bp", "shop_ids", "invoice", "closed")
    return {name: getattr(kind, name) for name in names}


def listed(cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[CardProduct]:
    """Kinds of cards, newest first."""
    return pages.page(select(CardProduct), CardProduct.id, cursor=cursor, limit=limit)
