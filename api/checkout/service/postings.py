"""What the books say of an order's money: who owes its sellers, what of it earns points, and what its sales were paid with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from api.checkout.mix import Tender
from api.checkout.models import OrderLine
from api.checkout.service.orders import Content
from api.checkout.tenders import tender_of
from api.checkout.tenders.base import Cell
from api.kit import db
from api.ledger import service as ledger
from api.ledger.service import Asset, Entry, Owner
from api.malls import service as malls
from api.payments.models import MerchantAccount
from api.sales import service as sales
from api.sales.policy import SalesRules


def paid_cells(content: Content) -> list[Cell]:
    """All that was paid, each share with all of its bearers."""
    return [Cell(share, share.amount_fen, tuple((bearer, bearer.fen) for bearer in share.bearers)) for share in content.shares]


def book(content: Content, cells: Iterable[Cell], account: MerchantAccount | None, *, cause: tuple[str, int], sign: int = 1) -> None:
    """Book what is owed to the sellers, or (`sign` −1) no longer: by the gateway where it collects for the mall, by the mall for stored
    value, by who bears a benefit. What the mall would owe itself is not booked."""
    sellers = {line.line: _account_of(line) for line in content.lines}
    entries: list[Entry] = []
    for cell in cells:
        seller = sellers[cell.share.line]
        for owner, part in tender_of(cell.share.tender).debtors(cell.fen, cell.borne, account):
            if owner != seller:
                entries += [Entry(seller, Asset.CASH_FEN, sign * part), Entry(owner, Asset.CASH_FEN, -sign * part)]
    if any(entry.amount for entry in entries):
        ledger.post(*cause, entries)


def _account_of(line: OrderLine) -> Owner:
    return Owner("mall", db.mall()) if line.shop_id is None else Owner("shop", line.shop_id)


def earning_fen(lines: Mapping[int, OrderLine], cells: Iterable[Cell]) -> int:
    """How much of these amounts earns points: what the mall's policy lets earn, on lines that earn."""
    rules = malls.policy(SalesRules)
    return sum(
        cell.fen for cell in cells if lines[cell.share.line].earns and tender_of(cell.share.tender).earns(Tender(cell.share.tender), rules)
    )


def sale_tenders(cells: Iterable[Cell], channel: str | None) -> list[sales.Tender]:
    """What a sale was paid with, by tender."""
    sums: dict[str, int] = {}
    for cell in cells:
        code = Tender(cell.share.tender)
        kind = tender_of(code).sale_kind(code, channel)
        sums[kind] = sums.get(kind, 0) + cell.fen
    return [sales.Tender(str(kind), fen) for kind, fen in sums.items()]
