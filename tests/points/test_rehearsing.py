"""A rule played over real sales: the rules in force give back what was awarded, a change says whom it touches, nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select, text

from api.kit import clock, db
from api.kit.db import Model, session
from api.members.models import Level
from api.points.errors import RehearsalRangeWrong, RuleWrong
from api.points.models import Award
from api.points.service import rehearsals, rules
from api.points.service.rehearsal_outcome import Outcome, Played
from api.points.service.rehearsals import Change, Replay, drafted
from api.sales.service import Tender
from tests.factories import make_member, make_rule, make_shop
from tests.points.conftest import Shopper, set_policy, travel

NOON = datetime.fromisoformat("2026-03-10T04:00:00+00:00")
MONTH = (date(2026, 3, 1), date(2026, 3, 31))


class Watched(Replay):
    """A replay that also remembers each sale."""

    def __init__(self, *arguments: Any) -> None:
        self.played: list[Played] = []
        super().__init__(*arguments)

    def _again(self, row: Any, refunds: Any) -> Played:
        played = super()._again(row, refunds)
        if row.counts:
            self.played.append(played)
        return played


def replay(change: Change | None = None, days: tuple[date, date] = MONTH) -> Watched:
    """A replay that was played to its end."""
    made = Watched(*days, change)
    assert sum(made.take(part) for part in made.slices) == made.total
    return made


def triple(**given: Any) -> Change:
    return drafted({"code": "standard", "kind": "base", "title_zh": "三倍", "title_en": "Triple", "points": 3, "per_fen": 100} | given)


@pytest.fixture
def march(shopper: Shopper) -> Iterator[Shopper]:
    """The tenth of March 2026, noon in Shanghai."""
    travel(NOON)
    yield shopper


def same(made: Watched) -> bool:
    """Whether everything that was played earned what it earned."""
    return [(each.before, each.shop_before) for each in made.played] == [(each.after, each.shop_after) for each in made.played]


def test_the_rules_in_force_give_what_was_awarded(march: Shopper) -> None:
    make_rule("multiplier", "weekend", factor_bp=20_000, conditions={"weekdays": [6, 7]}, shop_share_bp=3_000)
    make_rule("bonus", "large", points=33, conditions={"min_fen": 20_000}, shop_share_bp=10_000)
    for day in range(8):
        travel(NOON + timedelta(days=day))
        march.buys(37 * day + 5)
    made = replay()
    assert same(made)
    assert made.outcome.whole.before == sum(session.scalars(select(Award.points)))
    assert made.outcome.whole.shop_before > 0


def test_a_version_that_began_in_the_middle_counts_from_there(march: Shopper) -> None:
    march.buys(10)
    make_rule("base", "standard", version=2, points=2, per_fen=100, starts_at=NOON + timedelta(hours=1), ends_at=NOON + timedelta(hours=3))
    for hour in (2, 4):
        travel(NOON + timedelta(hours=hour))
        march.buys(10)
    made = replay()
    assert [each.before for each in made.played] == [10, 20, 0]
    assert same(made)


def test_a_change_takes_the_place_of_its_rule(march: Shopper) -> None:
    march.buys(10)
    friend = Shopper(make_member().id, make_shop().id)
    friend.buys(20)
    figures = replay(triple(conditions={"shops": [march.shop_id]})).outcome.figures()
    assert figures["points"] == {"before": 30, "after": 30, "difference": 0}
    assert figures["members"] == {"all": 2, "touched": 2, "winners": 1, "losers": 1}
    assert figures["winners"] == [{"member_id": march.id, "level": 0, "before": 10, "after": 30}]
    assert figures["losers"] == [{"member_id": friend.id, "level": 0, "before": 20, "after": 0}]
    assert {row["shop_id"]: row["difference"] for row in figures["by_shop"]} == {march.shop_id: 20, friend.shop_id: -20}
    assert figures["by_change"] == [{"at_least": -100, "below": -10, "members": 1}, {"at_least": 10, "below": 100, "members": 1}]


def test_a_new_rule_is_added_and_one_that_rests_is_taken_away(march: Shopper) -> None:
    make_rule("bonus", "gift", points=5)
    march.buys(10)
    double = drafted({"code": "double", "kind": "multiplier", "title_zh": "双倍", "title_en": "Double", "factor_bp": 20_000})
    assert replay(double).outcome.whole.after == 25
    rests = drafted({"code": "gift", "kind": "bonus", "title_zh": "礼", "title_en": "Gift", "points": 5, "enabled": False})
    assert replay(rests).outcome.whole.after == 10


def test_cost_is_told_in_money_by_the_policy(march: Shopper) -> None:
    set_policy(return_window_days=0, points_a_yuan=50)
    march.buys(100)
    assert replay(triple()).outcome.figures()["fen"] == {"before": 200, "after": 600, "difference": 400}


def test_levels_count_as_they_were_when_the_member_bought(march: Shopper) -> None:
    session.add(Level(rank=1, name="金卡", name_en="Gold", reach_growth=1, keep_growth=1, multiplier_bp=15_000))
    gold = Shopper(make_member(level_rank=1).id, march.shop_id)
    gold.buys(10)
    march.buys(10)
    session.execute(text("UPDATE members SET level_rank = 0"))
    made = replay(triple())
    assert [(row["level"], row["name"]["en"], row["before"], row["after"]) for row in made.outcome.figures()["by_level"]] == [
        (0, "Member", 10, 30),
        (1, "Gold", 15, 45),
    ]


def test_only_sales_paid_in_the_range_count(march: Shopper) -> None:
    travel(NOON + timedelta(days=40))
    march.buys(10, paid_at=datetime.fromisoformat("2026-03-31T15:59:59+00:00"))
    march.buys(20, paid_at=datetime.fromisoformat("2026-03-31T16:00:00+00:00"))
    assert replay().outcome.whole.before == 10
    assert replay(None, (date(2026, 4, 1), date(2026, 4, 30))).outcome.whole.before == 20


def test_caps_are_as_used_as_they_were(march: Shopper) -> None:
    make_rule("cap", "week", max_points=100, period="week", per="member")
    make_rule("cap", "budget", max_points=230, period="ever", per="mall")
    friend = Shopper(make_member().id, march.shop_id)
    for day in range(6):  # a week begins on Monday the ninth, so the budget and the week are half used on the twelfth
        travel(NOON + timedelta(days=day))
        march.buys(30)
        friend.buys(30)
    made = replay(None, (date(2026, 3, 12), date(2026, 3, 31)))
    assert [each.before for each in made.played] == [30, 30, 10, 10, 0, 0, 0, 0]
    assert same(made)
    assert [each.after for each in replay(triple()).played] == [90, 90, 10, 10, 0, 0, 0, 0, 0, 0, 0, 0]


def test_a_refund_returns_points_to_its_cap_in_its_time(march: Shopper) -> None:
    make_rule("cap", "month", max_points=100, period="month", per="member")
    travel(NOON)
    first = march.buys(80)
    travel(NOON + timedelta(hours=1))
    march.buys(50)
    travel(NOON + timedelta(hours=2))
    march.returns(first, 40)
    travel(NOON + timedelta(hours=3))
    march.buys(70)
    made = replay()
    assert [each.before for each in made.played] == [40, 20, 40]
    assert same(made)


def test_a_refund_of_what_earned_nothing_counts_by_another_rule(march: Shopper) -> None:
    make_rule("exclusion", "none")
    award = march.buys(100)
    march.returns(award, 25)
    rests = drafted({"code": "none", "kind": "exclusion", "title_zh": "无", "title_en": "None", "enabled": False})
    assert [(each.before, each.after) for each in replay(rests).played] == [(0, 75)]


def test_a_sale_without_its_facts_counts_as_unchanged(march: Shopper) -> None:
    march.buys(10).facts = {}
    session.flush()
    figures = replay(triple()).outcome.figures()
    assert (figures["sales_unknown"], figures["points"]) == (1, {"before": 10, "after": 10, "difference": 0})


BUYING = st.tuples(
    st.integers(0, 2), st.integers(0, 25), st.integers(1, 40_000), st.booleans(), st.sampled_from(["wechat", "coupon"]), st.integers(0, 3)
)
RULES = st.fixed_dictionaries(
    {},
    optional={
        "weekend": st.just(("multiplier", {"factor_bp": 15_000, "conditions": {"weekdays": [6, 7]}, "shop_share_bp": 2_500})),
        "noon": st.just(("multiplier", {"factor_bp": 30_000, "conditions": {"hours": [["11:00", "13:00"]]}})),
        "large": st.just(("bonus", {"points": 50, "conditions": {"min_fen": 10_000}, "shop_share_bp": 10_000})),
        "small": st.just(("exclusion", {"conditions": {"not_categories": ["x"], "min_fen": 39_000}})),
        "a-day": st.just(("cap", {"max_points": 300, "period": "day", "per": "member"})),
        "a-week": st.just(("cap", {"max_points": 90, "period": "week", "per": "member", "of_code": "noon"})),
        "budget": st.just(("cap", {"max_points": 900, "period": "month", "per": "mall"})),
        "forever": st.just(("cap", {"max_points": 1_500, "period": "ever", "per": "mall"})),
    },
)


@given(bought=st.lists(BUYING, min_size=1, max_size=12), held=RULES)
@settings(
    max_examples=20, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_was_bought_and_refunded_is_given_back_as_it_was(march: Shopper, bought: list[Any], held: dict[str, Any]) -> None:
    with session.begin_nested() as savepoint:
        for code, (kind, values) in held.items():
            make_rule(kind, code, **values)
        shoppers = [march, *(Shopper(make_member().id, make_shop(points_rate_bp=rate).id) for rate in (5_000, 12_345))]
        for number, (who, day, fen, known, tender, refunds) in enumerate(bought):
            at = NOON + timedelta(days=number, minutes=number)
            travel(at)
            paid_at = at - timedelta(days=day % 4)
            award = shoppers[who].buys(0, paid_fen=fen, paid_at=paid_at, minute_known=known, tenders=[Tender(tender, fen // 2)])
            for count in range(refunds):
                travel(at + timedelta(seconds=count + 1))
                if fen >= 300:
                    shoppers[who].returns(award, fen // 300, number=count + 1)
        made = replay(None, (date(2026, 3, 9), date(2026, 4, 30)))
        assert same(made)
        savepoint.rollback()


def test_members_take_room_and_sales_do_not() -> None:
    outcome = Outcome(100)
    for number in range(2_000):
        outcome.count(Played(number % 3, 1, 0, NOON, 1, 0, 2, 0))
    assert (outcome.whole.sales, len(outcome._before), len(outcome.shops), len(outcome.days)) == (2_000, 3, 1, 1)


def rows_by_table() -> dict[str, int]:
    tables = inspect(db.engine()).get_table_names()
    return {name: session.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0 for name in tables}


def digest_of(table: str) -> str:
    return str(session.scalar(text(f"SELECT md5(string_agg(t::text, ',' ORDER BY t.id)) FROM \"{table}\" t")))


def test_a_rehearsal_writes_its_own_row_and_nothing_else(app: Any, mall: int) -> None:
    with db.unit_of_work(mall):
        rules.add_first_rule(starts_at=clock.now() - timedelta(days=99))
        make_rule("cap", "daily", max_points=15, period="day", per="member")
        set_policy(return_window_days=0)
        shopper = Shopper(make_member().id, make_shop().id)
        for _ in range(3):
            shopper.buys(10)
    with db.unit_of_work(mall):
        today = clock.today("Asia/Shanghai")
        draft = {"code": "standard", "kind": "base", "title_zh": "三", "title_en": "3", "points": 3, "per_fen": 100}
        asked = rehearsals.request(by="staff:1", rule=draft, first_on=today - timedelta(days=3), last_on=today).id
    mapped = [table for table in Model.metadata.tables if table != "points_rehearsals"]
    with db.unit_of_work(mall):
        before, rows = {table: digest_of(table) for table in mapped}, rows_by_table()
    rehearsals.run(mall_id=mall, rehearsal_id=asked)
    with db.unit_of_work(mall):
        assert {table: digest_of(table) for table in mapped} == before
        assert rows_by_table() == rows
        found = rehearsals.read_with_names(asked)
        assert (found.progress, found.done, found.total) == ("done", 3, 3)
        assert found.result is not None
        assert found.result["points"] == {"before": 15, "after": 15, "difference": 0}
        first = found.finished_at
    rehearsals.run(mall_id=mall, rehearsal_id=asked)
    with db.unit_of_work(mall):
        assert rehearsals.read(asked).finished_at == first


def test_a_rehearsal_that_fails_says_so(app: Any, mall: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with db.unit_of_work(mall):
        draft = {"code": "standard", "kind": "base", "title_zh": "三", "title_en": "3", "points": 3, "per_fen": 100}
        asked = rehearsals.request(by="staff:1", rule=draft).id
        assert rehearsals.read(asked).progress == "waiting"
    with monkeypatch.context() as broken:
        broken.setattr(Replay, "_slices", lambda _self: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            rehearsals.run(mall_id=mall, rehearsal_id=asked)
    with db.unit_of_work(mall):
        assert (rehearsals.read(asked).progress, rehearsals.read(asked).failure) == ("failed", "ZeroDivisionError")
    rehearsals.run(mall_id=mall, rehearsal_id=asked)
    with db.unit_of_work(mall):
        assert (rehearsals.read(asked).progress, rehearsals.read(asked).failure) == ("done", None)


def test_the_range_is_last_month_unless_it_is_said(march: Shopper) -> None:
    draft = {"code": "new", "kind": "bonus", "title_zh": "礼", "title_en": "Gift", "points": 5}
    asked = rehearsals.request(by="staff:1", rule=draft)
    assert (asked.first_on, asked.last_on) == (date(2026, 2, 1), date(2026, 2, 28))
    for wrong, name in (((date(2026, 3, 2), date(2026, 3, 1)), "last_on"), ((date(2025, 1, 1), date(2026, 3, 1)), "first_on")):
        with pytest.raises(RehearsalRangeWrong) as refused:
            rehearsals.request(by="staff:1", rule=draft, first_on=wrong[0], last_on=wrong[1])
        assert name in refused.value.facts["errors"]
    with pytest.raises(RehearsalRangeWrong):
        rehearsals.request(by="staff:1", rule=draft, first_on=date(2026, 3, 1), last_on=date(2026, 3, 11))
    with pytest.raises(RuleWrong):
        rehearsals.request(by="staff:1", rule=draft | {"points": 0})
