"""Who writes into the inbox: receipts and points, in the transaction of what happened."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from api.kit import clock, db
from api.kit.db import session
from api.messages import service
from api.points import service as points
from api.points.models import Batch
from tests.points.conftest import Shopper, shopper  # noqa: F401 - a fixture
from tests.receipts.conftest import World, policy, slip, world  # noqa: F401 - fixtures
from tests.receipts.test_questions import doubtful


def lines(mall: int, member: int) -> list[Any]:
    with db.unit_of_work(mall):
        return list(service.inbox(member).items)


def test_a_scored_receipt_is_told_once(world: World) -> None:  # noqa: F811
    member = world.member()
    receipt = world.read(member)
    (line,) = lines(world.mall, member)
    assert (line.kind, line.page, line.source) == ("receipt", f"receipt?id={receipt.id}", f"receipt:{receipt.id}:2")
    assert "128" in line.body["zh"] and "海底捞" in line.body["en"]


def test_a_question_its_answer_and_a_refusal_are_told(world: World) -> None:  # noqa: F811
    member = world.member()
    receipt = world.read(member, doubtful())
    world.post(f"/v1/receipts/{receipt.id}/answers", member, {"value": 20_000})
    world.read(member, slip(kind="top_up"))
    assert [line.title["en"] for line in lines(world.mall, member)] == [
        "No points for this receipt",
        "Points for your receipt",
        "One question about your receipt",
    ]


def test_waiting_and_what_the_shopper_did_are_no_news(world: World) -> None:  # noqa: F811
    member = world.member()
    receipt = world.sent(member)
    answer = world.client.delete(f"/v1/receipts/{receipt}", headers=_bearer(world, member))
    assert answer.json["state"] == "withdrawn" and lines(world.mall, member) == []


def _bearer(world: World, member: int) -> dict[str, str]:  # noqa: F811
    from tests.conftest import bearer

    return bearer("member", member, world.mall)


def test_expiring_points_are_told_once_for_each_day(shopper: Shopper) -> None:  # noqa: F811
    shopper.buys(100)
    shopper.buys(28)
    shopper.buys(50)
    ids = [batch.id for batch in session.query(Batch).order_by(Batch.id)]
    for batch_id, days in zip(ids, (5, 5, 9), strict=True):
        at = (clock.now() + timedelta(days=days)).replace(hour=16, minute=0, second=0, microsecond=0)
        session.execute(update(Batch).where(Batch.id == batch_id).values(expires_at=at))
    for _ in range(2):
        assert points.tell_expiring(0, 200) is None
    told = [line.title["en"] for line in service.inbox(shopper.id).items]
    assert told == ["50 points expire soon", "128 points expire soon"]


def test_expiring_points_go_member_by_member(shopper: Shopper) -> None:  # noqa: F811
    shopper.buys(100)
    session.execute(update(Batch).values(expires_at=clock.now() + timedelta(days=3)))
    assert points.tell_expiring(0, 1) == shopper.id
    assert points.tell_expiring(shopper.id, 1) is None


def test_points_that_expire_much_later_are_no_news(shopper: Shopper) -> None:  # noqa: F811
    shopper.buys(100)
    session.execute(update(Batch).values(expires_at=clock.now() + timedelta(days=60)))
    points.tell_expiring(0, 200)
    assert service.inbox(shopper.id).items == []


def test_a_debt_is_told_with_its_size(shopper: Shopper) -> None:  # noqa: F811
    award = shopper.buys(100)
    points.spend(shopper.id, 70, cause_type="test", cause_id="1")
    shopper.returns(award, 100)
    (line,) = service.inbox(shopper.id).items
    assert (line.title["zh"], line.page) == ("积分欠额 70", "points")
    points.take_back(int(session.query(points.TakeBack).one().sale_refund_id), by="test")
    assert service.inbox(shopper.id).unread == 1
