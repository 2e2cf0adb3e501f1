"""Who invoices a paid order (开票), for how much, and where it is asked for: each tenant what it was paid, the mall what it sold itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.checkout import wording
from api.checkout.mix import Tender
from api.checkout.models import Order, OrderLine, OrderShare
from api.malls import service as malls
from api.malls.models import Shop
from api.wallet import service as wallet
from api.wallet.models import AT_SALE

Notes = tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Invoiceable:
    """What one seller invoices of an order. `url`: where it is asked for; None: at the counter. `notes`: what is left out, and why."""

    shop_id: int | None
    seller: str
    unit: str | None
    amount_fen: int
    url: str | None
    notes: Notes


def of(order: Order, lines: Sequence[OrderLine], shares: Sequence[OrderShare]) -> list[Invoiceable]:
    """What may be invoiced of a paid order now, after its refunds. At most one statement, where the shops of its lines are at hand.

    Points and bonus are no money; stored value is invoiced at its sale or at its use, never at both.
    """
    left = [share for share in shares if share.amount_fen > share.refunded_fen]
    if all(line.shop_id is None for line in lines):  # the mall's own: stored value
        return _recharge(order, sum(share.amount_fen - share.refunded_fen for share in left))
    cards = {share.card_id for share in left if share.tender == Tender.PRINCIPAL and share.card_id is not None}
    at_sale = wallet.invoiced_at_sale(cards) if cards else set()
    shop_of = {line.line: line.shop_id for line in lines}
    sums: dict[int, dict[str, int]] = {}
    for share in left:
        shop_id = shop_of[share.line]
        assert shop_id is not None
        why = "sold" if share.tender == Tender.PRINCIPAL and share.card_id in at_sale else _WHY[Tender(share.tender)]
        kinds = sums.setdefault(shop_id, {})
        kinds[why] = kinds.get(why, 0) + share.amount_fen - share.refunded_fen
    return [_of_shop(malls.shop(shop_id), kinds) for shop_id, kinds in sums.items()]


_WHY = {Tender.GATEWAY: "", Tender.PRINCIPAL: "", Tender.BONUS: "bonus", Tender.POINTS: "points"}


def _of_shop(shop: Shop, kinds: dict[str, int]) -> Invoiceable:
    amount = kinds.get("", 0)
    notes = tuple(wording.not_invoiced(why, fen) for why, fen in kinds.items() if why)
    return Invoiceable(shop.id, shop.legal_name or shop.name, shop.unit, amount, shop.invoice_url if amount else None, notes)


def _recharge(order: Order, fen: int) -> list[Invoiceable]:
    recharged = wallet.recharge_of(order.id)
    if not fen or recharged is None:
        return []
    at_sale = recharged.invoice == AT_SALE
    notes = () if at_sale else (wording.not_invoiced("at_use", fen),)
    return [Invoiceable(None, malls.mall_info().name, None, fen if at_sale else 0, None, notes)]
