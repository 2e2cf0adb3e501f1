"""What happens to stored value when two memberships become one, and when a member leaves: cards are rebound, no value moves."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from api.kit.db import session
from api.kit.membership import Moved, Rows
from api.ledger import service as ledger
from api.ledger.service import Asset
from api.members.service import member_merge
from api.wallet.errors import BalanceLeft
from api.wallet.models import Card, PackageUse, PayCode, Recharge, WalletPin
from api.wallet.service import balances, card_lifecycle
from api.wallet.states import CardState

_OF_MEMBERS: dict[str, Any] = {"card": Card, "recharge": Recharge, "package_use": PackageUse}
EXPORT_ROWS = 10_000


def holds(member_id: int) -> bool:
    """Whether a member has a card."""
    return session.scalar(select(Card.id).where(Card.member_id == member_id).limit(1)) is not None


def lock_cards(member_id: int) -> None:
    """Hold a member's cards: draws, recharges and freezes wait."""
    session.execute(select(Card.id).where(Card.member_id == member_id).order_by(Card.id).with_for_update()).all()


def holdings(member_id: int) -> dict[str, int]:
    """How many cards a member has that are neither void nor replaced, and what is on them in fen, principal and bonus together."""
    ids = list(session.scalars(select(Card.id).where(Card.member_id == member_id, Card.state.not_in([CardState.VOID, CardState.REPLACED]))))
    stored = ledger.running_balances("card", ids, [Asset.PRINCIPAL_FEN, Asset.BONUS_FEN])
    return {"cards": len(ids), "stored_fen": sum(stored.values())}


def hand_over(from_member_id: int, into_member_id: int) -> list[Moved]:
    """Two memberships became one: the cards of the one are the other's, who keeps the own PIN. Returns what moved."""
    return [moved for kind, table in _OF_MEMBERS.items() for moved in member_merge.move(kind, table, from_member_id, into_member_id)]


def bring_back(rows: Rows, from_member_id: int, into_member_id: int) -> None:
    """The merge was undone: the cards that went along come back, with what is on them now."""
    for kind, table in _OF_MEMBERS.items():
        member_merge.bring_back(table, rows.get(kind, ()), from_member_id, into_member_id)


def refuse_closing(member_id: int) -> None:
    """Who closes the account has used the stored value or had it paid back. BalanceLeft."""
    lock_cards(member_id)
    ids = list(session.scalars(select(Card.id).where(Card.member_id == member_id)))
    left = sum(ledger.running_balances("card", ids, [Asset.PRINCIPAL_FEN]).values())
    if left:
        raise BalanceLeft(principal_fen=left)


def forget(member_id: int) -> None:
    """A member closed the account: PIN and codes go, bonus that is left goes back to who bears it, and the cards are void."""
    query = select(Card).where(Card.member_id == member_id, Card.state.in_([CardState.ACTIVE, CardState.FROZEN])).order_by(Card.id)
    for card in session.scalars(query).all():
        card_lifecycle.void(card, by=f"member:{member_id}", why="the account was closed")
    session.execute(delete(WalletPin).where(WalletPin.member_id == member_id))
    # A code that is being used just now waits for this member, who must not wait for it; it is dropped when its time is over.
    unused = select(PayCode.id).where(PayCode.member_id == member_id).with_for_update(skip_locked=True)
    session.execute(delete(PayCode).where(PayCode.id.in_(unused)))


def export(member_id: int) -> dict[str, Any]:
    """A member's own data in this room, as JSON values, for the export the law grants."""
    recharges = session.scalars(select(Recharge).where(Recharge.member_id == member_id).order_by(Recharge.id.desc()).limit(EXPORT_ROWS))
    return {
        "cards": [
            {"number": card.number_masked, "state": card.state, "principal_fen": card.principal_fen, "bonus_fen": card.bonus_fen}
            for card in balances.funds(member_id)
        ],
        "recharges": [
            {"order": row.order_id, "principal_fen": row.principal_fen, "bonus_fen": row.bonus_fen, "paid_back_fen": row.out_fen,
             "invoice": row.invoice, "at": row.recharged_at.isoformat()}
            for row in recharges
        ],
    }  # fmt: skip
