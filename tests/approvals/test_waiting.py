"""Requests that rooms keep in tables of their own wait no longer than others, for somebody who still may ask, and for another person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from api.approvals import service as approvals
from api.approvals.errors import AnotherPersonNeeded, ApprovalOutdated
from api.approvals.models import Approval
from api.kit import clock, rooms
from api.kit.db import Model, session
from api.points.service import adjustments
from api.points.states import AdjustmentState
from api.staff.models import AccountTie
from tests.factories import make_member, make_staff
from tests.points.conftest import set_policy

pytestmark = pytest.mark.attack
MORE = 50_000  # points, above what one person gives alone


@pytest.fixture
def asked(app: Any, inside: int) -> tuple[int, str, str]:
    """An adjustment that waits, who asked for it, and who could decide."""
    set_policy(adjustment_limit_points=1_000)
    asker, decider = (f"staff:{make_staff(role).id}" for role in ("service_desk", "finance"))
    made = adjustments.adjust(make_member().id, MORE, why="a complaint", by=asker)
    assert made.state == AdjustmentState.PROPOSED
    return made.id, asker, decider


def test_every_table_of_requests_waits_as_the_others(app: Any) -> None:
    rooms.load()
    rooms.files("routes")
    asking = {"proposed_by", "asked_by", "undo_proposed_by"}
    tables = {
        mapper.class_
        for mapper in Model.registry.mappers
        if asking & set(mapper.columns.keys()) and {"decided_by", "undo_decided_by"} & set(mapper.columns.keys())
    }
    assert {waiting.model for waiting in approvals.WAITING} == tables - {Approval}


def test_what_nobody_decides_in_a_week_ends_and_counts_no_more(asked: tuple[int, str, str]) -> None:
    number, _, decider = asked
    clock.fix(clock.now() + approvals.WAITS - timedelta(seconds=1))
    assert approvals.expire() == 0
    clock.fix(clock.now() + timedelta(seconds=1))
    with pytest.raises(ApprovalOutdated):
        adjustments.approve(number, by=decider)
    assert approvals.expire() == 1
    assert adjustments.read(number).state == AdjustmentState.REJECTED


def test_who_may_not_ask_any_more_has_asked_for_nothing(asked: tuple[int, str, str]) -> None:
    number, asker, decider = asked
    for change in ("role = 'marketer'", "state = 'suspended'"):
        session.execute(text(f"UPDATE staff_accounts SET {change} WHERE id = :id"), {"id": int(asker.partition(":")[2])})
        with pytest.raises(ApprovalOutdated):
            adjustments.approve(number, by=decider)
        session.execute(
            text("UPDATE staff_accounts SET role = 'service_desk', state = 'active' WHERE id = :id"), {"id": int(asker.partition(":")[2])}
        )
    assert adjustments.approve(number, by=decider).state == AdjustmentState.POSTED


def test_a_tie_that_was_there_when_it_was_asked_does_not_lapse_while_it_waits(asked: tuple[int, str, str]) -> None:
    number, asker, decider = asked
    made_at = clock.now() - timedelta(days=29)
    session.add(AccountTie(account_id=int(decider.partition(":")[2]), by=asker, did="opened", at=made_at))
    session.flush()
    clock.fix(clock.now() + timedelta(days=2))
    with pytest.raises(AnotherPersonNeeded):
        adjustments.approve(number, by=decider)


def test_a_shoppers_request_does_not_end_by_waiting(asked: tuple[int, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    session.execute(text("UPDATE points_adjustments SET proposed_by = 'member:7'"))
    session.expire_all()
    clock.fix(clock.now() + timedelta(days=60))
    assert approvals.expire() == 0
