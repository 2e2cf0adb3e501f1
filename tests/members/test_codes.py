"""The member code: a minute, one use, no replay."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from api.kit import cache, clock, db
from api.members import service
from api.members.errors import MemberCodeExpired, MemberCodeUnknown, MemberCodeUsed
from api.members.service import member_codes
from tests.conftest import bearer
from tests.factories import make_staff
from tests.members.conftest import check_refused, header


@pytest.fixture
def shopper(with_wechat: Any) -> Any:
    return with_wechat("li-lei")


@pytest.fixture
def till(mall: int) -> dict[str, str]:
    with db.unit_of_work(mall):
        clerk = make_staff("shop_clerk")
        return bearer("shop", clerk.id, mall, shop_id=clerk.shop_id)


def show(client: Any, shopper: Any) -> str:
    answer = client.post("/v1/me/codes", headers=header(shopper))
    assert answer.status_code == 201 and answer.json["seconds"] == 60
    return str(answer.json["code"])


def check(client: Any, till: dict[str, str], code: str) -> Any:
    return client.post("/v1/shop/member-checks", json={"code": code}, headers=till)


def test_a_till_learns_who_is_there_and_sees_nothing_personal(client: Any, shopper: Any, till: dict[str, str], mall: int) -> None:
    client.patch("/v1/me", json={"nickname": "李雷同学"}, headers=header(shopper))
    db.in_mall(mall, service.seed_levels)
    answer = check(client, till, show(client, shopper))
    assert answer.status_code == 201, answer.json
    assert answer.json == {
        "number": shopper.json["member"]["number"], "nickname": "李**", "phone": None, "level_rank": 0, "level": "普卡",
    }  # fmt: skip


def test_a_code_counts_once_even_after_the_cache_was_flushed(client: Any, shopper: Any, till: dict[str, str]) -> None:
    code = show(client, shopper)
    assert check(client, till, code).status_code == 201
    check_refused(check(client, till, code), 409, "member-code-used")
    cache.attempt(lambda server: server.flushdb(), None)
    check_refused(check(client, till, code), 409, "member-code-used")
    check_refused(check(client, till, code.lower()), 409, "member-code-used")


def test_a_code_shown_to_many_tills_at_once_counts_at_one(app: Any, client: Any, shopper: Any, till: dict[str, str]) -> None:
    code = show(client, shopper)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: check(app.test_client(), till, code), range(12)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 11


def test_a_code_ends_after_a_minute(client: Any, shopper: Any, till: dict[str, str]) -> None:
    clock.fix(clock.now())
    code = show(client, shopper)
    clock.fix(clock.now() + timedelta(seconds=61))
    check_refused(check(client, till, code), 409, "member-code-expired")


def test_a_used_code_stays_used_or_expired_for_ever(inside: int, shopper_id: int) -> None:
    clock.fix(clock.now())
    code = service.new_code(shopper_id).code
    service.use_code(code, by="shop:1", shop_id=None)
    for seconds in (30, 100, 511, 512, 513, 572, 1024, 86_400, 7 * 86_400):
        clock.fix(clock.now() + timedelta(seconds=seconds))
        member_codes.forget_used_codes()
        with pytest.raises((MemberCodeUsed, MemberCodeExpired, MemberCodeUnknown)):
            service.use_code(code, by="shop:1", shop_id=None)


@pytest.fixture
def shopper_id(inside: int) -> int:
    from tests.factories import make_member

    return int(make_member().id)


def test_a_code_can_be_typed_as_people_type(inside: int, shopper_id: int) -> None:
    code = service.new_code(shopper_id).code
    typed = "-".join(code[place : place + 4] for place in range(0, 16, 4)).lower().replace("0", "o").replace("1", "l")
    assert service.use_code(typed, by="shop:1", shop_id=None).id == shopper_id


def test_codes_look_alike_for_nobody(inside: int, shopper_id: int) -> None:
    clock.fix(clock.now())
    codes = {service.new_code(shopper_id).code for _ in range(200)}
    assert 2 <= len(codes) <= 8  # three bits of salt within one second
    one, other, *_ = codes
    assert sum(left == right for left, right in zip(one, other, strict=True)) <= 6


def test_a_changed_letter_makes_a_code_unknown(inside: int, shopper_id: int) -> None:
    code = service.new_code(shopper_id).code
    for place in range(16):
        letter = "7" if code[place] != "7" else "8"
        with pytest.raises(MemberCodeUnknown):
            service.use_code(code[:place] + letter + code[place + 1 :], by="shop:1", shop_id=None)


def test_a_code_of_another_mall_is_unknown(inside: int, app: Any, shopper_id: int) -> None:
    code = service.new_code(shopper_id).code
    db.enter(inside + 1)
    with pytest.raises(MemberCodeUnknown):
        service.use_code(code, by="shop:1", shop_id=None)


@pytest.mark.parametrize("nonsense", ["0" * 16, "Z" * 16, "u" * 16, "!" * 16, "é" * 16, "0" * 24, "李" * 16])
def test_nonsense_is_no_code(client: Any, till: dict[str, str], nonsense: str) -> None:
    check_refused(check(client, till, nonsense), 404, "member-code-unknown")


def test_a_till_may_not_guess_for_long(client: Any, till: dict[str, str]) -> None:
    clock.fix(clock.now())  # all tries fall into one minute
    answers = [check(client, till, f"{number:016d}") for number in range(61)]
    check_refused(answers[-1], 429, "too-often")
    assert {answer.status_code for answer in answers[:60]} == {404}


def test_the_code_of_a_closed_account_is_refused(client: Any, shopper: Any, till: dict[str, str]) -> None:
    code = show(client, shopper)
    assert client.post("/v1/me/closure", headers=header(shopper)).status_code == 204
    check_refused(check(client, till, code), 409, "member-closed")


def test_used_codes_are_dropped_when_their_time_is_over(inside: int, shopper_id: int) -> None:
    service.use_code(service.new_code(shopper_id).code, by="shop:1", shop_id=None)
    assert member_codes.forget_used_codes() == 0
    clock.fix(clock.now() + timedelta(days=1, seconds=1))
    assert member_codes.forget_used_codes() == 1
