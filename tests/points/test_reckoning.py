"""What a sale earns, as arithmetic."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.points.models import Rule
from api.points.reckoning import Facts, explain, fits, limit, reckon, wrong_conditions

FACTS = Facts(
    base_fen=12_800,
    paid_fen=12_800,
    local=datetime(2026, 11, 11, 12, 30),  # noqa: DTZ001 - the mall's own wall clock; a Wednesday
    minute_known=True,
    channel="receipt",
    shop_id=7,
    site_id=1,
    category="餐饮",
)


def rule(kind: str, code: str, **values: Any) -> Rule:
    names = {"title_zh": code, "title_en": code}
    defaults = {"conditions": {}, "priority": 0, "stack": "", "use_shop_rate": True, "shop_share_bp": 0, "id": 1, "version": 1}
    return Rule(kind=kind, code=code, **(names | defaults | values))


BASE = rule("base", "standard", title_zh="消费积分", title_en="Purchase", points=1, per_fen=100)
DOUBLE = rule("multiplier", "double", title_zh="双倍日", title_en="Double day", factor_bp=20_000)


def earned(facts: Facts, *rules: Rule, rounding: str = "down") -> int:
    return reckon(facts, rules, rounding=rounding).points


def test_one_point_a_yuan() -> None:
    assert earned(FACTS, BASE) == 128


def test_the_sentence_says_how() -> None:
    dining = rule("base", "dining", title_zh="餐饮", title_en="Dining", points=1, per_fen=100)
    assert explain(FACTS, reckon(FACTS, [dining, DOUBLE], rounding="down")) == {
        "zh": "256 分 = ¥128.00 × 1 分/元（餐饮 · 双倍日 ×2）",
        "en": "256 points = ¥128.00 × 1 a yuan (Dining · Double day ×2)",
    }


def test_the_sentence_keeps_its_rate_when_only_the_multiplier_makes_a_point() -> None:
    half = replace(FACTS, base_fen=50)
    assert explain(half, reckon(half, [BASE, DOUBLE], rounding="down"))["zh"] == "1 分 = ¥0.50 × 1 分/元（消费积分 · 双倍日 ×2）"


@pytest.mark.parametrize(("mode", "points"), [("down", 12), ("half_up", 13), ("up", 13)])
def test_rounding_is_as_stated(mode: str, points: int) -> None:
    assert earned(replace(FACTS, base_fen=1_250), BASE, rounding=mode) == points
    own = rule("base", "own", points=1, per_fen=100, rounding=mode)
    assert earned(replace(FACTS, base_fen=1_250), own) == points


def test_the_shop_and_the_level_multiply() -> None:
    facts = replace(FACTS, shop_rate_bp=5_000, level_bp=15_000)
    assert earned(facts, BASE) == 96
    assert [(part.kind, part.points) for part in reckon(facts, [BASE], rounding="down").parts] == [("base", 64), ("level", 32)]


def test_only_the_best_of_a_stack_counts_and_stacks_multiply() -> None:
    small = rule("multiplier", "small", factor_bp=15_000, stack="days")
    large = rule("multiplier", "large", factor_bp=20_000, stack="days")
    other = rule("multiplier", "other", factor_bp=30_000)
    assert earned(FACTS, BASE, small, large) == 256
    assert earned(FACTS, BASE, small, large, other) == 768


def test_the_base_rule_of_the_highest_priority_counts() -> None:
    gold = rule("base", "gold", points=1, per_fen=1_000, priority=5, conditions={"categories": ["黄金"]})
    assert earned(FACTS, BASE, gold) == 128
    assert earned(replace(FACTS, category="黄金"), BASE, gold) == 12


def test_a_bonus_is_added_once_above_its_minimum() -> None:
    bonus = rule("bonus", "bonus", points=50, conditions={"min_fen": 10_000})
    assert earned(FACTS, BASE, bonus) == 178
    assert earned(replace(FACTS, base_fen=9_999), BASE, bonus) == 99


@pytest.mark.parametrize(
    ("facts", "rules", "reason"),
    [
        (replace(FACTS, shop_excluded=True), [BASE], "shop_excluded"),
        (replace(FACTS, shop_rate_bp=0), [BASE, DOUBLE], "shop_excluded"),
        (replace(FACTS, base_fen=0), [BASE], "nothing_earning"),
        (FACTS, [], "no_rule"),
        (replace(FACTS, base_fen=99), [BASE], "too_small"),
        (FACTS, [BASE, rule("exclusion", "x", conditions={"categories": ["餐饮"]})], "excluded"),
    ],
)
def test_a_sale_that_earns_nothing_says_why(facts: Facts, rules: list[Rule], reason: str) -> None:
    reckoned = reckon(facts, rules, rounding="down")
    assert (reckoned.points, reckoned.reason) == (0, reason)
    assert explain(facts, reckoned)["zh"].startswith("0 分：")


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True),
        ({"shops": [7]}, True),
        ({"shops": [8]}, False),
        ({"not_shops": [7]}, False),
        ({"sites": [1], "categories": ["餐饮", "零售"]}, True),
        ({"levels": [0]}, True),
        ({"levels": [2, 3]}, False),
        ({"channels": ["payment"]}, False),
        ({"weekdays": [3]}, True),
        ({"weekdays": [6, 7]}, False),
        ({"month_days": [11]}, True),
        ({"dates": [["2026-11-10", "2026-11-11"]]}, True),
        ({"dates": [["2026-11-12", "2026-11-13"]]}, False),
        ({"hours": [["11:00", "12:30"]]}, False),
        ({"hours": [["12:30", "14:00"]]}, True),
        ({"hours": [["22:00", "13:00"]]}, True),
    ],
)
def test_conditions_mean_what_they_say(conditions: dict[str, Any], holds: bool) -> None:
    assert wrong_conditions(conditions) == {}
    assert fits(conditions, FACTS) is holds


def test_a_rule_by_the_hour_needs_to_know_the_minute() -> None:
    assert not fits({"hours": [["00:00", "23:59"]]}, replace(FACTS, minute_known=False))


@pytest.mark.parametrize(
    "conditions",
    [
        {"moon": ["full"]}, {"shops": []}, {"shops": ["7"]}, {"weekdays": [8]}, {"min_fen": "1"}, {"hours": [["25:00", "26:00"]]},
        {"dates": [["2026-11-12", "2026-11-11"]]}, {"dates": [["2026-11-12"]]}, {"categories": "餐饮"}, {"levels": [True]},
    ],
)  # fmt: skip
def test_conditions_that_make_no_sense_are_named(conditions: dict[str, Any]) -> None:
    assert list(wrong_conditions(conditions)) == list(conditions)


SHARES = st.integers(0, 10_000)


@given(
    fen=st.integers(1, 10**9),
    shop_rate=st.integers(0, 50_000),
    level=st.integers(5_000, 30_000),
    factors=st.lists(st.integers(10_000, 50_000), max_size=3),
    share=SHARES,
    mode=st.sampled_from(["down", "half_up", "up"]),
    cap=st.integers(0, 10**6),
)
def test_parts_add_up_and_bearers_add_up(fen, shop_rate, level, factors, share, mode, cap) -> None:
    base = rule("base", "base", points=1, per_fen=100, shop_share_bp=share)
    many = [rule("multiplier", f"m{n}", factor_bp=factor, shop_share_bp=share) for n, factor in enumerate(factors)]
    whole = reckon(replace(FACTS, base_fen=fen, shop_rate_bp=shop_rate, level_bp=level), [base, *many], rounding=mode)
    limited = limit(whole, None, cap)
    assert limited.points == min(whole.points, cap)
    for reckoned in (whole, limited):
        assert all(0 <= part.shop_points <= part.points for part in reckoned.parts)
    exact = fen * shop_rate * level
    scale = 100 * 10_000 * 10_000
    for factor in factors:
        exact, scale = exact * factor, scale * 10_000
    assert abs(whole.points * scale - exact) < scale or mode == "half_up"
