"""A quote: what the member could use, the best mix and why, and for what cannot be used why not. It changes nothing.

The order of calculation (docs/checkout.md): lines → benefits of the lines (none yet: coupons and promotions come in here, each with
its bearers) → points → stored value → the wallet.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from api.checkout import errors, mix, wording
from api.checkout.mix import Card, Mix, PointsOffer, Tender
from api.checkout.things import KINDS, Basket
from api.kit.money import basis_points
from api.malls import service as malls
from api.payments import service as payments
from api.points import service as points
from api.points.policy import PointsRules
from api.wallet import service as wallet
from api.wallet.policy import WalletRules


@dataclass(frozen=True)
class Choice:
    """What the shopper wants instead of the best mix. None: the best. `points` is a number of points, `card_ids` the cards to use."""

    points: int | None = None
    card_ids: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Option:
    """One thing that could pay: how much it could pay here, how much the mix takes, or why it cannot. Points are told in points too."""

    kind: str  # points · card
    card_id: int | None
    has_fen: int
    could_fen: int
    takes_fen: int
    points: int | None
    could_points: int | None
    step_points: int | None
    sentence: dict[str, str]
    reason: str | None


@dataclass(frozen=True)
class Quote:
    """A basket with the mix that would pay it. `drawn` says principal and bonus of each card; `points` how many points."""

    basket: Basket
    mix: Mix
    points: int
    drawn: dict[int, tuple[int, int]]
    options: tuple[Option, ...]
    sentences: tuple[dict[str, Any], ...]
    best_gateway_fen: int
    shares: list[tuple[int, Tender, int | None, int]] = field(repr=False)

    @property
    def total_fen(self) -> int:
        """What the basket costs."""
        return self.basket.total_fen

    @property
    def gateway_fen(self) -> int:
        """What is left for the wallet."""
        return self.mix.gateway_fen

    @property
    def stored_fen(self) -> int:
        """What stored value pays, principal and bonus."""
        return sum(sum(pair) for pair in self.drawn.values())

    @property
    def pin_needed(self) -> bool:
        """Whether this much stored value needs the member's PIN."""
        return bool(self.stored_fen) and wallet.pin_needed(self.stored_fen)

    @property
    def wallets(self) -> list[str]:
        """The wallets that can pay what is left."""
        return payments.channels_for(self.basket.shop_ids) if self.gateway_fen else []

    @property
    def title(self) -> str:
        """What is bought."""
        return self.basket.title

    @property
    def points_fen(self) -> int:
        """What the points pay."""
        return self.mix.points_fen

    def told(self) -> dict[str, Any]:
        """What the shopper agreed to, as it is kept with the order."""
        return {"sentences": list(self.sentences), "best_gateway_fen": self.best_gateway_fen}


def quote(basket: Basket, member_id: int | None, choice: Choice | None = None) -> Quote:
    """What pays for a basket. Without a member only the wallet can. TenderNotUsable."""
    means = _Means.of(basket, member_id)
    top = means.mix(Choice())
    chosen = choice or Choice()
    found = top if chosen == Choice() else means.mix(chosen)
    drawn = {card.card_id: wallet.split_draw([card], fen) for card in means.cards if (fen := found.of(card.card_id))}
    count = means.points_of(found.points_fen)
    shares = mix.shares(found, drawn)
    options = means.options(found)
    sentences = wording.total(basket, shares, count, cards={card.card_id: card.number_masked for card in means.cards})
    return Quote(basket, found, count, drawn, options, sentences, top.gateway_fen, shares)


@dataclass(frozen=True)
class _Means:
    """What the member has that could pay, and why some of it cannot."""

    basket: Basket
    cards: tuple[wallet.Funds, ...]
    balance: int
    offer: PointsOffer
    points_refusal: str | None
    stored_refusal: str | None
    step: int
    points_a_yuan: int

    @classmethod
    def of(cls, basket: Basket, member_id: int | None) -> _Means:
        rules, accepts = malls.policy(PointsRules), KINDS[basket.kind].accepts
        points_refusal = _first(
            (member_id is None, "not_a_member"),
            (Tender.POINTS not in accepts, "not_for_this"),
            (not rules.points_pay, "mall_takes_none"),
            (not any(line.discountable for line in basket.lines), "no_line_takes_part"),
        )
        stored_refusal = _first(
            (member_id is None, "not_a_member"),
            (Tender.PRINCIPAL not in accepts, "not_for_this"),
            (not malls.policy(WalletRules).stored_pay, "mall_takes_none"),
        )
        cards = tuple(_able(card, basket) for card in wallet.funds(member_id)) if member_id is not None and stored_refusal is None else ()
        balance = points.spendable(member_id) if member_id is not None and points_refusal is None else 0
        offer = PointsOffer(
            balance * 100 // rules.points_a_yuan, rules.points_pay_step * 100 // rules.points_a_yuan, rules.points_pay_share_bp
        )
        if points_refusal is None and offer.limit(basket.lines) == 0:
            points_refusal = "too_few" if offer.fen < offer.step_fen else "amount_too_small"
        return cls(basket, cards, balance, offer, points_refusal, stored_refusal, rules.points_pay_step, rules.points_a_yuan)

    def mix(self, choice: Choice) -> Mix:
        """The best mix within what the shopper wants. TenderNotUsable."""
        offer = PointsOffer() if self.points_refusal else self.offer
        if choice.points is not None:
            offer = self._wanted(choice.points, offer)
        usable = [card for card in self.cards if card.refusal is None]
        if choice.card_ids is not None:
            by_id = {card.card_id: card for card in usable}
            if missing := [card_id for card_id in choice.card_ids if card_id not in by_id]:
                raise errors.TenderNotUsable(card_id=missing[0], reason=self._why_not(missing[0]))
            usable = [by_id[card_id] for card_id in choice.card_ids]
        cards = [Card(card.card_id, card.principal_fen + card.bonus_fen, card.shop_ids) for card in usable]
        return mix.best(self.basket.lines, points=offer, cards=cards)

    def _wanted(self, count: int, offer: PointsOffer) -> PointsOffer:
        fen = count * 100 // self.points_a_yuan
        if count % self.step or fen > offer.limit(self.basket.lines):
            reason = self.points_refusal or ("not_whole_steps" if count % self.step else "above_the_limit")
            most = offer.limit(self.basket.lines) * self.points_a_yuan // 100
            raise errors.TenderNotUsable(tender="points", reason=reason, step=self.step, most=most)
        return replace(offer, fen=fen)

    def _why_not(self, card_id: int) -> str:
        return next((card.refusal or "unknown" for card in self.cards if card.card_id == card_id), self.stored_refusal or "not_yours")

    def points_of(self, fen: int) -> int:
        """How many points are worth so many fen."""
        return fen * self.points_a_yuan // 100

    def options(self, found: Mix) -> tuple[Option, ...]:
        """Everything the member has, with what it could pay here or why it cannot."""
        could = 0 if self.points_refusal else self.offer.limit(self.basket.lines)
        count = self.points_of(found.points_fen)
        told = [
            Option(
                "points", None, self.offer.fen, could, found.points_fen, count, self.points_of(could), self.step,
                wording.points_option(self.balance, could, self.points_of(could), self.step, self.points_refusal, self.offer.share_bp),
                self.points_refusal,
            )
        ]  # fmt: skip
        for card in self.cards:
            has = card.principal_fen + card.bonus_fen
            accepted = Card(card.card_id, has, card.shop_ids)
            room = sum(line.amount_fen for line in self.basket.lines if accepted.pays(line))
            reason = card.refusal or (None if room else "shop_does_not_take_it") or (None if has else "empty")
            could = 0 if reason else min(has, room)
            sentence = wording.card_option(card.number_masked, card.principal_fen, card.bonus_fen, could, reason)
            told.append(Option("card", card.card_id, has, could, found.of(card.card_id), None, None, None, sentence, reason))
        return tuple(told)


def _able(card: wallet.Funds, basket: Basket) -> wallet.Funds:
    """The card with as much bonus as its kind lets pay here: at most a share of what it may pay for."""
    pays = Card(card.card_id, 0, card.shop_ids)
    room = sum(line.amount_fen for line in basket.lines if pays.pays(line))
    return replace(card, bonus_fen=min(card.bonus_fen, basis_points(room, card.bonus_most_bp)), bonus_most_bp=10_000)


def _first(*pairs: tuple[bool, str]) -> str | None:
    return next((reason for holds, reason in pairs if holds), None)
