"""What comes in and goes out of checkout. Amounts in whole fen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from api.checkout.mix import Tender
from api.checkout.tenders import tenders
from api.kit import http
from api.kit.http import PageArgs, page_of
from api.purchases import registry
from api.purchases.registry import AskedBy

SENTENCE = {
    "type": "object",
    "properties": {"zh": {"type": "string"}, "en": {"type": "string"}},
    "required": ["zh", "en"],
}
KIND_TITLE = fields.Function(lambda order: registry.kind_of(order.kind).title, required=True, metadata=SENTENCE)
TITLE_EN = fields.Function(lambda order: registry.english_name(order.title), required=True, metadata={"type": "string"})
WALLETS = validate.OneOf(["wechat", "alipay"])


def _at(**more: Any) -> fields.AwareDateTime:
    return fields.AwareDateTime(format="iso", **more)


PROOFS = [name for rules in tenders() for name in rules.proof_fields]


def _of_tenders(name: str, own_fields: str) -> type[Schema]:
    """A schema of what each tender brings to it."""
    return http.Schema.from_dict({key: field for rules in tenders() for key, field in getattr(rules, own_fields).items()}, name=name)


ChoiceArgs = _of_tenders("ChoiceArgs", "choice_fields")
ProofArgs = _of_tenders("ProofArgs", "proof_fields")
FigureSchema = _of_tenders("FigureSchema", "figure_fields")


class PartSchema(http.Schema):
    """What one source of a tender pays of the whole."""

    tender = fields.String(required=True, validate=validate.OneOf([str(tender) for tender in Tender]))
    source_id = fields.Integer(
        allow_none=True, required=True, validate=validate.Range(1, 2**63 - 1),
        metadata={"description": "which card; null where there is only one"},
    )  # fmt: skip
    amount_fen = http.fen(0, required=True)


def _each_part_once(parts: Sequence[dict[str, Any]]) -> None:
    if len({(part["tender"], part["source_id"]) for part in parts}) != len(parts):
        raise ValidationError("Name each part once.")


class QuoteArgs(http.Schema):
    """What is bought, and what the shopper wants instead of the best mix."""

    purchase = http.Discriminated(lambda: registry.schemas(AskedBy.PAYER), required=True)
    choose = fields.Nested(ChoiceArgs, load_default=None, allow_none=True)


class OrderArgs(QuoteArgs, ProofArgs):  # type: ignore[valid-type,misc]
    """What is bought, and how it is to be paid."""

    channel = fields.String(validate=WALLETS, load_default=None, allow_none=True, metadata={"description": "who pays what is left"})
    expected_fen = http.fen(0, required=True, metadata={"description": "what the quote said is left for the wallet"})
    expected = fields.List(
        fields.Nested(PartSchema), validate=[validate.Length(max=200), _each_part_once], load_default=None, allow_none=True,
        metadata={"description": "the `parts` of the quote that the shopper saw: `quote-changed` when any of them differs"},
    )  # fmt: skip


class PaymentArgs(http.Schema):
    """Which wallet pays."""

    channel = fields.String(validate=WALLETS, required=True)


class PayerArgs(http.Schema):
    """A login code of the wallet that opened the page."""

    code = fields.String(validate=validate.Length(1, 512), required=True, load_only=True)


class PayerSchema(http.Schema):
    """A token of somebody who pays without being a member."""

    access_token = fields.String(required=True)
    expires_in = fields.Integer(required=True)


class ClaimArgs(http.Schema):
    """The purchase to be claimed."""

    number = fields.String(validate=validate.Length(1, 40), required=True)
    claim_code = fields.String(validate=validate.Length(1, 64), required=True)


class OptionSchema(http.Schema):
    """One thing that could pay, or why it cannot."""

    kind = fields.String(required=True, validate=validate.OneOf([rules.option_kind for rules in tenders() if rules.option_kind]))
    source_id = fields.Integer(allow_none=True, required=True)
    has_fen = fields.Integer(required=True)
    could_fen = fields.Integer(required=True)
    takes_fen = fields.Integer(required=True)
    points = fields.Integer(allow_none=True, required=True)
    could_points = fields.Integer(allow_none=True, required=True, metadata={"description": "could_fen in points; else null"})
    step_points = fields.Integer(allow_none=True, required=True, metadata={"description": "points pay in whole steps of so many"})
    sentence = fields.Raw(required=True, metadata=SENTENCE)
    reason = fields.String(allow_none=True, required=True)
    turn_on = fields.Nested(ChoiceArgs, required=True, metadata={"description": "what to choose beside the rest to use it"})
    turn_off = fields.Nested(ChoiceArgs, required=True, metadata={"description": "what to choose beside the rest to do without it"})


SENTENCE_ROW = {
    "type": "object",
    "properties": {"kind": {"type": "string"}, "amount_fen": {"type": "integer"}, "sentence": SENTENCE},
    "required": ["kind", "amount_fen", "sentence"],
}


class QuoteSchema(FigureSchema):  # type: ignore[valid-type,misc]
    """What there is to pay, by what, and why. Nothing is held yet."""

    title = fields.String(required=True)
    total_fen = fields.Integer(required=True)
    gateway_fen = fields.Integer(required=True)
    best_gateway_fen = fields.Integer(required=True, metadata={"description": "what the best mix would leave"})
    parts = fields.List(
        fields.Nested(PartSchema), required=True, metadata={"description": "who pays how much; an order sends it back as `expected`"}
    )
    wallets = fields.List(fields.String(), required=True, metadata={"description": "which wallets can pay what is left"})
    options = fields.List(fields.Nested(OptionSchema), required=True)
    sentences = fields.List(fields.Raw(metadata=SENTENCE_ROW), required=True)


class OrderLineSchema(http.Schema):
    """One line of an order."""

    line = fields.Integer(required=True)
    shop_id = fields.Integer(allow_none=True, required=True)
    name = fields.String(required=True)
    name_en = fields.Function(lambda line: registry.english_name(line.name), required=True, metadata={"type": "string"})
    category = fields.String(required=True)
    quantity = fields.Integer(required=True)
    list_fen = fields.Integer(required=True, metadata={"description": "what it costs without any reduction"})
    net_fen = fields.Integer(required=True, metadata={"description": "what is asked for it"})
    takes_benefits = fields.Boolean(required=True)
    earns = fields.Boolean(required=True)


class TenderSchema(http.Schema):
    """What one tender paid, and how much of it came back."""

    tender = fields.String(required=True)
    source_id = fields.Integer(allow_none=True, required=True, metadata={"description": "which card; null where there is only one"})
    title = fields.Raw(required=True, metadata=SENTENCE)
    amount_fen = fields.Integer(required=True)
    refunded_fen = fields.Integer(required=True)


class OrderRefundSchema(http.Schema):
    """One refund of an order."""

    number = fields.String(required=True)
    state = fields.String(required=True)
    amount_fen = fields.Integer(required=True)
    gateway_fen = fields.Integer(required=True)
    points_fen = fields.Integer(required=True, metadata={"description": "what the points that come back had paid"})
    points_back = fields.Integer(required=True)
    points_taken = fields.Integer(required=True)
    became_debt = fields.Integer(required=True)
    reason = fields.String(required=True)
    asked_at = _at(required=True)
    given_at = _at(allow_none=True, required=True)


class GivenBackSchema(http.Schema):
    """What one source of a tender gives back."""

    tender = fields.String(required=True)
    source_id = fields.Integer(allow_none=True, required=True)
    title = fields.Raw(required=True, metadata=SENTENCE)
    amount_fen = fields.Integer(required=True)
    sentence = fields.Raw(required=True, metadata={"description": "the whole of it in words"} | SENTENCE)


GIVEN_BY = fields.List(
    fields.Nested(GivenBackSchema),
    required=True,
    metadata={"description": "what gives how much back; while it waits, as it was divided when it was asked for"},
)


class RefundInPartsSchema(OrderRefundSchema):
    """One refund of an order, with what gives how much back."""

    given_by = GIVEN_BY


class OnPhoneSchema(http.Schema):
    """How the phone goes on from an order of a kind."""

    begins_on = fields.String(
        allow_none=True, required=True, metadata={"description": "the page on which such a purchase begins; null: no page of the phone"}
    )
    paid = fields.Raw(required=True, metadata={"description": "what is said once it is paid"} | SENTENCE)
    shown_on = fields.String(allow_none=True, required=True, metadata={"description": "the page that shows what was bought"})
    shown_title = fields.Raw(
        allow_none=True,
        required=True,
        metadata={"description": "what the way there is called"} | SENTENCE | {"type": ["object", "null"]},
    )


ASKED_BY = fields.Function(
    lambda order: str(registry.kind_of(order.kind).asked_by),
    required=True,
    metadata={"type": "string", "enum": [str(who) for who in AskedBy], "description": "who asks for such a purchase"},
)


class OrderSchema(http.Schema):
    """An order, in a list."""

    number = fields.String(required=True)
    kind = fields.String(required=True)
    kind_title = KIND_TITLE
    asked_by = ASKED_BY
    state = fields.String(required=True)
    title = fields.String(required=True)
    title_en = TITLE_EN
    shop_id = fields.Integer(allow_none=True, required=True)
    total_fen = fields.Integer(required=True)
    gateway_fen = fields.Integer(required=True)
    refunded_fen = fields.Integer(required=True)
    points_spent = fields.Integer(required=True)
    channel = fields.String(allow_none=True, required=True)
    remark = fields.String(allow_none=True, required=True)
    made_at = _at(required=True)
    expires_at = _at(required=True)
    paid_at = _at(allow_none=True, required=True)


class InvoiceableSchema(http.Schema):
    """What one seller invoices of an order (开票)."""

    shop_id = fields.Integer(allow_none=True, required=True, metadata={"description": "null: the mall itself"})
    seller = fields.String(required=True, metadata={"description": "the name that stands on the invoice"})
    unit = fields.String(allow_none=True, required=True)
    amount_fen = fields.Integer(required=True)
    url = fields.String(allow_none=True, required=True, metadata={"description": "where it is asked for; null: at the counter"})
    notes = fields.List(fields.Raw(metadata=SENTENCE), required=True, metadata={"description": "what is left out, and why"})


class ReturnedSchema(http.Schema):
    """Money that arrived for an order that had been given up, and goes back."""

    amount_fen = fields.Integer(required=True)
    done_at = _at(allow_none=True, required=True, metadata={"description": "null while it is on its way"})


class WholeOrderSchema(OrderSchema):
    """An order with its lines, who paid what, what it earned and its refunds."""

    on_phone = fields.Nested(OnPhoneSchema, required=True)
    lines = fields.List(fields.Nested(OrderLineSchema), required=True)
    tenders = fields.List(fields.Nested(TenderSchema), required=True)
    points = fields.Integer(allow_none=True, required=True, metadata={"description": "earned; null while nobody is known to give them to"})
    points_taken = fields.Integer(required=True, metadata={"description": "how many of them refunds took back"})
    points_from_at = _at(allow_none=True, required=True, metadata={"description": "when they can be spent: the return window is over"})
    explanations = fields.List(fields.Raw(metadata=SENTENCE), required=True)
    refunds = fields.List(fields.Nested(RefundInPartsSchema), required=True, attribute="refunds_in_parts")
    returned = fields.List(fields.Nested(ReturnedSchema), required=True)
    payment_state = fields.String(allow_none=True, required=True)
    invoices = fields.List(fields.Nested(InvoiceableSchema), required=True)
    sentences = fields.List(fields.Raw(metadata=SENTENCE_ROW), required=True)


class StaffOrderLineSchema(OrderLineSchema):
    """One line of an order as staff see it."""

    line = fields.Integer(required=True, attribute="line.line")
    left_fen = fields.Integer(required=True, metadata={"description": "what has not come back of it"})


SOURCE = fields.String(allow_none=True, required=True, metadata={"description": "which of several cards, as staff call it"})


class OfficeTenderSchema(TenderSchema):
    """What one tender paid, as the mall's staff see it."""

    source = SOURCE


class StaffOrderSchema(WholeOrderSchema):
    """An order as staff see it: what a refund could give back just now."""

    lines = fields.List(fields.Nested(StaffOrderLineSchema), required=True, attribute="lines_left")
    refundable_fen = fields.Integer(required=True, attribute="refundable.fen")
    refunds_as_a_whole = fields.Boolean(
        required=True, attribute="refundable.as_a_whole", metadata={"description": "all of that or nothing"}
    )


class ShopOrderSchema(StaffOrderSchema):
    """An order as its shop sees it."""

    payment_refusal = fields.String(
        allow_none=True,
        required=True,
        metadata={"description": "why the wallet refused to pay, in a word; payer-balance-short: too little there"},
    )


class PlacedSchema(http.Schema):
    """A placed order and what the phone hands to its wallet."""

    order = fields.Nested(WholeOrderSchema, required=True)
    wallet = fields.Raw(
        allow_none=True,
        required=True,
        metadata={"type": ["object", "null"], "description": "arguments of wx.requestPayment or my.tradePay; null: paid, or ask again"},
    )
    claim_code = fields.String(allow_none=True, required=True)


class ChargeArgs(http.Schema):
    """A cashier scans the code on a shopper's phone."""

    auth_code = fields.String(validate=validate.Regexp(r"^[0-9]{16,24}\Z"), required=True, load_only=True)
    purchase = http.Discriminated(lambda: registry.schemas(AskedBy.SHOP), required=True)


class RefundArgs(http.Schema):
    """What is to be given back: lines, an amount, or (neither) everything that is left."""

    lines = fields.List(
        fields.Integer(validate=validate.Range(0, 1000)), validate=validate.Length(1, 100), load_default=None, allow_none=True
    )
    amount_fen = http.fen(load_default=None, allow_none=True)
    reason = fields.String(validate=validate.Length(1, 80), required=True)


class RefundDecisionArgs(http.Schema):
    """What the second person decides."""

    approve = fields.Boolean(required=True)
    why = fields.String(validate=validate.Length(max=200), load_default=None, allow_none=True)


class ShopPaymentSchema(http.Schema):
    """One line of a shop's feed."""

    number = fields.String(required=True)
    kind = fields.String(required=True)
    kind_title = KIND_TITLE
    state = fields.String(required=True)
    title = fields.String(required=True)
    amount_fen = fields.Integer(required=True)
    refunded_fen = fields.Integer(required=True)
    channel = fields.String(allow_none=True, required=True)
    paid_by = fields.Raw(required=True, metadata={"description": "everything that paid, in words"} | SENTENCE)
    points = fields.Integer(allow_none=True, required=True, metadata={"description": "earned"})
    points_taken = fields.Integer(required=True, metadata={"description": "of these taken back by refunds"})
    remark = fields.String(allow_none=True, required=True)
    at = _at(required=True)


class FeedArgs(PageArgs):
    """Which day of the shop's feed."""

    on = fields.Date(load_default=None)


class DayArgs(http.Schema):
    """Which day."""

    on = fields.Date(load_default=None)


class DaySchema(http.Schema):
    """A shop's count and total of a day."""

    on = fields.Date(required=True)
    count = fields.Integer(required=True)
    total_fen = fields.Integer(required=True)
    refunded_fen = fields.Integer(required=True, metadata={"description": "what came back of these payments, whenever it did"})


class OfficeOrdersArgs(PageArgs):
    """Which orders."""

    state = fields.String(load_default=None, validate=validate.Length(max=20))
    kind = fields.String(load_default=None, validate=validate.Length(max=20))
    shop_id = fields.Integer(load_default=None, validate=validate.Range(1, 2**63 - 1))
    member_id = fields.Integer(load_default=None, validate=validate.Range(1, 2**63 - 1))
    number = fields.String(load_default=None, validate=validate.Length(max=40))
    order_id = fields.Integer(load_default=None, validate=validate.Range(1, 2**63 - 1))


class OrderKindSchema(http.Schema):
    """One kind of purchase."""

    kind = fields.String(required=True, attribute="name")
    title = fields.Raw(required=True, metadata=SENTENCE)


class OrderKindsSchema(http.Schema):
    """Every kind of purchase that this mall's house knows."""

    items = fields.List(fields.Nested(OrderKindSchema), required=True)


class OfficeOrderSchema(OrderSchema):
    """An order, seen by the mall's staff."""

    member_id = fields.Integer(allow_none=True, required=True)
    placed_by = fields.String(required=True)
    payment_id = fields.Integer(allow_none=True, required=True)


class MoveSchema(http.Schema):
    """One move of an order."""

    from_state = fields.String(required=True, attribute="from")
    to_state = fields.String(required=True, attribute="to")
    reason = fields.String(allow_none=True, required=True)
    by = fields.String(required=True)
    at = _at(required=True)


class OfficeOrderRefundSchema(OrderRefundSchema):
    """A refund, seen by the mall's staff."""

    order_id = fields.Integer(required=True)
    asked_by = fields.String(required=True)
    decided_by = fields.String(allow_none=True, required=True)
    payment_refund_id = fields.Integer(allow_none=True, required=True)


class OfficeRefundInPartsSchema(OfficeOrderRefundSchema):
    """A refund of an order, seen by the mall's staff, with what gives how much back."""

    given_by = GIVEN_BY


class RefundRowSchema(OfficeOrderRefundSchema):
    """A refund in a list, with its order."""

    order_number = fields.String(required=True, attribute="order.number")
    kind = fields.String(required=True)
    kind_title = KIND_TITLE
    title = fields.String(required=True)
    title_en = TITLE_EN
    shop_id = fields.Integer(allow_none=True, required=True, attribute="order.shop_id")
    member_id = fields.Integer(allow_none=True, required=True, attribute="order.member_id")
    asked_by_name = fields.String(allow_none=True, required=True, metadata={"description": "null: nobody of the staff"})
    decided_by_name = fields.String(allow_none=True, required=True)


class GivenBySchema(GivenBackSchema):
    """What one source of a tender gives back, as the mall's staff see it."""

    source = SOURCE


class WholeRefundSchema(RefundRowSchema):
    """A refund with everything that whoever decides has to see."""

    given_by = fields.List(fields.Nested(GivenBySchema), required=True)
    order_total_fen = fields.Integer(required=True, attribute="order.total_fen")
    left_fen = fields.Integer(required=True, metadata={"description": "what is left of what it asks for, as it stands now"})
    can_be_given = fields.Boolean(required=True, metadata={"description": "whether what is left covers it"})


class OfficeWholeOrderSchema(StaffOrderSchema):
    """An order with its whole history."""

    tenders = fields.List(fields.Nested(OfficeTenderSchema), required=True, attribute="tenders_by_name")
    member_id = fields.Integer(allow_none=True, required=True)
    placed_by = fields.String(required=True)
    payment_id = fields.Integer(allow_none=True, required=True)
    refunds = fields.List(fields.Nested(OfficeRefundInPartsSchema), required=True, attribute="refunds_in_parts")
    history = fields.List(fields.Nested(MoveSchema), required=True)


class RefundsArgs(PageArgs):
    """Which refunds."""

    state = fields.String(load_default=None, validate=validate.Length(max=20))


OrderPage = page_of(OrderSchema)
ShopPaymentPage = page_of(ShopPaymentSchema)
OfficeOrderPage = page_of(OfficeOrderSchema)
OfficeRefundPage = page_of(RefundRowSchema)
