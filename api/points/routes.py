from __future__ import annotations

from typing import Any

from api.kit import http, identity, pages
from api.points import schemas, service
from api.points.models import Award
from api.points.service.reading import HistoryLine
from api.points.states import AwardState

members = http.Blueprint("points", __name__, audience=identity.members, url_prefix="/points", description="My points")


@members.get("")
@members.response(200, schemas.SummarySchema)
def read_points() -> service.Summary:
    """My points: balance, pending, debt, and what expires when"""
    return service.summary(identity.member().id)


@members.get("/expiring")
@members.response(200, schemas.ForecastSchema)
def read_expiring() -> service.Summary:
    """What of my points expires on which day and in which month"""
    return service.summary(identity.member().id)


@members.get("/history")
@members.arguments(http.PageArgs, location="query")
@members.response(200, schemas.HistoryPage)
@members.problems(pages.CursorInvalid)
def list_history(args: dict[str, Any]) -> pages.Page[HistoryLine]:
    """Every movement of my points, newest first"""
    return service.history(identity.member().id, args.get("cursor"), args["limit"])


@members.get("/pending")
@members.arguments(http.PageArgs, location="query")
@members.response(200, schemas.AwardPage)
@members.problems(pages.CursorInvalid)
def list_pending(args: dict[str, Any]) -> pages.Page[Award]:
    """My points that are not spendable yet, and from when they are"""
    return service.awards_of(identity.member().id, state=AwardState.PENDING, cursor=args.get("cursor"), limit=args["limit"])


@members.get("/awards")
@members.arguments(http.PageArgs, location="query")
@members.response(200, schemas.AwardPage)
@members.problems(pages.CursorInvalid)
def list_awards(args: dict[str, Any]) -> pages.Page[Award]:
    """What each of my purchases earned, and why"""
    return service.awards_of(identity.member().id, cursor=args.get("cursor"), limit=args["limit"])
