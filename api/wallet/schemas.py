from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from api.kit import http
from api.kit.money import MAX_FEN
from api.wallet.states import CardRequestState, CardState, CashHandInState, CashShiftState

PIN = validate.Regexp(r"^[0-9]{6}\Z", error="six digits")
CODE = validate.Regexp(r"^[a-z0-9][a-z0-9-]{0,39}\Z", error="1 to 40 small letters, digits and hyphens")
TITLE = validate.Length(1, 60)
WHY = validate.Length(2, 300)
DESK = validate.Length(1, 40)
AMOUNT = validate.Range(1, MAX_FEN)
NUMBER = validate.Regexp(r"^[0-9]{16}\Z", error="sixteen digits")
ID = validate.Range(1, 2**63 - 1)
PAID_BY = validate.OneOf(["cash", "bank_card", "bank_transfer"])
REFERENCE = validate.Regexp(r"^[0-9A-Z][0-9A-Z-]{7,39}\Z", error="8 to 40 capital letters, digits and hyphens")
FACE_FEN = validate.OneOf([10_000, 5_000, 2_000, 1_000, 500, 100, 50, 10])
INVOICE = validate.OneOf(["at_sale", "at_use"])


def _at(**more: object) -> fields.AwareDateTime:
    return fields.AwareDateTime(format="iso", required=True, **more)  # type: ignore[arg-type]


class WalletSentenceSchema(http.Schema):
    """The same in Chinese and English."""

    zh = fields.String(required=True)
    en = fields.String(required=True)


class WalletShopSchema(http.Schema):
    """A shop that accepts a card."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)


class WalletCardSchema(http.Schema):
    """One of my cards. `shops` null: every shop accepts it. `refusal`: why it cannot be used now (frozen, expired)."""

    id = fields.Integer(required=True)
    number_masked = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "electronic or physical"})
    title = fields.Nested(WalletSentenceSchema, required=True)
    state = fields.String(required=True)
    principal_fen = fields.Integer(required=True)
    bonus_fen = fields.Integer(required=True)
    expires_on = fields.Date(required=True, allow_none=True)
    shops = fields.List(fields.Nested(WalletShopSchema), required=True, allow_none=True)
    refusal = fields.String(required=True, allow_none=True)


class WalletSchema(http.Schema):
    """My stored value: principal and bonus apart, and what unfinished orders hold of both."""

    principal_fen = fields.Integer(required=True)
    bonus_fen = fields.Integer(required=True)
    held_principal_fen = fields.Integer(required=True)
    held_bonus_fen = fields.Integer(required=True)
    pin_set = fields.Boolean(required=True)
    pin_above_fen = fields.Integer(required=True, metadata={"description": "a payment with more stored value asks for the PIN"})
    pin_proofs = fields.List(
        fields.String(validate=validate.OneOf(("old_pin", "code", "wechat", "alipay"))),
        required=True,
        metadata={"description": "what proves now who sets a PIN"},
    )
    rests_until_at = fields.AwareDateTime(
        format="iso", required=True, allow_none=True, metadata={"description": "until then it pays nothing: the phone was changed"}
    )
    cards = fields.List(fields.Nested(WalletCardSchema), required=True)


class WalletMovementSchema(http.Schema):
    """One movement of stored value on one card, in words."""

    id = fields.Integer(required=True)
    card_id = fields.Integer(required=True)
    number_masked = fields.String(required=True)
    principal_fen = fields.Integer(required=True)
    bonus_fen = fields.Integer(required=True)
    at = _at()
    cause_type = fields.String(required=True)
    cause_id = fields.String(required=True)
    title = fields.Nested(WalletSentenceSchema, required=True)
    shop = fields.String(required=True, allow_none=True)


WalletMovementPage = http.page_of(WalletMovementSchema)


class PackageSchema(http.Schema):
    """Pay so much, get so much on top."""

    id = fields.Integer(required=True)
    title_zh = fields.String(required=True)
    title_en = fields.String(required=True)
    pays_fen = fields.Integer(required=True)
    bonus_fen = fields.Integer(required=True)
    member_limit = fields.Integer(required=True, allow_none=True, metadata={"description": "how often a member may buy it"})
    ends_at = _at(allow_none=True)


class PackagesSchema(http.Schema):
    """What is offered now; at most a hundred, so it is not paged."""

    items = fields.List(fields.Nested(PackageSchema), required=True)


class PayCodeSchema(http.Schema):
    """A code for a shop's scanner: one use, one minute."""

    code = fields.String(required=True)
    expires_at = _at()
    seconds = fields.Integer(required=True)


class PinArgs(http.Schema):
    """A new PIN with one fresh proof: the old PIN, a code sent to my phone, or for the first PIN a login code of my WeChat or Alipay."""

    pin = fields.String(required=True, validate=PIN)
    old_pin = fields.String(load_default=None, validate=PIN)
    code = fields.String(load_default=None, validate=validate.Regexp(r"^[0-9]{6}\Z", error="six digits"))
    js_code = fields.String(load_default=None, validate=validate.Regexp(r"\A[!-~]{8,128}\Z"), metadata={"description": "of wx.login"})
    auth_code = fields.String(
        load_default=None, validate=validate.Regexp(r"\A[!-~]{8,128}\Z"), metadata={"description": "of my.getAuthCode"}
    )

    @validates_schema
    def one_proof(self, data: dict[str, Any], **_: Any) -> None:
        """Two proofs at once would leave open which of them counted."""
        given = [name for name in ("old_pin", "code", "js_code", "auth_code") if data.get(name) is not None]
        if len(given) > 1:
            raise ValidationError("Give one proof only.", given[1])


class WakeArgs(http.Schema):
    """The PIN from before the phone was changed."""

    pin = fields.String(required=True, validate=PIN)


class BindCardArgs(http.Schema):
    """What is printed on the card and under its scratch field."""

    number = fields.String(required=True, validate=NUMBER)
    activation_code = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{12}\Z", error="twelve digits"))


class CardCheckArgs(http.Schema):
    """The pay code that the shopper shows."""

    code = fields.String(required=True, validate=validate.Length(1, 64))


class CheckedCardSchema(http.Schema):
    """A card of the shopper, and whether it can be used in this shop. Amounts are null unless the mall shows them to shops."""

    number_masked = fields.String(required=True)
    title = fields.Nested(WalletSentenceSchema, required=True)
    usable_here = fields.Boolean(required=True)
    reason = fields.String(required=True, allow_none=True)
    principal_fen = fields.Integer(required=True, allow_none=True)
    bonus_fen = fields.Integer(required=True, allow_none=True)


class CheckedCardsSchema(http.Schema):
    """The cards of the shopper in front of the till."""

    cards = fields.List(fields.Nested(CheckedCardSchema), required=True)


# The office


class ReasonArgs(http.Schema):
    """Why."""

    why = fields.String(required=True, validate=WHY)


class CardsArgs(http.PageArgs):
    """Which cards."""

    number = fields.String(load_default=None, validate=NUMBER)
    state = fields.String(load_default=None, validate=validate.OneOf(list(CardState)))
    product_id = fields.Integer(load_default=None, validate=ID)
    batch_id = fields.Integer(load_default=None, validate=ID)
    member_id = fields.Integer(load_default=None, validate=ID)


class OfficeCardSchema(http.Schema):
    """A card and what is on it."""

    id = fields.Integer(required=True)
    number = fields.String(required=True)
    state = fields.String(required=True)
    product_id = fields.Integer(required=True)
    batch_id = fields.Integer(required=True, allow_none=True)
    member_id = fields.Integer(required=True, allow_none=True)
    principal_fen = fields.Integer(required=True)
    bonus_fen = fields.Integer(required=True)
    expires_on = fields.Date(required=True, allow_none=True)
    successor_id = fields.Integer(required=True, allow_none=True)
    made_at = _at()
    bound_at = _at(allow_none=True)
    codes_locked_until_at = _at(allow_none=True)


class CardProductSchema(http.Schema):
    """A kind of card. `shop_ids` null: every shop accepts it."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    title_zh = fields.String(required=True)
    title_en = fields.String(required=True)
    form = fields.String(required=True)
    named = fields.Boolean(required=True)
    limit_fen = fields.Integer(required=True)
    valid_years = fields.Integer(required=True, allow_none=True)
    bonus_most_bp = fields.Integer(required=True)
    shop_ids = fields.List(fields.Integer(), required=True, allow_none=True)
    invoice = fields.String(required=True)
    closed = fields.Boolean(required=True)
    made_by = fields.String(required=True)
    made_at = _at()


class CardMoveSchema(http.Schema):
    """A step of a card's life."""

    from_state = fields.String(required=True)
    to_state = fields.String(required=True)
    by = fields.String(required=True)
    why = fields.String(required=True, allow_none=True)
    at = _at()


class CardEventSchema(http.Schema):
    """Something that was done with a card."""

    id = fields.Integer(required=True)
    what = fields.String(required=True)
    facts = fields.Dict(keys=fields.String(), required=True)
    why = fields.String(required=True, allow_none=True)
    by = fields.String(required=True)
    at = _at()


class WholeCardSchema(OfficeCardSchema):
    """A card with its kind and its history."""

    product = fields.Nested(CardProductSchema, required=True)
    card_moves = fields.List(fields.Nested(CardMoveSchema), required=True, attribute="moves", data_key="moves")
    events = fields.List(fields.Nested(CardEventSchema), required=True)


class BatchArgs(http.Schema):
    """How many cards of which kind."""

    product_id = fields.Integer(required=True, validate=ID)
    cards = fields.Integer(required=True, validate=validate.Range(1, 5_000))
    note = fields.String(required=True, validate=validate.Length(1, 200))


class CardBatchSchema(http.Schema):
    """Cards made together. Once handed to the printer, nobody can read their activation codes."""

    id = fields.Integer(required=True)
    product_id = fields.Integer(required=True)
    cards = fields.Integer(required=True)
    note = fields.String(required=True)
    made_by = fields.String(required=True)
    made_at = _at()
    printed_by = fields.String(required=True, allow_none=True)
    handed_over_at = _at(allow_none=True)


class PrintLineSchema(http.Schema):
    """What the printer puts on one card."""

    number = fields.String(required=True)
    activation_code = fields.String(required=True)


class PrintPartSchema(http.Schema):
    """A part of the file for the printer, and how many cards are left. It is given once: what was fetched cannot be read again."""

    lines = fields.List(fields.Nested(PrintLineSchema), required=True)
    left = fields.Integer(required=True)


class SaleLineArgs(http.Schema):
    """A card from stock and what is put on it."""

    number = fields.String(required=True, validate=NUMBER)
    principal_fen = fields.Integer(required=True, validate=AMOUNT)


class BuyerArgs(http.Schema):
    """Who buys, as the document says."""

    name = fields.String(required=True, validate=validate.Length(1, 100))
    document = fields.String(required=True, validate=validate.Regexp(r"^[0-9A-Za-z]{6,30}\Z", error="6 to 30 letters and digits"))
    phone = fields.String(required=True, validate=validate.Regexp(r"^\+?[0-9 -]{6,20}\Z", error="a phone number"))


class CardSaleArgs(http.Schema):
    """A sale of cards at the desk."""

    lines = fields.List(fields.Nested(SaleLineArgs), required=True, validate=validate.Length(1, 200))
    paid_by = fields.String(required=True, validate=PAID_BY)
    reference = fields.String(
        load_default=None, allow_none=True, validate=REFERENCE,
        metadata={"description": "of the terminal's slip or the transfer; cash has none"},
    )  # fmt: skip
    buyer_kind = fields.String(load_default="person", validate=validate.OneOf(["person", "company"]))
    buyer = fields.Nested(BuyerArgs, load_default=None, load_only=True)  # who else decides about a sale does not see who buys


class CardSalesArgs(http.PageArgs):
    """Which sales."""

    paid_by = fields.String(load_default=None, validate=PAID_BY)
    sold_on = fields.Date(load_default=None)
    shift_id = fields.Integer(load_default=None, validate=ID)


class CardSaleSchema(http.Schema):
    """A sale of cards. Who bought is not shown; `buyer_known` says whether it was written down."""

    id = fields.Integer(required=True)
    total_fen = fields.Integer(required=True)
    cards = fields.Integer(required=True)
    paid_by = fields.String(required=True)
    reference = fields.String(required=True, allow_none=True)
    shift_id = fields.Integer(required=True, allow_none=True)
    buyer_kind = fields.String(required=True)
    buyer_known = fields.Function(lambda sale: sale.buyer_key is not None, required=True, metadata={"type": "boolean"})
    invoice = fields.String(required=True)
    sold_by = fields.String(required=True)
    sold_at = _at()
    sold_on = fields.Date(required=True)


class ProductFields(http.Schema):
    """What may change of a kind of card."""

    title_zh = fields.String(required=True, validate=TITLE)
    title_en = fields.String(required=True, validate=TITLE)
    limit_fen = fields.Integer(required=True, validate=AMOUNT)
    valid_years = fields.Integer(load_default=None, validate=validate.Range(1, 100), allow_none=True)
    bonus_most_bp = fields.Integer(load_default=10_000, validate=validate.Range(0, 10_000))
    shop_ids = fields.List(fields.Integer(validate=ID), load_default=None, allow_none=True, validate=validate.Length(1, 1_000))


class ProductArgs(ProductFields):
    """A new kind of card."""

    code = fields.String(required=True, validate=CODE)
    form = fields.String(required=True, validate=validate.OneOf(["electronic", "physical"]))
    named = fields.Boolean(required=True)
    invoice = fields.String(required=True, validate=INVOICE)


class ProductChanges(http.Schema):
    """What changes of a kind of card, and why."""

    title_zh = fields.String(validate=TITLE)
    title_en = fields.String(validate=TITLE)
    limit_fen = fields.Integer(validate=AMOUNT)
    valid_years = fields.Integer(validate=validate.Range(1, 100), allow_none=True)
    bonus_most_bp = fields.Integer(validate=validate.Range(0, 10_000))
    shop_ids = fields.List(fields.Integer(validate=ID), allow_none=True, validate=validate.Length(1, 1_000))
    closed = fields.Boolean()
    why = fields.String(required=True, validate=WHY)


class PackageArgs(http.Schema):
    """A recharge package. `bonus_bearer`: the shop that pays for the bonus, 0: the mall."""

    product_id = fields.Integer(required=True, validate=ID)
    title_zh = fields.String(required=True, validate=TITLE)
    title_en = fields.String(required=True, validate=TITLE)
    pays_fen = fields.Integer(required=True, validate=AMOUNT)
    bonus_fen = fields.Integer(required=True, validate=validate.Range(0, MAX_FEN))
    bonus_bearer = fields.Integer(load_default=0, validate=validate.Range(0, 2**63 - 1))
    member_limit = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(1, 1_000))
    starts_at = _at()
    ends_at = fields.AwareDateTime(format="iso", load_default=None, allow_none=True)


class PackageChanges(http.Schema):
    """What changes of a package, and why. What is paid and given stays: it was bought."""

    title_zh = fields.String(validate=TITLE)
    title_en = fields.String(validate=TITLE)
    member_limit = fields.Integer(allow_none=True, validate=validate.Range(1, 1_000))
    ends_at = fields.AwareDateTime(format="iso", allow_none=True)
    why = fields.String(required=True, validate=WHY)


class PackagesArgs(http.PageArgs):
    """Which packages."""

    offered = fields.Boolean(load_default=None, metadata={"description": "only those offered now, or only the others"})


class OfficePackageSchema(PackageSchema):
    """A package as the office sees it."""

    product_id = fields.Integer(required=True)
    bonus_bearer = fields.Integer(required=True)
    starts_at = _at()
    made_by = fields.String(required=True)


class RechargesArgs(http.PageArgs):
    """Whose recharges."""

    member_id = fields.Integer(load_default=None, validate=ID)


class RechargeSchema(http.Schema):
    """Money that became stored value, and what was paid back of it."""

    id = fields.Integer(required=True)
    order_id = fields.Integer(required=True)
    member_id = fields.Integer(required=True)
    card_id = fields.Integer(required=True)
    package_id = fields.Integer(required=True, allow_none=True)
    principal_fen = fields.Integer(required=True)
    bonus_fen = fields.Integer(required=True)
    bonus_bearer = fields.Integer(required=True)
    invoice = fields.String(required=True)
    recharged_at = _at()
    out_fen = fields.Integer(required=True, metadata={"description": "paid back as money"})
    deducted_fen = fields.Integer(required=True, metadata={"description": "kept back, because as much of its bonus was spent"})
    void_bonus_fen = fields.Integer(required=True)


class CardRequestArgs(http.Schema):
    """What is wanted with a card. `new_number`: a card from stock that replaces it; without, a member gets an electronic one."""

    card_id = fields.Integer(required=True, validate=ID)
    what = fields.String(required=True, validate=validate.OneOf(["unfreeze", "replace", "void"]))
    new_number = fields.String(load_default=None, allow_none=True, validate=NUMBER)
    why = fields.String(required=True, validate=WHY)


class CardRequestsArgs(http.PageArgs):
    """Which requests."""

    state = fields.String(load_default=None, validate=validate.OneOf(list(CardRequestState)))
    card_id = fields.Integer(load_default=None, validate=ID)


class CardRequestSchema(http.Schema):
    """What somebody wants done with a card; with much on it, a second person decides."""

    id = fields.Integer(required=True)
    card_id = fields.Integer(required=True)
    what = fields.String(required=True)
    state = fields.String(required=True)
    new_number = fields.String(required=True, allow_none=True)
    new_card_id = fields.Integer(required=True, allow_none=True)
    balance_fen = fields.Integer(required=True)
    why = fields.String(required=True)
    proposed_by = fields.String(required=True)
    proposed_at = _at()
    decided_by = fields.String(required=True, allow_none=True)


class PiecesArgs(http.Schema):
    """So many notes or coins of one value."""

    face_fen = fields.Integer(required=True, validate=FACE_FEN)
    pieces = fields.Integer(required=True, validate=validate.Range(0, 10_000))


class CountArgs(http.Schema):
    """Counted cash: either one sum or notes and coins by value."""

    total_fen = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(0, MAX_FEN))
    pieces = fields.List(fields.Nested(PiecesArgs), load_default=list, validate=validate.Length(max=8))


class CashShiftArgs(CountArgs):
    """A cash shift at a desk, with its counted float."""

    desk = fields.String(required=True, validate=DESK)


class CashShiftsArgs(http.PageArgs):
    """Which shifts."""

    state = fields.String(load_default=None, validate=validate.OneOf(list(CashShiftState)))
    opened_by = fields.String(load_default=None, validate=validate.Regexp(r"^staff:[0-9]{1,18}\Z", error="staff:number"))


def _counted_twice(name: str, *, type: str = "integer", **metadata: str) -> fields.Function:
    # Null until two people have counted.
    return fields.Function(
        lambda shift: None if shift.recounted_fen is None else getattr(shift, name),
        required=True, metadata={"type": [type, "null"]} | metadata,
    )  # fmt: skip


class CashShiftSchema(http.Schema):
    """A cash shift. Until two people have counted, nobody sees what should lie there nor what the first one counted."""

    id = fields.Integer(required=True)
    desk = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(CashShiftState)))
    float_fen = fields.Integer(required=True)
    handed_in_fen = fields.Integer(required=True)
    sold_fen = _counted_twice("sold_fen")
    expected_fen = _counted_twice("expected_fen")
    counted_fen = _counted_twice("counted_fen")
    recounted_fen = _counted_twice("recounted_fen")
    difference_fen = _counted_twice("difference_fen", description="more lay there than should have, or less")
    pieces = _counted_twice("pieces", type="object", description="of each count (float, counted, recounted): how many of each value in fen")
    opened_by = fields.String(required=True)
    opened_at = _at()
    counted_by = fields.String(required=True, allow_none=True)
    closed_by = fields.String(required=True, allow_none=True)
    closed_at = fields.AwareDateTime(format="iso", required=True, allow_none=True)
    explained_by = fields.String(required=True, allow_none=True)
    why = fields.String(required=True, allow_none=True)


class OwnCashShiftSchema(http.Schema):
    """My cash shift, when there is one that two people have not counted yet."""

    shift = fields.Nested(CashShiftSchema, required=True, allow_none=True)


class HandInArgs(http.Schema):
    """How much is handed in, or was counted by who takes it."""

    amount_fen = fields.Integer(required=True, validate=AMOUNT)


class HandInsArgs(http.PageArgs):
    """Which hand-ins."""

    state = fields.String(load_default=None, validate=validate.OneOf(list(CashHandInState)))
    shift_id = fields.Integer(load_default=None, validate=ID)


class CashHandInSchema(http.Schema):
    """Cash handed in during a shift: given by one person, taken by another."""

    id = fields.Integer(required=True)
    shift_id = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(list(CashHandInState)))
    amount_fen = fields.Integer(required=True)
    handed_by = fields.String(required=True)
    handed_at = _at()
    taken_by = fields.String(required=True, allow_none=True)
    moved_at = _at()


class CardDifferenceSchema(http.Schema):
    """Something that does not agree, and which card it is."""

    what = fields.String(required=True)
    subject = fields.String(required=True)
    expected = fields.Integer(required=True)
    found = fields.Integer(required=True)


class BalanceReportSchema(http.Schema):
    """The balance of all cards on one day."""

    id = fields.Integer(required=True)
    reported_on = fields.Date(required=True)
    made_at = _at()
    figures = fields.Dict(keys=fields.String(), required=True)
    differences = fields.List(fields.Nested(CardDifferenceSchema), required=True)


class BalanceLinesArgs(http.PageArgs):
    """Of which report."""

    report_id = fields.Integer(required=True, validate=ID)


class BalanceLineSchema(http.Schema):
    """opening + in − out = closing of one card that moved."""

    card_id = fields.Integer(required=True)
    principal_opening_fen = fields.Integer(required=True)
    principal_in_fen = fields.Integer(required=True)
    principal_out_fen = fields.Integer(required=True)
    principal_closing_fen = fields.Integer(required=True)
    bonus_opening_fen = fields.Integer(required=True)
    bonus_in_fen = fields.Integer(required=True)
    bonus_out_fen = fields.Integer(required=True)
    bonus_closing_fen = fields.Integer(required=True)


OfficeCardPage = http.page_of(OfficeCardSchema)
CardBatchPage = http.page_of(CardBatchSchema)
CardSalePage = http.page_of(CardSaleSchema)
CardProductPage = http.page_of(CardProductSchema)
OfficePackagePage = http.page_of(OfficePackageSchema)
RechargePage = http.page_of(RechargeSchema)
CashShiftPage = http.page_of(CashShiftSchema)
CashHandInPage = http.page_of(CashHandInSchema)
CardRequestPage = http.page_of(CardRequestSchema)
BalanceReportPage = http.page_of(BalanceReportSchema)
BalanceLinePage = http.page_of(BalanceLineSchema)
