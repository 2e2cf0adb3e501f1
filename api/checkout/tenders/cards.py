"""Stored-value cards: each pays only for lines of sellers that accept it, the one that expires first goes first.

A card's part of a line is divided into principal, which the mall owes, and bonus, which whoever gave it bears.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from marshmallow import ValidationError, fields, validate
from sqlalchemy import func, select

from api.checkout.errors import TenderNotUsable
from api.checkout.mix import Mix, Source, SourceKey, Tender
from api.checkout.models import Order, OrderRefund, OrderShare
from api.checkout.shares import Bearer, BearerKind, Share
from api.checkout.states import OrderState
from api.checkout.tenders.base import (
    GENERAL_REASONS,
    NOT_A_MEMBER,
    Asked,
    Cell,
    Choice,
    GivenBack,
    NotInvoiced,
    Offer,
    Option,
    Sentence,
    ShownOrder,
    TenderRules,
    two,
)  # fmt: skip
from api.kit import db
from api.kit.db import session
from api.kit.money import basis_points, split, yuan
from api.ledger.service import Asset, Owner
from api.malls import service as malls
from api.payments.models import MerchantAccount
from api.purchases.baskets import Line
from api.sales import service as sales
from api.sales.policy import SalesRules
from api.wallet import errors
from api.wallet import service as wallet
from api.wallet.policy import WalletRules

NAME = "stored_value"
HOLD = "order_hold"
REASONS = GENERAL_REASONS | {
    "shop_does_not_take_it": ("该店不支持此卡", "this shop does not take the card"),
    "empty": ("余额为零", "it is empty"),
    "frozen": ("已挂失", "it is frozen"),
    "resting": (
        "手机号刚由服务台更换，储值暂停使用；可在钱包用支付密码提前解除",
        "it rests after a change of phone; the PIN ends that in the wallet",
    ),
    "expired": ("已过有效期，可到服务台激活", "it has expired; the service desk can renew it"),
    "inactive": ("未激活", "it is not active yet"),
}
UNKNOWN_REASON = ("暂不可用", "cannot be used just now")
BONUS_NOT_INVOICED = NotInvoiced("bonus", ("赠金支付的 ¥{} 不开票", "¥{} paid by a bonus is not invoiced"))
SOLD_WITH_INVOICE = NotInvoiced(
    "sold", ("储值卡支付的 ¥{} 已在购卡或充值时开票", "¥{} from a card was invoiced when it was bought or recharged")
)


def _each_once(card_ids: Sequence[int]) -> None:
    if len(set(card_ids)) != len(card_ids):
        raise ValidationError("Name each card once.")


def accepts(card: wallet.Funds, line: Line) -> bool:
    """Whether the seller of a line takes the card; the mall itself takes those that every shop takes."""
    return card.shop_ids is None or line.shop_id in card.shop_ids


@dataclass(frozen=True)
class CardOffer(Offer):
    """What a member's cards could pay of a basket. Each has as much bonus as its kind lets pay here."""

    asked: Asked
    cards: tuple[wallet.Funds, ...]
    reason: str | None

    def sources(self, choice: Choice) -> list[Source]:
        """The cards that can be used, in their own order or in the shopper's. TenderNotUsable."""
        usable = {card.card_id: card for card in self.cards if card.refusal is None}
        wanted = choice.get("card_ids")
        if wanted is None:
            return [self._source(card) for card in usable.values()]
        if unusable := [card_id for card_id in wanted if card_id not in usable]:
            raise TenderNotUsable(card_id=unusable[0], reason=self._why_not(unusable[0]))
        return [self._source(usable[card_id]) for card_id in wanted]

    def _source(self, card: wallet.Funds) -> Source:
        return Source(_key(card.card_id), card.total_fen, tuple(accepts(card, line) for line in self.asked.lines))

    def _why_not(self, card_id: int) -> str:
        return next((card.refusal or "unknown" for card in self.cards if card.card_id == card_id), self.reason or "not_yours")

    def drawn(self, mix: Mix) -> dict[int, tuple[int, int]]:
        """Principal and bonus that the mix takes from each card."""
        return {card.card_id: wallet.split_draw([card], fen) for card in self.cards if (fen := mix.of(_key(card.card_id)))}

    def shares(self, mix: Mix) -> list[Share]:
        """Each card's part of each line, divided into principal and bonus."""
        return self.shares_of(mix, self.drawn(mix))

    @staticmethod
    def shares_of(mix: Mix, drawn: Mapping[int, tuple[int, int]]) -> list[Share]:
        """The same, of so much principal and bonus that is drawn from each card."""
        shares = []
        for card_id, (principal, _) in drawn.items():
            paid = mix.by_line(_key(card_id))
            for line, (fen, of_principal) in enumerate(zip(paid, split(principal, paid), strict=True)):
                shares += [Share(line, Tender.PRINCIPAL, card_id, of_principal), Share(line, Tender.BONUS, card_id, fen - of_principal)]
        return [share for share in shares if share.fen]

    def sentence(self, tender: Tender, source_id: int | None, fen: int) -> Sentence:
        """What one card pays."""
        number = next(card.number_masked for card in self.cards if card.card_id == source_id)
        if tender == Tender.BONUS:
            return two(f"储值卡 {number} 赠金 ¥{yuan(fen)}", f"card {number}, bonus, ¥{yuan(fen)}")
        return two(f"储值卡 {number} 本金 ¥{yuan(fen)}", f"card {number}, paid in, ¥{yuan(fen)}")

    def options(self, mix: Mix) -> list[Option]:
        """Every card of the member's."""
        used = [card.card_id for card in self.cards if mix.of(_key(card.card_id))]
        return [self._option(card, mix, used) for card in self.cards]

    def _option(self, card: wallet.Funds, mix: Mix, used: Sequence[int]) -> Option:
        room = self.asked.sum_of([accepts(card, line) for line in self.asked.lines])
        reason = card.refusal or (None if room else "shop_does_not_take_it") or (None if card.total_fen else "empty")
        could = 0 if reason else min(card.total_fen, room)
        has = f"¥{yuan(card.principal_fen)}" + (f" + ¥{yuan(card.bonus_fen)}" if card.bonus_fen else "")
        if reason:
            zh, en = REASONS.get(reason, UNKNOWN_REASON)
            words = two(f"储值卡 {card.number_masked}（{has}）：{zh}", f"card {card.number_masked} ({has}): {en}")
        else:
            words = two(
                f"储值卡 {card.number_masked}（{has}）可付 ¥{yuan(could)}", f"card {card.number_masked} ({has}) can pay ¥{yuan(could)}"
            )
        others = [card_id for card_id in used if card_id != card.card_id]
        return Option(
            _key(card.card_id), "card", card.card_id, card.total_fen, could, mix.of(_key(card.card_id)), None, None, None, words, reason,
            turn_on={"card_ids": [card.card_id, *others]}, turn_off={"card_ids": others},
        )  # fmt: skip

    def figures(self, mix: Mix) -> dict[str, Any]:
        """What the cards pay together, and whether that needs the PIN."""
        stored = sum(mix.of(_key(card.card_id)) for card in self.cards)
        return {"stored_fen": stored, "pin_needed": bool(stored) and wallet.pin_needed(stored)}


class Cards(TenderRules):
    """Stored value of a member."""

    name = NAME
    codes = (Tender.PRINCIPAL, Tender.BONUS)
    rank = 50
    title = ("储值卡", "Stored value")
    option_kind = "card"
    assets = (Asset.PRINCIPAL_FEN, Asset.BONUS_FEN)
    choice_fields = {
        "card_ids": fields.List(
            fields.Integer(validate=validate.Range(1, 2**63 - 1)),
            validate=[validate.Length(max=20), _each_once],
            load_default=None,
            allow_none=True,
            metadata={"description": "the cards to use, in this order; empty: none"},
        )
    }
    proof_fields = {"pin": fields.String(validate=validate.Regexp(r"^[0-9]{6}\Z"), load_default=None, allow_none=True, load_only=True)}
    figure_fields = {
        "stored_fen": fields.Integer(required=True, attribute="figures.stored_fen"),
        "pin_needed": fields.Boolean(required=True, attribute="figures.pin_needed"),
    }
    refusals = (errors.CardBalanceTooLow, errors.CardNotUsable, errors.PinNeeded, errors.PinWrong, errors.PinLocked)
    code_refusals = (errors.PayCodeWrong, errors.PayCodeUsed, errors.PayCodeExpired)

    def offer(self, asked: Asked) -> CardOffer:
        """What the member's cards could pay. One statement for a member who may use them."""
        reason = self._refusal(asked, malls.policy(WalletRules))
        if asked.member_id is None or reason is not None:
            return CardOffer(asked, (), reason)
        return CardOffer(asked, tuple(_able(card, asked) for card in wallet.funds(asked.member_id)), None)

    @staticmethod
    def _refusal(asked: Asked, rules: WalletRules) -> str | None:
        if asked.member_id is None:
            return NOT_A_MEMBER
        if asked.only_new_money:
            return "not_for_this"
        return None if rules.stored_pay else "mall_takes_none"

    def authorise(self, member_id: int, number: str, shares: Sequence[Share], proof: Mapping[str, Any]) -> None:
        """Much stored value, at once or in a day, needs the member's PIN. PinNeeded, PinWrong, PinLocked."""
        wallet.demand_pin(member_id, sum(share.fen for share in shares), proof.get("pin"), cause=("order", number))

    def take(self, order: Order, shares: Sequence[OrderShare]) -> None:
        """Draw from the cards. CardBalanceTooLow, CardNotUsable."""
        assert order.member_id is not None
        drawn = _drawn([(share, share.amount_fen) for share in shares])
        wallet.draw(order.member_id, drawn, cause_type=HOLD, cause_id=order.hold_cause, shop_id=order.shop_id)

    def release(self, order: Order, shares: Sequence[OrderShare]) -> None:
        """What was drawn is on the cards again."""
        wallet.release(HOLD, order.hold_cause, undo_type="order_release_card", undo_id=order.hold_cause)

    def give_back(self, order: Order, refund: OrderRefund, cells: Sequence[Cell], shares: Sequence[OrderShare]) -> GivenBack:
        """Back to the same cards, or to what replaced them."""
        drawn = _drawn([(cell.share, cell.fen) for cell in cells])
        wallet.put_back(drawn, cause_type="order_refund_card", cause_id=refund.id, of_id=order.hold_cause)
        fen = sum(cell.fen for cell in cells)
        return GivenBack(pieces=((f"¥{yuan(fen)} 退回储值卡", f"¥{yuan(fen)} to the card"),))

    def bearers(self, order: Order, shares: Sequence[OrderShare]) -> list[tuple[Bearer, ...]]:
        """Whoever gave a bonus bears it, to the fen; principal is money of the member's and borne by nobody."""
        if all(share.tender != Tender.BONUS for share in shares):
            return [() for _ in shares]
        left: dict[int, list[Bearer]] = {}
        for borne in wallet.bonus_bearers(HOLD, order.hold_cause):
            kind = BearerKind.SHOP if borne.bearer_id else BearerKind.MALL
            left.setdefault(borne.card_id, []).append(Bearer(kind, borne.bearer_id, borne.bonus_fen))
        return [_taken(left[share.source_id or 0], share.amount_fen) if share.tender == Tender.BONUS else () for share in shares]

    def debtors(self, fen: int, borne: Sequence[tuple[Bearer, int]], account: MerchantAccount | None) -> list[tuple[Owner, int]]:
        """The mall owes the principal that it was paid before; a bonus is owed by who bears it."""
        return super().debtors(fen, borne, account) if borne else [(Owner("mall", db.mall()), fen)]

    def share_title(self, code: Tender, order: ShownOrder) -> Sentence:
        """Principal and bonus apart."""
        return two("储值赠金", "Stored value, bonus") if code == Tender.BONUS else two("储值本金", "Stored value, paid in")

    def source_names(self, source_ids: Collection[int]) -> dict[int, str]:
        """Cards by their masked numbers. One statement."""
        return wallet.masked_numbers(source_ids)

    def sale_kind(self, code: Tender, channel: str | None) -> sales.TenderKind:
        """Stored value, principal and bonus apart."""
        return sales.TenderKind.STORED_BONUS if code == Tender.BONUS else sales.TenderKind.STORED_PRINCIPAL

    def earns(self, code: Tender, rules: SalesRules) -> bool:
        """As the mall's policy says, of principal and of bonus."""
        return rules.earn_on_bonus if code == Tender.BONUS else rules.earn_on_principal

    def not_invoiced(self, shares: Sequence[OrderShare]) -> list[NotInvoiced | None]:
        """A bonus is no money; a card that was invoiced when it was sold is not invoiced again. At most one statement."""
        card_ids = {share.source_id for share in shares if share.tender == Tender.PRINCIPAL and share.source_id is not None}
        at_sale = wallet.invoiced_at_sale(card_ids) if card_ids else set()
        return [
            BONUS_NOT_INVOICED if share.tender == Tender.BONUS else SOLD_WITH_INVOICE if share.source_id in at_sale else None
            for share in shares
        ]

    def redeem_code(self, code: str, shop_id: int) -> int | None:
        """Who shows a pay code of the mall's own wallet; it is used up. PayCodeWrong, PayCodeUsed, PayCodeExpired."""
        return wallet.use_pay_code(code, shop_id) if code.startswith("90") else None


def held_by_orders(member_id: int) -> tuple[int, int]:
    """Principal and bonus that a member's unfinished orders hold. One statement."""
    query = select(OrderShare.tender, func.sum(OrderShare.amount_fen)).join(Order, Order.id == OrderShare.order_id)
    query = query.where(Order.member_id == member_id, Order.state == OrderState.HELD).group_by(OrderShare.tender)
    held = {row[0]: int(row[1]) for row in session.execute(query)}
    return held.get(Tender.PRINCIPAL, 0), held.get(Tender.BONUS, 0)


def _key(card_id: int) -> SourceKey:
    return SourceKey(NAME, card_id)


def _able(card: wallet.Funds, asked: Asked) -> wallet.Funds:
    """The card with as much bonus as its kind lets pay here: at most a share of what it may pay for."""
    room = asked.sum_of([accepts(card, line) for line in asked.lines])
    return replace(card, bonus_fen=min(card.bonus_fen, basis_points(room, card.bonus_most_bp)), bonus_most_bp=10_000)


def _drawn(parts: Sequence[tuple[OrderShare, int]]) -> list[wallet.Drawn]:
    """Principal and bonus by card, in the order of cards."""
    cards: dict[int, list[int]] = {}
    for share, fen in parts:
        assert share.source_id is not None
        cards.setdefault(share.source_id, [0, 0])[share.tender == Tender.BONUS] += fen
    return [wallet.Drawn(card_id, principal, bonus) for card_id, (principal, bonus) in sorted(cards.items())]


def _taken(left: list[Bearer], fen: int) -> tuple[Bearer, ...]:
    """Take so much from the bearers of a card, one after the other; what they have left stays in the list."""
    taken = []
    while fen:
        part = min(fen, left[0].fen)
        taken.append(replace(left[0], fen=part))
        fen, left[0] = fen - part, replace(left[0], fen=left[0].fen - part)
        if not left[0].fen:
            left.pop(0)
    return tuple(taken)


TENDER = Cards()
