"""A quote: what the member could use, the best mix and why, and for what cannot be used why not. It changes nothing.

The order of calculation (docs/checkout.md): lines → benefits of the lines → the tenders in their order → new money.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from api.checkout import benefits, mix, wording
from api.checkout.mix import Mix, Source
from api.checkout.shares import Share, by_source
from api.checkout.tenders import tenders
from api.checkout.tenders.base import Asked, Choice, Offer, Option, TenderRules
from api.payments import service as payments
from api.purchases.baskets import Basket, Buyer
from api.purchases.errors import BasketEmpty
from api.purchases.registry import kind_of

BEST: Choice = {}


@dataclass(frozen=True)
class Quote:
    """A basket with the mix that would pay it: who pays which share of which line, what the tenders say of it, and what else could pay."""

    basket: Basket
    mix: Mix
    shares: list[Share] = field(repr=False)
    options: tuple[Option, ...]
    sentences: tuple[dict[str, Any], ...]
    figures: dict[str, Any]
    order_values: dict[str, Any]
    best_gateway_fen: int

    @property
    def total_fen(self) -> int:
        """What the basket costs."""
        return self.basket.total_fen

    @property
    def gateway_fen(self) -> int:
        """What is left for the wallet."""
        return self.mix.new_money_fen

    @property
    def parts(self) -> list[dict[str, Any]]:
        """What each source of each tender pays of the whole."""
        paid = by_source((share, share.fen) for share in self.shares)
        return [{"tender": str(tender), "source_id": source_id, "amount_fen": fen} for (tender, source_id), fen in paid.items()]

    @property
    def wallets(self) -> list[str]:
        """The wallets that can pay what is left."""
        return payments.channels_for(self.basket.only_shop_id) if self.gateway_fen else []

    @property
    def title(self) -> str:
        """What is bought."""
        return self.basket.title

    def agreed_terms(self) -> dict[str, Any]:
        """What the shopper agrees to by placing it, as it is kept with the order."""
        return {"sentences": list(self.sentences), "best_gateway_fen": self.best_gateway_fen}


def basket_of(purchase: Mapping[str, Any], buyer: Buyer) -> Basket:
    """What is bought, by what a phone or a till says of it. The refusals of its kind."""
    basket = kind_of(purchase["kind"]).basket(purchase, buyer)
    if not basket.lines:
        raise BasketEmpty()
    return basket


def quote(basket: Basket, member_id: int | None, choice: Choice = BEST, *, only: TenderRules | None = None) -> Quote:
    """What pays for a basket. Without a member only new money can. `only`: no other tender beside it and new money. TenderNotUsable."""
    lines = benefits.price(basket.lines, member_id)
    asked = Asked(basket.lines, tuple(line.left_fen for line in lines), member_id, kind_of(basket.kind).only_new_money)
    offers = {rules: rules.offer(asked) for rules in tenders() if only is None or rules is only or rules.is_new_money}
    best = _mix(asked, offers.values(), BEST)
    chosen = _mix(asked, offers.values(), choice) if any(wanted is not None for wanted in choice.values()) else best
    paid = [(offer, offer.shares(chosen)) for offer in offers.values()]
    shares = [share for line in lines for share in line.shares] + [share for _, own in paid for share in own]
    shares.sort(key=lambda share: (share.line, share.tender.place, share.source_id or 0))
    figures: dict[str, Any] = {}
    order_values: dict[str, Any] = {}
    for offer in offers.values():
        figures |= offer.figures(chosen)
        order_values |= offer.order_values(chosen)
    options = options_of(asked, tuple(offers.values()), choice, chosen)
    return Quote(basket, chosen, shares, options, wording.total(basket, offers, shares), figures, order_values, best.new_money_fen)


def options_of(asked: Asked, offers: Sequence[Offer], choice: Choice, chosen: Mix) -> tuple[Option, ...]:
    """Everything that could pay beside a mix; turning on what takes nothing of it makes it take something."""
    options = [option for offer in offers for option in offer.options(chosen)]
    return tuple(_that_takes(option, asked, offers, choice) if option.could_fen and not option.takes_fen else option for option in options)


def _that_takes(option: Option, asked: Asked, offers: Sequence[Offer], choice: Choice) -> Option:
    """What pays before an option leaves it as much as it could pay, where that was nothing."""
    turn_on = dict(option.turn_on)
    for offer in offers:
        mixed = _mix(asked, offers, {**choice, **turn_on})
        if mixed.of(option.key):
            break
        turn_on |= offer.leaves(mixed, option.could_fen)
    return replace(option, turn_on=turn_on)


def _mix(asked: Asked, offers: Iterable[Offer], choice: Choice) -> Mix:
    sources: list[Source] = [source for offer in offers for source in offer.sources(choice)]
    return mix.best(asked.amounts, sources)
