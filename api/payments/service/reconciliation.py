"""Reconciliation (对账): each gateway's bill of each day against our payments and refunds, and these against the ledger.

A bill is not an order to book anything: what it says otherwise than we do is written down for a person, and where the gateway can be
asked about one payment or refund it is asked. Comparing the same day again changes nothing but what has changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from api.kit import audit, clock, jobs, logs, pages
from api.kit.db import session
from api.payments.errors import BillDayWrong, BillDifferenceNotFound, BillDifferenceSettled, BillNotFound
from api.payments.gateways.base import BillLine, BillLineKind, CallFailure, GatewayRefundState, NoBill
from api.payments.models import BillDifference, DifferenceKind, GatewayBill, MerchantAccount, Outcome, Payment, Refund
from api.payments.service import hooks, merchants, polling
from api.payments.service.gateway_calls import talk
from api.payments.states import OPEN, PaymentState, RefundState

log = logs.get(__name__)

BEIJING = "Asia/Shanghai"  # whose days bills are of, wherever the mall is
READY_AT = timedelta(hours=34)  # after the day began: ten in the morning of the next
KEPT = timedelta(days=90)
LOOK_BACK = 7  # days that are asked for again until they are compared
EMPTY_AFTER = READY_AT + timedelta(days=1)  # a gateway that has no bill by then has nothing to put in it
AGAIN = timedelta(minutes=15)
TRIES = 3  # how often a difference that the gateway was asked about is looked at again
MOST = 5_000  # differences kept of one bill; more than that is one trouble, not thousands
BATCH = 1_000
MATCH_BILL = jobs.Promised()
SYSTEM = "system"
ASK_BILLED = jobs.Promised()
_UNPAID = (*OPEN, PaymentState.CLOSED, PaymentState.FAILED)
_UNDER_WAY = (RefundState.REQUESTED, RefundState.ACCEPTED)


class Subject(NamedTuple):
    """What a difference is about: by its kind and our number it is the same one the next time."""

    kind: DifferenceKind
    about: str
    number: str


@dataclass(frozen=True)
class Difference:
    """One difference, as the two sides see it."""

    kind: DifferenceKind
    about: str
    number: str
    gateway_no: str | None = None
    payment_id: int | None = None
    refund_id: int | None = None
    bill_fen: int | None = None
    ours_fen: int | None = None
    bill_says: str | None = None
    we_say: str | None = None

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return Subject(self.kind, self.about, self.number)


def put_due_bills() -> int:
    """Put in the comparison of every bill of the last days that has no outcome yet. Returns how many."""
    now = clock.now()
    days = [day for back in range(LOOK_BACK, 0, -1) if _is_ready(day := clock.today(BEIJING) - timedelta(days=back), now)]
    compared = select(GatewayBill.account_id, GatewayBill.billed_on).where(
        GatewayBill.billed_on.in_(days), GatewayBill.outcome != Outcome.WAITING
    )
    done = {(row.account_id, row.billed_on) for row in session.execute(compared)}
    missing = [(account.id, day) for account in _leaders() for day in days if _made_by(account, day) and (account.id, day) not in done]
    for account_id, day in missing:
        _put(account_id, day)
    return len(missing)


def billed_accounts() -> list[int]:
    """The account that stands for each merchant with a bill of its own."""
    return [account.id for account in _leaders()]


def _leaders() -> list[MerchantAccount]:
    """The oldest account of each merchant: the others stand for further apps of the same, whose bill is the same."""
    rows = session.scalars(select(MerchantAccount).order_by(MerchantAccount.id)).all()
    oldest: dict[tuple[str, str, str], MerchantAccount] = {}
    for row in rows:
        oldest.setdefault(_merchant(row), row)
    used = set(session.scalars(select(Payment.account_id).where(Payment.paid_at > clock.now() - timedelta(days=LOOK_BACK + 1)).distinct()))
    live = {_merchant(row) for row in rows if row.enabled or row.id in used}
    return [row for merchant, row in oldest.items() if merchant in live]


def _merchant(account: MerchantAccount) -> tuple[str, str, str]:
    return account.channel, account.merchant_no, account.sub_merchant_no


def _made_by(account: MerchantAccount, day: date) -> bool:
    return account.made_at < clock.midnight(day + timedelta(days=1), BEIJING)


def _is_ready(day: date, now: datetime) -> bool:
    return now >= clock.midnight(day, BEIJING) + READY_AT


def _put(account_id: int, day: date, after: timedelta | None = None) -> None:
    jobs.later(MATCH_BILL, after=after, lock=f"bill:{account_id}", account_id=account_id, day=day.isoformat())


def reconcile(account_id: int, day: date) -> GatewayBill:
    """Fetch the bill of a Beijing day and compare. Commits what was written before. MerchantAccountNotFound, BillDayWrong."""
    account = _leader_of(merchants.account(account_id))
    _refuse_day(day)
    now = clock.now()
    gateway = merchants.gateway_of(account)
    lines = talk(lambda: gateway.bill(day))
    bill = _hold_bill(merchants.account(account.id), day)
    bill.matched_at, bill.tries, bill.trouble = clock.now(), bill.tries + 1, None
    if (
        isinstance(lines, NoBill)
        and bill.outcome == Outcome.WAITING
        and (now - clock.midnight(day, BEIJING) > EMPTY_AFTER or _is_quiet(bill))
    ):
        lines = []
    if isinstance(lines, CallFailure):
        bill.trouble = lines.name
        session.flush()
    else:
        _compare(bill, lines)
    return bill


def ask_for(account_id: int, day: date, *, by: str) -> GatewayBill:
    """Let a bill be compared, again or for the first time, in the background. MerchantAccountNotFound, BillDayWrong."""
    account = _leader_of(merchants.account(account_id))
    _refuse_day(day)
    bill = _hold_bill(account, day)
    bill.tries = 0
    audit.record(by, "asked for a bill", "gateway_bill", bill.id, after={"account_id": account.id, "day": day.isoformat()})
    _put(account.id, day)
    session.flush()
    return bill


def _refuse_day(day: date) -> None:
    now = clock.now()
    if not _is_ready(day, now) or now - clock.midnight(day, BEIJING) > KEPT:
        raise BillDayWrong(day=day.isoformat())


def _leader_of(account: MerchantAccount) -> MerchantAccount:
    query = select(MerchantAccount).where(_same_merchant(account)).order_by(MerchantAccount.id).limit(1)
    return session.scalars(query).one()


def _same_merchant(account: MerchantAccount) -> ColumnElement[bool]:
    return (
        (MerchantAccount.channel == account.channel)
        & (MerchantAccount.merchant_no == account.merchant_no)
        & (MerchantAccount.sub_merchant_no == account.sub_merchant_no)
    )


def _hold_bill(account: MerchantAccount, day: date) -> GatewayBill:
    """The row of a bill, locked: two comparisons of one day follow one another."""
    values = {"account_id": account.id, "channel": account.channel, "billed_on": day, "outcome": Outcome.WAITING, "matched_at": clock.now()}
    session.execute(insert(GatewayBill).values(**values).on_conflict_do_nothing())
    query = select(GatewayBill).where(GatewayBill.account_id == account.id, GatewayBill.billed_on == day)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).one()


def _accounts(bill: GatewayBill) -> list[int]:
    return list(session.scalars(select(MerchantAccount.id).where(_same_merchant(merchants.account(bill.account_id)))))


@dataclass(frozen=True)
class _Believed:
    """What we believe to have moved on a day and no bill has had yet."""

    payments: Sequence[Payment]
    refunds: Sequence[Refund]


def _is_quiet(bill: GatewayBill) -> bool:
    left = _believed(bill)
    return not left.payments and not left.refunds


def _believed(bill: GatewayBill) -> _Believed:
    begins, ends = _span(bill.billed_on)
    accounts = _accounts(bill)
    paid = select(Payment).where(
        Payment.account_id.in_(accounts), Payment.state == PaymentState.PAID, Payment.billed_on.is_(None),
        Payment.paid_at >= begins, Payment.paid_at < ends,
    )  # fmt: skip
    # Bills list a refund on the day it was asked for or on the day it was done: by the later one it has to be there.
    given = select(Refund).join(Payment, Payment.id == Refund.payment_id).where(
        Payment.account_id.in_(accounts), Refund.state == RefundState.DONE, Refund.billed_on.is_(None),
        Refund.done_at >= begins, Refund.done_at < ends,
    )  # fmt: skip
    return _Believed(session.scalars(paid.limit(MOST)).all(), session.scalars(given.limit(MOST)).all())


def _span(day: date) -> tuple[datetime, datetime]:
    return clock.midnight(day, BEIJING), clock.midnight(day + timedelta(days=1), BEIJING)


def _day_of(at: datetime) -> date:
    return at.astimezone(ZoneInfo(BEIJING)).date()


def _compare(bill: GatewayBill, lines: list[BillLine]) -> None:
    _sum_up(bill, lines)
    differences: dict[Subject, Difference] = {}
    for difference in _compare_lines(bill, lines):
        differences.setdefault(difference.subject, difference)
        if len(differences) > MOST:
            bill.trouble = "too-many-differences"
            break
    _keep(bill, list(differences.values())[:MOST], whole=len(differences) <= MOST)
    _set_outcome(bill, empty=not lines)
    _ask_again(bill, differences.values())
    session.flush()
    if bill.open_count:
        log.warning("a gateway's bill differs", account_id=bill.account_id, day=bill.billed_on.isoformat(), open=bill.open_count)


def _moved(line: BillLine) -> bool:
    """A refund that the gateway closed moved nothing; it may be under a number that we gave up for another."""
    return line.refund_state is not GatewayRefundState.CLOSED


def _sum_up(bill: GatewayBill, lines: list[BillLine]) -> None:
    came = [line for line in lines if line.kind is BillLineKind.PAYMENT]
    went = [line for line in lines if line.kind is not BillLineKind.PAYMENT and _moved(line)]
    bill.paid_count, bill.paid_fen = len(came), sum(line.amount_fen for line in came)
    bill.refund_count, bill.refund_fen = len(went), sum(line.amount_fen for line in went)
    bill.fee_fen = sum(line.fee_fen for line in lines)


def _compare_lines(bill: GatewayBill, lines: list[BillLine]) -> Iterator[Difference]:
    yield from _listed_twice(lines)
    accounts = _accounts(bill)
    undone = {line.number for line in lines if line.kind is BillLineKind.REVERSAL}
    came = {line.number: line for line in lines if line.kind is BillLineKind.PAYMENT}
    went = {line.number: line for line in lines if line.kind is BillLineKind.REFUND}
    for batch in _batches(list(came.values())):
        yield from _compare_payments(bill, batch, undone, accounts)
    for batch in _batches(list(went.values())):
        yield from _compare_refunds(bill, batch, accounts)
    for number in undone - came.keys():
        yield from _compare_reversal(number, accounts)
    session.flush()
    left = _believed(bill)
    for payment in left.payments:
        yield _of_payment(payment, DifferenceKind.MISSING_THERE, ours_fen=payment.amount_fen, we_say=payment.state)
    for refund in left.refunds:
        yield _of_refund(refund, DifferenceKind.MISSING_THERE, ours_fen=refund.amount_fen, we_say=refund.state)


def _batches(lines: list[BillLine]) -> Iterator[list[BillLine]]:
    return (lines[begin : begin + BATCH] for begin in range(0, len(lines), BATCH))


def _listed_twice(lines: list[BillLine]) -> Iterator[Difference]:
    counts = Counter((line.kind, line.number) for line in lines)
    sums: dict[tuple[BillLineKind, str], int] = {}
    for line in lines:
        sums[line.kind, line.number] = sums.get((line.kind, line.number), 0) + line.amount_fen
    for (kind, number), count in counts.items():
        if count > 1:
            subject = "payment" if kind is BillLineKind.PAYMENT else "refund"
            yield Difference(DifferenceKind.TWICE, subject, number, bill_fen=sums[kind, number], bill_says=str(count))


def _compare_payments(bill: GatewayBill, lines: list[BillLine], undone: set[str], accounts: list[int]) -> Iterator[Difference]:
    query = select(Payment).where(Payment.number.in_([line.number for line in lines]), Payment.account_id.in_(accounts))
    payments = {payment.number: payment for payment in session.scalars(query.execution_options(populate_existing=True))}
    agreed: list[Payment] = []
    for line in lines:
        payment = payments.get(line.number)
        if payment is None:
            yield _not_ours("payment", line)
            continue
        differences = _compare_payment(bill, line, payment, reversed_too=line.number in undone)
        agreed += [payment] if not differences and payment.state == PaymentState.PAID else []
        yield from differences
    _mark_billed(bill, Payment, [payment.id for payment in payments.values()])
    yield from _compare_ledger(agreed)


def _not_ours(subject: str, line: BillLine) -> Difference:
    return Difference(
        DifferenceKind.MISSING_HERE, subject, line.number[:64], line.gateway_no[:64], bill_fen=line.amount_fen,
        bill_says=_bill_state(line), we_say="unknown",
    )  # fmt: skip


def _bill_state(line: BillLine) -> str:
    return str(line.refund_state or ("paid" if line.kind is BillLineKind.PAYMENT else "done"))


def _compare_payment(bill: GatewayBill, line: BillLine, payment: Payment, *, reversed_too: bool) -> list[Difference]:
    bill_says = "reversed" if reversed_too else "paid"
    facts: dict[str, Any] = {"bill_fen": line.amount_fen, "ours_fen": payment.amount_fen, "bill_says": bill_says, "we_say": payment.state}
    differences = []
    if line.amount_fen != payment.amount_fen:
        differences.append(_of_payment(payment, DifferenceKind.AMOUNT, **facts))
    if (payment.state == PaymentState.PAID) == reversed_too:
        differences.append(_of_payment(payment, DifferenceKind.STATUS, **facts))
    elif payment.paid_at is not None and _day_of(payment.paid_at) != bill.billed_on:
        days = {"bill_says": bill.billed_on.isoformat(), "we_say": _day_of(payment.paid_at).isoformat()}
        differences.append(_of_payment(payment, DifferenceKind.CUT_OFF, **(facts | days)))
    return differences


def _compare_reversal(number: str, accounts: list[int]) -> Iterator[Difference]:
    """A payment that was undone on another day than it was made."""
    query = select(Payment).where(Payment.number == number, Payment.account_id.in_(accounts))
    payment = session.scalars(query).one_or_none()
    if payment is None:
        yield Difference(DifferenceKind.MISSING_HERE, "refund", number[:64], bill_says="reversed", we_say="unknown")
    elif payment.state == PaymentState.PAID:
        yield _of_payment(payment, DifferenceKind.STATUS, ours_fen=payment.amount_fen, bill_says="reversed", we_say=payment.state)


def _compare_ledger(payments: Sequence[Payment]) -> Iterator[Difference]:
    """The third side: what the ledger holds of what the gateway owes for these payments, net of every refund that was asked for."""
    if not payments or not hooks.ledger_of:
        return
    query = select(Refund.payment_id, func.sum(Refund.amount_fen)).where(Refund.payment_id.in_([payment.id for payment in payments]))
    refunded = {row[0]: int(row[1]) for row in session.execute(query.group_by(Refund.payment_id))}
    collected_by_mall = [payment for payment in payments if merchants.account(payment.account_id).collects == "mall"]
    held = hooks.ledger_of[0](collected_by_mall)
    for payment in collected_by_mall:
        net = payment.amount_fen - refunded.get(payment.id, 0)
        if held.get(payment.id, 0) != net:
            yield _of_payment(payment, DifferenceKind.LEDGER, bill_fen=net, ours_fen=held.get(payment.id, 0), we_say="ledger")


def _compare_refunds(bill: GatewayBill, lines: list[BillLine], accounts: list[int]) -> Iterator[Difference]:
    query = select(Refund).join(Payment, Payment.id == Refund.payment_id).where(
        Refund.number.in_([line.number for line in lines]), Payment.account_id.in_(accounts)
    )  # fmt: skip
    refunds = {refund.number: refund for refund in session.scalars(query.execution_options(populate_existing=True))}
    for line in lines:
        refund = refunds.get(line.number)
        if refund is None:
            if _moved(line):
                yield _not_ours("refund", line)
            continue
        facts: dict[str, Any] = {"bill_fen": line.amount_fen, "ours_fen": refund.amount_fen}
        facts |= {"bill_says": _bill_state(line), "we_say": refund.state}
        if line.amount_fen != refund.amount_fen:
            yield _of_refund(refund, DifferenceKind.AMOUNT, **facts)
        if not _ends_agree(line.refund_state, refund):
            yield _of_refund(refund, DifferenceKind.STATUS, **facts)
    _mark_billed(bill, Refund, [refund.id for refund in refunds.values()])


def _ends_agree(billed: GatewayRefundState | None, refund: Refund) -> bool:
    """Whether both ends can be true: a refund that the bill sees under way may have been done since."""
    if billed in (None, GatewayRefundState.WORKING):
        return refund.state != RefundState.DROPPED
    return (billed is GatewayRefundState.DONE) == (refund.state == RefundState.DONE)


def _mark_billed(bill: GatewayBill, model: type[Payment] | type[Refund], ids: Sequence[int]) -> None:
    if ids:
        elsewhere = or_(model.billed_on.is_(None), model.billed_on != bill.billed_on)
        marked = update(model).where(model.id.in_(ids), elsewhere).values(billed_on=bill.billed_on).returning(model.number)
        if numbers := list(session.scalars(marked, execution_options={"synchronize_session": False})):
            _close_missing(bill, numbers)


def _close_missing(bill: GatewayBill, numbers: Sequence[str]) -> None:
    """Close what another day's bill missed and this one has: the cut-off, if it is one, stands in this bill."""
    missed = (
        BillDifference.number.in_(numbers),
        BillDifference.kind == DifferenceKind.MISSING_THERE,
        BillDifference.settled_at.is_(None),
        BillDifference.bill_id != bill.id,
    )
    answer = {"settled_at": clock.now(), "settled_by": SYSTEM, "note": f"on the bill of {bill.billed_on}"}
    gone = update(BillDifference).where(*missed).values(**answer).returning(BillDifference.bill_id)
    bill_ids = set(session.scalars(gone, execution_options={"synchronize_session": False}))
    for other_bill in session.scalars(select(GatewayBill).where(GatewayBill.id.in_(bill_ids)).order_by(GatewayBill.id).with_for_update()):
        _set_outcome(other_bill, empty=False)


def _of_payment(payment: Payment, kind: DifferenceKind, **facts: Any) -> Difference:
    return Difference(kind, "payment", payment.number, payment.gateway_no, payment_id=payment.id, **facts)


def _of_refund(refund: Refund, kind: DifferenceKind, **facts: Any) -> Difference:
    return Difference(kind, "refund", refund.number, refund.gateway_no, payment_id=refund.payment_id, refund_id=refund.id, **facts)


def _keep(bill: GatewayBill, differences: Sequence[Difference], *, whole: bool) -> None:
    """Keep what is new, leave what is known with its answer, and, where all was looked at, close what has gone away."""
    rows = session.scalars(select(BillDifference).where(BillDifference.bill_id == bill.id)).all()
    rows_by_subject = {Subject(DifferenceKind(row.kind), row.about, row.number): row for row in rows}
    for difference in differences:
        row = rows_by_subject.pop(difference.subject, None)
        if row is None:
            session.add(BillDifference(bill_id=bill.id, found_at=clock.now(), **_columns(difference)))
        elif row.settled_by == SYSTEM or (row.settled_at and (row.bill_fen, row.ours_fen) != (difference.bill_fen, difference.ours_fen)):
            # It had gone away and is back, or is no longer what a person answered.
            _update(row, **_columns(difference), settled_at=None, settled_by=None, note=None)
        elif row.settled_at is None:
            _update(row, **_columns(difference))
    for row in rows_by_subject.values():
        if whole and row.settled_at is None:
            _update(row, settled_at=clock.now(), settled_by=SYSTEM, note="both sides agree now")
    session.flush()


def _columns(difference: Difference) -> dict[str, Any]:
    return {name: str(value) if name == "kind" else value for name, value in vars(difference).items()}


def _update(row: BillDifference, **values: Any) -> None:
    for name, value in values.items():
        setattr(row, name, value)


def _set_outcome(bill: GatewayBill, *, empty: bool) -> None:
    session.flush()
    of_bill = select(func.count(), func.count(BillDifference.settled_at)).where(BillDifference.bill_id == bill.id)
    every, settled = session.execute(of_bill.where(or_(BillDifference.settled_by.is_(None), BillDifference.settled_by != SYSTEM))).one()
    bill.open_count = every - settled
    if bill.open_count:
        bill.outcome = Outcome.DIFFERS
    elif every:
        bill.outcome = Outcome.SETTLED
    else:
        bill.outcome = Outcome.NONE if empty else Outcome.AGREES
    session.flush()


def _ask_again(bill: GatewayBill, differences: Iterable[Difference]) -> None:
    """Ask the gateway about what can end by itself, and compare once more a little later."""
    any_asked = False
    for difference in differences:
        if difference.kind is not DifferenceKind.STATUS:
            continue
        if difference.refund_id and difference.we_say in _UNDER_WAY:
            polling.put_pursuit(difference.refund_id)
            any_asked = True
        elif difference.payment_id and difference.bill_says == "paid" and difference.we_say in _UNPAID:
            jobs.later(ASK_BILLED, payment_id=difference.payment_id)
            any_asked = True
    if any_asked and bill.tries <= TRIES:
        _put(bill.account_id, bill.billed_on, AGAIN)


def bills(
    *, outcome: str | None = None, account_id: int | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT
) -> pages.Page[GatewayBill]:
    """Bills, the newest day first."""
    query = select(GatewayBill)
    if outcome is not None:
        query = query.where(GatewayBill.outcome == outcome)
    if account_id is not None:
        query = query.where(GatewayBill.account_id == account_id)
    return pages.page(query, cast(Any, GatewayBill.billed_on), cast(Any, GatewayBill.id), cursor=cursor, limit=limit)


def bill(bill_id: int) -> GatewayBill:
    """One bill. BillNotFound."""
    if (row := session.get(GatewayBill, bill_id)) is None:
        raise BillNotFound()
    return row


def differences(
    *,
    bill_id: int | None = None,
    kind: str | None = None,
    state: str | None = None,
    number: str | None = None,
    cursor: str | None = None,
    limit: int = pages.DEFAULT_LIMIT,
) -> pages.Page[BillDifference]:
    """Differences, newest first; `state` is open or settled, `number` ours."""
    query = select(BillDifference)
    for column, value in ((BillDifference.bill_id, bill_id), (BillDifference.kind, kind), (BillDifference.number, number)):
        if value is not None:
            query = query.where(column == value)
    if state is not None:
        query = query.where(BillDifference.settled_at.is_(None) if state == "open" else BillDifference.settled_at.is_not(None))
    return pages.page(query, BillDifference.id, cursor=cursor, limit=limit)


def settle_difference(difference_id: int, *, by: str, note: str) -> BillDifference:
    """Answer a difference, once. BillDifferenceNotFound, BillDifferenceSettled."""
    difference = session.get(BillDifference, difference_id)
    if difference is None:
        raise BillDifferenceNotFound()
    bill = session.scalars(select(GatewayBill).where(GatewayBill.id == difference.bill_id).with_for_update()).one()
    session.refresh(difference)
    if difference.settled_at is not None:
        raise BillDifferenceSettled(by=difference.settled_by)
    _update(difference, settled_at=clock.now(), settled_by=by, note=note)
    after = {"kind": difference.kind, "number": difference.number}
    audit.record(by, "answered a difference", "bill_difference", difference.id, after=after, why=note)
    _set_outcome(bill, empty=False)
    return difference
