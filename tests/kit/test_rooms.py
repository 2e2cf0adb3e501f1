"""Rooms are found by themselves; what they declare is put together."""

from __future__ import annotations

import subprocess
import sys

import pytest

from api.kit import http, rooms
from api.kit.jobs import JOBS, Job, Promised
from api.kit.membership import MemberPart
from api.kit.policy import Policy
from api.points.policy import PointsRules


def test_every_folder_with_a_room_file_is_a_room_by_its_name() -> None:
    every = {room.name: room for room in rooms.every()}
    assert {"malls", "points", "checkout", "partners"} <= set(every) and "kit" not in every
    assert every["points"].word == "积分" and every["points"].sentence.startswith("What a purchase earns")


def test_what_stands_in_a_rooms_files_is_found_once() -> None:
    points = next(room for room in rooms.every() if room.name == "points")
    assert {blueprint.name for blueprint in points.declared("routes", http.Blueprint)} == {"points", "office_points"}
    assert {job.name for job in points.declared("jobs", Job)} == {name for name in JOBS if name.startswith("points.")}
    assert points.declared("no_such_file", Job) == []


def test_a_question_is_answered_once_however_often_the_rooms_are_connected() -> None:
    asked: list[str] = []
    for _ in range(3):
        rooms.answer(asked, "checkout")
    assert asked == ["checkout"]


def test_causes_are_asked_before_what_they_bring_about() -> None:
    kinds = [part.kind for part in rooms.member_parts() if part.kind]
    assert kinds == ["order", "receipt", "sale", "award"]


def test_a_room_without_a_part_in_a_members_life_does_nothing() -> None:
    part = MemberPart(place=1)
    part.lock(1)
    part.forget(1)
    part.refuse_closing(1)
    assert part.hand_over(1, 2) == [] and part.count(1) == {} and not part.holds_value(1)


def test_rules_are_read_of_what_the_mall_stores() -> None:
    policy = Policy({"points_pay_step": 50})
    assert policy.of(PointsRules).points_pay_step == 50 and policy.of(PointsRules) is policy.of(PointsRules)
    assert policy.differs() == {"points_pay_step": 50}


def test_a_promised_job_that_nobody_keeps_is_told() -> None:
    with pytest.raises(AssertionError, match="no job keeps this promise"):
        _ = Promised().job


@pytest.mark.parametrize("first", ["api.malls.schemas", "api.merges.schemas", "api.checkout.schemas"])
def test_any_file_may_be_loaded_first(first: str) -> None:
    code = f"import {first}; from api.kit import policy, tables; print(len(policy.fields()) > 40, len(tables.every()) > 30)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "True True\n", done.stderr
