"""A shop whose till reports, in the mall of the receipts' tests: shoppers send photos of the same purchases."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from api.kit import db
from api.kit.db import session
from api.ledger import service as ledger
from api.points.models import Award
from api.sales.models import Sale, SaleRefund, Sighting
from api.tills import jobs
from tests.conftest import bearer
from tests.factories import make_staff
from tests.receipts.conftest import World, world  # noqa: F401 - a fixture

HEAD = "类型,小票号,支付时间,金额(元),原小票号,原单日期,支付方式"


def sheet(*rows: str, head: str = HEAD) -> str:
    """A CSV of these rows."""
    return "\n".join([head, *rows])


def sale(number: str, yuan: str = "128.50", at: str = "2026-05-20 11:30") -> str:
    """A row of a sale."""
    return f"销售,{number},{at},{yuan},,,"


def refund(number: str, of: str, yuan: str = "128.50", at: str = "2026-05-20 11:50", on: str = "") -> str:
    """A row of a refund."""
    return f"退款,{number},{at},{yuan},{of},{on},"


@dataclass
class Till:
    """A shop's manager, who sends what the till sold."""

    world: World
    client: FlaskClient
    shop: int
    headers: dict[str, str]
    office: dict[str, str]

    @property
    def mall(self) -> int:
        return self.world.mall

    def send(self, data: bytes | str, name: str = "till.csv") -> Any:
        raw = data.encode() if isinstance(data, str) else data
        return self.client.post("/v1/shop/sales-reports/files", data={"file": (io.BytesIO(raw), name)}, headers=self.headers)

    def sent(self, *rows: str) -> dict[str, Any]:
        answer = self.send(sheet(*rows))
        assert answer.status_code == 201, answer.json
        return dict(answer.json)

    def confirm(self, report_id: int) -> dict[str, Any]:
        """Confirm, and do the work that it puts in."""
        answer = self.client.put(f"/v1/shop/sales-reports/{report_id}/confirmation", headers=self.headers)
        assert answer.status_code == 200, answer.json
        self.work(report_id)
        return self.read(report_id)

    def work(self, report_id: int) -> None:
        jobs.work.run(mall_id=self.mall, report_id=report_id)

    def reports(self, *rows: str) -> dict[str, int]:
        """Send rows, confirm them, have them worked; what became of them."""
        return dict(self.confirm(self.sent(*rows)["id"])["counts"])

    def call(self, *rows: dict[str, Any]) -> Any:
        return self.client.post("/v1/shop/sales-reports", json={"rows": list(rows)}, headers=self.headers)

    def read(self, report_id: int) -> dict[str, Any]:
        answer = self.client.get(f"/v1/shop/sales-reports/{report_id}", headers=self.headers)
        assert answer.status_code == 200, answer.json
        return dict(answer.json)

    def rows(self, report_id: int, **filters: Any) -> list[dict[str, Any]]:
        answer = self.client.get(f"/v1/shop/sales-reports/{report_id}/rows", query_string={"limit": 100} | filters, headers=self.headers)
        assert answer.status_code == 200, answer.json
        return list(answer.json["items"])

    def listed(self, outcome: str) -> list[dict[str, Any]]:
        """Worked rows of the whole mall, as the office sees them."""
        answer = self.client.get("/v1/office/sales-reports/rows", query_string={"outcome": outcome}, headers=self.office)
        assert answer.status_code == 200, answer.json
        return list(answer.json["items"])

    def sales(self) -> list[tuple[int, int, str, bool]]:
        """Every sale of the shop: paid, refunded, channel, whether it was scored."""
        with db.unit_of_work(self.mall):
            rows = session.scalars(select(Sale).where(Sale.shop_id == self.shop).order_by(Sale.id)).all()
            return [(one.paid_fen, one.refunded_fen, one.channel, one.scored_by is not None) for one in rows]

    def seen(self) -> list[tuple[str, list[str]]]:
        """Every sighting: its channel, and what it tells differently."""
        with db.unit_of_work(self.mall):
            return [(one.channel, one.differs) for one in session.scalars(select(Sighting).order_by(Sighting.id))]

    def given_back(self) -> list[tuple[str, int]]:
        """Every refund: who told first, and how much."""
        with db.unit_of_work(self.mall):
            return [(one.source_type, one.amount_fen) for one in session.scalars(select(SaleRefund).order_by(SaleRefund.id))]

    def awards(self) -> int:
        with db.unit_of_work(self.mall):
            return len(session.scalars(select(Award.id)).all())

    def books_agree(self) -> None:
        with db.unit_of_work(self.mall):
            assert ledger.prove() == []


@pytest.fixture
def till(world: World, client: FlaskClient, hire: Callable[..., dict[str, str]]) -> Till:  # noqa: F811
    return Till(world, client, world.shop, hire("shop_manager", shop_id=world.shop), hire("finance"))


@pytest.fixture
def hire(world: World) -> Callable[..., dict[str, str]]:  # noqa: F811
    """hire(role, shop_id=…): the header of somebody new."""

    def make(role: str, **given: Any) -> dict[str, str]:
        with db.unit_of_work(world.mall):
            made = make_staff(role, **given)
            return bearer("shop" if made.shop_id else "staff", made.id, world.mall, made.shop_id)

    return make
