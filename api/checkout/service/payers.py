"""Who pays: a member, or somebody whom only a wallet knows and who may claim the purchase after joining."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ScalarSelect, select
from sqlalchemy.dialects.postgresql import insert

from api.checkout import errors
from api.checkout.models import Order, Payer
from api.checkout.policy import OrderRules
from api.checkout.service import notifications, orders, settlement
from api.checkout.states import OrderState
from api.kit import clock, db, identity, sealed
from api.kit.db import session
from api.malls import service as malls
from api.members import service as members
from api.members.proofs import ProvenIdentity
from api.payments.models import MerchantAccount


@dataclass(frozen=True)
class Who:
    """Who pays: a member, or somebody whom only a wallet knows."""

    name: str
    member_id: int | None = None
    payer_id: int | None = None


def subject(who: Who, channel: str, account: MerchantAccount) -> ScalarSelect[str]:
    """Who pays, as the wallet knows it, or nothing: a query that is made a part of another."""
    app_id = account.sub_app_id or account.app_id
    if who.member_id is not None:
        return members.subject_query(who.member_id, channel, app_id)
    own_payer = (Payer.id == who.payer_id, Payer.channel == channel, Payer.app_id == app_id)
    return select(Payer.subject).where(*own_payer).scalar_subquery()


def own_order(number: str, who: Who) -> Order:
    """The order of a number, if it is this person's. OrderNotFound."""
    order = orders.by_number(number)
    refuse_strangers(order, who)
    return order


def refuse_strangers(order: Order, who: Who) -> None:
    """Only who placed an order may see it. OrderNotFound."""
    same_member = who.member_id is not None and order.member_id == who.member_id
    if not same_member and (who.payer_id is None or order.payer_id != who.payer_id):
        raise errors.OrderNotFound()


def remember_payer(channel: str, app_id: str, subject: str) -> int:
    """Somebody whom only a wallet knows; recorded, so that they can see what they paid."""
    made = insert(Payer).values(channel=channel, app_id=app_id, subject=subject, seen_at=clock.now())
    made = made.on_conflict_do_update(index_elements=["mall_id", "channel", "app_id", "subject"], set_={"seen_at": clock.now()})
    return int(session.execute(made.returning(Payer.id)).scalar_one())


def sign_in_payer(sign_in: Callable[[str], ProvenIdentity], code: str) -> dict[str, Any]:
    """Exchange a wallet's login code for a token of somebody who pays without being a member. The refusals of the wallet's seam."""
    with db.outside_transaction():
        proven = sign_in(code)
    payer_id = remember_payer(proven.channel, proven.app_id, proven.subjects[0])
    token = identity.access_token("payer", payer_id, db.mall(), session_id="payer")
    return {"access_token": token, "expires_in": int(identity.ACCESS_TOKEN_LIVES.total_seconds())}


def claim_code(placed: Order) -> str:
    """What lets somebody who paid without membership claim the purchase after joining; nobody can make it without our key."""
    return sealed.find_key(f"order claim {db.mall()} {placed.number}")[:24]


def claim(number: str, code: str, member_id: int) -> Order:
    """Somebody joined after paying: the purchase is theirs and earns. ClaimUnknown, ClaimTaken, OrderNotPaid."""
    order = session.scalar(select(Order).where(Order.number == number))
    if order is None or code != claim_code(order) or order.made_at + timedelta(days=malls.policy(OrderRules).claim_days) < clock.now():
        raise errors.ClaimUnknown()
    locked = orders.lock(order.id)
    if locked.member_id not in (None, member_id):
        raise errors.ClaimTaken()
    if locked.state not in (OrderState.PAID, OrderState.REFUNDED):
        raise errors.OrderNotPaid(state=locked.state)
    if locked.member_id is None:
        locked.member_id = member_id
        orders.hold_member(locked)
        for part in orders.parts_of(locked.id):
            settlement.score(part, member_id)
        session.flush()
        notifications.moved(locked)
    return locked
