"""After an account got a new phone without a proof of the one before, its stored value rests: the new phone may be somebody else's.

The PIN ends the rest.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from api.kit import clock
from api.kit.db import session
from api.kit.membership import PhoneChange
from api.malls import service as malls
from api.wallet.errors import NotResting, WalletResting
from api.wallet.models import Card
from api.wallet.policy import WalletRules
from api.wallet.service import accounts, pins

_WHY = {
    PhoneChange.BY_DESK: "the desk gave the account a new phone",
    PhoneChange.BY_NEW_PHONE: "a new phone was joined without a code of the one before",
}


def rest_after(member_id: int, change: PhoneChange) -> None:
    """Let stored value rest after a change of the phone that the phone before has not confirmed."""
    if change in _WHY:
        rest(member_id, _WHY[change])


def rest(member_id: int, why: str) -> None:
    """Let a member's cards pay nothing, and the PIN stay as it is, for as long as the mall's policy says."""
    until_at = clock.now() + timedelta(hours=malls.policy(WalletRules).rest_hours)
    query = select(Card).where(Card.member_id == member_id).order_by(Card.id).with_for_update()
    for card in session.scalars(query).all():
        card.rests_until_at = until_at
        accounts.record_event(card, "resting", by="system", why=why)
    session.flush()


def until(member_id: int) -> datetime | None:
    """Until when a member's stored value rests; None when it does not."""
    query = select(func.max(Card.rests_until_at)).where(Card.member_id == member_id, Card.rests_until_at > clock.now())
    return session.scalar(query)


def refuse_resting(member_id: int) -> None:
    """A PIN is not given by the new phone while stored value rests. WalletResting."""
    if (until_at := until(member_id)) is not None:
        raise WalletResting(until=until_at.isoformat())


def wake(member_id: int, pin: str) -> None:
    """The owner ends the rest with the PIN from before it. NotResting, PinNeeded, PinWrong, PinLocked."""
    if until(member_id) is None:
        raise NotResting()
    pins.verify(member_id, pin)
    session.execute(update(Card).where(Card.member_id == member_id).values(rests_until_at=None))
    for card in session.scalars(select(Card).where(Card.member_id == member_id).order_by(Card.id)):
        accounts.record_event(card, "woken", by=f"member:{member_id}", why="by the PIN")
