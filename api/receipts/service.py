"""What can be done with receipts: take one in, read it, decide on it, score it, ask about it, correct it, withdraw it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import defer

from api.kit import clock, db, limits, live, pages, states, storage
from api.kit.db import session
from api.kit.money import MAX_FEN
from api.malls import service as malls
from api.malls.models import Shop
from api.malls.service import MallInfo, ShopNames
from api.members import service as members
from api.members.service import merging
from api.points import service as points
from api.receipts import matching, queries, reading, telling
from api.receipts import photos as pictures
from api.receipts.decision import AMOUNT, SHOP, TIME, Choice, Facts, KnownSale, Outcome, Question, Slip, Sure, Twin, decide, likely_answer
from api.receipts.errors import (
    AnswerNotOffered,
    CorrectionTooLate,
    CorrectionUnfit,
    FactsIncomplete,
    NoQuestionOpen,
    PhotoMissing,
    PhotoNotFound,
    ReceiptNotFound,
    ReceiptQueueFull,
    TooManyPhotos,
)
from api.receipts.matching import Match
from api.receipts.models import Receipt, ReceiptCorrection, ReceiptPhoto, ReceiptReview, ReviewerMember
from api.receipts.policy import ReceiptPolicy
from api.receipts.reading import ReceiptReading
from api.receipts.reasons import Reason
from api.receipts.states import OPEN, SHOWN, ReceiptState, ReviewState
from api.sales import matching as same_purchase
from api.sales import service as sales

MAX_READS = 3
MAX_PHOTOS = 4
SAME_PICTURE_BITS = 3
CHANNEL = "receipt"
READER = "system:reader"

#: Generous by address: everybody in the mall's Wi-Fi has the same one.
BY_MEMBER = limits.Limit("receipts-member", 40, 600)
BY_DEVICE = limits.Limit("receipts-device", 40, 600)
BY_ADDRESS = limits.Limit("receipts-address", 3000, 60)


# Taking in


@dataclass(frozen=True)
class Picture:
    """A checked picture: its bytes and its format by magic."""

    data: bytes
    format: str


def check(photos: Sequence[bytes]) -> list[Picture]:
    """The pictures, checked by magic and header only. PhotoMissing, TooManyPhotos and the refusals of one picture."""
    if not photos:
        raise PhotoMissing()
    if len(photos) > MAX_PHOTOS:
        raise TooManyPhotos(photos=len(photos))
    return [Picture(data, reading.check_photo(data)) for data in photos]


def spend_limits(member_id: int, device: str, address: str) -> None:
    """Count one sending of this member, device and address. TooOften."""
    limits.spend(BY_ADDRESS, address)
    limits.spend(BY_DEVICE, f"{db.mall()}:{device}")
    limits.spend(BY_MEMBER, f"{db.mall()}:{member_id}")


def take_in(member_id: int, pictures: Sequence[Picture], *, device: str, queue_limit: int) -> Receipt:
    """Store the pictures of one receipt, to be read. ReceiptQueueFull when too many wait: then nothing is stored."""
    if queries.waiting_to_be_read(queue_limit) >= queue_limit:
        raise ReceiptQueueFull()
    now = clock.now()
    receipt = Receipt(
        state=ReceiptState.RECEIVED,
        member_id=members.hold(member_id),
        sent_at=now,
        moved_at=now,
        device=device,
        why=Reason.WAITING,
        details={},
        answers={},
    )
    session.add(receipt)
    session.flush()
    rows = [_photo(receipt.id, position, picture, now) for position, picture in enumerate(pictures, 1)]
    session.add_all(rows)
    session.flush()
    _store(rows, pictures)
    _tell(receipt)
    return receipt


def _photo(receipt_id: int, position: int, picture: Picture, now: datetime) -> ReceiptPhoto:
    return ReceiptPhoto(
        receipt_id=receipt_id,
        position=position,
        file_key=storage.new_key(db.mall(), "receipts", picture.format.lower()),
        format=picture.format,
        size_bytes=len(picture.data),
        sha256=hashlib.sha256(picture.data).hexdigest(),
        stored_at=now,
    )


def _store(rows: Sequence[ReceiptPhoto], pictures: Sequence[Picture]) -> None:
    # Last, when the database has accepted all: a refusal leaves no file behind (a lost commit's files are swept up).
    stored: list[str] = []
    try:
        for row, picture in zip(rows, pictures, strict=True):
            storage.put(row.file_key, picture.data)
            stored.append(row.file_key)
    except BaseException:
        for key in stored:
            storage.remove(key)
        raise


# Reading


def begin_reading(receipt_id: int) -> list[str] | None:
    """Count one more read and give the photos' keys; None when there is nothing to read (any more).

    After MAX_READS reads that never ended the photo is what ends them: the receipt is set aside.
    """
    receipt = _locked(receipt_id)
    if receipt is None or receipt.state not in (ReceiptState.RECEIVED, ReceiptState.READING):
        return None
    if receipt.reads >= MAX_READS:
        _set_aside(receipt)
        return None
    _move(receipt, ReceiptState.READING, Reason.BEING_READ, reads=receipt.reads + 1)
    return list(session.scalars(select(ReceiptPhoto.file_key).where(ReceiptPhoto.receipt_id == receipt_id).order_by(ReceiptPhoto.position)))


def reading_failed(receipt_id: int) -> bool:
    """A read ended in an error; True when it was the last one and the receipt is set aside."""
    receipt = _locked(receipt_id)
    if receipt is None or receipt.state != ReceiptState.READING:
        return True
    if receipt.reads < MAX_READS:
        return False
    _set_aside(receipt)
    return True


def _set_aside(receipt: Receipt) -> None:
    _move(receipt, ReceiptState.SET_ASIDE, Reason.READER_GAVE_UP, decided_at=clock.now())


def conclude(receipt_id: int, read: ReceiptReading | None) -> None:
    """Keep what was read, decide, and carry the decision out. None: the picture could not be opened."""
    receipt = _locked(receipt_id)
    if receipt is None or receipt.state != ReceiptState.READING:
        return  # withdrawn meanwhile, or another reader was faster
    if read is None:
        _move(receipt, ReceiptState.REFUSED, Reason.NOT_LEGIBLE, decided_at=clock.now())
        return
    photos = _photos(receipt_id)
    for photo, found in zip(photos, read.photos, strict=True):
        photo.bands, photo.lines = list(found.bands), list(found.lines)
    _settle(receipt, read, photos, by=READER, reading=read.stored)


# Deciding


@dataclass(frozen=True)
class _Case:
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
        return same_purchase.number_key(self.slip.receipt_no.value)

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


def _settle(receipt: Receipt, read: ReceiptReading, photos: Sequence[ReceiptPhoto], *, by: str, **changes: Any) -> None:
    case = _case(receipt, read)
    changes |= case.columns()
    if case.slip.kind == "refund":
        take_back(receipt, read, by=by, policy=case.policy, **changes)
        return
    db.alone("receipts of", receipt.member_id)  # caps hold exactly
    outcome = decide(_facts(case, photos))
    carry_out(receipt, outcome, by=by, policy=case.policy, tenders=read.tenders, **changes)


def _case(receipt: Receipt, read: ReceiptReading) -> _Case:
    mall = malls.mall_info()
    policy = ReceiptPolicy.of(mall.policy)
    shops = [shop for shop in malls.shops_for_matching() if not shop.closed]
    clues, slip = read.clues(), read.slip(mall.timezone)
    found = matching.match(clues, shops, (mall.name,), at=policy.match_at, margin=policy.match_margin)
    slip, found = _answered(receipt, slip, found, shops)
    shop = malls.shop(found.shop.id) if found.shop else None
    if shop is not None and found.shop is not None and found.branch_unclear:
        ours = (mall.name, shop.name, *shop.trading_names)  # as written: a name may hold the branch that its normal form drops
        found = replace(found, branch_unclear=matching.other_branch(clues, found.shop, ours))
    return _Case(receipt, read, slip, found, mall, policy, shop)


def _answered(receipt: Receipt, slip: Slip, found: Match, shops: Sequence[ShopNames]) -> tuple[Slip, Match]:
    answers = receipt.answers
    if AMOUNT in answers:
        slip = replace(slip, paid_fen=Sure(answers[AMOUNT], 1.0, slip.paid_fen.box))
    if TIME in answers:
        slip = replace(slip, paid_at=Sure(datetime.fromisoformat(answers[TIME]), 1.0, slip.paid_at.box))
    if SHOP in answers:
        chosen = next((shop for shop in shops if shop.id == answers[SHOP]), None)
        found = replace(found, shop=chosen) if chosen else found
    return slip, found


def _facts(case: _Case, photos: Sequence[ReceiptPhoto]) -> Facts:
    now = clock.now()
    habits, branch_known = queries.habits(
        member_id=case.receipt.member_id,
        shop_id=case.shop_id,
        paid_on=case.paid_on,
        cashier=case.read.cashier,
        merchant=case.slip.merchant.value,
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
    )


def _told(case: _Case) -> same_purchase.Told | None:
    slip = case.slip
    if slip.paid_at.value is None or slip.paid_fen.value is None:
        return None
    return same_purchase.Told(CHANNEL, slip.paid_at.value, case.paid_on, case.read.minute_known, slip.paid_fen.value, case.number_key, None)


def _twins(case: _Case, photos: Sequence[ReceiptPhoto]) -> tuple[Twin, ...]:
    found = queries.near(
        case.receipt.id,
        shop_id=case.shop_id,
        number_key=case.number_key,
        paid_at=case.slip.paid_at.value,
        paid_fen=case.slip.paid_fen.value,
        sha256=[photo.sha256 for photo in photos],
        bands=[band for photo in photos for band in photo.bands or ()],
    )
    told = _told(case)
    return tuple(twin for near in found if (twin := _twin(case, told, near, photos)) is not None)


def _twin(case: _Case, told: same_purchase.Told | None, near: queries.Near, photos: Sequence[ReceiptPhoto]) -> Twin | None:
    how, same_amount = _likeness(case, told, near, photos)
    if how is None:
        return None
    return Twin(
        receipt_id=near.receipt_id,
        own=near.member_id == case.receipt.member_id,
        state=near.state,
        how=how,
        same_amount=same_amount,
        same_number=near.number_key == case.number_key and near.shop_id == case.shop_id,
    )


def _likeness(case: _Case, told: same_purchase.Told | None, near: queries.Near, photos: Sequence[ReceiptPhoto]) -> tuple[str | None, bool]:
    """How another receipt shows to be of the same paper (number, minute, picture; None: it does not), and whether it says as much."""
    same_amount = near.paid_fen == case.slip.paid_fen.value
    if told and near.shop_id == case.shop_id and near.paid_at and near.paid_on and near.paid_fen is not None:
        other = same_purchase.Told(CHANNEL, near.paid_at, near.paid_on, near.minute_known, near.paid_fen, near.number_key, None)
        if same_purchase.choose(told, [same_purchase.Candidate(near.receipt_id, [other])]) is not None:
            return ("number" if told.number_key and told.number_key == near.number_key else "minute"), same_amount
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


def _known_sale(case: _Case) -> KnownSale | None:
    told = _told(case)
    if told is None or case.shop_id is None:
        return None
    found = sales.find(case.shop_id, receipt_no=case.slip.receipt_no.value, paid_at=told.paid_at, paid_fen=told.paid_fen)
    known = {sale.id: sale for sale in found}
    chosen = same_purchase.choose(told, [_candidate(sale) for sale in found])
    if chosen is None:
        return None
    sale = known[chosen]
    return KnownSale(
        id=sale.id,
        paid_fen=sale.paid_fen,
        scored_by=sales.sighting(sale.scored_by).channel if sale.scored_by is not None else None,
        returned=0 < sale.paid_fen <= sale.refunded_fen,
        by_number=told.number_key is not None and told.number_key == same_purchase.number_key(sale.receipt_no),
    )


def _candidate(sale: Any) -> same_purchase.Candidate:
    number = same_purchase.number_key(sale.receipt_no)
    return same_purchase.Candidate(
        sale.id, [same_purchase.Told(sale.channel, sale.paid_at, sale.paid_on, sale.minute_known, sale.paid_fen, number, None)]
    )


# Carrying out


def carry_out(
    receipt: Receipt,
    outcome: Outcome,
    *,
    by: str,
    policy: ReceiptPolicy,
    tenders: Sequence[tuple[str, int]] = (),
    **changes: Any,
) -> None:
    """Move the receipt as decided: score it, open its case, ask its question, or say no."""
    if outcome.state == ReceiptState.SCORED:
        score(receipt, by=by, tenders=tenders, **changes)
    elif outcome.state == ReceiptState.IN_REVIEW:
        to_review(receipt, outcome.reason, by=by, policy=policy, facts=outcome.facts, **changes)
    elif outcome.question is not None:
        asked = _question(outcome.question, changes.get("reading") or receipt.reading or {})
        _move(receipt, outcome.state, outcome.reason, by=by, facts=outcome.facts, question=asked, **changes)
    else:
        _move(receipt, outcome.state, outcome.reason, by=by, facts=outcome.facts, decided_at=clock.now(), question=None, **changes)


def _question(question: Question, stored: dict[str, Any]) -> dict[str, Any]:
    return {
        "field": question.field,
        "choices": [_choice(choice, stored) for choice in question.choices],
        "asked_at": clock.now().isoformat(),
    }


def _choice(choice: Choice, stored: dict[str, Any]) -> dict[str, Any]:
    photo, box = reading.located(stored, choice.box) or (None, None)
    return {"value": choice.value, "label": choice.label, "confidence": choice.confidence, "photo": photo, "box": box}


def score(receipt: Receipt, *, by: str, tenders: Sequence[tuple[str, int]] = (), **changes: Any) -> None:
    """Record the sale and award its points, unless another sighting of the same purchase was first."""
    facts = _scoring_facts(receipt, changes)
    seen = sales.sight(
        channel=CHANNEL,
        source_type=CHANNEL,
        source_id=receipt.id,
        shop_id=facts["shop_id"],
        member_id=receipt.member_id,
        paid_at=facts["paid_at"],
        minute_known=facts["minute_known"],
        paid_fen=facts["paid_fen"],
        receipt_no=facts["receipt_no"],
        tenders=_tenders(tenders, facts["paid_fen"]),
    )
    now = clock.now()
    if not sales.claim_score(seen.sale_id, seen.sighting_id, receipt.member_id):
        reason, why = _who_was_first(receipt.member_id, seen)
        _move(receipt, ReceiptState.REFUSED, reason, by=by, facts=why, decided_at=now, question=None, **changes)
        return
    award = points.earn(seen.sale_id, by=by)
    told = {"shop": malls.shop(facts["shop_id"]).name, "amount_fen": award.paid_fen, "points": award.points}
    kept = {"points": award.points, "state": str(award.state), "explanation": award.explanation}
    changes |= {"sale_id": seen.sale_id, "award": kept, "decided_at": now, "question": None}
    _move(receipt, ReceiptState.SCORED, Reason.AWARDED if award.points else Reason.EARNS_NOTHING, by=by, facts=told, **changes)


def _scoring_facts(receipt: Receipt, changes: dict[str, Any]) -> dict[str, Any]:
    return {name: changes.get(name, getattr(receipt, name)) for name in ("shop_id", "paid_at", "minute_known", "paid_fen", "receipt_no")}


def _tenders(printed: Sequence[tuple[str, int]], paid_fen: int) -> list[sales.Tender]:
    # Cash handed over is more than was paid: what does not add up is not passed on.
    return [sales.Tender(kind, amount) for kind, amount in printed] if sum(amount for _, amount in printed) <= paid_fen else []


def apply_refund(receipt: Receipt, read: ReceiptReading, *, by: str, purchase_id: int | None) -> None:
    """A reviewer lets a refund slip through, for the purchase named or the single one that belongs to it. FactsIncomplete."""
    facts: dict[str, Any] = {name: getattr(receipt, name) for name in ("shop_id", "paid_fen", "paid_at", "number_key")}
    purchase = _locked(purchase_id) if purchase_id is not None else None
    if purchase is None:
        take_back(receipt, read, by=by, policy=ReceiptPolicy.of(malls.policy()), **facts)
    elif purchase.state != ReceiptState.SCORED or purchase.shop_id != receipt.shop_id:
        raise FactsIncomplete(missing=["purchase_id"])
    else:
        _give_back(receipt, purchase, by=by, **facts)


def _who_was_first(member_id: int, seen: sales.Sighted) -> tuple[Reason, dict[str, Any]]:
    sale = sales.read(seen.sale_id)
    first = sales.sighting(sale.scored_by) if sale.scored_by is not None else None
    if first is None or first.channel == CHANNEL:
        return (Reason.SCORED_BEFORE if sale.member_id == member_id else Reason.SCORED_FOR_ANOTHER), {}
    return Reason.SCORED_BY_CHANNEL, {"channel": first.channel}


def to_review(
    receipt: Receipt, reason: Reason, *, by: str, policy: ReceiptPolicy, facts: dict[str, Any] | None = None, **changes: Any
) -> None:
    """Put the receipt before a person, with the promised time."""
    now = clock.now()
    due = now + timedelta(minutes=policy.review_minutes)
    told = (facts or {}) | {"decide_by": due.isoformat()}
    _move(receipt, ReceiptState.IN_REVIEW, reason, by=by, facts=told, question=None, decided_at=None, **changes)
    session.add(
        ReceiptReview(state=ReviewState.OPEN, receipt_id=receipt.id, member_id=receipt.member_id, reason=reason, opened_at=now, due_at=due)
    )


def refuse(receipt: Receipt, reason: Reason, *, by: str) -> None:
    """Refuse the receipt for a reason that the shopper is told."""
    told = {"kind": receipt.kind, "shop": receipt.merchant, "days": ReceiptPolicy.of(malls.policy()).window_days}
    _move(receipt, ReceiptState.REFUSED, reason, by=by, facts=told, question=None, decided_at=clock.now())


def take_back(receipt: Receipt, read: ReceiptReading, *, by: str, policy: ReceiptPolicy, **changes: Any) -> None:
    """A refund slip: find the purchase it belongs to and take back the points of what was refunded."""
    changes |= {"paid_fen": abs(changes["paid_fen"] or 0) or None}
    purchase, doubt = _purchase_of(receipt, read, changes)
    if doubt is not None and receipt.state != ReceiptState.IN_REVIEW:
        to_review(receipt, Reason.REFUND_UNCLEAR, by=by, policy=policy, facts=doubt, **changes)
    elif doubt is not None:
        raise FactsIncomplete(**doubt)
    elif purchase is None:
        _move(receipt, ReceiptState.REFUSED, Reason.REFUND_WITHOUT_RECEIPT, by=by, decided_at=clock.now(), **changes)
    else:
        _give_back(receipt, purchase, by=by, **changes)


def _purchase_of(receipt: Receipt, read: ReceiptReading, changes: dict[str, Any]) -> tuple[Receipt | None, dict[str, Any] | None]:
    """The scored purchase that a refund slip speaks of, or what keeps us from being sure."""
    shop_id, amount = changes["shop_id"], changes["paid_fen"]
    missing = [name for name in ("shop_id", "paid_fen") if not changes[name]]
    if missing:
        return None, {"missing": missing}
    number = same_purchase.number_key(read.original_no)
    found = queries.scored_purchases(shop_id, number, amount, (changes["paid_at"] or clock.now()) + timedelta(days=1))
    own = [one for one in found if one.member_id == receipt.member_id]
    if not found:
        return None, None
    chosen = own if own else found
    if len(chosen) > 1 or amount > (chosen[0].paid_fen or 0):
        return None, {"receipts": [one.id for one in found]}
    return chosen[0], None


def _give_back(receipt: Receipt, purchase: Receipt, *, by: str, **changes: Any) -> None:
    assert purchase.sale_id is not None
    amount_fen, at = changes["paid_fen"], changes["paid_at"] or clock.now()
    sale = sales.read(purchase.sale_id)
    if _slip_known(receipt, changes) or sale.refunded_fen + amount_fen > sale.paid_fen:
        _move(receipt, ReceiptState.REFUSED, Reason.REFUND_APPLIED_BEFORE, by=by, decided_at=clock.now(), **changes)
        return
    refund = sales.refund(sale.id, amount_fen=amount_fen, source_type=CHANNEL, source_id=receipt.id, at=at)
    points.take_back(refund.id, by=by)
    told = {"amount_fen": amount_fen, "receipt_id": purchase.id if purchase.member_id == receipt.member_id else None}
    changes |= {"sale_id": sale.id, "decided_at": clock.now()}
    _move(receipt, ReceiptState.TAKEN_BACK, Reason.POINTS_TAKEN_BACK, by=by, facts=told, **changes)
    if sale.refunded_fen >= sale.paid_fen:
        _move(purchase, ReceiptState.RETURNED, Reason.PURCHASE_RETURNED, by=by)


def _slip_known(receipt: Receipt, changes: dict[str, Any]) -> bool:
    """Whether the same refund slip took points back before: same shop, number, moment and amount."""
    same = [getattr(Receipt, name) == changes[name] for name in ("shop_id", "paid_fen", "paid_at") if changes.get(name) is not None]
    if changes.get("number_key") is not None:
        same.append(Receipt.number_key == changes["number_key"])
    known = select(func.count()).where(Receipt.state == ReceiptState.TAKEN_BACK, Receipt.id != receipt.id, *same)
    return bool(session.scalar(known))


# What the shopper does


def receipts_of(member_id: int, *, cursor: str | None, limit: int, show: str | None = None) -> pages.Page[Receipt]:
    """The member's receipts, newest first; of all, or only those that `show` (a key of SHOWN) names."""
    query = select(Receipt).where(Receipt.member_id == member_id)
    if show is not None:
        query = query.where(Receipt.state.in_(SHOWN[show]))
    return pages.page(query, Receipt.sent_at, Receipt.id, cursor=cursor, limit=limit)


def receipts_of_mall(
    *,
    state: str | None,
    shop_id: int | None,
    since: datetime | None,
    until: datetime | None,
    member_id: int | None = None,
    cursor: str | None,
    limit: int,
) -> pages.Page[Receipt]:
    """Everybody's receipts, newest first, without what the reader said; `since` and `until` are a half-open range of `sent_at`."""
    query = select(Receipt).options(defer(Receipt.reading))
    if member_id is not None:
        query = query.where(Receipt.member_id == member_id)
    if state is not None:
        query = query.where(Receipt.state == state)
    if shop_id is not None:
        query = query.where(Receipt.shop_id == shop_id)
    if since is not None:
        query = query.where(Receipt.sent_at >= since)
    if until is not None:
        query = query.where(Receipt.sent_at < until)
    return pages.page(query, Receipt.sent_at, Receipt.id, cursor=cursor, limit=limit)


def export(member_id: int) -> list[dict[str, Any]]:
    """The member's receipts, for the member's own export of personal data. At most 10,000, newest first."""
    rows = session.scalars(select(Receipt).where(Receipt.member_id == member_id).order_by(Receipt.id.desc()).limit(10_000))
    return [
        {
            "sent_at": row.sent_at.isoformat(),
            "state": row.state,
            "reason": row.why,
            "merchant": row.merchant,
            "paid_fen": row.paid_fen,
            "paid_at": row.paid_at.isoformat() if row.paid_at else None,
            "receipt_no": row.receipt_no,
        }
        for row in rows
    ]


def count_of(member_id: int) -> int:
    """How many receipts a member has sent."""
    return session.scalar(select(func.count()).where(Receipt.member_id == member_id)) or 0


def lock_all(member_id: int, ids: Iterable[int] | None = None) -> None:
    """Hold a member's receipts, all or these: their decisions wait."""
    query = select(Receipt.id).where(Receipt.member_id == member_id).order_by(Receipt.id).with_for_update()
    session.execute(query if ids is None else query.where(Receipt.id.in_(list(ids)))).all()


def hand_over(from_member_id: int, into_member_id: int) -> list[merging.Moved]:
    """Two memberships became one: receipts, their cases, and what reviewers must not see of their own. Returns what moved."""
    known = select(ReviewerMember.staff_id).where(ReviewerMember.member_id == into_member_id)
    return [
        *merging.move("receipt", Receipt, from_member_id, into_member_id),
        *merging.move("receipt_review", ReceiptReview, from_member_id, into_member_id),
        *merging.move("reviewer_member", ReviewerMember, from_member_id, into_member_id, ReviewerMember.staff_id.not_in(known)),
    ]


def bring_back(rows: merging.Rows, from_member_id: int, into_member_id: int) -> None:
    """The merge was undone: receipts come back, but those that have scored since: their purchase was earned by the survivor."""
    scored_before = or_(Receipt.sale_id.is_(None), Receipt.sale_id.in_(list(rows.get("sale", ()))))
    came = merging.bring_back(Receipt, rows.get("receipt", ()), from_member_id, into_member_id, scored_before)
    of_them = ReceiptReview.receipt_id.in_(came)
    merging.bring_back(ReceiptReview, rows.get("receipt_review", ()), from_member_id, into_member_id, of_them)
    merging.bring_back(ReviewerMember, rows.get("reviewer_member", ()), from_member_id, into_member_id)


def receipt_of(receipt_id: int, member_id: int) -> Receipt:
    """One receipt of the member. ReceiptNotFound."""
    found = session.get(Receipt, receipt_id)
    if found is None or found.member_id != member_id:
        raise ReceiptNotFound()
    return found


def photo_of(receipt_id: int, member_id: int, position: int) -> tuple[bytes, str]:
    """The member's own photo, as sent, with its media type. ReceiptNotFound, PhotoNotFound, FileRemoved."""
    receipt_of(receipt_id, member_id)
    photo = session.scalar(select(ReceiptPhoto).where(ReceiptPhoto.receipt_id == receipt_id, ReceiptPhoto.position == position))
    if photo is None:
        raise PhotoNotFound()
    return storage.read(photo.file_key), reading.MEDIA_TYPES[photo.format]


def crop_of(receipt_id: int, member_id: int, position: int, field: str) -> bytes:
    """The part of the member's own photo where a field stands, as JPEG; the whole photo when it stands elsewhere or was not found."""
    receipt = receipt_of(receipt_id, member_id)
    data, _ = photo_of(receipt_id, member_id, position)
    place = asked_place(receipt, field, position) or place_of(receipt, field)
    return pictures.shown(data, place[1] if place and place[0] == position else None)


def asked_place(receipt: Receipt, field: str, position: int) -> tuple[int, Any] | None:
    """Where on a photo the choices of the open question about a field stand, together."""
    question = receipt.question
    if question is None or question["field"] != field:
        return None
    corners = [corner for choice in question["choices"] if choice["photo"] == position and choice["box"] for corner in choice["box"]]
    return (position, corners) if corners else None


_READ_AS = {"paid_fen": "total_fen", "paid_at": "paid_at", "receipt_no": "receipt_no", "merchant": "merchant", "shop_id": "merchant"}


def place_of(receipt: Receipt, field: str) -> tuple[int, Any] | None:
    """On which photo a field was read, and where there."""
    stored = receipt.reading
    return reading.located(stored, stored[_READ_AS[field]]["box"]) if stored else None


def answer(receipt_id: int, member_id: int, value: Any) -> Receipt:
    """Answer the open question; None says that no choice is right. An answer settles only what the photo supports."""
    receipt = _own(receipt_id, member_id)
    question = receipt.question
    if receipt.state != ReceiptState.ASKING or question is None:
        raise NoQuestionOpen(state=receipt.state)
    by, policy = f"member:{member_id}", ReceiptPolicy.of(malls.policy())
    if value is None:
        to_review(receipt, Reason.NO_CHOICE_FITS, by=by, policy=policy)
        return receipt
    if type(value) not in (int, str) or value not in [choice["value"] for choice in question["choices"]]:
        raise AnswerNotOffered()
    receipt.answers = receipt.answers | {question["field"]: value}
    if question["field"] == AMOUNT and not likely_answer(question["choices"], value):
        to_review(receipt, Reason.ANSWER_UNLIKELY, by=by, policy=policy, paid_fen=value)
    else:
        _settle(receipt, _stored(receipt), _photos(receipt.id), by=by)
    return receipt


CORRECTABLE = ("shop_id", "paid_fen", "paid_at", "receipt_no", "merchant")


def correct(receipt_id: int, member_id: int, *, field: str, value: str, note: str | None) -> Receipt:
    """The shopper says what a field should be; a reviewer sees crop, reading and correction. CorrectionTooLate, CorrectionUnfit."""
    receipt = _own(receipt_id, member_id)
    if not _may_correct(receipt):
        raise CorrectionTooLate(state=receipt.state)
    fitting(field, value)
    before = getattr(receipt, field)
    read_value = before.isoformat() if isinstance(before, datetime) else None if before is None else str(before)
    session.add(ReceiptCorrection(receipt_id=receipt.id, field=field, read_value=read_value, value=value, note=note, made_at=clock.now()))
    if receipt.state != ReceiptState.IN_REVIEW:
        to_review(receipt, Reason.CORRECTED, by=f"member:{member_id}", policy=ReceiptPolicy.of(malls.policy()), facts={"field": field})
    return receipt


def fitting(field: str, value: str) -> Any:
    """The value as its column takes it. CorrectionUnfit; ShopNotFound for a shop that is not of this mall."""
    if field == "shop_id" and value.isascii() and value.isdigit() and int(value) < 2**63:
        return malls.shop(int(value)).id
    if field == "paid_fen" and value.isascii() and value.isdigit() and 0 < int(value) <= MAX_FEN:
        return int(value)
    if field == "paid_at":
        return _moment(value)
    if field in ("receipt_no", "merchant") and 0 < len(value.strip()) <= 100:
        return value.strip()
    raise CorrectionUnfit(field=field)


def _moment(value: str) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except ValueError as error:
        raise CorrectionUnfit(field="paid_at") from error
    if not 2000 <= at.year <= 2999:
        raise CorrectionUnfit(field="paid_at")
    return at.astimezone(UTC) if at.tzinfo else reading.aware(at, malls.mall_info().timezone)


def _may_correct(receipt: Receipt) -> bool:
    if receipt.state in (ReceiptState.ASKING, ReceiptState.IN_REVIEW):
        return True
    if receipt.state != ReceiptState.REFUSED or receipt.reading is None or receipt.decided_at is None:
        return False
    in_time = clock.now() < receipt.decided_at + timedelta(days=ReceiptPolicy.of(malls.policy()).appeal_days)
    cases = select(func.count()).where(ReceiptReview.receipt_id == receipt.id, ReceiptReview.state == ReviewState.REFUSED)
    return in_time and (session.scalar(cases) or 0) < 2


def withdraw(receipt_id: int, member_id: int) -> Receipt:
    """Take a receipt back before it is decided. Twice is once. WrongState when it is decided."""
    receipt = _own(receipt_id, member_id)
    if receipt.state == ReceiptState.WITHDRAWN:
        return receipt
    if receipt.state not in OPEN:
        raise states.WrongState(state=receipt.state, wanted=str(ReceiptState.WITHDRAWN))
    for case in session.scalars(
        select(ReceiptReview).where(ReceiptReview.receipt_id == receipt.id, ReceiptReview.state.in_((ReviewState.OPEN, ReviewState.SECOND)))
    ):
        states.move(case, ReviewState.DROPPED, by=f"member:{member_id}", decided_at=clock.now())
    _move(receipt, ReceiptState.WITHDRAWN, Reason.WITHDRAWN, by=f"member:{member_id}", question=None, decided_at=clock.now())
    return receipt


def corrections_of(receipt_id: int) -> list[ReceiptCorrection]:
    """What the shopper said, oldest first."""
    return list(session.scalars(select(ReceiptCorrection).where(ReceiptCorrection.receipt_id == receipt_id).order_by(ReceiptCorrection.id)))


def photos(receipt_id: int) -> list[ReceiptPhoto]:
    """The photos of a receipt in order."""
    return _photos(receipt_id)


# Housekeeping


def remove_old_photos() -> int:
    """Remove files past the time they are kept, and the text that was on them; hashes and facts stay."""
    kept_days = ReceiptPolicy.of(malls.policy()).photos_kept_days
    old = list(
        session.scalars(
            select(ReceiptPhoto)
            .join(Receipt, Receipt.id == ReceiptPhoto.receipt_id)
            .where(
                ReceiptPhoto.removed_at.is_(None),
                ReceiptPhoto.stored_at < clock.now() - timedelta(days=kept_days),
                Receipt.state.not_in(OPEN),
            )
            .limit(5000)
        )
    )
    for photo in old:
        storage.remove(photo.file_key)
        photo.removed_at, photo.lines = clock.now(), None
    ids = {photo.receipt_id for photo in old}
    if ids:
        session.execute(update(Receipt).where(Receipt.id.in_(ids)).values(reading=None).execution_options(synchronize_session=False))
    return len(old)


def sweep_orphans(files: Sequence[str]) -> int:
    """Remove files that no photo names (their transaction was lost after they were written). Returns how many."""
    known = set(session.scalars(select(ReceiptPhoto.file_key).where(ReceiptPhoto.file_key.in_(files)))) if files else set()
    orphans = [key for key in files if key not in known]
    for key in orphans:
        storage.remove(key)
    return len(orphans)


def close_unanswered() -> int:
    """Questions that nobody answered in time are closed; the shopper may send the receipt again."""
    policy = ReceiptPolicy.of(malls.policy())
    stale = select(Receipt).where(
        Receipt.state == ReceiptState.ASKING, Receipt.moved_at < clock.now() - timedelta(hours=policy.question_hours)
    )
    found = list(session.scalars(stale.limit(500).with_for_update(skip_locked=True)))
    for receipt in found:
        _move(receipt, ReceiptState.REFUSED, Reason.UNANSWERED, question=None, decided_at=clock.now())
    return len(found)


READER_SILENT = timedelta(seconds=120)


def reader_trouble() -> str | None:
    """What is wrong with the readers, or None: one of them read its small known picture lately. For /readyz."""
    with db.unit_of_work():
        last = queries.last_beat()
    if last is None:
        return "no reader has read its known picture yet; photos wait"
    silent = clock.now() - last
    return None if silent < READER_SILENT else f"no reader has read its known picture for {silent.total_seconds():.0f} s; photos wait"


# Private


def _own(receipt_id: int, member_id: int) -> Receipt:
    receipt = _locked(receipt_id)
    if receipt is None or receipt.member_id != member_id:
        raise ReceiptNotFound()
    return receipt


def _locked(receipt_id: int) -> Receipt | None:
    return session.get(Receipt, receipt_id, with_for_update=True, populate_existing=True)


def _photos(receipt_id: int) -> list[ReceiptPhoto]:
    return list(session.scalars(select(ReceiptPhoto).where(ReceiptPhoto.receipt_id == receipt_id).order_by(ReceiptPhoto.position)))


def _stored(receipt: Receipt) -> ReceiptReading:
    assert receipt.reading is not None
    return ReceiptReading(receipt.reading)


def stored_reading(receipt: Receipt) -> ReceiptReading | None:
    """What was read, while it is kept."""
    return ReceiptReading(receipt.reading) if receipt.reading is not None else None


def _move(
    receipt: Receipt, to: ReceiptState, reason: Reason, *, by: str = READER, facts: dict[str, Any] | None = None, **changes: Any
) -> None:
    told = facts or {}
    states.move(receipt, to, by=by, reason=str(reason), facts=told or None, **changes | {"why": str(reason), "details": told})
    _tell(receipt)


def _tell(receipt: Receipt) -> None:
    live.publish("member", receipt.member_id, "receipt", receipt_id=receipt.id, state=receipt.state, reason=receipt.why)
    telling.tell(receipt)
