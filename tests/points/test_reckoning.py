"""What a sale earns, as arithmetic."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.points.models import Rule
from api.points.reckoning import (
    Facts,
    Part,
    Reckoned,
    RuleFacts,
    explain,
    fits,
    limit,
    plain,
    reckon,
    refund_share,
    undone,
    wrong_conditions,
)

FACTS = Facts(
    base_fen=12_800,
    paid_fen=12_800,
    local=datetime(2026, 11, 11, 12, 30),  # noqa: DTZ001 - the mall's own wall clock; a Wednesday
    minute_known=True,
    channel="receipt",
    shop_id=7,
    site_id=1,
    category="餐饮",
    shop_rate_bp=10_000,
    shop_excluded=False,
    level=0,
    level_bp=10_000,
)


def rule(kind: str, code: str, **values: Any) -> Rule:
    names = {"title_zh": code, "title_en": code}
    defaults = {"conditions": {}, "priority": 0, "stack": "", "use_shop_rate": True, "shop_share_bp": 0, "id": 1, "version": 1}
    return Rule(kind=kind, code=code, **(names | defaults | values))


BASE = rule("base", "standard", title_zh="消费积分", title_en="Purchase", points=1, per_fen=100)
DOUBLE = rule("multiplier", "double", title_zh="双倍日", title_en="Double day", factor_bp=20_000)


def earned(facts: Facts, *rules: Rule, rounding: str = "down") -> int:
    return reckon(facts, rules, rounding=rounding).points


def parts_of(reckoned: Reckoned) -> list[tuple[str, str, int, int]]:
    return [(part.code, part.kind, part.points, part.shop_points) for part in reckoned.parts]


def test_one_point_a_yuan() -> None:
    assert earned(FACTS, BASE) == 128
    assert earned(replace(FACTS, base_fen=1), rule("base", "gold", points=300, per_fen=100)) == 3


def test_points_for_an_amount_that_is_no_round_one() -> None:
    dining = rule("base", "dining", title_zh="餐饮", title_en="Dining", points=2, per_fen=300)
    reckoned = reckon(FACTS, [dining], rounding="down")
    assert explain(FACTS, reckoned)["en"] == "85 points = ¥128.00 × 0.6666 a yuan (Dining)"


def test_a_part_says_which_rule_gave_it_and_who_bears_it() -> None:
    own = rule("base", "own", points=1, per_fen=100, id=11, version=3, shop_share_bp=3_000, title_zh="消费", title_en="Purchase")
    base, level = reckon(replace(FACTS, level_bp=15_000), [own], rounding="down").parts
    assert base.stored() == {
        "code": "own", "version": 3, "rule_id": 11, "kind": "base", "title": {"zh": "消费", "en": "Purchase"}, "rate": "1",
        "points": 128, "shop_points": 38,
    }  # fmt: skip
    title = {"zh": "会员等级", "en": "Member level"}
    assert level == Part("own", 3, 11, "level", title, "×1.5", 64, 19)


def test_an_award_finds_again_the_facts_that_it_kept() -> None:
    facts = replace(FACTS, base_fen=12_000, minute_known=False, shop_rate_bp=5_000, level=2, level_bp=15_000)
    assert facts.kept() == {
        "base_fen": 12_000, "paid_fen": 12_800, "minute_known": False, "channel": "receipt", "shop_id": 7, "site_id": 1, "category": "餐饮",
        "shop_rate_bp": 5_000, "shop_excluded": False, "level": 2, "level_bp": 15_000, "paid_at": "2026-11-11T12:30:00",
    }  # fmt: skip
    assert Facts.of(facts.kept()) == facts


def test_a_rule_that_is_only_thought_of_earns_as_the_table_s_does() -> None:
    thought_of = RuleFacts.of(rule("base", "own", points=2, per_fen=100, max_points=50, period="day", per="member", of_code="x"))
    assert (thought_of.code, thought_of.max_points, thought_of.period, thought_of.per, thought_of.of_code) == (
        "own",
        50,
        "day",
        "member",
        "x",
    )
    assert reckon(FACTS, [thought_of], rounding="down").points == 256


def test_a_part_of_no_points_is_left_out_and_a_bonus_says_its_points() -> None:
    facts, more = replace(FACTS, base_fen=100), rule("multiplier", "more", factor_bp=12_000)
    reckoned = reckon(facts, [BASE, more, rule("bonus", "bonus", points=50)], rounding="down")
    assert [(part.code, part.rate, part.points) for part in reckoned.parts] == [("standard", "1", 1), ("bonus", "+50", 50)]


def test_a_cap_gives_nothing_by_itself() -> None:
    cap = rule("cap", "cap", max_points=5, conditions={"no such condition": []})
    assert earned(FACTS, BASE, cap) == 128


def test_the_smallest_amount_earns() -> None:
    assert earned(replace(FACTS, base_fen=1), BASE, rounding="up") == 1


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
def test_a_half_is_rounded_as_stated(mode: str, points: int) -> None:
    assert earned(replace(FACTS, base_fen=1_250), BASE, rounding=mode) == points
    own = rule("base", "own", points=1, per_fen=100, rounding=mode)
    assert earned(replace(FACTS, base_fen=1_250), own) == points


@pytest.mark.parametrize(
    ("fen", "mode", "points"), [(1_240, "half_up", 12), (1_201, "up", 13), (1_200, "up", 12), (1_200, "half_up", 12), (1_299, "down", 12)]
)
def test_less_and_more_than_a_half_are_rounded_as_stated(fen: int, mode: str, points: int) -> None:
    assert earned(replace(FACTS, base_fen=fen), BASE, rounding=mode) == points


def test_a_rule_may_leave_the_shop_s_rate_aside() -> None:
    facts = replace(FACTS, shop_rate_bp=5_000)
    mall = rule("base", "mall", title_zh="商场", title_en="Mall", points=1, per_fen=100, use_shop_rate=False)
    assert explain(facts, reckon(facts, [mall], rounding="down"))["en"] == "128 points = ¥128.00 × 1 a yuan (Mall)"
    assert explain(facts, reckon(facts, [BASE], rounding="down"))["en"] == "64 points = ¥128.00 × 0.5 a yuan (Purchase)"


def test_a_level_below_one_lowers_the_base_and_its_bearers_alike() -> None:
    shared = rule("base", "shared", points=1, per_fen=100, shop_share_bp=2_500)
    facts = replace(FACTS, level_bp=5_000)
    assert parts_of(reckon(facts, [shared, DOUBLE], rounding="down")) == [("shared", "base", 64, 16), ("double", "multiplier", 64, 0)]
    one_more = rule("multiplier", "more", factor_bp=10_200)
    assert parts_of(reckon(facts, [shared, one_more], rounding="down")) == [("shared", "base", 64, 16), ("more", "multiplier", 1, 0)]


def test_the_shop_and_the_level_multiply() -> None:
    facts = replace(FACTS, shop_rate_bp=5_000, level_bp=15_000)
    assert earned(facts, BASE) == 96
    assert [(part.kind, part.points) for part in reckon(facts, [BASE], rounding="down").parts] == [("base", 64), ("level", 32)]


def test_only_the_best_of_a_stack_counts_and_stacks_multiply() -> None:
    small = rule("multiplier", "small", factor_bp=15_000, stack="days")
    large = rule("multiplier", "large", factor_bp=20_000, stack="days")
    other = rule("multiplier", "other", factor_bp=30_000)
    assert earned(FACTS, BASE, small, large) == 256
    reckoned = reckon(FACTS, [other, BASE, large, small], rounding="down")
    assert parts_of(reckoned) == [("standard", "base", 128, 0), ("large", "multiplier", 128, 0), ("other", "multiplier", 512, 0)]


def test_the_base_rule_of_the_highest_priority_counts() -> None:
    gold = rule("base", "gold", points=1, per_fen=1_000, priority=5, conditions={"categories": ["黄金"]})
    assert earned(FACTS, BASE, gold) == 128
    assert earned(replace(FACTS, category="黄金"), BASE, gold) == 12


def test_a_bonus_is_added_once_above_its_minimum() -> None:
    bonus = rule("bonus", "bonus", points=50, conditions={"min_fen": 10_000})
    assert earned(FACTS, BASE, bonus) == 178
    assert earned(replace(FACTS, base_fen=10_000), BASE, bonus) == 150
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
        ({"not_shops": [8]}, True),
        ({"not_categories": ["餐饮"]}, False),
        ({"not_categories": ["零售"]}, True),
        ({"min_fen": 0}, True),
        ({"min_fen": 12_800}, True),
        ({"min_fen": 12_801}, False),
        ({"sites": [1], "categories": ["餐饮", "零售"]}, True),
        ({"levels": [0]}, True),
        ({"levels": [2, 3]}, False),
        ({"channels": ["payment"]}, False),
        ({"weekdays": [1, 3, 7]}, True),
        ({"weekdays": [6, 7]}, False),
        ({"month_days": [1, 11, 31]}, True),
        ({"dates": [["2026-11-10", "2026-11-11"]]}, True),
        ({"dates": [["2026-11-11", "2026-11-11"]]}, True),
        ({"dates": [["2026-11-01", "2026-11-02"], ["2026-11-11", "2026-11-30"]]}, True),
        ({"dates": [["2026-11-12", "2026-11-13"]]}, False),
        ({"hours": [["11:00", "12:30"]]}, False),
        ({"hours": [["12:30", "14:00"]]}, True),
        ({"hours": [["12:00", "12:30"], ["12:31", "13:00"]]}, False),
        ({"hours": [["09:00", "10:00"], ["12:00", "13:00"]]}, True),
        ({"hours": [["22:00", "13:00"]]}, True),
        ({"hours": [["22:00", "12:30"]]}, False),
        ({"hours": [["22:00", "02:00"]]}, False),
        ({"hours": [["12:30", "02:00"]]}, True),
        ({"hours": [["12:00", "02:00"]]}, True),
        ({"hours": [["06:00", "06:00"]]}, True),  # around the clock
    ],
)
def test_conditions_mean_what_they_say(conditions: dict[str, Any], holds: bool) -> None:
    assert wrong_conditions(conditions) == {}
    assert fits(conditions, FACTS) is holds


def test_a_rule_by_the_hour_needs_to_know_the_minute() -> None:
    assert not fits({"hours": [["00:00", "23:59"]]}, replace(FACTS, minute_known=False))


PAIRS = "must be a list of pairs: first and last day, or HH:MM from and to"


@pytest.mark.parametrize(
    ("conditions", "note"),
    [
        ({"moon": ["full"]}, "there is no such condition"),
        ({"shops": []}, "must be a list with something in it"),
        ({"categories": "餐饮"}, "must be a list with something in it"),
        ({"shops": ["7"]}, "must be a list of whole numbers"),
        ({"shops": [7, "8"]}, "must be a list of whole numbers"),
        ({"levels": [True]}, "must be a list of whole numbers"),
        ({"channels": [1]}, "must be a list of texts"),
        ({"not_categories": [1]}, "must be a list of texts"),
        ({"weekdays": [8]}, "must be 1 to 7"),
        ({"weekdays": [0, 1]}, "must be 1 to 7"),
        ({"month_days": [1, 32]}, "must be 1 to 31"),
        ({"min_fen": "1"}, "must be an amount in fen"),
        ({"min_fen": -1}, "must be an amount in fen"),
        ({"hours": [["25:00", "26:00"]]}, PAIRS),
        ({"hours": [["11:00", "12:00"], ["12:00", "noon"]]}, PAIRS),
        ({"hours": [["11:00", 12]]}, PAIRS),
        ({"hours": [{"from": "11:00", "to": "12:00"}]}, PAIRS),
        ({"dates": [["2026-11-12", "2026-11-11"]]}, PAIRS),
        ({"dates": [["2026-11-12"]]}, PAIRS),
    ],
)
def test_conditions_that_make_no_sense_are_named(conditions: dict[str, Any], note: str) -> None:
    assert wrong_conditions({"sites": [1]} | conditions) == dict.fromkeys(conditions, note)


SHARED = rule("base", "shared", title_zh="消费", title_en="Purchase", points=1, per_fen=100, shop_share_bp=5_000)
BONUS = rule("bonus", "bonus", title_zh="生日", title_en="Birthday", points=50)


def test_the_last_parts_give_way_first_to_a_limit() -> None:
    whole = reckon(FACTS, [SHARED, BONUS], rounding="down")
    assert parts_of(limit(whole, None, 150)) == [("shared", "base", 128, 64), ("bonus", "bonus", 22, 0)]
    assert parts_of(limit(whole, None, 101)) == [("shared", "base", 101, 51)]
    assert parts_of(limit(whole, None, 0)) == [("shared", "base", 0, 0)]
    assert (limit(whole, None, 177).points, limit(whole, None, 177).shop_points) == (177, 64)


def test_a_limit_of_one_rule_leaves_the_others_alone() -> None:
    double = rule("multiplier", "double", factor_bp=20_000)
    whole = reckon(FACTS, [SHARED, double, BONUS], rounding="down")
    limited = limit(whole, "double", 28)
    assert parts_of(limited) == [("shared", "base", 128, 64), ("double", "multiplier", 28, 0), ("bonus", "bonus", 50, 0)]
    assert limited.capped


def test_a_limit_that_is_just_reached_limits_nothing() -> None:
    whole = reckon(FACTS, [SHARED, BONUS], rounding="down")
    assert limit(whole, None, 178) == limit(whole, "bonus", 50) == whole
    assert not whole.capped


def test_the_sentence_tells_bonus_and_limit() -> None:
    whole = reckon(FACTS, [SHARED, BONUS], rounding="down")
    assert explain(FACTS, whole) == {
        "zh": "178 分 = ¥128.00 × 1 分/元（消费） + 50 生日",
        "en": "178 points = ¥128.00 × 1 a yuan (Purchase) + 50 Birthday",
    }
    assert explain(FACTS, limit(whole, None, 100)) == {
        "zh": "100 分 = ¥128.00 × 1 分/元（消费），已达上限",
        "en": "100 points = ¥128.00 × 1 a yuan (Purchase), limit reached",
    }
    assert explain(FACTS, limit(whole, None, 0)) == {"zh": "0 分：已达到积分上限", "en": "0 points: The limit of points has been reached"}


@pytest.mark.parametrize(
    ("reason", "zh", "en"),
    [
        ("shop_excluded", "本店不参与积分", "This shop gives no points"),
        ("nothing_earning", "本单没有可积分的实付金额", "Nothing of this purchase was paid in a way that earns points"),
        ("no_rule", "没有适用的积分规则", "No rule of points applies to this purchase"),
        ("too_small", "金额不足一分", "The amount is too small for a single point"),
        ("refunded", "本单已退款", "This purchase has been refunded"),
    ],
)
def test_the_sentence_of_no_points_says_why(reason: str, zh: str, en: str) -> None:
    assert explain(FACTS, Reckoned(reason=reason)) == {"zh": f"0 分：{zh}", "en": f"0 points: {en}"}


def test_the_sentence_of_an_exclusion_names_its_rule() -> None:
    gold = rule("exclusion", "gold", title_zh="黄金不积分", title_en="No points for gold")
    assert explain(FACTS, reckon(FACTS, [BASE, gold], rounding="down")) == {
        "zh": "0 分：本单不参与积分（黄金不积分）",
        "en": "0 points: This purchase earns no points (No points for gold)",
    }


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Fraction(2), "2"),
        (Fraction(10), "10"),
        (Fraction(3, 2), "1.5"),
        (Fraction(1, 3), "0.3333"),
        (Fraction(1, 20), "0.05"),
        (Fraction(1, 99_999), "0"),
    ],
)
def test_a_ratio_is_written_for_people(number: Fraction, text: str) -> None:
    assert plain(number) == text


def test_refunds_in_pieces_take_back_as_much_as_one() -> None:
    pieces = [refund_share(1_000, before_fen, 333)(100) for before_fen in (0, 333)] + [refund_share(1_000, 666, 334)(100)]
    assert (pieces, sum(pieces)) == ([33, 34, 33], 100)


def test_what_was_refunded_before_the_sale_earned_takes_nothing_back() -> None:
    assert refund_share(1_000, -500, 500)(100) == 0
    assert refund_share(1_000, -500, 600)(100) == 10
    assert (refund_share(10, -5, 5)(100), refund_share(10, 0, 5)(100)) == (0, 50)


def test_a_refund_takes_back_the_shop_s_points_and_the_mall_s_each_by_its_share() -> None:
    half = refund_share(1_000, 0, 500)
    assert undone(30, 10, half) == (15, 5)
    assert undone(25, 10, half) == (13, 5)


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
