"""A purchase paid by the plate, over HTTP and the gateway, that the till reports as well: refunds go through the mall, once."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from api.kit import clock, db
from api.kit.db import session
from api.sales.models import Sale, SaleRefund
from api.tills import jobs, service
from tests.checkout.conftest import Street, _alipay, _wechat, address, street  # noqa: F401 - fixtures
from tests.checkout.test_refunding import give_back
from tests.tills.conftest import HEAD


def test_an_order_that_the_till_reports_too_is_one_sale_and_is_refunded_once(street: Street) -> None:  # noqa: F811
    shopper = street.shopper()
    order = shopper.paid(10_000)
    assert shopper.points()["balance"] == 100
    at = f"{clock.now().astimezone(ZoneInfo('Asia/Shanghai')) - timedelta(seconds=20):%Y-%m-%d %H:%M:%S}"
    rows = [HEAD, f"销售,7001,{at},100.00,,,微信", f"退款,R7001,{at},40.00,7001,,微信"]
    with street.inside():
        report_id = service.take_file(street.shop_id, "\n".join(rows).encode(), file_name=None, by="shop:1").id
        service.confirm(service.report(report_id), by="shop:1")
    jobs.work.run(mall_id=street.mall, report_id=report_id)
    with street.inside():
        assert service.report(report_id).counts == {"known": 1, "waiting": 1}
        assert session.scalars(select(Sale.refunded_fen)).all() == [0]
    given = give_back(street.staff("finance"), order["number"], amount_fen=4_000)
    assert given.status_code == 201, given.json
    assert shopper.points()["balance"] == 60
    with street.inside():
        (row_id,) = service.take_waiting()
    assert db.in_mall(street.mall, lambda: service.retry(row_id))
    assert give_back(street.staff("finance"), order["number"]).json["amount_fen"] == 6_000
    with street.inside():
        assert service.report(report_id).counts == {"known": 2}
        assert session.scalars(select(SaleRefund.amount_fen).order_by(SaleRefund.id)).all() == [4_000, 6_000]
    assert shopper.points()["balance"] == 0
    street.books_agree()
