"""Both gateways once for all seeds of a worker; around each test the lines to them, and a pool that is watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from api.kit import clock, db
from api.members import alipay_login, wechat_login
from api.payments import service as payments
from api.settings import Settings
from tests.simulation import books, dying
from tests.simulation.lines import ALIPAY, MALL, WECHAT, Lines, Side, laid
from tests.simulation.world import World, past_the_wall

EVENTS = 60


@pytest.fixture(scope="session")
def _gateways(app: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lines, dict[str, Side]]]:
    with laid(tmp_path_factory.mktemp("keys"), app) as made:
        yield made


@pytest.fixture
def world_of(app: Any, settings: Settings, _gateways: tuple[Lines, dict[str, Side]]) -> Iterator[Callable[[int], World]]:
    """`world_of(seed)`: a world at its beginning."""
    lines, sides = _gateways
    here = replace(
        settings, wechat_pay=f"http://{WECHAT}", wechat_api=f"http://{WECHAT}", alipay_gateway=f"http://{ALIPAY}/gateway.do",
        alipay_keys=sides["alipay"].keys, public_url=f"http://{MALL}",
    )  # fmt: skip
    seams = (payments, wechat_login, alipay_login)
    for seam in seams:
        seam.configure(here)
    with dying.listening(), past_the_wall(settings) as past:
        yield lambda seed: World(seed, app, settings, lines, sides, past)
    lines.carry = None
    _end()
    for seam in seams:
        seam.configure(settings)


@pytest.fixture
def simulate(world_of: Callable[[int], World]) -> Callable[[int], World]:
    """`simulate(seed)`: a world in which everything happened, and nothing moves any more."""

    def pass_over(seed: int) -> World:
        world = world_of(seed)
        try:
            for _ in range(EVENTS):
                world.event()
            world.quieten()
            books.check(world)
        except Exception as error:
            world.wrong("the simulation itself broke:", f"{type(error).__name__}: {error}"[:500])
            world.error = error
        finally:
            _end()
        return world

    return pass_over


def _end() -> None:
    clock.fix(None)
    db.abandon()
