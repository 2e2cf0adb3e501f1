"""A card in somebody's hands: bound to a member, lost, found, replaced, re-activated, made void."""

from __future__ import annotations

import hmac
from datetime import timedelta

from sqlalchemy import case, select, update

from api.kit import clock, db, states
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Entry
from api.malls import service as malls
from api.members import service as members
from api.wallet.errors import (
    BalanceLeft,
    CardBound,
    CardCodesLocked,
    CardCodeWrong,
    CardNotExpired,
    CardNotForSale,
    CardNotFound,
    CardNotUsable,
    NewCardNeeded,
)
from api.wallet.models import BonusGrant, Card
from api.wallet.service import accounts, balances, card_numbers, card_opening, card_stock
from api.wallet.states import CardState

WRONG_CODES = 5
CODES_REST = timedelta(hours=24)
REPLACEMENT, VOIDED = "card_replacement", "card_void"


def hold(card_id: int) -> Card:
    """A card of the mall, kept from everybody else until the unit of work ends. CardNotFound."""
    card = session.get(Card, card_id, with_for_update=True, populate_existing=True)
    if card is None:
        raise CardNotFound()
    return card


def bind(member_id: int, number: str, activation_code: str) -> Card:
    """Bind a card of plastic to a member, who knows its number and activation code. Again changes nothing.

    CardCodeWrong (counted, although refused), CardCodesLocked, CardBound, CardNotUsable.
    """
    member_id = members.hold(member_id)
    card = session.scalar(
        select(Card).where(Card.number == number, Card.batch_id.is_not(None)).with_for_update().execution_options(populate_existing=True)
    )
    if card is None:
        raise CardCodeWrong()
    if card.codes_locked_until_at is not None and card.codes_locked_until_at > clock.now():
        raise CardCodesLocked(until=card.codes_locked_until_at.isoformat())
    if not hmac.compare_digest(card.activation_hash or "", card_stock.activation_hash(number, activation_code)):
        _count_wrong_code(card)
        raise CardCodeWrong()
    if card.state != CardState.ACTIVE:
        raise CardNotUsable(reason=balances.refusal(card.state, None, clock.today(malls.mall_info().timezone)))
    if card.member_id not in (None, member_id):
        raise CardBound()
    if card.member_id is None:
        card.member_id, card.bound_at, card.wrong_codes = member_id, clock.now(), 0
        accounts.record_event(card, "bound", by=f"member:{member_id}")
        session.flush()
    return card


def _count_wrong_code(card: Card) -> None:
    now, tries = clock.now(), Card.wrong_codes + 1
    counted = update(Card).where(Card.id == card.id)
    enough = tries >= WRONG_CODES
    session.execute(
        counted.values(wrong_codes=case((enough, 0), else_=tries), codes_locked_until_at=case((enough, now + CODES_REST)))
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    db.checkpoint()  # a wrong try counts although it is refused


def freeze(card_id: int, *, by: str, why: str, member_id: int | None = None) -> Card:
    """Stop a lost card at once (挂失), by its member or the desk. A frozen one stays as it is. CardNotFound, WrongState."""
    card = hold(card_id)
    if member_id is not None and card.member_id != member_id:
        raise CardNotFound()
    if card.state != CardState.FROZEN:
        states.move(card, CardState.FROZEN, by=by, reason=why)
        accounts.record_event(card, "frozen", by=by, why=why)
        session.flush()
    return card


def unfreeze(card: Card, *, by: str, why: str) -> None:
    """A lost card was found again, and can be used. WrongState."""
    states.move(card, CardState.ACTIVE, by=by, reason=why)
    accounts.record_event(card, "thawed", by=by, why=why)


def replace(card: Card, new_number: str | None, *, by: str, why: str) -> Card:
    """Move everything of a card to another one, by one transfer: a card from stock, or for a member an electronic one of the same kind.

    What was used of the old card and is refunded later goes to the new one. CardNotFound, CardNotForSale, NewCardNeeded, WrongState.
    """
    new = _successor(card, new_number)
    new.rests_until_at = card.rests_until_at
    principal, bonus = _hold_value(card)
    states.move(card, CardState.REPLACED, by=by, reason=why, facts={"successor": new.id}, successor_id=new.id)
    if new.state == CardState.MADE:
        values = {
            "member_id": card.member_id,
            "expires_on": card.expires_on,
            "bound_at": clock.now() if card.member_id else None,
        }
        states.move(new, CardState.ACTIVE, by=by, reason="replaces another card", facts={"predecessor": card.id}, **values)
    entries = [
        Entry(accounts.card(owner.id), asset, sign * amount)
        for asset, amount in ((Asset.PRINCIPAL_FEN, principal), (Asset.BONUS_FEN, bonus))
        for owner, sign in ((card, -1), (new, 1))
        if amount
    ]
    if entries:
        ledger.post(REPLACEMENT, card.id, entries)
    session.execute(update(BonusGrant).where(BonusGrant.card_id == card.id).values(card_id=new.id))
    accounts.record_event(card, "replaced", by=by, why=why, successor=new.id, principal_fen=principal, bonus_fen=bonus)
    accounts.record_event(new, "replaces", by=by, why=why, predecessor=card.id, principal_fen=principal, bonus_fen=bonus)
    session.flush()
    return new


def _successor(card: Card, new_number: str | None) -> Card:
    if new_number is not None:
        successor = session.scalar(
            select(Card).where(Card.number == new_number).with_for_update().execution_options(populate_existing=True)
        )
        if successor is None:
            raise CardNotFound(number=new_number)
        if successor.state != CardState.MADE or successor.product_id != card.product_id:
            raise CardNotForSale(number=new_number, state=successor.state)
        return successor
    if card.member_id is None:
        raise NewCardNeeded()
    now = clock.now()
    made = Card(
        state=str(CardState.ACTIVE), moved_at=now, number=card_numbers.electronic(), product_id=card.product_id, member_id=card.member_id,
        expires_on=card.expires_on, made_at=now, bound_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def _hold_value(card: Card) -> tuple[int, int]:
    owner = accounts.card(card.id)
    return ledger.lock(owner, Asset.PRINCIPAL_FEN), ledger.lock(owner, Asset.BONUS_FEN)


def void(card: Card, *, by: str, why: str) -> None:
    """End a card for good. Its principal was spent or paid back before; bonus left goes back to who bears it. BalanceLeft, WrongState."""
    principal, _ = _hold_value(card)
    if principal:
        raise BalanceLeft()
    states.move(card, CardState.VOID, by=by, reason=why)
    void_bonus(card)
    accounts.record_event(card, "void", by=by, why=why)


def void_bonus(card: Card) -> int:
    """Give bonus that is left on a card back to who bears it; returns how much."""
    query = select(BonusGrant).where(BonusGrant.card_id == card.id, BonusGrant.left_fen > 0).order_by(BonusGrant.id).with_for_update()
    grants = session.scalars(query.execution_options(populate_existing=True)).all()
    gone = sum(grant.left_fen for grant in grants)
    if not gone:
        return 0
    entries = [Entry(accounts.bearer(grant.bearer_id), Asset.BONUS_FEN, grant.left_fen) for grant in grants]
    ledger.post(VOIDED, card.id, [*entries, Entry(accounts.card(card.id), Asset.BONUS_FEN, -gone)])
    for grant in grants:
        grant.void_fen, grant.left_fen = grant.void_fen + grant.left_fen, 0
    session.flush()
    return gone


def reactivate(card_id: int, *, by: str, why: str | None = None, member_id: int | None = None) -> Card:
    """Make an expired card valid again, for as long as a new one: what is on it is never lost.

    CardNotFound, CardNotExpired, CardNotUsable.
    """
    card = hold(card_id)
    if member_id is not None and card.member_id != member_id:
        raise CardNotFound()
    reason = balances.refusal(card.state, card.expires_on, clock.today(malls.mall_info().timezone))
    if reason is None:
        raise CardNotExpired()
    if reason != "expired":
        raise CardNotUsable(reason=reason, card_id=card.id)
    before, card.expires_on = card.expires_on, card_opening.expiry_of(card_opening.product(card.product_id))
    accounts.record_event(
        card, "re-activated", by=by, why=why, before=str(before), after=str(card.expires_on) if card.expires_on else None
    )  # fmt: skip
    session.flush()
    return card
