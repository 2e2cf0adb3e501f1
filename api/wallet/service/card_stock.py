"""Cards of plastic before anybody holds them: made in batches, printed, sold at the service desk."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select, update

from api.approvals import service as approvals
from api.kit import audit, clock, db, pages, sealed, states, value_limits
from api.kit.db import session
from api.kit.money import MAX_FEN
from api.kit.value_limits import Bound, Limit
from api.ledger import service as ledger
from api.ledger.service import Asset, Entry
from api.malls import service as malls
from api.wallet.errors import (
    CardBatchHandedOver,
    CardBatchNotFound,
    CardBatchSold,
    CardLimitExceeded,
    CardNotForSale,
    CardNotFound,
    CardSaleLimitReached,
    CardSaleWrong,
    PrintedByAnother,
    ProductWrong,
    RealNameNeeded,
    SaleReferenceUsed,
    TransferNeeded,
)
from api.wallet.models import PHYSICAL, Card, CardBatch, CardProduct, CardSale, CardSaleLine
from api.wallet.policy import WalletRules
from api.wallet.service import accounts, card_numbers, card_opening, cash_shifts
from api.wallet.states import CardState

MOST_IN_A_BATCH = 5_000
MOST_IN_A_SALE = 200
PART = 1_000  # cards of a part of the file for the printer
CODE_DIGITS = 12
SALE = "card_sale"
BY_CASH, BY_TRANSFER = "cash", "bank_transfer"
COMMAND = "command"
BY_PERSON, OF_BUYER = Limit("card-sales-by-person"), Limit("card-sales-to-buyer")
UNCONFIRMED = Limit("card-sales-unconfirmed")


class SaleLine(NamedTuple):
    """A card from stock and what is put on it."""

    number: str
    principal_fen: int


@dataclass(frozen=True)
class Buyer:
    """The buyer, as on the identity document; shown again only to those whom the law allows."""

    name: str
    document: str
    phone: str


@dataclass(frozen=True)
class PrintLine:
    """What the printer puts on one card."""

    number: str
    activation_code: str


@dataclass(frozen=True)
class PrintPart:
    """Some lines for the printer, and how many cards of the batch are left."""

    lines: list[PrintLine]
    left: int


def issue(product_id: int, cards: int, *, note: str, by: str) -> CardBatch:
    """Make a batch of cards without value, each with a number and a secret activation code. ProductNotFound, ProductWrong."""
    kind = card_opening.product(product_id)
    if kind.form != PHYSICAL or kind.closed:
        raise ProductWrong(errors={"product_id": "cards of plastic are made of an open kind of plastic cards"})
    batch = CardBatch(product_id=kind.id, cards=cards, note=note, made_by=by, made_at=clock.now())
    session.add(batch)
    session.flush()
    session.execute(insert(Card), [_blank(batch, position) for position in range(1, cards + 1)])
    audit.record(by, "cards made", "card_batch", batch.id, after={"product": kind.code, "cards": cards}, why=note)
    return batch


def _blank(batch: CardBatch, position: int) -> dict[str, Any]:
    number, code = card_numbers.printed(batch.id, position), _new_code()
    return {
        "state": str(CardState.MADE), "moved_at": batch.made_at, "number": number, "product_id": batch.product_id, "batch_id": batch.id,
        "activation_hash": activation_hash(number, code), "activation_sealed": sealed.seal(code), "made_at": batch.made_at,
    }  # fmt: skip


def _new_code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"


def activation_hash(number: str, code: str) -> str:
    """The keyed hash under which an activation code is kept."""
    return sealed.find_key(f"card-activation:{db.mall()}:{number}:{code}")


def batches(cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[CardBatch]:
    """Batches of cards, newest first."""
    return pages.page(select(CardBatch), CardBatch.id, cursor=cursor, limit=limit)


def batch(batch_id: int) -> CardBatch:
    """One batch. CardBatchNotFound."""
    batch = session.get(CardBatch, batch_id, populate_existing=True)
    if batch is None:
        raise CardBatchNotFound()
    return batch


def print_part(batch_id: int, *, by: str) -> PrintPart:
    """The next part of the file for the printer: numbers and activation codes, which cannot be read again, not even here.

    CardBatchNotFound, CardBatchHandedOver, PrintedByAnother: one person fetches all parts of a batch. AnotherPersonNeeded: who made it.
    """
    card_batch = _locked_batch(batch_id)
    _refuse_same_hands([card_batch.made_by], by)
    if card_batch.handed_over_at is not None:
        raise CardBatchHandedOver()
    if card_batch.printed_by not in (None, by):
        raise PrintedByAnother(by=card_batch.printed_by)
    card_batch.printed_by = by
    unread = Card.batch_id == batch_id, Card.activation_sealed.is_not(None)
    rows = session.execute(select(Card.id, Card.number, Card.activation_sealed).where(*unread).order_by(Card.id).limit(PART)).all()
    lines = [PrintLine(row.number, sealed.unseal(row.activation_sealed)) for row in rows]
    session.execute(update(Card).where(Card.id.in_([row.id for row in rows])).values(activation_sealed=None))
    left = session.scalar(select(func.count()).select_from(Card).where(*unread)) or 0
    if lines:
        after = {"first": lines[0].number, "last": lines[-1].number, "cards": len(lines)}
        audit.record(by, "fetched codes for the printer", "card_batch", batch_id, after=after)
    session.flush()
    return PrintPart(lines, left)


def remake_codes(batch_id: int, *, by: str, why: str) -> CardBatch:
    """New activation codes for a batch whose file was lost; those from before count no more. CardBatchNotFound, CardBatchSold."""
    card_batch = _locked_batch(batch_id)
    cards = session.execute(select(Card.id, Card.number, Card.state).where(Card.batch_id == batch_id).with_for_update()).all()
    if any(card.state != CardState.MADE for card in cards):
        raise CardBatchSold()
    codes = {card.number: _new_code() for card in cards}
    fresh = [
        {"id": card.id, "activation_hash": activation_hash(card.number, code), "activation_sealed": sealed.seal(code)}
        for card, code in zip(cards, codes.values(), strict=True)
    ]
    session.execute(update(Card), fresh)
    card_batch.printed_by = card_batch.handed_over_at = None
    session.flush()
    audit.record(by, "made new codes of cards", "card_batch", batch_id, after={"cards": len(cards)}, why=why)
    return card_batch


def _locked_batch(batch_id: int) -> CardBatch:
    card_batch = session.get(CardBatch, batch_id, populate_existing=True, with_for_update=True)
    if card_batch is None:
        raise CardBatchNotFound()
    return card_batch


def hand_over(batch_id: int, *, by: str, why: str) -> CardBatch:
    """The printer has the codes: from now on only their hashes are kept. Again changes nothing. CardBatchNotFound."""
    card_batch = _locked_batch(batch_id)
    if card_batch.handed_over_at is None:
        card_batch.handed_over_at = clock.now()
        session.execute(update(Card).where(Card.batch_id == batch_id).values(activation_sealed=None))
        session.flush()
        audit.record(by, "cards handed to the printer", "card_batch", batch_id, after={"cards": card_batch.cards}, why=why)
    return card_batch


def _refuse_same_hands(hands: Iterable[str | None], by: str) -> None:
    """Cards are made, printed and sold by three people: with two of these in one hand, value is made alone. AnotherPersonNeeded."""
    for hand in {*hands} - {None, COMMAND}:
        approvals.refuse_alone(str(hand), by)


def use_alone_limit(total_fen: int, paid_by: str, *, cause: str, by: str) -> bool:
    """Count what is not cash as sold by one person alone, unless (False) that passes what one sells so in 24 hours."""
    bound = Bound(UNCONFIRMED, by, malls.policy(WalletRules).card_sale_alone_fen)
    return paid_by == BY_CASH or value_limits.use(total_fen, [bound], cause=("card_sale_alone", cause)) is None


def sell(
    lines: Sequence[SaleLine], *, paid_by: str, reference: str | None = None, buyer_kind: str, buyer: Buyer | None, by: str
) -> CardSale:
    """Sell cards from stock at the desk: the money is in the mall's till, the principal on the cards, and they can be used at once.

    Cash goes into the open cash shift of who sells; other money has the `reference` of a terminal's slip or a transfer, which counts once
    for ever. Who made or printed a card does not sell it (AnotherPersonNeeded).
    CardNotFound, CardNotForSale, CardSaleWrong, CardLimitExceeded, RealNameNeeded, TransferNeeded, CardSaleLimitReached,
    SaleReferenceUsed, CashShiftNeeded, CashHandInNeeded.
    """
    cards = _from_stock(lines)
    batches_sold = session.scalars(select(CardBatch).where(CardBatch.id.in_({card.batch_id for card in cards.values()}))).all()
    _refuse_same_hands([hand for batch_sold in batches_sold for hand in (batch_sold.made_by, batch_sold.printed_by)], by)
    kinds = {card.id: card_opening.product(card.product_id) for card in cards.values()}
    _refuse_wrong(lines, cards, kinds)
    total = sum(line.principal_fen for line in lines)
    buyer_key = sealed.find_key(f"card-buyer:{buyer.document}") if buyer else None
    _refuse_by_law(total, kinds.values(), paid_by, buyer_kind, named=buyer_key is not None)
    sold_on = clock.today(malls.mall_info().timezone)
    reference_key = _reference_key(paid_by, reference)
    shift_id = cash_shifts.take(total, by=by) if paid_by == BY_CASH else None
    made = CardSale(
        total_fen=total, cards=len(lines), paid_by=paid_by, reference=reference, reference_key=reference_key, shift_id=shift_id,
        buyer_kind=buyer_kind, buyer_key=buyer_key,
        buyer_sealed=sealed.seal(f"{buyer.name}\n{buyer.document}\n{buyer.phone}") if buyer else None,
        invoice=next(iter(kinds.values())).invoice, sold_by=by, sold_at=clock.now(), sold_on=sold_on,
    )  # fmt: skip
    session.add(made)
    session.flush()
    _count(made)
    transfer_id = ledger.post(SALE, made.id, _entries(lines, cards, total))
    for line in lines:
        _activate(cards[line.number], kinds[cards[line.number].id], line, made, transfer_id, by)
    session.flush()
    money = {"total_fen": total, "paid_by": paid_by, "reference": reference, "shift": shift_id}
    audit.record(by, "cards sold", "card_sale", made.id, after={"cards": made.cards} | money)
    return made


def _from_stock(lines: Sequence[SaleLine]) -> dict[str, Card]:
    asked = [line.number for line in lines]
    query = select(Card).where(Card.number.in_(asked)).order_by(Card.id).with_for_update()
    cards = {card.number: card for card in session.scalars(query.execution_options(populate_existing=True))}
    for number in asked:
        if number not in cards:
            raise CardNotFound(number=number)
        if cards[number].state != CardState.MADE:
            raise CardNotForSale(number=number, state=cards[number].state)
    return cards


def _refuse_wrong(lines: Sequence[SaleLine], cards: dict[str, Card], kinds: dict[int, CardProduct]) -> None:
    if len(cards) != len(lines):
        raise CardSaleWrong(errors={"lines": "a card is sold once"})
    if len({kind.invoice for kind in kinds.values()}) > 1:
        raise CardSaleWrong(errors={"lines": "cards invoiced at sale and at use are sold apart"})
    for line in lines:
        limit_fen = card_opening.limit_of(kinds[cards[line.number].id])
        if line.principal_fen > limit_fen:
            raise CardLimitExceeded(number=line.number, limit_fen=limit_fen)


def _refuse_by_law(total: int, kinds: Any, paid_by: str, buyer_kind: str, *, named: bool) -> None:
    """单用途商业预付卡管理办法, articles 15 and 17: what one buyer buys in a day counts as one purchase (`_count`)."""
    policy = malls.policy(WalletRules)
    if not named and (total >= policy.real_name_fen or any(kind.named for kind in kinds)):
        raise RealNameNeeded(from_fen=policy.real_name_fen)
    threshold = _transfer_from(buyer_kind)
    if total >= threshold and paid_by != BY_TRANSFER:
        raise TransferNeeded(from_fen=threshold)


def _transfer_from(buyer_kind: str) -> int:
    policy = malls.policy(WalletRules)
    return policy.company_transfer_fen if buyer_kind == "company" else policy.person_transfer_fen


def _count(sale: CardSale) -> None:
    """Count a sale for who sold it and for who buys. CardSaleLimitReached, TransferNeeded."""
    bounds = [Bound(BY_PERSON, sale.sold_by, malls.policy(WalletRules).card_sale_person_day_fen)]
    threshold = _transfer_from(sale.buyer_kind)
    if sale.buyer_key is not None:
        bounds.append(Bound(OF_BUYER, sale.buyer_key, MAX_FEN if sale.paid_by == BY_TRANSFER else threshold - 1))
    passed = value_limits.use(sale.total_fen, bounds, cause=(SALE, sale.id))
    if passed == BY_PERSON:
        raise CardSaleLimitReached()
    if passed is not None:
        raise TransferNeeded(from_fen=threshold)


def _reference_key(paid_by: str, reference: str | None) -> str | None:
    """The number of a slip or transfer as it counts, however it is written: letters and digits. CardSaleWrong, SaleReferenceUsed."""
    if (paid_by == BY_CASH) != (reference is None):
        note = "cash has no slip" if paid_by == BY_CASH else "is needed: the number of the terminal's slip or of the transfer"
        raise CardSaleWrong(errors={"reference": note})
    if reference is None:
        return None
    key = "".join(sign for sign in unicodedata.normalize("NFKC", reference).upper() if sign.isalnum())
    if session.scalar(select(CardSale.id).where(CardSale.reference_key == key)) is not None:
        raise SaleReferenceUsed()
    return key


def _entries(lines: Sequence[SaleLine], cards: dict[str, Card], total: int) -> list[Entry]:
    return [
        Entry(accounts.gateway(accounts.TILL), Asset.CASH_FEN, -total),
        Entry(accounts.mall(), Asset.CASH_FEN, total),
        Entry(accounts.mall(), Asset.PRINCIPAL_FEN, -total),
        *(Entry(accounts.card(cards[line.number].id), Asset.PRINCIPAL_FEN, line.principal_fen) for line in lines),
    ]


def _activate(card: Card, kind: CardProduct, line: SaleLine, sale: CardSale, transfer_id: int, by: str) -> None:
    states.move(card, CardState.ACTIVE, by=by, reason="sold", facts={"sale": sale.id}, expires_on=card_opening.expiry_of(kind))
    session.add(CardSaleLine(sale_id=sale.id, card_id=card.id, principal_fen=line.principal_fen, transfer_id=transfer_id))
    accounts.record_event(card, "sold", by=by, sale_id=sale.id, principal_fen=line.principal_fen)


def sales(
    *,
    paid_by: str | None = None,
    sold_on: date | None = None,
    shift_id: int | None = None,
    cursor: str | None = None,
    limit: int = pages.DEFAULT_LIMIT,
) -> pages.Page[CardSale]:
    """Sales of cards at the desk, newest first; by means of payment and day they are compared with what the bank says."""
    wanted = {"paid_by": paid_by, "sold_on": sold_on, "shift_id": shift_id}
    query = select(CardSale).filter_by(**{name: value for name, value in wanted.items() if value is not None})
    return pages.page(query, CardSale.id, cursor=cursor, limit=limit)


def sums_by_payment(day: date) -> dict[str, dict[str, int]]:
    """What was sold on a day, by means of payment."""
    query = select(CardSale.paid_by, func.count(), func.sum(CardSale.total_fen)).where(CardSale.sold_on == day)
    rows = session.execute(query.group_by(CardSale.paid_by).order_by(CardSale.paid_by))
    return {row[0]: {"sales": row[1], "total_fen": int(row[2])} for row in rows}
