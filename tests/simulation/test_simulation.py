"""Members, cards, points, plates and two gateways in every weather. One seed is one replay: MALLBRIDGE_SEED=123 pytest tests/simulation"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.simulation.world import World

ONE = os.environ.get("MALLBRIDGE_SEED")
MANY = int(os.environ.get("MALLBRIDGE_SEEDS", "30"))
BLOCK = 5
FIRST = [int(ONE)] if ONE else list(range(1, MANY + 1, BLOCK))


@pytest.mark.parametrize("first", FIRST)
def test_whatever_happens_every_book_agrees_in_the_end(
    simulate: Callable[[int], World], first: int, capsys: pytest.CaptureFixture[str], figure: Callable[[str], None]
) -> None:
    worlds = [simulate(seed) for seed in range(first, first + 1 if ONE else min(first + BLOCK, MANY + 1))]
    crashes = sum(world.crashes for world in worlds)
    broken = {world.seed: world.violations for world in worlds if world.violations}
    if ONE:
        with capsys.disabled():
            print("\n" + "\n".join(worlds[0].story))  # noqa: T201
            if worlds[0].error is not None:
                raise worlds[0].error
    figure(f"{len(worlds)} seeds, {crashes} deaths, {len(broken)} violated")
    assert broken == {}, f"replay with MALLBRIDGE_SEED={min(broken)}"
