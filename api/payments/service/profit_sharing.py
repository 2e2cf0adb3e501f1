"""The mall's part of what a shop collects directly (分账): planned with the payment, sent a minute later, back before a refund.

Lock order: payment, then share, then refund.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from api.kit import audit, clock, logs, money, pages, states
from api.kit.db import session
from api.payments.errors import ShareNotFound, ShareOnItsWay
from api.payments.gateways import base
from api.payments.gateways.base import CallFailure, SplitRequest, SplitState, SplitStatus
from api.payments.models import Payment, ProfitShare, Refund
from api.payments.service import lookups, merchants, polling
from api.payments.service.gateway_calls import new_number, talk
from api.payments.states import ShareState

log = logs.get(__name__)

UNFINISHED = (ShareState.PLANNED, ShareState.SENT, ShareState.ARRIVED)
ARRIVED = (ShareState.ARRIVED, ShareState.DONE)
DESCRIPTION = "商场分账"


def plan(payment: Payment) -> None:
    """Plan the mall's part of a payment that was just paid, where its account passes one on."""
    account = merchants.account(payment.account_id)
    if not account.profit_share_bp:
        return
    share = ProfitShare(
        state=str(ShareState.PLANNED), number=new_number("S"), payment_id=payment.id, receiver_no=account.share_receiver_no,
        share_bp=account.profit_share_bp, made_at=clock.now(),
    )  # fmt: skip
    session.add(share)
    session.flush()
    polling.plan_share(share, polling.SHARE_FIRST)
    session.flush()


def pursue_share(share_id: int) -> ProfitShare:
    """The job's step: send it, ask about it, or set the rest free; then plan the next. Commits what was written before. ShareNotFound."""
    payment, share = _hold(share_id)
    if share.state == ShareState.PLANNED and share.sent_at is None:
        _compute_amount(payment, share)
    if share.state not in UNFINISHED:
        return share
    answer = _finish(payment, share) if share.state == ShareState.ARRIVED else _send(payment, share)
    payment, share = _hold(share_id)
    share.asked_at, share.asks = clock.now(), share.asks + 1
    if share.state in UNFINISHED:
        _note(payment, share, answer)
    if share.state in UNFINISHED:
        polling.plan_share(share, polling.SOON if share.state == ShareState.ARRIVED and share.freeing_no is None else None)
        if share.next_ask_at is None:
            _stick(share, "unanswered")
    session.flush()
    return share


def _compute_amount(payment: Payment, share: ProfitShare) -> None:
    """How much it is, of what was not given back meanwhile."""
    left = payment.refundable_fen
    if left == 0:
        states.move(share, ShareState.DROPPED, by="system", reason="everything was given back", next_ask_at=None)
        return
    share.amount_fen, share.sent_at = money.basis_points(left, share.share_bp), clock.now()
    if share.amount_fen == 0:
        states.move(share, ShareState.ARRIVED, by="system", reason="too little to share", arrived_at=clock.now())
    session.flush()


def _send(payment: Payment, share: ProfitShare) -> SplitStatus | CallFailure:
    gateway, request = merchants.gateway_of(merchants.account(payment.account_id)), split_request(payment, share)
    if share.asks == 0:
        return talk(lambda: gateway.split(request))
    answer = talk(lambda: gateway.query_split(request))
    return talk(lambda: gateway.split(request)) if isinstance(answer, base.NumberUnknown) else answer


def _finish(payment: Payment, share: ProfitShare) -> SplitStatus | CallFailure:
    gateway, request = merchants.gateway_of(merchants.account(payment.account_id)), split_request(payment, share)
    number, first = share.freeing_no or new_number("F"), share.freeing_no is None
    share.freeing_no = number
    if first:
        return talk(lambda: gateway.finish_split(request, number))
    finished = replace(request, share_number=number)
    answer = talk(lambda: gateway.query_split(finished))
    return talk(lambda: gateway.finish_split(request, number)) if isinstance(answer, base.NumberUnknown) else answer


def _note(payment: Payment, share: ProfitShare, answer: SplitStatus | CallFailure) -> None:
    by, freeing = f"gateway:{payment.channel}", share.state == ShareState.ARRIVED
    if isinstance(answer, SplitStatus) and answer.state is SplitState.DONE:
        _advance(share, answer, by)
    elif isinstance(answer, SplitStatus) and answer.state is SplitState.FAILED:
        _stick(share, answer.reason.lower().replace("_", "-") or "failed")
    elif isinstance(answer, SplitStatus) and share.state == ShareState.PLANNED:
        states.move(share, ShareState.SENT, by=by, gateway_no=answer.gateway_no, trouble=None)
    elif isinstance(answer, base.BalanceShort) and freeing:
        states.move(share, ShareState.DONE, by=by, reason="nothing was left to set free", next_ask_at=None, trouble=None)
    elif isinstance(answer, base.Refused) and not isinstance(answer, base.TooSoon):
        _stick(share, answer.name)
    elif isinstance(answer, CallFailure):
        share.trouble = answer.name


def _advance(share: ProfitShare, status: SplitStatus, by: str) -> None:
    if share.state == ShareState.ARRIVED:
        states.move(share, ShareState.DONE, by=by, reason="the rest is free", next_ask_at=None, trouble=None)
    else:
        states.move(share, ShareState.ARRIVED, by=by, arrived_at=clock.now(), gateway_no=status.gateway_no, trouble=None)


def _stick(share: ProfitShare, trouble: str) -> None:
    log.warning("a share is stuck", share=share.number, reason=trouble)
    states.move(share, ShareState.STUCK, by="system", reason=trouble, trouble=trouble, next_ask_at=None)


def send_again(share_id: int, *, by: str) -> ProfitShare:
    """Send a stuck share once more, under a new number unless its answer never came. ShareNotFound, ShareOnItsWay."""
    _, share = _hold(share_id)
    if share.state != ShareState.STUCK:
        raise ShareOnItsWay(state=share.state)
    before = {"number": share.number, "trouble": share.trouble}
    to: ShareState = ShareState.PLANNED
    fresh: dict[str, Any] = {}
    if share.arrived_at:
        to, fresh = ShareState.ARRIVED, {"freeing_no": None}
    if to is ShareState.PLANNED and share.trouble != "unanswered":
        fresh = {"number": new_number("S"), "sent_at": None, "asks": 0}
    states.move(share, to, by=by, reason="sent again", facts=before, trouble=None, **fresh)
    polling.plan_share(share, polling.SOON)
    audit.record(by, "share sent again", "payment_share", share.id, before=before, after={"number": share.number})
    session.flush()
    return share


def return_share(payment: Payment, refund: Refund) -> str | None:
    """Before a refund is sent: fetch its part of the share back. None: nothing is in the way; "wait": ask again soon; else why not.

    Commits what was written before when it has to ask.
    """
    share = of_payment(payment.id)
    if share is None or refund.share_returned_at is not None:
        return None
    if share.is_under_way:
        return "wait"
    if share.state not in ARRIVED:
        return None
    first = refund.share_return_no is None
    if first and not _reserve(share.id, refund):
        return None
    return _return(share, refund, first=first)


def _reserve(share_id: int, refund: Refund) -> bool:
    """Which part of the share goes with this refund: its proportion, rounded up; with the last fen of the payment all that is left."""
    payment, share = _hold(share_id)
    left = share.amount_fen - share.returned_fen
    whole = payment.refunding_fen == payment.amount_fen
    fen = left if whole else min(left, money.basis_points(refund.amount_fen, share.share_bp, "up"))
    if fen == 0:
        return False
    refund.share_return_no, refund.share_return_fen = new_number("B"), fen
    share.returned_fen += fen
    session.flush()
    return True


def _return(share: ProfitShare, refund: Refund, *, first: bool) -> str | None:
    payment, number, fen = lookups.read(refund.payment_id), refund.share_return_no or "", refund.share_return_fen
    gateway, request = merchants.gateway_of(merchants.account(payment.account_id)), split_request(payment, share)
    answer = talk(lambda: gateway.return_split(request, number, fen) if first else gateway.query_split_return(request, number))
    if isinstance(answer, base.NumberUnknown) and not first:
        answer = talk(lambda: gateway.return_split(request, number, fen))
    _, share = _hold(share.id)
    if isinstance(answer, SplitStatus) and answer.state is SplitState.DONE:
        refund.share_returned_at = clock.now()
        session.flush()
        return None
    if isinstance(answer, base.Refused) or (isinstance(answer, SplitStatus) and answer.state is SplitState.FAILED):
        share.returned_fen -= fen
        refund.share_return_no, refund.share_return_fen = None, 0
        session.flush()
        return "share-not-returned"
    return "wait"


def split_request(payment: Payment, share: ProfitShare) -> SplitRequest:
    """The share as a gateway is asked for it."""
    return SplitRequest(payment.gateway_no or "", share.number, share.receiver_no, share.amount_fen, DESCRIPTION)


def share_by_id(share_id: int) -> ProfitShare:
    """One share. ShareNotFound."""
    share = session.get(ProfitShare, share_id)
    if share is None:
        raise ShareNotFound()
    return share


def of_payment(payment_id: int) -> ProfitShare | None:
    """The share of a payment, as it is now."""
    query = select(ProfitShare).where(ProfitShare.payment_id == payment_id).execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def _hold(share_id: int) -> tuple[Payment, ProfitShare]:
    payment = lookups.hold(share_by_id(share_id).payment_id)
    query = select(ProfitShare).where(ProfitShare.id == share_id).with_for_update().execution_options(populate_existing=True)
    return payment, session.scalars(query).one()


def shares(*, state: str | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT) -> pages.Page[ProfitShare]:
    """Shares, newest first."""
    query = select(ProfitShare)
    if state is not None:
        query = query.where(ProfitShare.state == state)
    return pages.page(query, ProfitShare.id, cursor=cursor, limit=limit)
