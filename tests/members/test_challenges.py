"""Emptying a mall of its codes: one person asks for a code to every phone there is, from one address, until nobody gets one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from api.kit import cache, challenges, clock, db, limits, value_limits
from api.kit.challenges import Solution
from api.kit.db import session
from api.malls import service as malls
from api.members.models import PhoneCode, TextMessage
from api.members.service import challenges as demands
from api.members.service import phone_codes, text_budgets
from tests.conftest import bearer
from tests.factories import make_staff
from tests.members.conftest import check_refused, solve

pytestmark = pytest.mark.attack

FREE = demands.ASKED.times
Ask = Callable[..., Any]


@pytest.fixture
def ask(client: FlaskClient, mall_code: str, connected: Any) -> Ask:
    """ask(7) → the answer of asking for a code to the seventh phone, from an address."""

    def go(number: int, address: str = "203.0.113.7", **more: Any) -> Any:
        origin = {"REMOTE_ADDR": address}
        body = {"phone": f"138{number:08d}"} | more
        return client.post(f"/v1/malls/{mall_code}/sign-in/phone-codes", json=body, environ_base=origin)

    return go


@pytest.fixture
def set_policy(mall: int) -> Callable[..., None]:
    def go(**rules: int) -> None:
        with db.unit_of_work(mall):
            malls.change_policy(rules, by="staff:1", why="a test")

    return go


def sent(mall: int) -> int:
    return db.in_mall(mall, lambda: session.scalar(select(func.count()).select_from(PhoneCode)) or 0)


def test_kind_12_one_address_gets_a_few_codes_and_computes_for_each_further_one(ask: Ask, mall: int) -> None:
    answers = [ask(number) for number in range(40)]
    assert [answer.status_code for answer in answers] == [202] * FREE + [429] * (40 - FREE)
    check_refused(answers[-1], 429, "challenge-needed")
    assert sent(mall) == FREE
    assert ask(90, "203.0.113.8").status_code == 202  # somebody else


def test_a_solved_challenge_sends_one_code_and_counts_once(ask: Ask, mall: int) -> None:
    for number in range(FREE):
        ask(number)
    solution = solve(ask(50).json["challenge"])
    assert ask(50, solution=solution).status_code == 202
    check_refused(ask(51, solution=solution), 429, "challenge-needed")
    assert sent(mall) == FREE + 1


def test_a_challenge_is_given_before_it_is_needed(ask: Ask, client: FlaskClient, mall_code: str) -> None:
    challenge = client.get(f"/v1/malls/{mall_code}/sign-in/challenge").json
    assert set(challenge) == {"algorithm", "challenge", "maxnumber", "salt", "signature"}
    for number in range(FREE):
        ask(number)
    assert ask(50, solution=solve(challenge)).status_code == 202


def test_a_challenge_ends_after_five_minutes(ask: Ask) -> None:
    for number in range(FREE):
        ask(number)
    solution = solve(ask(50).json["challenge"])
    clock.fix(clock.now() + timedelta(minutes=5))
    for number in range(60, 60 + FREE):  # another hour may have begun
        ask(number)
    check_refused(ask(50, solution=solution), 429, "challenge-needed")


def test_what_does_not_solve_a_challenge_is_refused(ask: Ask) -> None:
    for number in range(FREE):
        ask(number)
    good = solve(ask(50).json["challenge"])
    salt, number = good["salt"], good["number"]
    later = salt.replace("expires=", "expires=9")
    for wrong in (
        {"number": number + 1}, {"signature": "0" * 64}, {"challenge": "0" * 64}, {"salt": later}, {"algorithm": "SHA-1"},
        {"salt": f"{salt}1"}, {"salt": salt[:-1]}, {"salt": "x"},
    ):  # fmt: skip
        check_refused(ask(50, solution=good | wrong), 429, "challenge-needed")
    for shape in ({"number": -1}, {"number": "7"}, {"salt": "é"}, {"signature": "x"}):
        assert ask(50, solution=good | shape).status_code == 422
    assert ask(50, solution=good).status_code == 202


def test_digits_of_the_number_cannot_be_moved_into_the_end_of_a_challenge(connected: Any) -> None:
    given = challenges.give("phone-code:1", 50_000)
    number = solve(vars(given))["number"]
    digits = str(number)
    for cut in range(1, len(digits)):
        rest = digits[cut:]
        moved = Solution(given.algorithm, given.challenge, int(rest), given.salt + digits[:cut], given.signature)
        assert not challenges.accept(moved, "phone-code:1", 0)
    assert challenges.accept(Solution(given.algorithm, given.challenge, number, given.salt, given.signature), "phone-code:1", 0)


def test_a_challenge_of_another_mall_counts_for_nothing(ask: Ask, client: FlaskClient, new_mall: str) -> None:
    other = solve(client.get(f"/v1/malls/{new_mall}/sign-in/challenge").json)
    for number in range(FREE):
        ask(number)
    check_refused(ask(50, solution=other), 429, "challenge-needed")


def test_challenges_grow_with_the_address_and_stay_bounded(ask: Ask, mall: int) -> None:
    sizes = [demands._most(asked) for asked in range(2_000)]
    assert sizes[FREE] == demands.EASY and sizes == sorted(sizes) and sizes[-1] == demands.HARD
    with db.unit_of_work(mall):
        limits.count(demands.ASKED, demands._subject("203.0.113.7"), 500)
    assert ask(1).json["challenge"]["maxnumber"] == demands.HARD
    easy = db.in_mall(mall, lambda: challenges.give(demands._purpose(), demands.EASY))
    check_refused(ask(1, solution=solve(vars(easy))), 429, "challenge-needed")  # put by while it was easy


def test_a_subscriber_with_many_addresses_of_ipv6_is_one(ask: Ask) -> None:
    for number in range(FREE):
        assert ask(number, f"2001:db8:1:2:{number}::1").status_code == 202
    check_refused(ask(50, "2001:db8:1:2:ffff::9"), 429, "challenge-needed")
    assert ask(51, "2001:db8:1:3::1").status_code == 202


def test_without_the_cache_challenges_are_wanted_and_count_once(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "attempt", lambda work, otherwise: otherwise)
    address = "198.51.100.20"
    for number in range(FREE):
        assert ask(number, address).status_code == 202
    solution = solve(ask(50, address).json["challenge"])
    assert ask(50, address, solution=solution).status_code == 202
    check_refused(ask(51, address, solution=solution), 429, "challenge-needed")


def test_what_was_used_while_the_cache_was_away_does_not_count_again(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(FREE):
        ask(number)
    solution = solve(ask(50).json["challenge"])
    assert ask(50, solution=solution).status_code == 202
    cache.attempt(lambda held: held.flushdb(), None)
    for number in range(60, 60 + FREE):
        ask(number)
    check_refused(ask(51, solution=solution), 429, "challenge-needed")


def test_one_solution_sent_many_times_at_once_sends_one_code(app: Any, ask: Ask, mall: int, mall_code: str) -> None:
    for number in range(FREE):
        ask(number)
    solution = solve(ask(50).json["challenge"])

    def send(number: int) -> int:
        body = {"phone": f"139{number:08d}", "solution": solution}
        origin = {"REMOTE_ADDR": "203.0.113.7"}
        return int(app.test_client().post(f"/v1/malls/{mall_code}/sign-in/phone-codes", json=body, environ_base=origin).status_code)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(send, range(8))) == [202] + [429] * 7
    assert sent(mall) == FREE + 1


def test_many_first_requests_at_once_send_no_more_than_the_few(app: Any, connected: Any, mall: int, mall_code: str) -> None:
    def send(number: int) -> int:
        body, origin = {"phone": f"137{number:08d}"}, {"REMOTE_ADDR": "203.0.113.9"}
        return int(app.test_client().post(f"/v1/malls/{mall_code}/sign-in/phone-codes", json=body, environ_base=origin).status_code)

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(send, range(12)))
    assert sorted(set(answers)) == [202, 429] and sent(mall) <= FREE


# budgets


def test_kind_12_a_mall_sends_no_more_codes_than_its_budget_and_says_how_else_to_sign_in(
    ask: Ask, mall: int, set_policy: Callable[..., None]
) -> None:
    set_policy(texts_mall_hour=5)
    answers = [ask(number, f"192.0.2.{number}") for number in range(8)]
    assert [answer.status_code for answer in answers] == [202] * 5 + [429] * 3
    check_refused(answers[-1], 429, "texts-spent")
    assert (answers[-1].json["budget"], answers[-1].json["ways"]) == ("mall_hour", ["wechat", "alipay"])
    clock.fix(clock.now() + timedelta(minutes=61))
    assert ask(7, "192.0.2.99").status_code == 202


def test_an_address_has_a_budget_of_its_own_which_the_others_do_not_feel(ask: Ask, set_policy: Callable[..., None]) -> None:
    set_policy(texts_address_hour=2, texts_address_day=2)
    assert [ask(number).status_code for number in range(3)] == [202, 202, 429]
    assert ask(9, "192.0.2.1").status_code == 202


def test_a_line_of_ipv6_that_changes_its_address_has_four_budgets_and_no_more(ask: Ask, set_policy: Callable[..., None]) -> None:
    set_policy(texts_address_hour=1, texts_address_day=1)
    answers = [ask(number, f"2001:db8:7:{number:x}::1") for number in range(6)]
    assert [answer.status_code for answer in answers] == [202] * 4 + [429] * 2
    assert answers[-1].json["budget"] == "address_hour"
    assert ask(9, "2001:db8:8::1").status_code == 202


def test_staff_see_the_alarm_at_four_fifths_and_the_log_says_it_once(
    ask: Ask, mall: int, client: FlaskClient, set_policy: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(text_budgets.log, "warning", lambda text, **facts: warnings.append(facts["budget"]))
    set_policy(texts_mall_hour=10, texts_address_hour=2, texts_address_day=2)
    with db.unit_of_work(mall):
        desk = bearer("staff", make_staff("service_desk").id, mall)

    def shown() -> dict[str, Any]:
        return {row["name"]: row for row in client.get("/v1/office/text-budgets", headers=desk).json["budgets"]}

    for number in range(7):
        ask(number, f"192.0.2.{number}")
    assert (shown()["mall_hour"]["state"], shown()["mall_hour"]["used"], shown()["address_hour"]["state"]) == ("fine", 7, "fine")
    assert warnings == []
    ask(8, "192.0.2.0")
    assert shown()["mall_hour"]["state"] == "alarm" and shown()["address_hour"]["addresses"] == 1
    assert warnings == ["texts-mall-hour", "texts-address-hour", "texts-address-day"]
    for number in range(10, 14):
        ask(number, f"192.0.2.{number}")
    assert shown()["mall_hour"] == {"name": "mall_hour", "used": 10, "most": 10, "alarm_at": 8, "addresses": None, "state": "spent"}


def test_many_at_once_never_pass_the_budget(app: Any, connected: Any, mall: int, mall_code: str, set_policy: Callable[..., None]) -> None:
    set_policy(texts_mall_hour=5)

    def send(number: int) -> int:
        body, origin = {"phone": f"136{number:08d}"}, {"REMOTE_ADDR": f"198.51.100.{number}"}
        return int(app.test_client().post(f"/v1/malls/{mall_code}/sign-in/phone-codes", json=body, environ_base=origin).status_code)

    with ThreadPoolExecutor(12) as pool:
        assert sorted(pool.map(send, range(12))) == [202] * 5 + [429] * 7
    assert sent(mall) == 5


def test_a_warning_to_an_owner_goes_although_the_budget_is_spent(mall: int, ask: Ask, set_policy: Callable[..., None]) -> None:
    set_policy(texts_mall_hour=1)
    ask(1)
    with db.unit_of_work(mall):
        phone_codes.tell_of_change("+8613800138000", "+8613911112222", phone_codes.PhoneChange.BY_BOTH_PHONES)
        assert len(session.scalars(select(TextMessage)).all()) == 2
        assert value_limits.used(text_budgets.MALL_HOUR, text_budgets.MALL) == 2
