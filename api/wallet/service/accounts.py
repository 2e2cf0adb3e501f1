"""Who owns what of stored value in the ledger. A positive balance is the owner's claim on the mall."""

from __future__ import annotations

from api.kit import db
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Owner
from api.wallet import queries
from api.wallet.models import Card, CardEvent

VALUE = (Asset.PRINCIPAL_FEN, Asset.BONUS_FEN)

#: The mall's own tills, where the service desk takes money in: as if it were a gateway with the number 0.
TILL = 0


def card(card_id: int) -> Owner:
    """A card."""
    return Owner("card", card_id)


def mall() -> Owner:
    """The entered mall: it owes what it has issued, and is owed what shops have not been paid for yet."""
    return Owner("mall", db.mall())


def bearer(shop_id: int) -> Owner:
    """Who bears a bonus: a shop, or the mall itself (0)."""
    return Owner("bearer", shop_id)


def gateway(account_id: int | None) -> Owner:
    """Where money came in: a merchant account, or the mall's tills."""
    return Owner("gateway", account_id or TILL)


def held(card_id: int) -> tuple[int, int]:
    """Principal and bonus on a card. One statement."""
    balances = ledger.running_balances("card", [card_id], VALUE)
    return balances.get((card_id, Asset.PRINCIPAL_FEN), 0), balances.get((card_id, Asset.BONUS_FEN), 0)


def last_successor(card_id: int) -> int:
    """The card itself, or what replaced it, or what replaced that."""
    return int(session.connection().exec_driver_sql(queries.LAST_SUCCESSOR, {"card_id": card_id}).scalar_one())


def record_event(card: Card | int, what: str, *, by: str, why: str | None = None, **facts: object) -> None:
    """Add a line to a card's history."""
    from api.kit import clock

    session.add(CardEvent(card_id=card if isinstance(card, int) else card.id, what=what, facts=facts, why=why, by=by, at=clock.now()))
