"""Money becomes stored value, once an order; and what is unspent of it becomes money again. Bonus never does."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from api.kit import clock, db
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset, Entry
from api.members import service as members
from api.wallet.errors import CardLimitExceeded, CardNotFound, CardNotUsable, RechargeDiffers, RechargeNotFound, RechargeSpent
from api.wallet.models import BonusGrant, Card, CardProduct, Recharge
from api.wallet.service import accounts, card_opening, package_offers

RECHARGE, RECHARGE_REFUND = "recharge", "recharge_refund"


@dataclass(frozen=True)
class RechargeRefund:
    """What a recharge gives back: money, principal kept back because as much bonus was spent, and bonus that became void."""

    card_id: int
    principal_fen: int
    deducted_fen: int
    void_bonus_fen: int


def refuse_recharge(member_id: int, principal_fen: int, *, card_id: int | None = None, package_id: int | None = None) -> None:
    """Refuse a recharge that could not be booked, before anybody pays.

    CardLimitExceeded, CardNotFound, CardNotUsable, PackageNotFound, PackageClosed, PackageLimitReached.
    """
    bought = package_offers.offer(package_id, member_id) if package_id is not None else None
    if card_id is None:
        kind = card_opening.product(bought.product_id) if bought else card_opening.standard_product()
        room = card_opening.limit_of(kind)
    else:
        card = card_opening.usable_card_of(member_id, card_id)
        kind = card_opening.product(card.product_id)
        room = card_opening.limit_of(kind) - accounts.held(card.id)[0]
    if principal_fen > room:
        raise CardLimitExceeded(limit_fen=card_opening.limit_of(kind), room_fen=max(0, room))


def recharge(
    order_id: int,
    member_id: int,
    *,
    principal_fen: int,
    bonus_fen: int,
    card_id: int | None = None,
    package_id: int | None = None,
    gateway_account_id: int | None = None,
) -> int:
    """Put what an order paid for on a card of the member, with its bonus, exactly once; returns the card. The order books the money.

    Without `card_id` (or when that one is full or cannot be used by now) it is the member's electronic card, or a new one.
    RechargeDiffers, CardLimitExceeded (more than one card may hold), PackageLimitReached.
    """
    db.lock(RECHARGE, order_id)
    if (before := recharge_of(order_id)) is not None:
        return _earlier_recharge(before, principal_fen, bonus_fen)
    member_id = members.hold(member_id)
    bought = package_offers.reserve_package(order_id, member_id, package_id) if package_id is not None else None
    bearer = bought.bonus_bearer if bought else 0
    card, kind = _card_for(member_id, card_id, bought.product_id if bought else None, principal_fen)
    entries = [
        Entry(accounts.card(card.id), Asset.PRINCIPAL_FEN, principal_fen),
        Entry(accounts.mall(), Asset.PRINCIPAL_FEN, -principal_fen),
        Entry(accounts.card(card.id), Asset.BONUS_FEN, bonus_fen),
        Entry(accounts.bearer(bearer), Asset.BONUS_FEN, -bonus_fen),
    ]
    transfer_id = ledger.post(RECHARGE, order_id, entries)
    made = Recharge(
        order_id=order_id, member_id=member_id, card_id=card.id, package_id=package_id, principal_fen=principal_fen, bonus_fen=bonus_fen,
        bonus_bearer=bearer, gateway_account_id=gateway_account_id, invoice=kind.invoice, transfer_id=transfer_id, recharged_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    if bonus_fen:
        _grant(card.id, made.id, bearer, bonus_fen)
    accounts.record_event(card, "recharged", by=f"member:{member_id}", order_id=order_id, principal_fen=principal_fen, bonus_fen=bonus_fen)
    session.flush()
    return card.id


def _earlier_recharge(before: Recharge, principal_fen: int, bonus_fen: int) -> int:
    if (before.principal_fen, before.bonus_fen) != (principal_fen, bonus_fen):
        raise RechargeDiffers()
    return before.card_id


def _card_for(member_id: int, card_id: int | None, product_id: int | None, principal_fen: int) -> tuple[Card, CardProduct]:
    if card_id is not None:
        try:
            card = card_opening.usable_card_of(member_id, card_id)
            kind = card_opening.product(card.product_id)
            if card_opening.has_room(card, kind, principal_fen):
                return card, kind
        except (CardNotFound, CardNotUsable):
            pass  # the money has arrived: it goes on another card of the member
    kind = card_opening.product(product_id) if product_id is not None else card_opening.standard_product()
    return card_opening.electronic_card(member_id, kind, by=f"member:{member_id}", room_fen=principal_fen), kind


def _grant(card_id: int, recharge_id: int, bearer_id: int, bonus_fen: int) -> None:
    session.add(
        BonusGrant(
            card_id=card_id, origin_type=RECHARGE, origin_id=recharge_id, bearer_id=bearer_id, granted_fen=bonus_fen, left_fen=bonus_fen
        )
    )
    session.flush()


def recharge_of(order_id: int, *, hold: bool = False) -> Recharge | None:
    """What an order recharged."""
    query = select(Recharge).where(Recharge.order_id == order_id)
    query = query.with_for_update() if hold else query
    return session.scalar(query.execution_options(populate_existing=True))


def preview_recharge_refund(order_id: int) -> RechargeRefund:
    """What a refund of the recharge would pay back just now. Writes and locks nothing. RechargeNotFound, RechargeSpent."""
    recharge = recharge_of(order_id)
    if recharge is None:
        raise RechargeNotFound()
    return _refundable(recharge, hold=False)[0]


def refund_recharge(order_id: int, *, cause_type: str = RECHARGE_REFUND, cause_id: str | int | None = None) -> RechargeRefund:
    """Pay a recharge back: its unspent principal, less the bonus of it that was spent; what is left of its bonus is void, never money.

    `principal_fen` of the answer is what the gateway has to return. The same cause again takes nothing more and returns the same.
    RechargeNotFound, RechargeSpent.
    """
    done = _held(order_id)
    cause = str(order_id if cause_id is None else cause_id)
    if ledger.posted(cause_type, cause) is not None:
        return RechargeRefund(done.card_id, done.out_fen, done.deducted_fen, done.void_bonus_fen)
    out, grant = _refundable(done, hold=True)
    if grant is not None and out.void_bonus_fen:
        grant.left_fen, grant.void_fen = 0, grant.void_fen + out.void_bonus_fen
    gone = out.principal_fen + out.deducted_fen
    entries = [
        Entry(accounts.mall(), Asset.CASH_FEN, -out.deducted_fen),
        Entry(accounts.bearer(done.bonus_bearer), Asset.CASH_FEN, out.deducted_fen),
        Entry(accounts.card(out.card_id), Asset.PRINCIPAL_FEN, -gone),
        Entry(accounts.mall(), Asset.PRINCIPAL_FEN, gone),
        Entry(accounts.card(out.card_id), Asset.BONUS_FEN, -out.void_bonus_fen),
        Entry(accounts.bearer(done.bonus_bearer), Asset.BONUS_FEN, out.void_bonus_fen),
    ]
    ledger.post(cause_type, cause, entries)
    done.out_fen, done.deducted_fen, done.void_bonus_fen = out.principal_fen, out.deducted_fen, out.void_bonus_fen
    accounts.record_event(
        out.card_id, "paid back", by="system", order_id=order_id, principal_fen=out.principal_fen, deducted_fen=out.deducted_fen,
        void_bonus_fen=out.void_bonus_fen,
    )  # fmt: skip
    session.flush()
    return out


def _held(order_id: int) -> Recharge:
    recharge = recharge_of(order_id, hold=True)
    if recharge is None:
        raise RechargeNotFound()
    return recharge


def _refundable(done: Recharge, *, hold: bool) -> tuple[RechargeRefund, BonusGrant | None]:
    """What a recharge can give back; with `hold` its card, grant and account are held. A recharge is paid back once."""
    if done.out_fen or done.deducted_fen:
        raise RechargeSpent()
    query = select(BonusGrant).where(BonusGrant.origin_type == RECHARGE, BonusGrant.origin_id == done.id)
    if hold:  # the card before its grants, as when it is replaced
        card_id, query, balance = _current_card(done.card_id), query.with_for_update(), ledger.lock
    else:
        card_id, balance = accounts.last_successor(done.card_id), ledger.balance
    grant = session.scalar(query.execution_options(populate_existing=True))
    unspent = min(done.principal_fen, balance(accounts.card(card_id), Asset.PRINCIPAL_FEN))
    left = grant.left_fen if grant else 0
    spent_bonus = done.bonus_fen - left
    if unspent <= spent_bonus:
        raise RechargeSpent()
    return RechargeRefund(card_id, unspent - spent_bonus, spent_bonus, left), grant


def _current_card(card_id: int) -> int:
    """The card where the value is now, held against being replaced."""
    while True:
        last = accounts.last_successor(card_id)
        held = select(Card.successor_id).where(Card.id == last).with_for_update(read=True)
        if session.scalar(held) is None:
            return last
