"""What the desk wants done with a card. A member's card with little on it is done at once; of more, and of a card that
nobody has bound, a second person decides."""

from __future__ import annotations

from sqlalchemy import select

from api.approvals.service import Waiting
from api.kit import audit, clock, pages, states, value_limits
from api.kit.db import session
from api.kit.value_limits import Bound, Limit
from api.malls import service as malls
from api.wallet.errors import BalanceLeft, CardRequestNotFound, NewCardNeeded
from api.wallet.models import Card, CardRequest
from api.wallet.policy import WalletRules
from api.wallet.service import accounts, card_lifecycle
from api.wallet.states import CARD_MOVES, CardRequestState, CardState

BY_PERSON = Limit("card-requests-by-person")
WAITING = Waiting(CardRequest, CardRequestState.PROPOSED, CardRequestState.REJECTED, "proposed_by", {"staff": "cards.write"})

#: What may be asked, and where it leads.
LEADS_TO = {"unfreeze": CardState.ACTIVE, "replace": CardState.REPLACED, "void": CardState.VOID}


def propose(card_id: int, what: str, *, why: str, by: str, new_number: str | None = None) -> CardRequest:
    """Propose to unfreeze, replace or void a card. CardNotFound, WrongState, BalanceLeft, and the refusals of the action itself."""
    card = card_lifecycle.hold(card_id)
    if LEADS_TO[what] not in CARD_MOVES[CardState(card.state)]:
        raise states.WrongState(state=card.state, wanted=str(LEADS_TO[what]))
    principal, bonus = accounts.held(card.id)
    if what == "void" and principal:
        raise BalanceLeft()
    if what == "replace" and new_number is None and card.member_id is None:
        raise NewCardNeeded()
    made = CardRequest(
        state=str(CardRequestState.PROPOSED), moved_at=clock.now(), card_id=card.id, what=what, new_number=new_number,
        balance_fen=principal + bonus, why=why, proposed_by=by, proposed_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    if _is_done_alone(made, card, by):
        _carry_out(made, card, by=by, reason="within the limit")
    audit.record(by, "asked for a card", "card", card.id, after={"what": what, "state": made.state, "request": made.id}, why=why)
    return made


def _is_done_alone(request: CardRequest, card: Card, by: str) -> bool:
    """A sold card that nobody has bound may be anybody's: two people look. Of bound ones little is done alone, and little in a day."""
    rules = malls.policy(WalletRules)
    if card.member_id is None or request.balance_fen > rules.card_second_person_fen:
        return False
    bound = Bound(BY_PERSON, by, rules.card_person_day_fen)
    return request.balance_fen == 0 or value_limits.use(request.balance_fen, [bound], cause=("card_request", request.id)) is None


def approve(request_id: int, *, by: str) -> CardRequest:
    """Do what somebody else asked for. CardRequestNotFound, AnotherPersonNeeded, ApprovalOutdated, WrongState."""
    request = read(request_id)
    WAITING.refuse_unfit(request, by)
    _carry_out(request, card_lifecycle.hold(request.card_id), by=by, reason="approved by a second person")
    audit.record(by, "approved what was asked for a card", "card", request.card_id, after={"what": request.what, "request": request.id})
    return request


def reject(request_id: int, *, by: str, why: str) -> CardRequest:
    """Turn a request down; one may withdraw one's own. CardRequestNotFound, WrongState."""
    request = read(request_id)
    states.move(request, CardRequestState.REJECTED, by=by, reason=why, decided_by=by)
    audit.record(by, "rejected what was asked for a card", "card", request.card_id, after={"what": request.what}, why=why)
    return request


def _carry_out(request: CardRequest, card: Card, *, by: str, reason: str) -> None:
    states.move(request, CardRequestState.DONE, by=by, reason=reason, decided_by=by)
    if request.what == "unfreeze":
        card_lifecycle.unfreeze(card, by=by, why=request.why)
    elif request.what == "replace":
        request.new_card_id = card_lifecycle.replace(card, request.new_number, by=by, why=request.why).id
    else:
        card_lifecycle.void(card, by=by, why=request.why)
    session.flush()


def read(request_id: int) -> CardRequest:
    """One request. CardRequestNotFound."""
    request = session.get(CardRequest, request_id, populate_existing=True)
    if request is None:
        raise CardRequestNotFound()
    return request


def listed(
    *, state: str | None = None, card_id: int | None = None, cursor: str | None = None, limit: int = pages.DEFAULT_LIMIT
) -> pages.Page[CardRequest]:
    """Requests, newest first."""
    query = select(CardRequest)
    if state is not None:
        query = query.where(CardRequest.state == state)
    if card_id is not None:
        query = query.where(CardRequest.card_id == card_id)
    return pages.page(query, CardRequest.id, cursor=cursor, limit=limit)
