"""The office merges two memberships of one person, and undoes it: always two people."""

from __future__ import annotations

from typing import Any

from api.approvals.errors import AnotherPersonNeeded, ApprovalOutdated
from api.kit import audit, http, identity, pages
from api.kit.once import IdempotencyKeyReused
from api.kit.states import WrongState
from api.kit.tables import exported
from api.members.errors import MemberNotActive, MemberNotFound, MergeWithSelf
from api.merges import schemas, service
from api.merges.errors import DecisionNotYours, MergedOnward, MergeNotFound, MergeOpen
from api.merges.models import Merge

office = http.Blueprint(
    "office_merges", __name__, audience=identity.mall_staff, url_prefix="/merges", description="Two memberships of one person"
)

DECIDE = "merges.decide"
OF_TWO = (MergeWithSelf, MemberNotFound, MemberNotActive)


@office.get("")
@office.arguments(schemas.MergesArgs, location="query")
@office.response(200, schemas.MergePage)
@office.problems(pages.CursorInvalid)
@office.permission("merges.read")
@exported("merges", schemas.MergesArgs, schemas.MergeSchema)
def list_merges(args: dict[str, Any]) -> pages.Page[Merge]:
    """Merges of memberships, newest first"""
    return service.listed(state=args["state"], member_id=args["member_id"], cursor=args.get("cursor"), limit=args["limit"])


@office.get("/preview")
@office.arguments(schemas.MergePreviewArgs, location="query")
@office.response(200, schemas.MergePreviewSchema)
@office.problems(*OF_TWO)
@office.permission("merges.read")
@office.opens_record
def preview_merge(args: dict[str, Any]) -> service.Preview:
    """What a merge would move and what conflicts; why somebody looks is written down in both records"""
    two = {"source": args["source_id"], "target": args["target_id"]}
    seen = service.preview(*two.values(), phone_of_source=args["phone_of_source"])
    for member_id in two.values():
        audit.record(identity.staff().name, "previewed a merge", "member", member_id, after=two, why=args["reason"])
    return seen


@office.post("")
@office.arguments(schemas.MergeArgs)
@office.response(201, schemas.MergeSchema)
@office.problems(*OF_TWO, MergeOpen, IdempotencyKeyReused)
@office.idempotent
@office.permission("merges.propose")
def propose_merge(args: dict[str, Any]) -> Merge:
    """Ask a second person to fold one membership into another"""
    who = identity.staff().name
    merge = service.propose(args["source_id"], args["target_id"], phone_of_source=args["phone_of_source"], why=args["why"], by=who)
    _record(who, "proposed a merge", merge, merge.why)
    return merge


@office.get("/<int:merge_id>")
@office.response(200, schemas.MergeRecordSchema)
@office.problems(MergeNotFound)
@office.permission("merges.read")
def read_merge(merge_id: int) -> dict[str, Any]:
    """A merge with every step of it"""
    return {"merge": service.read(merge_id), "steps": service.history(merge_id)}


@office.put("/<int:merge_id>/approval")
@office.response(200, schemas.MergeSchema)
@office.problems(MergeNotFound, AnotherPersonNeeded, ApprovalOutdated, WrongState, *OF_TWO)
@office.permission(DECIDE)
def approve_merge(merge_id: int) -> Merge:
    """Carry out a merge that somebody else proposed"""
    who = identity.staff().name
    merge = service.approve(merge_id, by=who)
    _record(who, "merged two members", merge, merge.why)
    return merge


@office.put("/<int:merge_id>/rejection")
@office.arguments(schemas.MergeReasonArgs)
@office.response(200, schemas.MergeSchema)
@office.problems(MergeNotFound, DecisionNotYours, WrongState)
@office.permission("merges.read")
def reject_merge(args: dict[str, Any], merge_id: int) -> Merge:
    """Turn a proposed merge down, or withdraw one's own"""
    who = identity.staff()
    merge = service.reject(merge_id, why=args["why"], by=who.name, decides=DECIDE in who.permissions)
    _record(who.name, "rejected a merge", merge, args["why"])
    return merge


@office.get("/<int:merge_id>/undoing")
@office.response(200, schemas.MergeUndoPreviewSchema)
@office.problems(MergeNotFound, MergedOnward, WrongState)
@office.permission("merges.read")
def preview_undoing(merge_id: int) -> service.UndoPreview:
    """What undoing a merge would do just now"""
    return service.preview_undo(merge_id)


@office.post("/<int:merge_id>/undoing")
@office.arguments(schemas.MergeReasonArgs)
@office.response(201, schemas.MergeSchema)
@office.problems(MergeNotFound, MergedOnward, WrongState, IdempotencyKeyReused)
@office.idempotent
@office.permission("merges.propose")
def propose_undoing(args: dict[str, Any], merge_id: int) -> Merge:
    """Ask a second person to undo a merge"""
    who = identity.staff().name
    merge = service.propose_undo(merge_id, why=args["why"], by=who)
    _record(who, "proposed to undo a merge", merge, args["why"])
    return merge


@office.put("/<int:merge_id>/undoing/approval")
@office.response(200, schemas.MergeSchema)
@office.problems(MergeNotFound, AnotherPersonNeeded, ApprovalOutdated, MergedOnward, WrongState)
@office.permission(DECIDE)
def approve_undoing(merge_id: int) -> Merge:
    """Make two of one again"""
    who = identity.staff().name
    merge = service.approve_undo(merge_id, by=who)
    _record(who, "undid a merge", merge, merge.undo_why)
    return merge


@office.put("/<int:merge_id>/undoing/rejection")
@office.arguments(schemas.MergeReasonArgs)
@office.response(200, schemas.MergeSchema)
@office.problems(MergeNotFound, DecisionNotYours, WrongState)
@office.permission("merges.read")
def reject_undoing(args: dict[str, Any], merge_id: int) -> Merge:
    """Let a merge stand after all"""
    who = identity.staff()
    merge = service.reject_undo(merge_id, why=args["why"], by=who.name, decides=DECIDE in who.permissions)
    _record(who.name, "let a merge stand", merge, args["why"])
    return merge


def _record(who: str, did: str, merge: Merge, why: str | None) -> None:
    facts = {"merge": merge.id, "source": merge.source_id, "target": merge.target_id, "state": merge.state}
    for member_id in (merge.source_id, merge.target_id):
        audit.record(who, did, "member", member_id, after=facts, why=why)
