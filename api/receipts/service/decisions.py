"""Find out all there is to know about what was read, and decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from api.kit import clock, db
from api.malls import service as malls
from api.malls.models import Shop
from api.malls.service import MallInfo, ShopNames
from api.receipts import queries, reading, shop_recognition, till_forms
from api.receipts.decision import AMOUNT, CURRENCY, SETTLED, SHOP, TIME, Facts, KnownSale, Slip, Sure, Twin, decide
from api.receipts.models import Receipt, ReceiptPhoto
from api.receipts.policy import ReceiptPolicy, ReceiptRules
from api.receipts.reading import ReceiptReading
from api.receipts.service.moves import CHANNEL
from api.receipts.service.outcomes import carry_out
from api.receipts.service.refund_slips import take_back
from api.receipts.service.till_learning import known_tills
from api.receipts.shop_recognition import Match
from api.receipts.till_forms import Doubt
from api.sales import same_purchase
from api.sales import service as sales
from api.sales.same_purchase import PurchaseFacts, Tie

SAME_PICTURE_BITS = 3


@dataclass(frozen=True)
class Case:
    """A receipt with all that was found out about it."""

    receipt: Receipt
    read: ReceiptReading
    slip: Slip
    match: Match
    mall: MallInfo
    policy: ReceiptPolicy
    shop: Shop | None  # held here, so that the session loads it once

    @property
    def shop_id(self) -> int | None:
        return self.match.shop.id if self.match.shop else None

    @property
    def paid_on(self) -> Any:
        at = self.slip.paid_at.value
        return at.astimezone(ZoneInfo(self.mall.timezone)).date() if at else None

    @property
    def number_key(self) -> str | None:
        # A number that may be a card's or a member's comes again on the next visit, so it joins nothing.
        number = self.slip.receipt_no
        return None if number.doubtful(self.policy.sure_at) else same_purchase.number_key(number.value)

    def columns(self) -> dict[str, Any]:
        """The facts as the receipt keeps them."""
        slip = self.slip
        return {
            "kind": slip.kind,
            "merchant": slip.merchant.value,
            "cashier": self.read.cashier,
            "shop_id": self.shop_id,
            "paid_fen": slip.paid_fen.value,
            "paid_at": slip.paid_at.value,
            "paid_on": self.paid_on,
            "minute_known": self.read.minute_known,
            "receipt_no": slip.receipt_no.value,
            "number_key": self.number_key,
        }


def settle(receipt: Receipt, read: ReceiptReading, photos: Sequence[ReceiptPhoto], *, by: str, **changes: Any) -> None:
    """Decide on what was read and answered, and carry the decision out."""
    case = _case(receipt, read)
    changes |= case.columns()
    if case.slip.kind == "refund":
        take_back(receipt, read, by=by, policy=case.policy, amount_sure=case.slip.auto, **changes)
        return
    db.lock("receipts of", receipt.member_id)  # caps hold exactly
    outcome = decide(_facts(case, photos))
    carry_out(receipt, outcome, by=by, policy=case.policy, tenders=read.tenders, **changes)


def _case(receipt: Receipt, read: ReceiptReading) -> Case:
    mall = malls.mall_info()
    policy = ReceiptPolicy.of(mall.policy.of(ReceiptRules))
    shops = [shop for shop in malls.shops_for_matching() if not shop.closed]
    clues, slip = read.clues(), read.slip(mall.timezone)
    match = shop_recognition.match(clues, shops, (mall.name,), at=policy.match_at, margin=policy.match_margin)
    slip, match = _answered(receipt, slip, match, shops)
    shop = malls.shop(match.shop.id) if match.shop else None
    if shop is not None and match.shop is not None and match.branch_unclear:
        ours = (mall.name, shop.name, *shop.trading_names)  # as written: a name may hold the branch that its normal form drops
        match = replace(match, branch_unclear=shop_recognition.other_branch(clues, match.shop, ours))
    return Case(receipt, read, slip, match, mall, policy, shop)


def _answered(receipt: Receipt, slip: Slip, match: Match, shops: Sequence[ShopNames]) -> tuple[Slip, Match]:
    answers = receipt.answers
    if AMOUNT in answers:
        slip = replace(slip, paid_fen=Sure(answers[AMOUNT], 1.0, slip.paid_fen.box))
    if TIME in answers:
        slip = replace(slip, paid_at=Sure(datetime.fromisoformat(answers[TIME]), 1.0, slip.paid_at.box))
    if CURRENCY in answers:
        slip = replace(slip, currency=answers[CURRENCY])
    if SHOP in answers:
        chosen = next((shop for shop in shops if shop.id == answers[SHOP]), None)
        match = replace(match, shop=chosen) if chosen else match
    return slip, match


def _facts(case: Case, photos: Sequence[ReceiptPhoto]) -> Facts:
    now = clock.now()
    habits, branch_known = queries.habits(
        case.receipt,
        shop_id=case.shop_id,
        paid_on=case.paid_on,
        cashier=case.read.cashier,
        merchant=case.slip.merchant.value,
        fresh_days=case.policy.fresh_days,
        fresh_purchases=case.policy.fresh_purchases,
    )
    shop = case.shop
    return Facts(
        slip=case.slip,
        match=case.match,
        policy=case.policy,
        now=now,
        days_old=(clock.today(case.mall.timezone) - case.paid_on).days if case.paid_on else None,
        currency=case.mall.currency,
        trades_then=shop is None or case.paid_on is None or shop.trades_on(case.paid_on),
        shop_excluded=shop is not None and shop.excluded,
        branch_known=branch_known,
        twins=_twins(case, photos),
        sale=_known_sale(case),
        habits=habits,
        answered=frozenset(case.receipt.answers),
        doubts=_doubts(case),
    )


def _doubts(case: Case) -> tuple[Doubt, ...]:
    """What does not fit the shop's tills. A number that is read too badly says nothing."""
    slip, at = case.slip, case.slip.paid_at.value
    if case.shop_id is None or at is None or slip.kind != "receipt" or (known := known_tills(case.shop_id, at)) is None:
        return ()
    number, timezone = slip.receipt_no.value if case.number_key else None, case.mall.timezone
    judged = [
        till_forms.judge_number(known.learned, number, at, known.near, timezone) if number and case.read.minute_known else None,
        till_forms.judge_amount(known.learned, slip.paid_fen.value) if slip.paid_fen.value else None,
    ]
    return tuple(doubt for doubt in judged if doubt is not None)


def _purchase_facts(case: Case) -> PurchaseFacts | None:
    slip = case.slip
    if slip.paid_at.value is None or slip.paid_fen.value is None:
        return None
    return PurchaseFacts(
        CHANNEL, slip.paid_at.value, case.paid_on, case.read.minute_known, slip.paid_fen.value, case.number_key, None,
        same_purchase.PHOTO, case.receipt.member_id,
    )  # fmt: skip


def _twins(case: Case, photos: Sequence[ReceiptPhoto]) -> tuple[Twin, ...]:
    candidates = queries.near(
        case.receipt.id,
        shop_id=case.shop_id,
        number_key=case.number_key,
        paid_at=case.slip.paid_at.value,
        paid_fen=case.slip.paid_fen.value,
        sha256=[photo.sha256 for photo in photos],
        bands=[band for photo in photos for band in photo.bands or ()],
    )
    facts = _purchase_facts(case)
    return tuple(twin for near in candidates if (twin := _twin(case, facts, near, photos)) is not None)


def _twin(case: Case, facts: PurchaseFacts | None, near: queries.Near, photos: Sequence[ReceiptPhoto]) -> Twin | None:
    how, same_amount = _likeness(case, facts, near, photos)
    if how is None:
        return None
    return Twin(
        receipt_id=near.receipt_id,
        own=near.member_id == case.receipt.member_id,
        state=near.state,
        how=how,
        same_amount=same_amount,
        same_number=near.number_key == case.number_key and near.shop_id == case.shop_id,
        first=_was_first(near, case.receipt),
    )


def _was_first(near: queries.Near, receipt: Receipt) -> bool:
    """Whether another receipt of the same paper was there before: settled, or the member's own and sent earlier, or another member's that
    waited already when this one was sent. So it never matters in which order those sent at once are decided."""
    if near.state in SETTLED:
        return True
    if near.member_id == receipt.member_id:
        return near.receipt_id < receipt.id
    return (near.moved_at, near.receipt_id) < (receipt.sent_at, receipt.id)


def _likeness(case: Case, facts: PurchaseFacts | None, near: queries.Near, photos: Sequence[ReceiptPhoto]) -> tuple[str | None, bool]:
    """How another receipt shows to be of the same paper (number, minute, picture; None: it does not), and whether it says as much."""
    same_amount = near.paid_fen == case.slip.paid_fen.value
    if facts and near.shop_id == case.shop_id and near.paid_at and near.paid_on and near.paid_fen is not None:
        near_facts = PurchaseFacts(CHANNEL, near.paid_at, near.paid_on, near.minute_known, near.paid_fen, near.number_key, None)
        if (tie := same_purchase.tie_between(facts, near_facts)) is not None:
            return ("minute" if tie is Tie.MOMENT else "number"), same_amount
    verdict = reading.same_paper(case.read.stored, near.reading) if near.reading and near.shop_id == case.shop_id else "different"
    if verdict != "different":
        return "number", verdict != "tampered"
    if near.bands is not None and any(_same_picture(photo, near) for photo in photos):
        return "picture", same_amount
    return None, False


def _same_picture(photo: ReceiptPhoto, near: queries.Near) -> bool:
    if photo.sha256 == near.sha256:
        return True
    return bool(photo.bands and near.bands) and reading.distance(list(photo.bands or ()), list(near.bands or ())) <= SAME_PICTURE_BITS


def _known_sale(case: Case) -> KnownSale | None:
    facts = _purchase_facts(case)
    recognized = sales.recognize(case.shop_id, facts) if facts is not None and case.shop_id is not None else None
    if recognized is None:
        return None
    purchase = recognized.purchase
    assert purchase.sale_id is not None
    return KnownSale(
        id=purchase.sale_id,
        paid_fen=purchase.first.paid_fen,
        scored_by=purchase.scored_in,
        returned=0 < purchase.first.paid_fen <= purchase.refunded_fen,
        by_number=recognized.tie is not Tie.MOMENT,
        of_another=any(
            sighting.source == same_purchase.ORDER and sighting.member_id != case.receipt.member_id for sighting in purchase.sightings
        ),
    )
