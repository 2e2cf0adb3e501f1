"""A shop that is usually busy and takes nothing by its plate raises an alarm, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api.kit import cache, clock, db
from api.kit.db import session
from api.malls import service as malls
from api.plates import service
from api.plates.jobs import watch_silence
from api.plates.models import PlateAlarm
from api.plates.service import silence
from api.sales.models import Sale
from tests.factories import make_shop
from tests.plates.conftest import issued

#: A Friday at 19:30 in Shanghai.
EVENING = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _evening(app) -> None:
    clock.fix(EVENING)


def paid(shop_id: int, count: int, *, before: timedelta = timedelta(0), channel: str = "plate") -> None:
    """So many payments in the half hour that ends now, or ended so long before."""
    at = EVENING - before - timedelta(minutes=29)
    session.add_all(
        Sale(
            shop_id=shop_id,
            channel=channel,
            paid_at=at + timedelta(seconds=number),
            paid_on=at.date(),
            minute_known=True,
            paid_fen=1_000,
            tenders=[],
            recorded_at=at,
        )
        for number in range(count)
    )
    session.flush()


def busy_shop(*weeks: int) -> int:
    """A shop with a plate, and so many payments at this hour in each of the last weeks, newest first."""
    shop_id, plate = int(make_shop().id), issued()[0]
    service.bind(plate.id, shop_id, by="staff:1")
    for ago, count in enumerate(weeks, 1):
        paid(shop_id, count, before=timedelta(weeks=ago))
    return shop_id


def test_a_busy_shop_that_falls_silent_raises_one_alarm_with_its_evidence(inside) -> None:
    shop_id = busy_shop(6, 5, 9, 0, 7, 3)
    assert service.watch().silent == (shop_id,)
    alarm = service.alarms(unseen=True).items[0]
    assert (alarm.kind, alarm.shop_id, alarm.raised_at) == ("silence", shop_id, EVENING)
    assert alarm.facts == {"minutes": 30, "busy_shops": 1, "silent_shops": 1, "usual": 5, "weeks": [6, 5, 9, 0, 7, 3]}
    clock.fix(EVENING + timedelta(minutes=10))
    assert service.watch().silent == ()
    assert len(service.alarms().items) == 1


def test_a_payment_ends_the_silence_and_a_new_silence_is_a_new_alarm(inside) -> None:
    shop_id = busy_shop(6, 6, 6, 6, 6, 6)
    service.watch()
    paid(shop_id, 1)
    assert service.watch().over == (shop_id,)
    assert service.alarms().items[0].over_at == EVENING
    clock.fix(EVENING + timedelta(minutes=31))
    for week in range(1, 7):
        paid(shop_id, 5, before=timedelta(weeks=week, minutes=-31))
    assert service.watch().silent == (shop_id,)
    assert len(service.alarms(shop_id=shop_id).items) == 2


@pytest.mark.parametrize(
    "weeks",
    [(), (3, 3, 3, 3, 3, 3), (50, 50, 50), (0, 0, 0, 50, 50, 50), (1, 0, 1, 0, 1, 0)],
    ids=["new", "quiet", "three weeks old", "busy no longer", "now and then"],
)
def test_a_quiet_or_new_shop_never_alarms(inside, weeks) -> None:
    busy_shop(*weeks)
    assert service.watch() == silence.SilenceReport((), ())


def test_a_busy_shop_that_takes_payments_or_has_no_plate_is_left_alone(inside) -> None:
    busy = busy_shop(9, 9, 9, 9, 9, 9)
    paid(busy, 1)
    without = make_shop().id
    for week in range(1, 7):
        paid(without, 9, before=timedelta(weeks=week))
    assert service.watch().silent == ()


def test_what_came_at_another_hour_another_weekday_or_by_another_channel_is_not_usual(inside) -> None:
    shop_id = busy_shop()
    for week in range(1, 7):
        paid(shop_id, 9, before=timedelta(weeks=week, hours=3))
        paid(shop_id, 9, before=timedelta(weeks=week, days=1))
        paid(shop_id, 9, before=timedelta(weeks=week), channel="receipt")
    assert service.watch().silent == ()
    paid(busy := busy_shop(9, 9, 9, 9, 9, 9), 5, channel="receipt")
    assert service.watch().silent == (busy,)  # a photographed receipt is no payment by the plate


def test_the_same_time_of_day_is_by_the_malls_own_clock_over_a_change_of_clocks() -> None:
    # Berlin put its clocks back on 25 October 2026: 19:00 was 17:00 UTC before and is 18:00 UTC after.
    after = datetime(2026, 10, 27, 18, 0, tzinfo=UTC)
    found = silence.windows(after, timedelta(minutes=30), "Europe/Berlin")
    assert found[0] == (after - timedelta(minutes=30), after)
    assert found[1][1] == datetime(2026, 10, 20, 17, 0, tzinfo=UTC)
    assert len(found) == 7


def test_the_policy_says_how_long_and_how_busy(inside) -> None:
    shop_id = busy_shop(6, 6, 6, 6, 6, 6)
    malls.change_policy({"silence_usual": 7}, by="staff:1", why="test")
    assert service.watch().silent == ()
    malls.change_policy({"silence_usual": 6}, by="staff:1", why="test")
    assert service.watch().silent == (shop_id,)


def test_a_look_costs_the_same_few_statements_for_any_number_of_shops(inside, statements) -> None:
    busy_shop(6, 6, 6, 6, 6, 6)
    with statements() as one:
        assert len(service.watch().silent) == 1
    for _ in range(40):
        busy_shop(6, 6, 6, 6, 6, 6)
    with statements() as many:
        assert len(service.watch().silent) == 40
    assert len(many) <= len(one) <= 5


def test_the_job_tells_the_shops_tablet_and_the_office_can_say_what_it_was(mall) -> None:
    with db.unit_of_work(mall):
        shop_id = busy_shop(6, 6, 6, 6, 6, 6)
    db.in_mall(mall, watch_silence.run)
    told = cache.attempt(lambda client: client.xrange(f"live:{mall}:shop:{shop_id}"), [])
    assert b'"event": "plate_alarm"' in told[0][1][b"m"]
    assert b'"about": "silence"' in told[0][1][b"m"]
    with db.unit_of_work(mall):
        alarm = session.query(PlateAlarm).one()
        service.acknowledge(alarm.id, by="staff:3", verdict="power was out")
        assert service.alarms(unseen=True).items == []
        assert service.watch().silent == ()  # still silent, and looked after: no second alarm
