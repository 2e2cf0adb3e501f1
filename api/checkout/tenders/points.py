"""Points pay for lines that take part in benefits, in whole steps, up to a share of those lines, at their worth. The mall bears them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from marshmallow import fields, validate

from api.checkout.errors import TenderNotUsable
from api.checkout.mix import Mix, Source, SourceKey, Tender
from api.checkout.models import Order, OrderRefund, OrderShare
from api.checkout.shares import Bearer, BearerKind, Share
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
from api.kit.money import basis_points, yuan
from api.ledger.service import Asset
from api.malls import service as malls
from api.points import service as points
from api.points.errors import PointsTooFew
from api.points.policy import PointsRules
from api.sales import service as sales
from api.sales.policy import SalesRules

NAME = "points"
KEY = SourceKey(NAME, 0)
REASONS = GENERAL_REASONS | {
    "no_line_takes_part": ("此次金额不参与优惠", "does not count for the part without benefits"),
    "too_few": ("积分不足", "there are too few"),
    "amount_too_small": ("金额太小，不足一个抵扣单位", "the amount is too small for one step"),
}


@dataclass(frozen=True)
class Worth:
    """What points could pay: so many are one yuan; how many there are; in steps of so many; up to a share of the lines in benefits."""

    balance: int
    points_a_yuan: int
    step: int
    share_bp: int

    @property
    def fen(self) -> int:
        """What all of them are worth."""
        return self.balance * 100 // self.points_a_yuan

    @property
    def step_fen(self) -> int:
        """What one step is worth."""
        return self.step * 100 // self.points_a_yuan

    def limit(self, eligible_fen: int) -> int:
        """The most that they can pay of lines that cost so much."""
        most = min(self.fen, basis_points(eligible_fen, self.share_bp))
        return most - most % self.step_fen

    def points_of(self, fen: int) -> int:
        """How many points are worth so many fen."""
        return fen * self.points_a_yuan // 100


@dataclass(frozen=True)
class PointsOffer(Offer):
    """What a member's points could pay of a basket."""

    worth: Worth
    may_pay: tuple[bool, ...]
    limit_fen: int
    reason: str | None

    def sources(self, choice: Choice) -> list[Source]:
        """All that they can pay, or as many as the shopper wants. TenderNotUsable."""
        wanted = choice.get("points")
        fen = self.limit_fen if wanted is None else self._fen_of(wanted)
        return [Source(KEY, fen, self.may_pay)] if fen else []

    def _fen_of(self, wanted: int) -> int:
        fen = wanted * 100 // self.worth.points_a_yuan
        if wanted % self.worth.step or fen > self.limit_fen:
            reason = self.reason or ("not_whole_steps" if wanted % self.worth.step else "above_the_limit")
            raise TenderNotUsable(tender=NAME, reason=reason, step=self.worth.step, most=self.worth.points_of(self.limit_fen))
        return fen

    def shares(self, mix: Mix) -> list[Share]:
        """What they pay of each line."""
        return [Share(line, Tender.POINTS, None, fen) for line, fen in enumerate(mix.by_line(KEY)) if fen]

    def sentence(self, tender: Tender, source_id: int | None, fen: int) -> Sentence:
        """How many points pay how much."""
        count = self.worth.points_of(fen)
        return two(f"{count:,} 积分抵 ¥{yuan(fen)}", f"{count:,} points pay ¥{yuan(fen)}")

    def options(self, mix: Mix) -> list[Option]:
        """The points, with what they could pay."""
        takes, could = mix.of(KEY), self.limit_fen
        count = self.worth.points_of
        return [
            Option(
                KEY, NAME, None, self.worth.fen, could, takes, count(takes), count(could), self.worth.step, self._could_sentence(),
                self.reason,
                turn_on={"points": None}, turn_off={"points": 0},
            )
        ]  # fmt: skip

    def leaves(self, mix: Mix, fen: int) -> Choice:
        """So many fewer points, in whole steps."""
        rest = max(0, mix.of(KEY) - fen)
        return {"points": self.worth.points_of(rest - rest % self.worth.step_fen)} if mix.of(KEY) else {}

    def _could_sentence(self) -> Sentence:
        balance, could = self.worth.balance, self.limit_fen
        if self.reason:
            zh, en = REASONS[self.reason]
            if self.reason == NOT_A_MEMBER:
                return two(f"积分：{zh}", f"points: {en}")
            return two(f"积分 {balance:,}：{zh}", f"{balance:,} points: {en}")
        count, step, share = self.worth.points_of(could), self.worth.step, self.worth.share_bp / 100
        return two(
            f"可用 {count:,} 积分抵 ¥{yuan(could)}（每 {step:,} 积分一档，最多抵参与金额的 {share:g}%）",
            f"{count:,} points pay ¥{yuan(could)} (in steps of {step:,}, at most {share:g}% of what takes part)",
        )

    def figures(self, mix: Mix) -> dict[str, int]:
        """How many points the mix takes, and what they pay."""
        return {"points": self.worth.points_of(mix.of(KEY)), "points_fen": mix.of(KEY)}

    def order_values(self, mix: Mix) -> dict[str, int]:
        """How many points the order spends."""
        return {"points_spent": self.worth.points_of(mix.of(KEY))}


class Points(TenderRules):
    """Points of a member."""

    name = NAME
    codes = (Tender.POINTS,)
    rank = 10
    title = ("积分", "Points")
    option_kind = "points"
    assets = (Asset.POINTS,)
    choice_fields = {
        "points": fields.Integer(
            validate=validate.Range(0, 10**9), load_default=None, allow_none=True, metadata={"description": "how many points"}
        )
    }
    figure_fields = {
        "points": fields.Integer(required=True, attribute="figures.points"),
        "points_fen": fields.Integer(required=True, attribute="figures.points_fen"),
    }
    refusals = (PointsTooFew,)

    def offer(self, asked: Asked) -> PointsOffer:
        """What the member's points could pay. One statement for a member, also where they cannot be used: the balance is said then too."""
        rules = malls.policy(PointsRules)
        may_pay = tuple(line.takes_benefits for line in asked.lines)
        reason = self._refusal(asked, rules)
        balance = points.spendable(asked.member_id) if asked.member_id is not None else 0
        worth = Worth(balance, rules.points_a_yuan, rules.points_pay_step, rules.points_pay_share_bp)
        limit_fen = 0 if reason else worth.limit(asked.sum_of(may_pay))
        if reason is None and limit_fen == 0:
            reason = "too_few" if worth.fen < worth.step_fen else "amount_too_small"
        return PointsOffer(worth, may_pay, limit_fen, reason)

    @staticmethod
    def _refusal(asked: Asked, rules: PointsRules) -> str | None:
        if asked.member_id is None:
            return NOT_A_MEMBER
        if asked.only_new_money:
            return "not_for_this"
        if not rules.points_pay:
            return "mall_takes_none"
        return None if any(line.takes_benefits for line in asked.lines) else "no_line_takes_part"

    def take(self, order: Order, shares: Sequence[OrderShare]) -> None:
        """Spend the points. PointsTooFew."""
        assert order.member_id is not None
        points.spend(order.member_id, order.points_spent, cause_type="order", cause_id=order.hold_cause)

    def release(self, order: Order, shares: Sequence[OrderShare]) -> None:
        """The points come back, with their own expiry."""
        points.give_back("order", order.hold_cause, refund_type="order_release", refund_id=order.hold_cause)

    def give_back(self, order: Order, refund: OrderRefund, cells: Sequence[Cell], shares: Sequence[OrderShare]) -> GivenBack:
        """Points come back by the cumulative part of what they paid, so that refunds in any pieces end at all of them."""
        fen = sum(cell.fen for cell in cells)
        paid, after = sum(share.amount_fen for share in shares), sum(share.refunded_fen for share in shares)
        count = order.points_spent * after // paid - order.points_spent * (after - fen) // paid
        if not count:
            return GivenBack({"points_fen": fen})
        points.give_back("order", order.hold_cause, refund_type="order_refund_points", refund_id=refund.id, points=count)
        return GivenBack({"points_fen": fen, "points_back": count}, ((f"退还 {count:,} 积分", f"{count:,} points back"),))

    def bearers(self, order: Order, shares: Sequence[OrderShare]) -> list[tuple[Bearer, ...]]:
        """The mall bears what points pay."""
        return [(Bearer(BearerKind.MALL, 0, share.amount_fen),) for share in shares]

    def share_title(self, code: Tender, order: ShownOrder) -> Sentence:
        """How many points, where that is known to who asks."""
        count = order.points_spent
        return two(f"{count:,} 积分抵扣", f"{count:,} points") if count else two("积分抵扣", "Points")

    def back_sentence(self, code: Tender, order: ShownOrder, refund: OrderRefund, fen: int) -> Sentence:
        """How many points come back, where that is known to who asks."""
        count = refund.points_back
        if not count:
            return two(f"¥{yuan(fen)} 退回积分", f"¥{yuan(fen)} back to points")
        return two(f"退还 {count:,} 积分", f"{count:,} points back")

    def sale_kind(self, code: Tender, channel: str | None) -> sales.TenderKind:
        """Points."""
        return sales.TenderKind.POINTS

    def earns(self, code: Tender, rules: SalesRules) -> bool:
        """As the mall's policy says."""
        return rules.earn_on_points

    def not_invoiced(self, shares: Sequence[OrderShare]) -> list[NotInvoiced | None]:
        """Points are no money."""
        return [NotInvoiced("points", ("积分抵扣的 ¥{} 不开票", "¥{} paid by points is not invoiced")) for _ in shares]


TENDER = Points()
