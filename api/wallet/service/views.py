"""What members and the desk see: the wallet as it is, every movement in words, cards with their history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_

from api.kit import pages
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset
from api.malls import service as malls
from api.wallet.errors import CardNotFound
from api.wallet.models import Card, CardDraw, CardEvent, CardProduct, CardReturn, Recharge
from api.wallet.policy import WalletRules
from api.wallet.service import accounts, balances, hooks, pin_proofs, pins
from api.wallet.service.balances import Funds

EVENTS_SHOWN = 200

#: cause → its title; other causes get a title by their direction.
TITLES = {
    "recharge": ("充值", "Recharged"),
    "recharge_refund": ("充值退款", "Recharge paid back"),
    "card_sale": ("购卡", "Card bought"),
    "card_replacement": ("换卡", "Moved to another card"),
    "card_void": ("作废", "Card made void"),
    "order_hold": ("消费", "Paid"),
    "order_refund_card": ("退款", "Refunded"),
    "order_release_card": ("订单取消，退回", "Order given up"),
}
BACK, IN, OUT = ("退回", "Given back"), ("转入", "In"), ("转出", "Out")


@dataclass(frozen=True)
class Wallet:
    """A member's stored value as it is now."""

    principal_fen: int
    bonus_fen: int
    held_principal_fen: int
    held_bonus_fen: int
    pin_set: bool
    pin_above_fen: int
    pin_proofs: list[str]
    rests_until_at: datetime | None
    cards: list[dict[str, Any]]


@dataclass(frozen=True)
class Movement:
    """One movement of stored value on one card, in words."""

    id: int
    card_id: int
    number_masked: str
    principal_fen: int
    bonus_fen: int
    at: datetime
    cause_type: str
    cause_id: str
    title: dict[str, str]
    shop: str | None


def wallet_of(member_id: int) -> Wallet:
    """Principal and bonus in all, what unfinished orders hold, and each card with where it counts."""
    cards = balances.funds(member_id)
    names = _shops_of(cards)
    held = [ask(member_id) for ask in hooks.held]
    return Wallet(
        principal_fen=sum(card.principal_fen for card in cards),
        bonus_fen=sum(card.bonus_fen for card in cards),
        held_principal_fen=sum(principal for principal, _ in held),
        held_bonus_fen=sum(bonus for _, bonus in held),
        pin_set=pins.is_set(member_id),
        pin_above_fen=malls.policy(WalletRules).pin_above_fen,
        pin_proofs=pin_proofs.ways(member_id),
        rests_until_at=max((card.rests_until_at for card in cards if card.refusal == "resting" and card.rests_until_at), default=None),
        cards=[_card_fields(card, names) for card in cards],
    )


def _shops_of(cards: Sequence[Funds]) -> dict[int, str]:
    wanted = {shop_id for card in cards for shop_id in card.shop_ids or ()}
    return malls.shop_names(wanted) if wanted else {}


def _card_fields(card: Funds, names: dict[int, str]) -> dict[str, Any]:
    shops = None if card.shop_ids is None else [{"id": shop_id, "name": names.get(shop_id, "")} for shop_id in sorted(card.shop_ids)]
    return {
        "id": card.card_id, "number_masked": card.number_masked, "kind": card.kind, "title": {"zh": card.title_zh, "en": card.title_en},
        "state": card.state, "principal_fen": card.principal_fen, "bonus_fen": card.bonus_fen, "expires_on": card.expires_on,
        "shops": shops, "refusal": card.refusal,
    }  # fmt: skip


def history_of(member_id: int, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[Movement]:
    """Every movement on a member's cards, replaced ones too, newest first."""
    rows = session.execute(select(Card.id, Card.number).where(Card.member_id == member_id))
    return _movements({row.id: row.number for row in rows}, cursor, limit)


def history_of_card(card_id: int, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[Movement]:
    """Every movement on one card, newest first. CardNotFound."""
    return _movements({card_id: read(card_id).number}, cursor, limit)


def _movements(numbers: dict[int, str], cursor: str | None, limit: int) -> pages.Page[Movement]:
    if not numbers:
        return pages.Page([], None)
    page = ledger.movements("card", list(numbers), accounts.VALUE, cursor, limit)
    shops = _shops_by_cause(page.items)
    return pages.Page([_movement(row, numbers, shops) for row in page.items], page.next_cursor)


def _shops_by_cause(rows: Sequence[Any]) -> dict[tuple[str, str], str]:
    """cause → the shop it was for, of draws and of what came back."""
    causes = [(row.cause_type, row.cause_id) for row in rows]
    drawn = select(CardDraw.cause_type, CardDraw.cause_id, CardDraw.shop_id).where(
        tuple_(CardDraw.cause_type, CardDraw.cause_id).in_(causes)
    )
    back = (
        select(CardReturn.cause_type, CardReturn.cause_id, CardDraw.shop_id)
        .join(CardDraw, CardDraw.id == CardReturn.draw_id)
        .where(tuple_(CardReturn.cause_type, CardReturn.cause_id).in_(causes))
    )
    shop_ids = {(row.cause_type, row.cause_id): row.shop_id for query in (drawn, back) for row in session.execute(query) if row.shop_id}
    names = malls.shop_names(set(shop_ids.values())) if shop_ids else {}
    return {cause: names.get(shop_id, "") for cause, shop_id in shop_ids.items()}


def _movement(row: Any, numbers: dict[int, str], shops: dict[tuple[str, str], str]) -> Movement:
    principal, bonus = getattr(row, str(Asset.PRINCIPAL_FEN)), getattr(row, str(Asset.BONUS_FEN))
    shop = shops.get((row.cause_type, row.cause_id))
    zh, en = TITLES.get(row.cause_type) or (BACK if shop or row.undoes is not None else IN if principal + bonus > 0 else OUT)
    title = {"zh": f"{zh} · {shop}", "en": f"{en} · {shop}"} if shop else {"zh": zh, "en": en}
    return Movement(
        row.id, row.owner_id, balances.masked(numbers[row.owner_id]), principal, bonus, row.posted_at, row.cause_type, row.cause_id, title,
        shop,
    )  # fmt: skip


# Cards as the desk sees them


def read(card_id: int) -> Card:
    """One card, of anybody. CardNotFound."""
    card = session.get(Card, card_id, populate_existing=True)
    if card is None:
        raise CardNotFound()
    return card


def listed(
    *,
    number: str | None = None,
    state: str | None = None,
    product_id: int | None = None,
    batch_id: int | None = None,
    member_id: int | None = None,
    cursor: str | None = None,
    limit: int = pages.DEFAULT_LIMIT,
) -> pages.Page[dict[str, Any]]:
    """Cards with what is on them, newest first. Two statements."""
    asked = {"number": number, "state": state, "product_id": product_id, "batch_id": batch_id, "member_id": member_id}
    query = select(Card).filter_by(**{name: value for name, value in asked.items() if value is not None})
    page = pages.page(query, Card.id, cursor=cursor, limit=limit)
    held = ledger.running_balances("card", [card.id for card in page.items], accounts.VALUE)
    return pages.Page([_row(card, held) for card in page.items], page.next_cursor)


def _row(card: Card, held: dict[tuple[int, Asset], int]) -> dict[str, Any]:
    return {
        "id": card.id, "number": card.number, "state": card.state, "product_id": card.product_id, "batch_id": card.batch_id,
        "member_id": card.member_id, "principal_fen": held.get((card.id, Asset.PRINCIPAL_FEN), 0),
        "bonus_fen": held.get((card.id, Asset.BONUS_FEN), 0), "expires_on": card.expires_on, "successor_id": card.successor_id,
        "made_at": card.made_at, "bound_at": card.bound_at, "codes_locked_until_at": card.codes_locked_until_at,
    }  # fmt: skip


def whole(card_id: int) -> dict[str, Any]:
    """One card with its kind, its moves and the newest of what was done with it. CardNotFound."""
    card = read(card_id)
    held = ledger.running_balances("card", [card.id], accounts.VALUE)
    moves = Card.moves_table
    steps = session.execute(select(moves).where(moves.c.card_id == card_id).order_by(moves.c.seq).limit(EVENTS_SHOWN))
    events = session.scalars(select(CardEvent).where(CardEvent.card_id == card_id).order_by(CardEvent.id.desc()).limit(EVENTS_SHOWN))
    return _row(card, held) | {
        "product": session.get_one(CardProduct, card.product_id),
        "moves": [
            {"from_state": step.from_state, "to_state": step.to_state, "by": step.moved_by, "why": step.reason, "at": step.moved_at}
            for step in steps
        ],
        "events": list(events),
    }


def recharges(*, member_id: int | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[Recharge]:
    """Recharges with what was paid back of them, newest first."""
    query = select(Recharge) if member_id is None else select(Recharge).where(Recharge.member_id == member_id)
    return pages.page(query, Recharge.id, cursor=cursor, limit=limit)


@dataclass(frozen=True)
class Checked:
    """What a shop sees of one card of the shopper in front of it; amounts only where the mall's policy says so."""

    number_masked: str
    title: dict[str, str]
    usable_here: bool
    reason: str | None
    principal_fen: int | None
    bonus_fen: int | None


def record_card_check(member_id: int, shop_id: int, *, by: str) -> list[Checked]:
    """The cards of the member whose pay code a shop scanned; each check is recorded in the card's history."""
    shows = malls.policy(WalletRules).card_check_shows_balance
    checked_cards = []
    for card in balances.funds(member_id):
        reason = card.refusal or (None if card.accepted_by(shop_id) else "not_accepted")
        amounts = (card.principal_fen, card.bonus_fen) if shows else (None, None)
        checked_cards.append(Checked(card.number_masked, {"zh": card.title_zh, "en": card.title_en}, reason is None, reason, *amounts))
        accounts.record_event(card.card_id, "checked", by=by, shop_id=shop_id)
    return checked_cards
