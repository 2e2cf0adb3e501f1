"""The lines and the watched pool, once for all seeds of a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from api.kit import clock, db
from api.members import alipay_login, wechat_login
from api.payments import service as payments
from api.settings import Settings
from tests.storms import books, dying
from tests.storms.lines import ALIPAY, MALL, WECHAT, laid
from tests.storms.world import World, past_the_wall

EVENTS = 60


@pytest.fixture(scope="session")
def _sky(app: Any, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], World]]:
    here = replace(
        settings, wechat_pay=f"http://{WECHAT}", wechat_api=f"http://{WECHAT}", alipay_gateway=f"http://{ALIPAY}/gateway.do",
        public_url=f"http://{MALL}",
    )  # fmt: skip
    seams = (payments, wechat_login, alipay_login)
    with laid(tmp_path_factory.mktemp("keys"), app) as (lines, sides), dying.listening(), past_the_wall(settings) as past:

        def begin(seed: int) -> World:
            for seam in seams:
                seam.configure(replace(here, alipay_keys=sides["alipay"].keys))
            return World(seed, app, settings, lines, sides, past)

        yield begin
    for seam in seams:
        seam.configure(settings)


@pytest.fixture
def world_of(_sky: Callable[[int], World]) -> Iterator[Callable[[int], World]]:
    """`world_of(seed)`: a world at its beginning."""
    yield _sky
    _end()


@pytest.fixture
def storm(_sky: Callable[[int], World]) -> Callable[[int], World]:
    """`storm(seed)`: a world in which everything happened, and nothing moves any more."""

    def pass_over(seed: int) -> World:
        world = _sky(seed)
        try:
            for _ in range(EVENTS):
                world.event()
            world.quieten()
            books.check(world)
        except Exception as error:
            world.wrong("the storm itself broke:", f"{type(error).__name__}: {error}"[:500])
            world.error = error
        finally:
            world.lines.carry = None
            _end()
        return world

    return pass_over


def _end() -> None:
    clock.fix(None)
    db.session.remove()
    db._depth.open = False
