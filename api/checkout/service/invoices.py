"""Who invoices a paid order (开票), for how much, and where it is asked for: each tenant what it was paid, the mall what it sold itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.checkout.models import Order
from api.checkout.service.orders import Content, purchase
from api.checkout.tenders import by_tender
from api.checkout.tenders.base import NotInvoiced
from api.malls import service as malls
from api.malls.models import Shop
from api.purchases.registry import kind_of

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


def of(order: Order, content: Content) -> list[Invoiceable]:
    """What may be invoiced of a paid order now, after its refunds, seller by seller. At most two statements, where the shops are at hand.

    What is no money is left out; stored value is invoiced at its sale or at its use, never at both.
    """
    sellers = {line.line: line.shop_id for line in content.lines}
    sums: dict[int | None, dict[NotInvoiced | None, int]] = {}
    for rules, shares in by_tender([share for share in content.shares if share.left_fen]):
        for share, reason in zip(shares, rules.not_invoiced(shares), strict=True):
            reasons = sums.setdefault(sellers[share.line], {})
            reasons[reason] = reasons.get(reason, 0) + share.left_fen
    return [_of_mall(order, content, sums[None]) if seller is None else _of_shop(malls.shop(seller), sums[seller]) for seller in sums]


def _notes(reasons: Mapping[NotInvoiced | None, int]) -> Notes:
    return tuple(reason.sentence(fen) for reason, fen in reasons.items() if reason is not None)


def _of_shop(shop: Shop, reasons: Mapping[NotInvoiced | None, int]) -> Invoiceable:
    amount = reasons.get(None, 0)
    return Invoiceable(shop.id, shop.legal_name or shop.name, shop.unit, amount, shop.invoice_url if amount else None, _notes(reasons))


def _of_mall(order: Order, content: Content, reasons: Mapping[NotInvoiced | None, int]) -> Invoiceable:
    """The mall's own lines; their kind may say that they are invoiced elsewhere."""
    amount, name = reasons.get(None, 0), malls.mall_info().name
    words = kind_of(order.kind).not_invoiced(purchase(order, content))
    if words is None or not amount:
        return Invoiceable(None, name, None, amount, None, _notes(reasons))
    return Invoiceable(None, name, None, 0, None, (NotInvoiced("elsewhere", words).sentence(amount), *_notes(reasons)))
