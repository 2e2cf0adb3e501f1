"""Limits of value: what is counted in a window, once a cause, and never past the limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text, update
from sqlalchemy.exc import ProgrammingError

from api.kit import clock, db, value_limits
from api.kit.db import session
from api.kit.value_limits import Bound, Limit, ValueUse
from tests.conftest import owner_rows
from tests.ledger.test_service import together
from tests.trials import trials

pytestmark = pytest.mark.attack

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
BY_PERSON, OF_MEMBER = Limit("test-by-person", timedelta(hours=10)), Limit("test-of-member", timedelta(hours=3))

acts = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 60), st.sampled_from("ab")), max_size=25)


@settings(max_examples=trials(200), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=acts)
def test_a_window_holds_what_was_used_in_it_and_never_more_than_the_limit(mall: int, acts: list[tuple[int, int, str]]) -> None:
    """Against a list of uses: hours pass, and amounts are asked for."""
    now = BEGAN
    uses: list[tuple[datetime, str, int]] = []
    try:
        with db.unit_of_work(mall):
            for number, (hours, amount, member) in enumerate(acts):
                now += timedelta(hours=hours)
                clock.fix(now)
                bounds = [Bound(BY_PERSON, "staff:1", 100), Bound(OF_MEMBER, member, 50)]
                counted = [
                    sum(fen for at, _, fen in uses if at > now - BY_PERSON.window),
                    sum(fen for at, whose, fen in uses if at > now - OF_MEMBER.window and whose == member),
                ]
                passed = value_limits.use(amount, bounds, cause=("test", number))
                wanted = next((bound.limit for bound, before in zip(bounds, counted, strict=True) if before + amount > bound.most), None)
                assert passed == wanted
                if passed is None:
                    uses.append((now, member, amount))
            raise _UndoneError
    except _UndoneError:
        pass


class _UndoneError(Exception):
    """One example leaves nothing for the next."""


def test_the_same_cause_counts_once(inside: int) -> None:
    bounds = [Bound(BY_PERSON, "staff:1", 100)]
    assert [value_limits.use(60, bounds, cause=("order", 7)) for _ in range(3)] == [None, None, None]
    assert value_limits.use(41, bounds, cause=("order", 8)) == BY_PERSON
    assert value_limits.use(40, bounds, cause=("order", 8)) is None


def test_what_one_bound_refuses_is_counted_nowhere(inside: int) -> None:
    both = [Bound(BY_PERSON, "staff:1", 100), Bound(OF_MEMBER, 5, 10)]
    assert value_limits.use(11, both, cause=("t", 1)) == OF_MEMBER
    assert value_limits.use(100, both[:1], cause=("t", 2)) is None


def test_what_is_given_back_may_be_used_again(inside: int) -> None:
    bounds = [Bound(BY_PERSON, "staff:1", 100)]
    value_limits.use(100, bounds, cause=("t", 1))
    value_limits.release(30, bounds, cause=("t-undone", 1))
    assert value_limits.use(31, bounds, cause=("t", 2)) == BY_PERSON
    assert value_limits.use(30, bounds, cause=("t", 3)) is None


def test_what_a_second_person_lets_through_counts_all_the_same(inside: int) -> None:
    bounds = [Bound(BY_PERSON, "staff:1", 100)]
    assert value_limits.count(150, bounds, cause=("t", 1)) == BY_PERSON
    assert value_limits.use(1, bounds, cause=("t", 2)) == BY_PERSON


def test_one_question_is_one_statement(inside: int, statements: Any) -> None:
    with statements() as seen:
        value_limits.use(1, [Bound(BY_PERSON, "a", 9), Bound(OF_MEMBER, 3, 9)], cause=("t", 1))
    assert len(seen) == 1


def test_twelve_at_once_never_pass_a_limit(mall: int, figure: Any) -> None:
    rounds, passed = trials(200), 0
    for number in range(rounds):
        bound = Bound(BY_PERSON, f"staff:{number}", 1_000)
        results = together(mall, 12, lambda n, bound=bound, number=number: value_limits.use(300, [bound], cause=("t", f"{number}-{n}")))
        passed += results.count(None) != 3
    figure(f"12 uses of a limit at once: {rounds} rounds, {passed} violations")
    assert passed == 0


@pytest.mark.parametrize("change", [update(ValueUse).values(amount=1), delete(ValueUse)])
def test_the_app_cannot_change_what_was_used(inside: int, change: Any) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        session.execute(change)


def test_old_uses_are_swept_and_young_ones_stay(mall: int, settings: Any) -> None:
    with db.unit_of_work(mall):
        value_limits.use(1, [Bound(BY_PERSON, "a", 9)], cause=("t", 1))
        clock.fix(clock.now() - timedelta(days=41))
        value_limits.use(1, [Bound(BY_PERSON, "a", 9)], cause=("t", 2))
        clock.fix(clock.now() + timedelta(days=41))
        value_limits.sweep()
        session.execute(text("SELECT sweep_value_uses(now() + interval '1 year')"))
    assert owner_rows(settings, "SELECT cause_id FROM value_uses") == [("1",)]
