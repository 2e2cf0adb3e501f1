"""A member's electronic card: made at the first recharge, and another one when the law's limit for one card is reached."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from api.kit import clock, db
from api.kit.db import session
from api.ledger import service as ledger
from api.ledger.service import Asset
from api.malls import service as malls
from api.wallet.errors import CardLimitExceeded, CardNotFound, CardNotUsable, ProductNotFound
from api.wallet.models import AT_USE, ELECTRONIC, Card, CardProduct
from api.wallet.policy import WalletRules
from api.wallet.service import accounts, balances, card_numbers
from api.wallet.states import CardState

#: The kind of electronic card that every mall has.
STANDARD = "member"


def standard_product() -> CardProduct:
    """The electronic card of members: named, accepted everywhere, invoiced at use. Made when it is first needed."""
    query = select(CardProduct).where(CardProduct.code == STANDARD)
    if (existing := session.scalar(query)) is not None:
        return existing
    db.lock("standard-card-product")
    if (existing := session.scalar(query)) is not None:
        return existing
    made = CardProduct(
        code=STANDARD, title_zh="会员储值卡", title_en="Member's card", form=ELECTRONIC, named=True,
        limit_fen=malls.policy(WalletRules).named_card_limit_fen, valid_years=None, shop_ids=None, invoice=AT_USE, made_by="system",
        made_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def product(product_id: int) -> CardProduct:
    """A kind of card. ProductNotFound."""
    product = session.get(CardProduct, product_id)
    if product is None:
        raise ProductNotFound()
    return product


def limit_of(kind: CardProduct) -> int:
    """The principal that one card of this kind may hold: the product's own limit, never above the law's in the policy."""
    policy = malls.policy(WalletRules)
    return min(kind.limit_fen, policy.named_card_limit_fen if kind.named else policy.unnamed_card_limit_fen)


def expiry_of(kind: CardProduct) -> date | None:
    """The last day of a card of this kind that begins today; named cards have none."""
    if kind.valid_years is None:
        return None
    today = clock.today(malls.mall_info().timezone)
    years = max(kind.valid_years, malls.policy(WalletRules).unnamed_valid_years)
    try:
        return today.replace(year=today.year + years)
    except ValueError:  # the 29th of February
        return today.replace(year=today.year + years, month=3, day=1)


def electronic_card(member_id: int, kind: CardProduct | None, *, by: str, room_fen: int = 0) -> Card:
    """The member's electronic card of a kind with room for so much principal; a new one when there is none. CardLimitExceeded."""
    kind = kind or standard_product()
    if room_fen > limit_of(kind):
        raise CardLimitExceeded(limit_fen=limit_of(kind))
    db.lock("electronic-card", member_id, kind.id)
    query = select(Card).where(Card.member_id == member_id, Card.product_id == kind.id, Card.state == CardState.ACTIVE).order_by(Card.id)
    today = clock.today(malls.mall_info().timezone)
    for card in session.scalars(query.where(Card.batch_id.is_(None)).with_for_update(read=True)).all():
        if balances.refusal(card.state, card.expires_on, today) is None and has_room(card, kind, room_fen):
            return card
    return _open(member_id, kind, by)


def has_room(card: Card, kind: CardProduct, principal_fen: int) -> bool:
    """Whether so much more principal may be on the card; holds its account until the unit of work ends."""
    return ledger.lock(accounts.card(card.id), Asset.PRINCIPAL_FEN) + principal_fen <= limit_of(kind)


def _open(member_id: int, kind: CardProduct, by: str) -> Card:
    now = clock.now()
    made = Card(
        state=str(CardState.ACTIVE), moved_at=now, number=card_numbers.electronic(), product_id=kind.id, member_id=member_id,
        expires_on=expiry_of(kind), made_at=now, bound_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    accounts.record_event(made, "opened", by=by)
    return made


def card_of(member_id: int, card_id: int, *, hold: bool = False) -> Card:
    """A member's own card. CardNotFound."""
    query = select(Card).where(Card.id == card_id, Card.member_id == member_id)
    query = query.with_for_update(read=True) if hold else query
    card = session.scalar(query.execution_options(populate_existing=True))
    if card is None:
        raise CardNotFound()
    return card


def usable_card_of(member_id: int, card_id: int) -> Card:
    """A member's own card that can be used today, held. CardNotFound, CardNotUsable."""
    card = card_of(member_id, card_id, hold=True)
    reason = balances.refusal(card.state, card.expires_on, clock.today(malls.mall_info().timezone))
    if reason is not None:
        raise CardNotUsable(reason=reason, card_id=card.id)
    return card
