"""PIN and pay code: five wrong tries and the PIN rests; a code counts once, within its minute."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from api.kit import cache, clock, db
from api.members.service.member_merge import lock_two
from api.wallet import service as wallet
from api.wallet.errors import PayCodeExpired, PayCodeUsed, PayCodeWrong, PinLocked, PinNeeded, PinTooSimple, PinWrong
from api.wallet.service import pay_codes, pin_proofs, pins
from tests.factories import make_member, make_shop
from tests.points.conftest import travel


@pytest.fixture
def member_id(mall: int) -> int:
    """A member with the PIN 135790."""
    with db.unit_of_work(mall):
        made = make_member().id
        pins.set_pin(made, "135790")
        return made


def ask(mall: int, member_id: int, pin: str | None, amount_fen: int = 30_000) -> None:
    with db.unit_of_work(mall):
        wallet.demand_pin(member_id, amount_fen, pin, cause=("test", uuid.uuid4().hex))


def test_small_amounts_ask_for_no_pin(mall: int, member_id: int) -> None:
    ask(mall, member_id, None, 20_000)
    with pytest.raises(PinNeeded) as refused:
        ask(mall, member_id, None, 20_001)
    assert refused.value.facts["is_set"] is True


def test_the_right_pin_opens_and_forgets_wrong_tries(mall: int, member_id: int) -> None:
    for left in (4, 3):
        with pytest.raises(PinWrong) as refused:
            ask(mall, member_id, "000000")
        assert refused.value.facts["left"] == left
    ask(mall, member_id, "135790")
    with pytest.raises(PinWrong) as refused:
        ask(mall, member_id, "000000")
    assert refused.value.facts["left"] == 4


def test_after_five_wrong_tries_even_the_right_pin_rests_for_half_an_hour(mall: int, member_id: int) -> None:
    for _ in range(4):
        with pytest.raises(PinWrong):
            ask(mall, member_id, "000000")
    for pin in ("000000", "135790"):
        with pytest.raises(PinLocked):
            ask(mall, member_id, pin)
    travel(clock.now() + timedelta(minutes=31))
    ask(mall, member_id, "135790")


def test_who_has_no_pin_is_told_so(mall: int) -> None:
    with db.unit_of_work(mall):
        member_id = make_member().id
    for pin in (None, "135790"):
        with pytest.raises(PinNeeded) as refused:
            ask(mall, member_id, pin)
        assert refused.value.facts["is_set"] is False


def test_a_pin_is_changed_with_the_old_one_and_a_first_one_is_set_once(mall: int, member_id: int) -> None:
    with db.unit_of_work(mall):
        pin_proofs.set_with_old(member_id, "246800", "135790")
        assert not pins.set_first(member_id, "112233")
    ask(mall, member_id, "246800")


@pytest.mark.parametrize("pin", ["000000", "123456", "654321", "567890"])
def test_what_everybody_tries_first_is_no_pin(inside: int, pin: str) -> None:
    with pytest.raises(PinTooSimple):
        pins.set_pin(make_member().id, pin)


def test_a_pay_code_begins_as_no_wallets_code_does(inside: int) -> None:
    made = wallet.new_pay_code(make_member().id)
    assert (made.code[:2], len(made.code), wallet.is_pay_code(made.code)) == ("90", 18, True)
    assert not wallet.is_pay_code("13" + made.code[2:])


def test_a_pay_code_counts_once_also_after_the_cache_was_flushed(inside: int) -> None:
    member_id, shop_id = make_member().id, make_shop().id
    code = wallet.new_pay_code(member_id).code
    assert wallet.use_pay_code(code, shop_id) == member_id
    cache.attempt(lambda client: client.flushdb(), None)
    with pytest.raises(PayCodeUsed):
        wallet.use_pay_code(code, shop_id)


def test_a_photographed_pay_code_is_worth_nothing_a_minute_later(inside: int) -> None:
    code = wallet.new_pay_code(make_member().id).code
    travel(clock.now() + timedelta(seconds=61))
    with pytest.raises(PayCodeExpired):
        wallet.use_pay_code(code, make_shop().id)


@pytest.mark.parametrize("code", ["", "90", "9" * 18, "130000000000000000", "90０0000000000000000", "90" + "0" * 16])
def test_what_is_no_pay_code_names_nobody(inside: int, code: str) -> None:
    with pytest.raises(PayCodeWrong):
        wallet.use_pay_code(code, make_shop().id)


def test_old_codes_are_forgotten(inside: int) -> None:
    wallet.new_pay_code(make_member().id)
    travel(clock.now() + timedelta(days=2))
    assert pay_codes.forget_pay_codes() == 1


def test_a_code_of_a_merged_member_names_the_survivor(inside: int) -> None:
    source, target = make_member().id, make_member().id
    code = wallet.new_pay_code(source).code
    one, _ = lock_two(source, target)
    one.folded_into_id = target
    assert wallet.use_pay_code(code, make_shop().id) == target
