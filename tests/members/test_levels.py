"""Levels: reached by a year's growth, held for a year, lost by one step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from api.kit import clock, db
from api.kit.db import session
from api.members import service
from api.members.models import LevelChange, Member
from api.members.service import levels
from tests.factories import make_member
from tests.members.conftest import header, rows


@pytest.fixture
def member(inside: int) -> Member:
    service.seed_levels()
    made: Member = make_member()
    return made


def days(number: int) -> None:
    clock.fix(clock.now() + timedelta(days=number))


def rank(member: Member) -> int:
    session.refresh(member)
    return member.level_rank


def test_growth_reaches_a_level_at_once_and_multiplies_points(member: Member) -> None:
    service.add_growth(member.id, 999)
    assert (rank(member), service.level_multiplier_bp(member.id)) == (0, 10_000)
    service.add_growth(member.id, 1)
    assert (rank(member), service.level_multiplier_bp(member.id)) == (1, 11_000)
    service.add_growth(member.id, 20_000)
    assert rank(member) == 3
    changes = session.execute(select(LevelChange.from_rank, LevelChange.to_rank, LevelChange.growth)).all()
    assert [tuple(change) for change in changes] == [(0, 1, 1_000), (1, 3, 21_000)]


def test_one_cause_counts_once(member: Member) -> None:
    for _ in range(3):
        service.add_growth(member.id, 600, cause="sale:7")
    session.refresh(member)
    assert member.growth == 600


def test_growth_of_a_mall_without_levels_is_kept(inside: int) -> None:
    member = make_member()
    service.add_growth(member.id, 5_000)
    session.refresh(member)
    assert (member.growth, member.level_rank, service.level_multiplier_bp(member.id)) == (5_000, 0, 10_000)


def test_a_level_that_is_not_kept_is_lost_by_one_step_after_its_year(member: Member) -> None:
    service.add_growth(member.id, 5_000)
    assert rank(member) == 2
    days(200)
    assert levels.review_levels() == 0
    days(166)
    assert levels.review_levels() == 1
    assert rank(member) == 1
    days(366)
    levels.review_levels()
    assert rank(member) == 0
    session.refresh(member)
    assert member.level_until_on is None and levels.review_levels() == 0


def test_a_level_that_is_kept_is_renewed(member: Member) -> None:
    service.add_growth(member.id, 1_000)
    first = member.level_until_on
    days(100)
    service.add_growth(member.id, 800)
    days(265)
    assert levels.review_levels() == 1
    assert rank(member) == 1
    assert first is None or member.level_until_on != first


def test_a_member_sees_what_keeps_the_level_and_what_reaches_the_next(member: Member) -> None:
    service.add_growth(member.id, 1_200)
    session.refresh(member)
    stands = service.standing(member)
    assert stands.level is not None and stands.level.name == "银卡"
    assert (stands.growth, stands.keep_needs) == (1_200, 0)
    assert stands.next_level is not None and (stands.next_level.name, stands.next_needs) == ("金卡", 3_800)
    days(2)
    stands = service.standing(member)
    assert stands.keep_needs == 0


def test_growth_that_will_be_too_old_on_the_last_day_does_not_keep(member: Member) -> None:
    service.add_growth(member.id, 900)
    days(300)
    service.add_growth(member.id, 100)
    session.refresh(member)
    stands = service.standing(member)
    assert (stands.growth, stands.keep_needs) == (1_000, 700)


def test_growth_taken_back_lowers_no_level_at_once(member: Member) -> None:
    service.add_growth(member.id, 1_000, cause="sale:1")
    service.add_growth(member.id, -1_000, cause="refund:1")
    assert rank(member) == 1
    session.refresh(member)
    assert member.growth == 0 and service.standing(member).keep_needs == 800


def test_growth_from_many_sides_at_once_is_all_counted(app: Any, mall: int) -> None:
    with db.unit_of_work(mall):
        service.seed_levels()
        number = make_member().id
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: db.in_mall(mall, lambda: service.add_growth(number, 100)), range(10)))
    assert rows(mall, select(Member.growth, Member.level_rank)) == [(1_000, 1)]


def test_a_shopper_reads_it_on_the_phone(client: Any, with_wechat: Any, mall: int) -> None:
    me = with_wechat("li-lei")
    db.in_mall(mall, service.seed_levels)
    told = client.get("/v1/me/level", headers=header(me)).json
    assert (told["level"]["name"], told["next_level"]["name"], told["next_needs"], told["keep_needs"]) == ("普卡", "银卡", 1_000, None)
