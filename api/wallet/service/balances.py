"""What a member's cards hold, where it counts, and in which order it is used."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select

from api.kit import clock, money
from api.kit.db import session
from api.ledger import service as ledger
from api.malls import service as malls
from api.wallet.models import AT_SALE, Card, CardProduct
from api.wallet.policy import WalletRules
from api.wallet.service import accounts
from api.wallet.states import CardState

#: Why a card cannot be used, by its state.
_UNUSABLE = {CardState.MADE: "inactive", CardState.FROZEN: "frozen", CardState.REPLACED: "replaced", CardState.VOID: "void"}


class Drawn(NamedTuple):
    """What is taken from one card, or comes back to it."""

    card_id: int
    principal_fen: int
    bonus_fen: int


@dataclass(frozen=True)
class Funds:
    """One card of a member. `shop_ids` None: every shop accepts it. `refusal`: why it cannot be used now."""

    card_id: int
    number_masked: str
    kind: str
    principal_fen: int
    bonus_fen: int
    expires_on: date | None
    shop_ids: frozenset[int] | None
    refusal: str | None
    bonus_most_bp: int = 10_000
    title_zh: str = ""
    title_en: str = ""
    state: str = "active"
    rests_until_at: datetime | None = None

    @property
    def total_fen(self) -> int:
        """Principal and bonus."""
        return self.principal_fen + self.bonus_fen

    def accepted_by(self, shop_id: int) -> bool:
        """Whether a shop takes this card."""
        return self.shop_ids is None or shop_id in self.shop_ids


def invoiced_at_sale(card_ids: Collection[int]) -> set[int]:
    """Which of these cards the mall invoiced when it sold or recharged them: what they pay is not invoiced again. One statement."""
    query = select(Card.id).join(CardProduct, CardProduct.id == Card.product_id)
    return set(session.scalars(query.where(Card.id.in_(card_ids), CardProduct.invoice == AT_SALE)))


def funds(member_id: int) -> list[Funds]:
    """A member's cards with what is on them, in the order in which they are used: soonest expiry first, then oldest. One statement."""
    principal, bonus = (ledger.running("card", Card.id, asset) for asset in accounts.VALUE)
    rows = session.execute(
        select(Card, CardProduct, principal.label("principal_fen"), bonus.label("bonus_fen"))
        .join(CardProduct, CardProduct.id == Card.product_id)
        .where(Card.member_id == member_id, Card.state.in_([CardState.ACTIVE, CardState.FROZEN]))
        .order_by(Card.expires_on.asc().nulls_last(), Card.id)
    ).all()
    today = clock.today(malls.mall_info().timezone)
    return [
        Funds(
            card_id=card.id,
            number_masked=masked(card.number),
            kind="physical" if card.batch_id else "electronic",
            principal_fen=principal_fen or 0,
            bonus_fen=bonus_fen or 0,
            expires_on=card.expires_on,
            shop_ids=None if product.shop_ids is None else frozenset(product.shop_ids),
            refusal=refusal(card.state, card.expires_on, today, card.rests_until_at),
            rests_until_at=card.rests_until_at,
            bonus_most_bp=product.bonus_most_bp,
            title_zh=product.title_zh,
            title_en=product.title_en,
            state=card.state,
        )
        for card, product, principal_fen, bonus_fen in rows
    ]


def refusal(state: str, expires_on: date | None, today: date, rests_until_at: datetime | None = None) -> str | None:
    """Why a card cannot be used now: inactive, frozen, replaced, void, resting, expired; None when it can."""
    if state != CardState.ACTIVE:
        return _UNUSABLE[CardState(state)]
    if rests_until_at is not None and clock.now() < rests_until_at:
        return "resting"
    return "expired" if expires_on is not None and expires_on < today else None


def masked_numbers(card_ids: Collection[int]) -> dict[int, str]:
    """The numbers of cards as screens show them. One statement."""
    return {card.id: masked(card.number) for card in session.scalars(select(Card).where(Card.id.in_(card_ids)))}


def masked(number: str) -> str:
    """A card's number as screens show it: its ends."""
    return f"{number[:4]}****{number[-4:]}"


def usable(held: Sequence[Funds], shop_ids: Sequence[int] = ()) -> list[Funds]:
    """Those that can be used now, in all of these shops."""
    return [card for card in held if card.refusal is None and card.total_fen > 0 and all(card.accepted_by(shop_id) for shop_id in shop_ids)]


def spread(held: Sequence[Funds], amount_fen: int, order: str | None = None) -> list[Drawn]:
    """How an amount is taken from cards: one card after the other, and within a card by the mall's order of value.

    `order`: principal_first, bonus_first or proportional; the mall's policy when not given. What the cards cannot pay is left out.
    """
    order = order or malls.policy(WalletRules).value_order
    drawn, left = [], amount_fen
    for card in usable(held):
        able = replace(card, bonus_fen=min(card.bonus_fen, money.basis_points(amount_fen, card.bonus_most_bp)))
        take = min(left, able.total_fen)
        if take <= 0:
            continue
        principal = _principal_of(able, take, order)
        drawn.append(Drawn(card.card_id, principal, take - principal))
        left -= take
    return drawn


def _principal_of(card: Funds, take: int, order: str) -> int:
    if order == "bonus_first":
        return take - min(take, card.bonus_fen)
    if order == "proportional":
        return money.split(take, [card.principal_fen, card.bonus_fen])[0]
    return min(take, card.principal_fen)


def split_draw(held: Sequence[Funds], amount_fen: int, order: str | None = None) -> tuple[int, int]:
    """How much of an amount the cards would pay, as principal and as bonus (`spread` gives it by card)."""
    drawn = spread(held, amount_fen, order)
    return sum(part.principal_fen for part in drawn), sum(part.bonus_fen for part in drawn)
