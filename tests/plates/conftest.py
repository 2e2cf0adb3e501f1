"""A mall with a plate on a counter."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from api.kit import db
from api.plates import service
from api.plates.models import Plate
from tests.factories import make_shop, make_staff


class Counter(NamedTuple):
    """A shop's counter, and the plate on it."""

    mall_id: int
    shop_id: int
    plate_id: int
    code: str


def issued(count: int = 1) -> list[Plate]:
    """So many fresh blank plates of the entered mall."""
    batch = service.issue(count, note="", by="staff:1")
    return sorted(service.plates(batch_id=batch.id, limit=100).items, key=lambda plate: plate.number)


@pytest.fixture
def counter(mall: int) -> Counter:
    """A plate that stands at a shop."""
    with db.unit_of_work(mall):
        shop, plate = make_shop(), issued()[0]
        service.bind(plate.id, shop.id, by="staff:1")
        return Counter(mall, shop.id, plate.id, plate.code)


@pytest.fixture
def manager(mall: int) -> int:
    """A floor manager's id."""
    with db.unit_of_work(mall):
        return int(make_staff("floor_manager").id)
