"""From a reading to a sale and points."""

from __future__ import annotations

from sqlalchemy import select

from api.kit import db
from api.kit.db import session
from api.receipts import service
from api.sales.models import Sale
from tests.receipts.conftest import World, slip, translated


def test_a_plain_receipt_becomes_a_sale_and_points(world: World) -> None:
    member = world.member()
    receipt = world.read(member, slip())
    assert (receipt.state, receipt.why) == ("scored", "awarded")
    assert receipt.award["points"] == 128
    assert world.points(member) == [("pending", 128)]
    with db.unit_of_work(world.mall):
        sale = session.scalars(select(Sale)).one()
        assert (sale.shop_id, sale.paid_fen, sale.member_id, sale.channel) == (world.shop, 12_850, member, "receipt")
        assert sale.tenders == [["wechat", 12_850]]


def test_one_receipt_is_decided_and_scored_in_at_most_25_statements(world: World, statements) -> None:
    world.read(world.member(), slip())  # the shops' names are known to this process now
    receipt = world.sent(world.member())
    with db.unit_of_work(world.mall):
        service.begin_reading(receipt)
    with statements() as seen, db.unit_of_work(world.mall):
        service.conclude(receipt, translated(slip()))
    assert world.receipt(receipt).state == "scored"
    assert len(seen) <= 25, "\n".join(statement[:100] for statement in seen)
