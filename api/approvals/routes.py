"""The office decides what takes two people."""

from __future__ import annotations

from typing import Any

from api.approvals import schemas, service
from api.approvals.errors import AnotherPersonNeeded, ApprovalNotFound, ApprovalOutdated
from api.approvals.models import Approval
from api.kit import http, identity, pages
from api.kit.states import WrongState
from api.kit.tables import exported

office = http.Blueprint(
    "office_approvals", __name__, audience=identity.mall_staff, url_prefix="/approvals", description="What takes two people"
)


@office.get("")
@office.arguments(schemas.ApprovalsArgs, location="query")
@office.response(200, schemas.ApprovalPage)
@office.problems(pages.CursorInvalid)
@office.permission("approvals.read")
def list_approvals(args: dict[str, Any]) -> pages.Page[Approval]:
    """What I asked and what I may decide, newest first"""
    who = identity.staff()
    return service.listed(
        by=who.name, permissions=who.permissions, state=args["state"], act=args["act"], cursor=args.get("cursor"), limit=args["limit"]
    )


@office.get("/<int:approval_id>")
@office.response(200, schemas.ApprovalSchema)
@office.problems(ApprovalNotFound)
@office.permission("approvals.read")
def read_approval(approval_id: int) -> Approval:
    """One request"""
    who = identity.staff()
    return service.read(approval_id, by=who.name, permissions=who.permissions)


@office.put("/<int:approval_id>/approval")
@office.response(200, schemas.ApprovalSchema)
@office.problems(ApprovalNotFound, AnotherPersonNeeded, ApprovalOutdated, WrongState)
@office.permission("approvals.decide")
def approve(approval_id: int) -> Approval:
    """Do what somebody else asked for"""
    who = identity.staff()
    return service.approve(approval_id, by=who.name, permissions=who.permissions)


@office.put("/<int:approval_id>/rejection")
@office.arguments(schemas.RejectionArgs)
@office.response(200, schemas.ApprovalSchema)
@office.problems(ApprovalNotFound, WrongState)
@office.permission("approvals.decide")
def reject(args: dict[str, Any], approval_id: int) -> Approval:
    """Turn a request down, or withdraw one's own"""
    who = identity.staff()
    return service.reject(approval_id, by=who.name, permissions=who.permissions, why=args["why"])


@exported("approvals", schemas.ApprovalsArgs, schemas.ApprovalSchema, permission="audit.read")
def _all_approvals(args: dict[str, Any]) -> pages.Page[Approval]:
    return service.every(state=args["state"], act=args["act"], cursor=args.get("cursor"), limit=args["limit"])
