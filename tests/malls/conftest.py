from collections.abc import Callable

import pytest

from api.kit import db
from api.malls.models import Mall
from tests.conftest import bearer
from tests.factories import make_floor, make_site, make_staff


@pytest.fixture
def code(mall: int) -> str:
    """The mall's public code."""
    with db.unit_of_work():
        return db.session.get_one(Mall, mall).code


@pytest.fixture
def office(mall: int) -> Callable[..., dict[str, str]]:
    """The header of somebody of the office."""

    def sign_in(role: str = "administrator") -> dict[str, str]:
        with db.unit_of_work(mall):
            return bearer("staff", make_staff(role).id, mall)

    return sign_in


@pytest.fixture
def building(mall: int) -> int:
    """Building T1 with floors L1 and L2; the id of L2."""
    with db.unit_of_work(mall):
        site = make_site(code="T1", name="一号楼")
        make_floor(site_id=site.id, label="L1", position=1)
        return make_floor(site_id=site.id, label="L2", position=2).id
