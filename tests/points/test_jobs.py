"""What runs by itself: activation, expiry, the liability, the watch, growth, and the first rule of a new mall."""

from __future__ import annotations

from api.kit import clock
from api.kit.db import session
from api.members.models import Member
from api.points import jobs
from api.points import service as points
from api.points.models import Alert, LiabilityReport, Rule
from api.points.service import growth
from tests.points.conftest import Shopper, days, set_policy


def test_the_jobs_activate_and_expire(shopper: Shopper) -> None:
    set_policy(return_window_days=3, points_expiry="days", points_expiry_length=30)
    shopper.buys(100)
    clock.fix(clock.now() + days(5))
    jobs.activate_due.run()
    assert shopper.balance == 100
    clock.fix(clock.now() + days(30))
    jobs.expire_due.run()
    assert shopper.balance == 0


def test_the_liability_is_kept_each_day(shopper: Shopper) -> None:
    shopper.buys(100)
    jobs.report_liability.run()
    clock.fix(clock.now() + days(1))
    jobs.report_liability.run()
    assert [report.figures["outstanding"] for report in session.query(LiabilityReport)] == [100, 100]


def test_the_watch_looks_at_today_and_yesterday(shopper: Shopper) -> None:
    set_policy(return_window_days=0, watch_earned_points=100)
    shopper.buys(100)
    clock.fix(clock.now() + days(1))
    shopper.buys(100)
    jobs.watch.run()
    jobs.watch.run()
    assert sorted(alert.kind for alert in session.query(Alert)) == ["much_earned", "much_earned"]


def test_growth_reaches_the_room_of_members_once(shopper: Shopper) -> None:
    award = shopper.buys(100)
    for _ in range(2):
        growth.credit(shopper.id, award.growth, f"points_award:{award.id}")
    session.expire_all()
    assert session.get_one(Member, shopper.id).growth == 100


def test_a_growth_job_waits_in_the_transaction_of_the_award(shopper: Shopper) -> None:
    from sqlalchemy import text

    award = shopper.buys(100)
    shopper.returns(award, 100)
    waiting = session.execute(text("SELECT args FROM procrastinate_jobs WHERE task_name = 'points.credit_growth' ORDER BY id"))
    assert [row.args["growth"] for row in waiting] == [100, -100]


def test_a_new_mall_gets_one_point_a_yuan_once(app, mall: int) -> None:
    from api.kit import db

    runner = app.test_cli_runner()
    assert "from now on" in runner.invoke(args=["points", "lay-rules"]).output
    assert "already" in runner.invoke(args=["points", "lay-rules"]).output
    with db.unit_of_work(mall):
        assert [(rule.code, rule.points, rule.per_fen) for rule in session.query(Rule)] == [("standard", 1, 100)]
        assert points.liability_report().agrees
