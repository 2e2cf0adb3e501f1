"""Stored value lives on cards. The ledger knows how much a card holds; the rows here, whose it is, where it counts, where it came from.

Bonus is kept by grant, so that each fen of it knows who bears it. Σ left of a card's grants = its bonus in the ledger.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.db import MallOwned, Model
from api.kit.states import Stateful
from api.wallet.states import (
    CARD_MOVES,
    CARD_REQUEST_MOVES,
    CASH_HAND_IN_MOVES,
    CASH_SHIFT_MOVES,
    CardRequestState,
    CardState,
    CashHandInState,
    CashShiftState,
)

ELECTRONIC, PHYSICAL = "electronic", "physical"
AT_SALE, AT_USE = "at_sale", "at_use"


class CardProduct(MallOwned, Model):
    """A kind of card (卡种): what the law and the mall say of every card of it."""

    __tablename__ = "card_products"
    __table_args__ = (
        UniqueConstraint("mall_id", "code"),
        CheckConstraint("form IN ('electronic', 'physical')", name="form_known"),
        CheckConstraint("invoice IN ('at_sale', 'at_use')", name="invoice_once"),
        CheckConstraint("limit_fen > 0", name="limit_allows_something"),
        CheckConstraint("valid_years > 0", name="valid_for_a_while"),
        CheckConstraint("named = (valid_years IS NULL)", name="only_unnamed_cards_expire"),
        CheckConstraint("bonus_most_bp BETWEEN 0 AND 10000", name="bonus_share_in_range"),
    )

    code: Mapped[str]
    title_zh: Mapped[str]
    title_en: Mapped[str]
    form: Mapped[str]
    named: Mapped[bool]  # 记名
    limit_fen: Mapped[int]  # principal a card may hold; never above the law's limit in the mall's policy
    valid_years: Mapped[int | None]
    bonus_most_bp: Mapped[int] = mapped_column(server_default=text("10000"), default=10_000)  # of one payment, at most so much from bonus
    shop_ids: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True))  # None: every shop accepts it
    invoice: Mapped[str]  # when the mall invoices: at the sale of the card, or at its use
    closed: Mapped[bool] = mapped_column(server_default=text("false"), default=False)  # no more cards of it are made or recharged
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class RechargePackage(MallOwned, Model):
    """Pay so much, get so much on top (充值套餐), from one day to another; the bonus has a bearer."""

    __tablename__ = "recharge_packages"
    __table_args__ = (
        Index("ix_recharge_packages_offered", "mall_id", "starts_at"),
        CheckConstraint("pays_fen > 0", name="costs_something"),
        CheckConstraint("bonus_fen >= 0", name="bonus_not_negative"),
        CheckConstraint("bonus_bearer >= 0", name="bearer_is_a_shop_or_the_mall"),
        CheckConstraint("member_limit > 0", name="limit_allows_one"),
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="runs_forward"),
    )

    product_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("card_products.id"))
    title_zh: Mapped[str]
    title_en: Mapped[str]
    pays_fen: Mapped[int]
    bonus_fen: Mapped[int]
    bonus_bearer: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # a shop's id, or 0: the mall
    member_limit: Mapped[int | None]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    made_by: Mapped[str]

    def offered(self, now: datetime) -> bool:
        """Whether it can be bought now."""
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)


class PackageUse(MallOwned, Model):
    """A package that an order has taken for a member: what its limit for each member counts."""

    __tablename__ = "recharge_package_uses"
    __table_args__ = (UniqueConstraint("mall_id", "order_id"), Index("ix_recharge_package_uses_member", "package_id", "member_id"))

    order_id: Mapped[int]
    package_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("recharge_packages.id"))
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    taken_at: Mapped[datetime]


class CardBatch(MallOwned, Model):
    """Cards made together for the printer (制卡批次)."""

    __tablename__ = "card_batches"
    __table_args__ = (CheckConstraint("cards > 0", name="makes_something"),)

    product_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("card_products.id"))
    cards: Mapped[int]
    note: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    printed_by: Mapped[str | None]  # who alone fetches the file for the printer, part by part; what was fetched cannot be read again
    handed_over_at: Mapped[datetime | None]  # from then on nobody can read the activation codes, not even here


class Card(Stateful, MallOwned, Model):
    """A stored-value card (储值卡), electronic or of plastic. Bound to a member it is part of the wallet."""

    __tablename__ = "cards"
    __table_args__ = (
        UniqueConstraint("mall_id", "number"),
        UniqueConstraint("successor_id"),
        Index("ix_cards_member", "mall_id", "member_id", "id", postgresql_where=text("member_id IS NOT NULL")),
        Index("ix_cards_batch", "batch_id", "id"),
        CheckConstraint("(batch_id IS NULL) = (activation_hash IS NULL)", name="printed_cards_have_a_code"),
        CheckConstraint("(state = 'replaced') = (successor_id IS NOT NULL)", name="replaced_by_something"),
        CheckConstraint("state <> 'made' OR member_id IS NULL", name="stock_belongs_to_nobody"),
        CheckConstraint("wrong_codes >= 0", name="tries_not_negative"),
    )
    noun = "card"
    lifecycle = CardState
    allowed = CARD_MOVES

    number: Mapped[str]
    product_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("card_products.id"))
    batch_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("card_batches.id"))
    member_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    activation_hash: Mapped[str | None]
    activation_sealed: Mapped[bytes | None]  # until it was fetched for the printer
    wrong_codes: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    codes_locked_until_at: Mapped[datetime | None]
    expires_on: Mapped[date | None]  # its last day
    rests_until_at: Mapped[datetime | None]  # its member has a new phone: until then only the PIN lets it pay
    successor_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("cards.id"))
    made_at: Mapped[datetime]
    bound_at: Mapped[datetime | None]


class CardEvent(MallOwned, Model):
    """Something that was done with a card (卡事件): made, sold, recharged, bound, frozen, replaced, checked … It only grows."""

    __tablename__ = "card_events"
    __table_args__ = (Index("ix_card_events_card", "card_id", "id"),)

    card_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cards.id"))
    what: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"), default=dict)
    why: Mapped[str | None]
    by: Mapped[str]
    at: Mapped[datetime]


class Recharge(MallOwned, Model):
    """Money that became stored value (充值): by an order through a gateway. One order recharges once."""

    __tablename__ = "recharges"
    __table_args__ = (
        UniqueConstraint("mall_id", "order_id"),
        Index("ix_recharges_member", "mall_id", "member_id", "id"),
        Index("ix_recharges_card", "card_id", "id"),
        CheckConstraint("principal_fen > 0 AND bonus_fen >= 0", name="adds_value"),
        CheckConstraint("out_fen >= 0 AND deducted_fen >= 0 AND out_fen + deducted_fen <= principal_fen", name="out_within"),
        CheckConstraint("void_bonus_fen BETWEEN 0 AND bonus_fen", name="void_within"),
        CheckConstraint("invoice IN ('at_sale', 'at_use')", name="invoice_once"),
    )

    order_id: Mapped[int]
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    card_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cards.id"))
    package_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("recharge_packages.id"))
    principal_fen: Mapped[int]
    bonus_fen: Mapped[int]
    bonus_bearer: Mapped[int]
    gateway_account_id: Mapped[int | None]
    invoice: Mapped[str]
    transfer_id: Mapped[int]
    recharged_at: Mapped[datetime]
    # paid back: principal out as money, principal kept back for bonus that was spent, bonus that became void
    out_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    deducted_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    void_bonus_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)


class BonusGrant(MallOwned, Model):
    """Bonus that came together (赠金批次): who bears it, and how much of it is left on the card."""

    __tablename__ = "bonus_grants"
    __table_args__ = (
        UniqueConstraint("mall_id", "origin_type", "origin_id"),
        Index("ix_bonus_grants_open", "card_id", "id", postgresql_where=text("left_fen > 0")),
        Index("ix_bonus_grants_card", "card_id", "id"),
        CheckConstraint("left_fen >= 0 AND void_fen >= 0 AND left_fen + void_fen <= granted_fen", name="left_within"),
    )

    card_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cards.id"))
    origin_type: Mapped[str]
    origin_id: Mapped[int]
    bearer_id: Mapped[int]
    granted_fen: Mapped[int]
    left_fen: Mapped[int]
    void_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)


class CardDraw(MallOwned, Model):
    """Stored value taken from a card for something (用卡), and how much of it came back."""

    __tablename__ = "card_draws"
    __table_args__ = (
        UniqueConstraint("mall_id", "cause_type", "cause_id", "card_id"),
        Index("ix_card_draws_card", "card_id", "id"),
        Index("ix_card_draws_drawn", "mall_id", "drawn_at"),
        CheckConstraint("principal_fen >= 0 AND bonus_fen >= 0 AND principal_fen + bonus_fen > 0", name="takes_something"),
        CheckConstraint("back_principal_fen BETWEEN 0 AND principal_fen", name="principal_back_within"),
        CheckConstraint("back_bonus_fen BETWEEN 0 AND bonus_fen", name="bonus_back_within"),
    )

    cause_type: Mapped[str]
    cause_id: Mapped[str]
    card_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cards.id"))
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    shop_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("shops.id"))
    principal_fen: Mapped[int]
    bonus_fen: Mapped[int]
    back_principal_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    back_bonus_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    drawn_at: Mapped[datetime]


class CardDrawPart(MallOwned, Model):
    """How much bonus of a draw came from which grant: that is where it returns to."""

    __tablename__ = "card_draw_parts"
    __table_args__ = (
        UniqueConstraint("draw_id", "grant_id"),
        Index("ix_card_draw_parts_grant", "grant_id"),
        CheckConstraint("fen > 0 AND back_fen BETWEEN 0 AND fen", name="back_within"),
    )

    draw_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("card_draws.id"))
    grant_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("bonus_grants.id"))
    fen: Mapped[int]
    back_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)


class CardReturn(MallOwned, Model):
    """Stored value that came back to a card (退回), by which draw and cause."""

    __tablename__ = "card_returns"
    __table_args__ = (
        UniqueConstraint("mall_id", "cause_type", "cause_id", "draw_id"),
        Index("ix_card_returns_draw", "draw_id"),
        Index("ix_card_returns_returned", "mall_id", "returned_at"),
        CheckConstraint("principal_fen >= 0 AND bonus_fen >= 0 AND principal_fen + bonus_fen > 0", name="returns_something"),
    )

    cause_type: Mapped[str]
    cause_id: Mapped[str]
    draw_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("card_draws.id"))
    card_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cards.id"))  # where it went: the card itself or what replaced it
    principal_fen: Mapped[int]
    bonus_fen: Mapped[int]
    returned_at: Mapped[datetime]


class WalletPin(MallOwned, Model):
    """A member's PIN (支付密码), and how often it was wrong lately."""

    __tablename__ = "wallet_pins"
    __table_args__ = (UniqueConstraint("mall_id", "member_id"), CheckConstraint("tries >= 0", name="tries_not_negative"))

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    pin_hash: Mapped[str]
    tries: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    unlocks_at: Mapped[datetime | None]
    set_at: Mapped[datetime]


class PayCode(MallOwned, Model):
    """A code that a shopper shows to pay (付款码): only its keyed hash is kept. A row, so a flushed cache brings none back."""

    __tablename__ = "pay_codes"
    __table_args__ = (UniqueConstraint("mall_id", "code_key"), Index("ix_pay_codes_expired", "mall_id", "expires_at"))

    code_key: Mapped[str]
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    used_in_shop_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("shops.id"))


class CardSale(MallOwned, Model):
    """Cards sold at the service desk (售卡): who bought, how it was paid, when it is invoiced."""

    __tablename__ = "card_sales"
    __table_args__ = (
        Index("ix_card_sales_sold", "mall_id", "sold_at"),
        Index("ix_card_sales_shift", "shift_id", postgresql_where=text("shift_id IS NOT NULL")),
        Index("uq_card_sales_reference", "mall_id", "reference_key", unique=True),
        Index("ix_card_sales_buyer", "mall_id", "buyer_key", "sold_at", postgresql_where=text("buyer_key IS NOT NULL")),
        CheckConstraint("paid_by IN ('cash', 'bank_card', 'bank_transfer')", name="paid_by_known"),
        CheckConstraint("buyer_kind IN ('person', 'company')", name="buyer_kind_known"),
        CheckConstraint("invoice IN ('at_sale', 'at_use')", name="invoice_once"),
        CheckConstraint("total_fen > 0 AND cards > 0", name="sells_something"),
        # Sales from before there were shifts have neither; the database asks new ones only.
        CheckConstraint("(paid_by = 'cash') = (shift_id IS NOT NULL)", name="cash_lies_in_a_shift"),
        CheckConstraint("(paid_by = 'cash') = (reference IS NULL)", name="other_money_has_a_reference"),
    )

    total_fen: Mapped[int]
    cards: Mapped[int]
    paid_by: Mapped[str]
    reference: Mapped[str | None]  # of a terminal's slip or a transfer, as finance compares it
    reference_key: Mapped[str | None]  # its letters and digits: once for ever. Null where one came again before that was asked
    shift_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("cash_shifts.id"))
    buyer_kind: Mapped[str]
    buyer_sealed: Mapped[bytes | None]  # name, document and phone, where the law wants them known
    buyer_key: Mapped[str | None]
    invoice: Mapped[str]
    sold_by: Mapped[str]
    sold_at: Mapped[datetime]
    sold_on: Mapped[date]


class CardSaleLine(MallOwned, Model):
    """One card of a sale and what was put on it."""

    __tablename__ = "card_sale_lines"
    __table_args__ = (
        UniqueConstraint("card_id"),
        Index("ix_card_sale_lines_sale", "sale_id"),
        CheckConstraint("principal_fen > 0", name="adds_value"),
    )

    sale_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("card_sales.id"))
    card_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cards.id"))
    principal_fen: Mapped[int]
    transfer_id: Mapped[int]


class CardRequest(Stateful, MallOwned, Model):
    """What somebody at the desk wants done with a card (卡申请): thaw, replace, void. With much on it, a second person decides."""

    __tablename__ = "card_requests"
    __table_args__ = (
        Index("ix_card_requests_card", "card_id", "id"),
        Index("ix_card_requests_newest", "mall_id", "state", "id"),
        CheckConstraint("what IN ('unfreeze', 'replace', 'void')", name="what_known"),
    )
    noun = "card_request"
    lifecycle = CardRequestState
    allowed = CARD_REQUEST_MOVES

    card_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cards.id"))
    what: Mapped[str]
    new_number: Mapped[str | None]
    new_card_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("cards.id"))
    balance_fen: Mapped[int]
    why: Mapped[str]
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime]
    decided_by: Mapped[str | None]


class CashShift(Stateful, MallOwned, Model):
    """A cash shift (收银班次): a person's cash at a desk, from a counted float until two people have counted what lies there."""

    __tablename__ = "cash_shifts"
    __table_args__ = (
        Index("uq_cash_shifts_person", "mall_id", "opened_by", unique=True, postgresql_where=text("state IN ('open', 'counted')")),
        Index("uq_cash_shifts_desk", "mall_id", "desk", unique=True, postgresql_where=text("state IN ('open', 'counted')")),
        Index("ix_cash_shifts_newest", "mall_id", "state", "id"),
        Index("ix_cash_shifts_closed", "mall_id", "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
        CheckConstraint("float_fen >= 0 AND sold_fen >= 0 AND handed_in_fen >= 0", name="cash_not_negative"),
        CheckConstraint("closed_by <> counted_by", name="two_people"),
        CheckConstraint("(state = 'open') = (counted_fen IS NULL)", name="counted_by_one"),
        CheckConstraint("(state IN ('open', 'counted')) = (recounted_fen IS NULL)", name="counted_by_another"),
        CheckConstraint("(state = 'explained') = (why IS NOT NULL)", name="explained_with_a_reason"),
    )
    noun = "cash_shift"
    lifecycle = CashShiftState
    allowed = CASH_SHIFT_MOVES

    desk: Mapped[str]
    float_fen: Mapped[int]
    sold_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # cards sold for cash
    handed_in_fen: Mapped[int] = mapped_column(server_default=text("0"), default=0)  # taken by another person
    counted_fen: Mapped[int | None]
    recounted_fen: Mapped[int | None]  # by the second person: what counts
    pieces: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"), default=dict)  # of each count, by value
    opened_by: Mapped[str]
    opened_at: Mapped[datetime]
    counted_by: Mapped[str | None]
    closed_by: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    explained_by: Mapped[str | None]
    why: Mapped[str | None]

    @property
    def expected_fen(self) -> int:
        """What should lie there."""
        return self.float_fen + self.sold_fen - self.handed_in_fen

    @property
    def difference_fen(self) -> int | None:
        """How much more lay there than should have; None before two people have counted."""
        return None if self.recounted_fen is None else self.recounted_fen - self.expected_fen


class CashHandIn(Stateful, MallOwned, Model):
    """Cash handed in during a shift (交款): given by who has the shift, taken by another person."""

    __tablename__ = "cash_hand_ins"
    __table_args__ = (
        Index("uq_cash_hand_ins_waiting", "shift_id", unique=True, postgresql_where=text("state = 'handed'")),
        Index("ix_cash_hand_ins_shift", "shift_id", "id"),
        Index("ix_cash_hand_ins_newest", "mall_id", "state", "id"),
        CheckConstraint("amount_fen > 0", name="hands_in_something"),
        CheckConstraint("state <> 'taken' OR taken_by <> handed_by", name="two_people"),
        CheckConstraint("(state = 'taken') = (taken_by IS NOT NULL)", name="taken_by_somebody"),
    )
    noun = "cash_hand_in"
    lifecycle = CashHandInState
    allowed = CASH_HAND_IN_MOVES

    shift_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("cash_shifts.id"))
    amount_fen: Mapped[int]
    handed_by: Mapped[str]
    handed_at: Mapped[datetime]
    taken_by: Mapped[str | None]


class BalanceReport(MallOwned, Model):
    """The balance of all cards on one day (卡余额平衡报表): opening + in − out = closing, by shop and in total, and what does not agree."""

    __tablename__ = "card_balance_reports"
    __table_args__ = (UniqueConstraint("mall_id", "reported_on"),)

    reported_on: Mapped[date]
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
    differences: Mapped[list[Any]] = mapped_column(JSONB)
    made_at: Mapped[datetime]


class BalanceLine(MallOwned, Model):
    """One card that moved on the day of a report."""

    __tablename__ = "card_balance_lines"
    __table_args__ = (UniqueConstraint("report_id", "card_id"),)

    report_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("card_balance_reports.id"))
    card_id: Mapped[int]
    principal_opening_fen: Mapped[int]
    principal_in_fen: Mapped[int]
    principal_out_fen: Mapped[int]
    principal_closing_fen: Mapped[int]
    bonus_opening_fen: Mapped[int]
    bonus_in_fen: Mapped[int]
    bonus_out_fen: Mapped[int]
    bonus_closing_fen: Mapped[int]
