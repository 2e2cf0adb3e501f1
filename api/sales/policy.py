"""What the mall decided about purchases: which part of what was paid earns."""

from __future__ import annotations

from dataclasses import dataclass

from api.kit.policy import Rules, yes


@dataclass(frozen=True)
class SalesRules(Rules):
    """What of a purchase earns. Money always does."""

    place = 30

    earn_on_principal: bool = yes(True, "what was paid from a stored-value card's principal earns")
    earn_on_bonus: bool = yes(False, "what was paid from a stored-value card's bonus earns")
    earn_on_coupons: bool = yes(False, "what a coupon paid earns")
    earn_on_points: bool = yes(False, "what points paid earns")
