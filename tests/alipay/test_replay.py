"""Chance that can be thrown again: one seed is one replay, whatever the caller's own numbers are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alipay.client import AlipayClient
from alipay.errors import AlipayError
from alipay.simulator.dice import Dice, FailureRates
from tests.alipay.conftest import Simulator
from tests.alipay.test_trades import number

CALLS = {"reset": 0.1, "lost": 0.1, "unknown": 0.1, "bad_signature": 0.05, "refuse": 0.05}
NOTICES = {"drop": 0.2, "duplicate": 0.2, "wrong": 0.1, "hold": 0.1}


def tried(call: Callable[[], Any]) -> str:
    try:
        return str(getattr(call(), "trade_status", "done"))
    except AlipayError as trouble:
        return type(trouble).__name__


def story(simulator: Simulator, client: AlipayClient, seed: str | None) -> list[str]:
    """Eight trades through bad weather: what each call came to, and how each notice went."""
    simulator.sim("dice", seed=seed)
    simulator.sim("weather", calls=CALLS, notices=NOTICES)
    told = []
    for _ in range(8):
        out_trade_no = number()
        order = simulator.order(out_trade_no, notify_url="http://127.0.0.1:9/nobody")
        told += [tried(lambda order=order: client.create(order)), tried(lambda each=out_trade_no: client.query(each))]
        told.append(str(simulator.post("pay", out_trade_no=out_trade_no).status_code))
        told.append(tried(lambda each=out_trade_no: client.refund(each, "R1", 280)))
        told.append(tried(lambda each=out_trade_no: client.query(each)))
        told += [letter["id"][8:] for letter in simulator.notices(out_trade_no)]
    simulator.heal()
    return told


def test_the_same_seed_is_the_same_story(simulator: Simulator, client: AlipayClient) -> None:
    try:
        first, second, other = (story(simulator, client, seed) for seed in ("7", "7", "8"))
    finally:
        simulator.sim("dice", seed=None)
    assert first == second != other
    assert {"GatewaySilent", "OutcomeUnknown"} <= set(first + other)


def test_numbers_of_trades_follow_from_the_seed_and_the_order(simulator: Simulator, client: AlipayClient) -> None:
    tails = []
    try:
        for _ in range(2):
            simulator.sim("dice", seed="numbers")
            tails.append([client.create(simulator.order(number()))[8:] for _ in range(3)])
            tails[-1].append(simulator.sim("auth-pay-code", person="li-lei")["auth_code"])
    finally:
        simulator.sim("dice", seed=None)
    assert tails[0] == tails[1] and len(set(tails[0])) == 4
    assert client.create(simulator.order(number()))[8:] not in tails[0]


def test_threads_do_not_change_what_falls() -> None:
    one, two = Dice("s"), Dice("s")
    names = [(f"call-{each % 3}", str(each % 5)) for each in range(60)]
    first = {(name, turn): one.chance(*name) for turn, name in enumerate(names)}
    again = [two.chance(*name) for name in sorted(names)]
    assert sorted(first.values()) == sorted(again)
    assert one.place("A") == one.place("A") != one.place("B")


def test_weather_is_as_bad_as_it_was_said() -> None:
    failure_rates, dice = FailureRates(calls={"late": 0.3, "reset": 0.2}), Dice("s")
    fell = [failure_rates.pick(failure_rates.calls, dice.chance("x")) for _ in range(4000)]
    assert 0.27 < fell.count("late") / 4000 < 0.33
    assert 0.17 < fell.count("reset") / 4000 < 0.23


@pytest.mark.parametrize("said", [{"calls": {"rain": 0.1}}, {"calls": {"late": 0.6, "reset": 0.6}}, {"notices": {"drop": -0.1}}])
def test_weather_that_cannot_be_is_refused(simulator: Simulator, said: dict[str, Any]) -> None:
    assert simulator.post("weather", **said).status_code == 400
