"""Stored value is taken from cards, and comes back to them: the same card, or what replaced it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from api.kit import clock
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.errors import BalanceTooLow, CauseClash
from api.ledger.service import Asset, Entry
from api.malls import service as malls
from api.members import service as members
from api.wallet import queries
from api.wallet.errors import CardBalanceTooLow, CardNotFound, CardNotUsable, PutBackTooLarge
from api.wallet.models import Card, CardDraw, CardProduct, CardReturn
from api.wallet.service import accounts, balances, card_opening
from api.wallet.service.balances import Drawn
from api.wallet.states import CardState

ORDER_HOLD = "order_hold"


@dataclass(frozen=True)
class Borne:
    """Bonus that a draw took, by card and by who bears it (a shop's id, 0: the mall)."""

    card_id: int
    bearer_id: int
    bonus_fen: int


def draw(member_id: int, drawn: Sequence[Drawn], *, cause_type: str, cause_id: str | int, shop_id: int | None = None) -> None:
    """Take value from a member's cards, in one transfer. The same cause again takes nothing. Four statements.

    `shop_id` when all of it is for one shop: its acceptance is checked, and the balance report counts it.
    CardNotFound, CardNotUsable, CardBalanceTooLow, CauseClash.
    """
    wanted = _checked_parts(drawn)
    _refuse_unusable(member_id, wanted, shop_id)
    made = _begin_draws(member_id, wanted, cause_type, str(cause_id), shop_id)
    if not made:
        _refuse_other_amounts(wanted, cause_type, str(cause_id))
        return
    entries = _principal_out(wanted) + _bonus_out(wanted, made)
    try:
        ledger.post(cause_type, cause_id, entries)
    except BalanceTooLow as refused:
        raise CardBalanceTooLow() from refused


def _checked_parts(drawn: Sequence[Drawn]) -> list[Drawn]:
    if len({part.card_id for part in drawn}) != len(drawn):
        raise ValueError("each card is drawn from once")
    wanted = sorted(part for part in drawn if part.principal_fen or part.bonus_fen)
    if not wanted or any(part.principal_fen < 0 or part.bonus_fen < 0 for part in wanted):
        raise ValueError("a draw takes something, and nothing below zero")
    return wanted


def _refuse_unusable(member_id: int, wanted: list[Drawn], shop_id: int | None) -> None:
    # FOR SHARE: who freezes, rebinds or replaces a card waits for the draw, or the draw sees it.
    query = (
        select(Card, CardProduct.shop_ids)
        .join(CardProduct, CardProduct.id == Card.product_id)
        .where(Card.id.in_([part.card_id for part in wanted]))
        .order_by(Card.id)
        .with_for_update(read=True, of=Card)
    )
    cards = {card.id: (card, shop_ids) for card, shop_ids in session.execute(query.execution_options(populate_existing=True))}
    today = clock.today(malls.mall_info().timezone)
    for part in wanted:
        card, shop_ids = cards.get(part.card_id, (None, None))
        if card is None or not _owns(member_id, card.member_id):
            raise CardNotFound()
        reason = balances.refusal(card.state, card.expires_on, today, card.rests_until_at)
        if reason is None and shop_id is not None and shop_ids is not None and shop_id not in shop_ids:
            reason = "not_accepted"
        if reason is not None:
            raise CardNotUsable(reason=reason, card_id=card.id)


def _owns(member_id: int, owner_id: int | None) -> bool:
    return owner_id is not None and (owner_id == member_id or owner_id == members.surviving(member_id))


def _begin_draws(member_id: int, wanted: list[Drawn], cause_type: str, cause_id: str, shop_id: int | None) -> dict[int, int]:
    """card → draw; empty when this cause has drawn before. The same cause in another transaction waits here for the first to commit."""
    now = clock.now()
    same: dict[str, Any] = {"cause_type": cause_type, "cause_id": cause_id, "member_id": member_id, "shop_id": shop_id, "drawn_at": now}
    rows = [{"card_id": part.card_id, "principal_fen": part.principal_fen, "bonus_fen": part.bonus_fen} | same for part in wanted]
    made = insert(CardDraw).values(rows).on_conflict_do_nothing().returning(CardDraw.card_id, CardDraw.id)
    draw_ids = {row.card_id: row.id for row in session.execute(made)}
    if draw_ids and len(draw_ids) != len(wanted):
        _refuse_other_amounts(wanted, cause_type, cause_id)
    return draw_ids


def _refuse_other_amounts(wanted: list[Drawn], cause_type: str, cause_id: str) -> None:
    before = [Drawn(row.card_id, row.principal_fen, row.bonus_fen) for row in draws_of(cause_type, cause_id)]
    if sorted(before) != wanted:
        raise CauseClash(cause=f"{cause_type}:{cause_id}")


def _principal_out(wanted: list[Drawn]) -> list[Entry]:
    total = sum(part.principal_fen for part in wanted)
    out = [Entry(accounts.card(part.card_id), Asset.PRINCIPAL_FEN, -part.principal_fen) for part in wanted if part.principal_fen]
    return [*out, Entry(accounts.mall(), Asset.PRINCIPAL_FEN, total)] if total else []


def _bonus_out(wanted: list[Drawn], draw_ids: dict[int, int]) -> list[Entry]:
    taking = [part for part in wanted if part.bonus_fen]
    if not taking:
        return []
    arguments = {
        "draw_ids": [draw_ids[part.card_id] for part in taking],
        "card_ids": [part.card_id for part in taking],
        "bonus": [part.bonus_fen for part in taking],
    }
    taken = session.connection().exec_driver_sql(queries.TAKE_BONUS, arguments).all()
    if sum(fen for _, _, fen in taken) != sum(part.bonus_fen for part in taking):
        raise CardBalanceTooLow()
    return [
        entry
        for card_id, bearer_id, fen in taken
        for entry in (
            Entry(accounts.card(card_id), Asset.BONUS_FEN, -fen),
            Entry(accounts.bearer(bearer_id), Asset.BONUS_FEN, fen),
        )
    ]


def draws_of(cause_type: str, cause_id: str | int) -> list[CardDraw]:
    """What a cause drew, by card."""
    query = select(CardDraw).where(CardDraw.cause_type == cause_type, CardDraw.cause_id == str(cause_id)).order_by(CardDraw.id)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def bonus_bearers(cause_type: str, cause_id: str | int) -> list[Borne]:
    """Who bears the bonus that a cause drew and that has not come back: what a settlement charges. One statement."""
    rows = session.connection().exec_driver_sql(queries.BEARERS, {"cause_type": cause_type, "cause_id": str(cause_id)})
    return [Borne(*row) for row in rows]


def release(cause_type: str, cause_id: str | int, *, undo_type: str, undo_id: str | int) -> None:
    """Undo a whole draw: the order was given up. A cause that drew nothing, or was released before, changes nothing.

    PutBackTooLarge when some of it came back already, AlreadyUndone when another cause released it.
    """
    transfer_id = ledger.posted(cause_type, cause_id)
    if transfer_id is None or ledger.posted(undo_type, undo_id) is not None:
        return
    held_draws = _held_draws(CardDraw.cause_type == cause_type, CardDraw.cause_id == str(cause_id))
    if ledger.posted(undo_type, undo_id) is not None:
        return
    if any(row.back_principal_fen or row.back_bonus_fen for row in held_draws):
        raise PutBackTooLarge()
    back = [(row, row.principal_fen, row.bonus_fen) for row in held_draws]
    entries = [entry for returned in back for entry in _give_back(*returned, undo_type, str(undo_id))]
    ledger.post(undo_type, undo_id, entries, undoes=transfer_id)


def put_back(
    parts: Sequence[Drawn], *, cause_type: str, cause_id: str | int, of_type: str = ORDER_HOLD, of_id: str | int | None = None
) -> None:
    """Give some of what was drawn back, to the same card or, when it was replaced, to its successor. The same cause again changes nothing.

    `of_type` and `of_id` name the draw; without `of_id`, the card's newest draws of that type are given back first.
    PutBackTooLarge when less was drawn (or has come back already), CardNotFound.
    """
    wanted = _checked_parts(parts)
    if ledger.posted(cause_type, cause_id) is not None:
        return
    filters = [CardDraw.card_id.in_([part.card_id for part in wanted]), CardDraw.cause_type == of_type]
    if of_id is not None:
        filters.append(CardDraw.cause_id == str(of_id))
    open_draws = _held_draws(*filters, CardDraw.back_principal_fen + CardDraw.back_bonus_fen < CardDraw.principal_fen + CardDraw.bonus_fen)
    if ledger.posted(cause_type, cause_id) is not None:  # another transaction with this cause committed while we waited for the rows
        return
    entries = []
    for part in wanted:
        for row, principal, bonus in _split_over_draws(part, [row for row in reversed(open_draws) if row.card_id == part.card_id]):
            entries += _give_back(row, principal, bonus, cause_type, str(cause_id))
    ledger.post(cause_type, cause_id, entries)


def _held_draws(*which: Any) -> list[CardDraw]:
    query = select(CardDraw).where(*which).order_by(CardDraw.id).with_for_update()
    return list(session.scalars(query.execution_options(populate_existing=True)))


def _split_over_draws(part: Drawn, newest_first: list[CardDraw]) -> list[tuple[CardDraw, int, int]]:
    """Which draws of a card give how much back."""
    principal, bonus, shares = part.principal_fen, part.bonus_fen, []
    for row in newest_first:
        of_principal = min(principal, row.principal_fen - row.back_principal_fen)
        of_bonus = min(bonus, row.bonus_fen - row.back_bonus_fen)
        if of_principal or of_bonus:
            shares.append((row, of_principal, of_bonus))
        principal, bonus = principal - of_principal, bonus - of_bonus
    if principal or bonus:
        raise PutBackTooLarge(card_id=part.card_id)
    return shares


def _give_back(row: CardDraw, principal: int, bonus: int, cause_type: str, cause_id: str) -> list[Entry]:
    target = _card_to_credit(row)
    session.execute(
        update(CardDraw)
        .where(CardDraw.id == row.id)
        .values(back_principal_fen=CardDraw.back_principal_fen + principal, back_bonus_fen=CardDraw.back_bonus_fen + bonus)
    )
    session.add(
        CardReturn(
            cause_type=cause_type, cause_id=cause_id, draw_id=row.id, card_id=target, principal_fen=principal, bonus_fen=bonus,
            returned_at=clock.now(),
        )
    )  # fmt: skip
    entries = []
    if principal:
        entries += [Entry(accounts.card(target), Asset.PRINCIPAL_FEN, principal), Entry(accounts.mall(), Asset.PRINCIPAL_FEN, -principal)]
    if bonus:
        arguments = {"draw_id": row.id, "bonus": bonus, "card_id": target}
        for bearer_id, fen in session.connection().exec_driver_sql(queries.RETURN_BONUS, arguments).all():
            entries += [Entry(accounts.card(target), Asset.BONUS_FEN, fen), Entry(accounts.bearer(bearer_id), Asset.BONUS_FEN, -fen)]
    return entries


def _card_to_credit(row: CardDraw) -> int:
    """The card itself, or what replaced it; when that is void by now, the member's own electronic card, opened if need be."""
    card = _lock_shared(row.card_id)
    while card.state == CardState.REPLACED:
        card = _lock_shared(accounts.last_successor(card.id))
    if card.state != CardState.VOID:
        return card.id
    return card_opening.electronic_card(members.surviving(row.member_id), card_opening.product(card.product_id), by="system").id


def _lock_shared(card_id: int) -> Card:
    # FOR SHARE: nobody replaces or voids the card until what comes back is on it.
    query = select(Card).where(Card.id == card_id).with_for_update(read=True).execution_options(populate_existing=True)
    return session.scalars(query).one()
