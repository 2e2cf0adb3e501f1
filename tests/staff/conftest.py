from collections.abc import Callable
from typing import Any

import pytest

from api.kit import db
from api.malls.models import Mall
from tests.conftest import bearer
from tests.factories import make_staff


@pytest.fixture
def code(mall: int) -> str:
    """The mall's public code."""
    with db.unit_of_work():
        return db.session.get_one(Mall, mall).code


@pytest.fixture
def hire(mall: int) -> Callable[..., Any]:
    """Open an account: (account, its bearer header)."""

    def make(role: str = "administrator", **given: Any) -> Any:
        with db.unit_of_work(mall):
            made = make_staff(role, **given)
        return made, bearer(made.kind, made.id, mall, made.shop_id)

    return make
