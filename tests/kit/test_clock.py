from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kit import clock, db


@pytest.fixture(autouse=True)
def _own_clock_again():
    """Each test may follow any clock; afterwards this process follows its own again."""
    yield
    clock.follow(datetime.now(UTC))


def test_the_day_of_a_mall_begins_at_its_own_midnight() -> None:
    assert clock.midnight(date(2026, 3, 1), "Asia/Shanghai") == datetime(2026, 2, 28, 16, tzinfo=UTC)
    assert clock.midnight(date(2026, 3, 1), "UTC") == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 7, 1), 24)])
def test_a_day_has_23_24_or_25_hours_where_clocks_are_moved(day: date, hours: int) -> None:
    tomorrow = day + timedelta(days=1)
    assert clock.midnight(tomorrow, "America/New_York") - clock.midnight(day, "America/New_York") == timedelta(hours=hours)


@given(
    st.datetimes(datetime.fromisoformat("2001-01-01"), datetime.fromisoformat("2099-01-01"), timezones=st.just(UTC)),
    st.sampled_from(["Asia/Shanghai", "Asia/Tokyo"]),
)
def test_an_instant_lies_in_exactly_the_day_it_is_in(at: datetime, zone: str) -> None:
    clock.fix(at)
    day = clock.today(zone)
    clock.fix(None)
    assert clock.midnight(day, zone) <= at < clock.midnight(day + timedelta(days=1), zone)


def test_the_same_instant_is_two_days_in_two_malls() -> None:
    clock.fix(datetime(2026, 11, 20, 20, tzinfo=UTC))
    assert clock.today("Asia/Shanghai") == date(2026, 11, 21)
    assert clock.today("Europe/London") == date(2026, 11, 20)


def test_the_clock_follows_the_database() -> None:
    ahead = datetime.now(UTC) + timedelta(minutes=10)
    clock.follow(ahead)
    assert abs(clock.now() - ahead) < timedelta(seconds=1)
    assert timedelta(minutes=9, seconds=59) < clock.skew() < timedelta(minutes=10, seconds=1)


def test_what_asking_the_database_took_does_not_put_our_clock_behind_by_as_much() -> None:
    truth = datetime.now(UTC) + timedelta(minutes=10)
    clock.follow(truth - timedelta(seconds=2), took=4.0)
    assert abs(clock.now() - truth) < timedelta(seconds=1)


def test_a_step_of_this_servers_own_clock_does_not_move_ours(monkeypatch) -> None:
    clock.follow(datetime.now(UTC))
    before = clock.now()

    class Stepped(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) - timedelta(minutes=10)

    monkeypatch.setattr(clock, "datetime", Stepped)
    assert timedelta(0) <= clock.now() - before < timedelta(seconds=1)


def test_a_new_connection_brings_the_databases_time(app) -> None:
    clock.follow(datetime.now(UTC) - timedelta(hours=1))
    db.engine().dispose()
    with db.unit_of_work():
        told = db.session.execute(db.text("SELECT clock_timestamp()")).scalar_one()
    assert abs(clock.now() - told) < timedelta(seconds=1)


def test_the_clock_takes_aware_instants_only() -> None:
    with pytest.raises(ValueError, match="aware"):
        clock.fix(datetime.fromisoformat("2026-01-01"))
