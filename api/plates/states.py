"""The life of a plate."""

from __future__ import annotations

from enum import StrEnum


class PlateState(StrEnum):
    """A plate (码牌) is printed blank, bound to a shop, moved to another one perhaps, and retired for good."""

    BLANK = "blank"
    BOUND = "bound"
    RETIRED = "retired"


PLATE_MOVES = {
    PlateState.BLANK: frozenset({PlateState.BOUND, PlateState.RETIRED}),
    PlateState.BOUND: frozenset({PlateState.BOUND, PlateState.RETIRED}),
    PlateState.RETIRED: frozenset[PlateState](),
}
