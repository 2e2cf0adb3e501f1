"""The trade bill: our client reads what the simulator packs, and nothing that is less than a bill."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import requests

from alipay import bill
from alipay.client import AlipayClient
from alipay.errors import BillMissing, GatewaySilent, Refused, UnreadableAnswer
from alipay.money import signed_fen
from alipay.signing import private_key
from tests.alipay.conftest import Simulator
from tests.alipay.test_trades import created, number, paid


@pytest.fixture
def shop(simulator: Simulator) -> Iterator[AlipayClient]:
    """An application of a seller of its own, at noon of a day that stands still."""
    app_id = f"2021{number()[-12:]}"
    public_key = simulator.files.app_public_key.read_text()
    simulator.sim("applications", app_id=app_id, public_key=public_key, seller_id=f"2088{app_id[4:]}")
    simulator.sim("clock", stop="2026-03-05T12:00:00+08:00")
    yield simulator.client(app_id=app_id, key=private_key(simulator.files.app_key.read_text()))
    requests.delete(f"{simulator.url}/_sim/bill-differences", timeout=5)
    simulator.sim("clock", start=True)


TODAY = date(2026, 3, 5)


def sold(simulator: Simulator, shop: AlipayClient, **changed: Any) -> str:
    out_trade_no = created(simulator, shop, buyer_open_id=simulator.open_id("li-lei"), **changed)
    simulator.sim("pay", out_trade_no=out_trade_no, app_id=shop.app_id)
    return out_trade_no


def next_morning(simulator: Simulator) -> None:
    simulator.sim("clock", stop="2026-03-06T09:00:00+08:00")


def test_a_bill_lists_every_payment_and_refund_of_the_day(simulator: Simulator, shop: AlipayClient) -> None:
    first, second = sold(simulator, shop), sold(simulator, shop, total_fen=10000, subject='三楼 "面馆", 辣 𠮷')
    shop.refund(second, "R1", 250)
    next_morning(simulator)
    one, two, back = shop.trade_bill(TODAY)
    assert (one.out_trade_no, one.amount_fen, one.received_fen, one.fee_fen, one.is_refund) == (first, 1280, 1280, -8, False)
    assert (two.subject, two.amount_fen, two.fee_fen) == ('三楼 "面馆", 辣 𠮷', 10000, -60)
    assert (back.out_trade_no, back.out_request_no, back.amount_fen, back.is_refund) == (second, "R1", -250, True)
    assert back.trade_no == two.trade_no == shop.query(second).trade_no
    assert one.finished_at == datetime(2026, 3, 5, 4, 0, tzinfo=UTC)


def test_a_bill_is_made_at_nine_the_next_morning(simulator: Simulator, shop: AlipayClient) -> None:
    sold(simulator, shop)
    simulator.sim("clock", stop="2026-03-06T08:59:59+08:00")
    with pytest.raises(BillMissing):
        shop.trade_bill(TODAY)
    next_morning(simulator)
    assert len(shop.trade_bill(TODAY)) == 1


def test_a_day_without_business_has_no_bill(simulator: Simulator, shop: AlipayClient) -> None:
    next_morning(simulator)
    with pytest.raises(BillMissing):
        shop.trade_bill(TODAY)


def test_days_are_beijings(simulator: Simulator, shop: AlipayClient) -> None:
    simulator.sim("clock", stop="2026-03-04T23:59:59+08:00")
    before = sold(simulator, shop)
    simulator.sim("clock", stop="2026-03-05T00:00:00+08:00")
    after = sold(simulator, shop)
    next_morning(simulator)
    days = [[line.out_trade_no for line in shop.trade_bill(day)] for day in (date(2026, 3, 4), TODAY)]
    assert days == [[before], [after]]


def test_a_bill_belongs_to_its_seller(simulator: Simulator, shop: AlipayClient, client: AlipayClient) -> None:
    others, ours = paid(simulator, client), sold(simulator, shop)
    next_morning(simulator)
    assert [line.out_trade_no for line in shop.trade_bill(TODAY)] == [ours]
    assert others in [line.out_trade_no for line in client.trade_bill(TODAY)]


def test_planted_differences_are_in_the_bill(simulator: Simulator, shop: AlipayClient) -> None:
    missing, wrong, twice = (sold(simulator, shop) for _ in range(3))
    shop.refund(twice, "R1", 5)
    simulator.sim("bill-differences", kind="missing", out_trade_no=missing)
    simulator.sim("bill-differences", kind="amount", out_trade_no=wrong, fen=-7)
    simulator.sim("bill-differences", kind="twice", out_trade_no=twice, out_request_no="R1")
    simulator.sim("bill-differences", kind="extra", out_trade_no="NOBODYS", fen=999, day="2026-03-05")
    next_morning(simulator)
    told = [(line.out_trade_no, line.amount_fen) for line in shop.trade_bill(TODAY)]
    assert told == [(wrong, 1273), (twice, 1280), (twice, -5), (twice, -5), ("NOBODYS", 999)]
    requests.delete(f"{simulator.url}/_sim/bill-differences", timeout=5)
    assert len(shop.trade_bill(TODAY)) == 4


@pytest.mark.parametrize("said", [{"kind": "other"}, {"kind": "missing"}, {"kind": "extra", "day": "yesterday"}])
def test_a_difference_that_means_nothing_is_refused(simulator: Simulator, said: dict[str, str]) -> None:
    assert simulator.post("bill-differences", **said).status_code == 400


def test_a_bills_address_dies_after_thirty_seconds(simulator: Simulator, shop: AlipayClient) -> None:
    sold(simulator, shop)
    next_morning(simulator)
    content = '{"bill_type":"trade","bill_date":"2026-03-05"}'
    url = shop.call("alipay.data.dataservice.bill.downloadurl.query", {"biz_content": content})["bill_download_url"]
    assert requests.get(url, timeout=5).status_code == 200
    simulator.sim("clock", advance=30)
    assert requests.get(url, timeout=5).status_code == 404


@pytest.mark.parametrize("kind", ["reset", "lost"])
def test_a_bill_that_does_not_come_is_silence(simulator: Simulator, shop: AlipayClient, kind: str) -> None:
    sold(simulator, shop)
    next_morning(simulator)
    simulator.sim("faults", kind=kind, method="downloadBillFile.resource")
    with pytest.raises(GatewaySilent):
        shop.trade_bill(TODAY)
    assert shop.trade_bill(TODAY)


@pytest.mark.parametrize("content", ['{"bill_type":"trade","bill_date":"05.03.2026"}', '{"bill_type":"all","bill_date":"2026-03-05"}'])
def test_a_wrong_question_for_a_bill_is_refused(shop: AlipayClient, content: str) -> None:
    with pytest.raises(Refused, match=r"isv\.invalid-parameter"):
        shop.call("alipay.data.dataservice.bill.downloadurl.query", {"biz_content": content})


def packed(simulator: Simulator, shop: AlipayClient) -> bytes:
    """A genuine bill of one payment and one refund, as it is downloaded."""
    shop.refund(sold(simulator, shop), "R1", 80)
    next_morning(simulator)
    content = '{"bill_type":"trade","bill_date":"2026-03-05"}'
    url = shop.call("alipay.data.dataservice.bill.downloadurl.query", {"biz_content": content})["bill_download_url"]
    return requests.get(url, timeout=5).content


def changed(whole: bytes, old: str, new: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole), metadata_encoding="gbk") as before, zipfile.ZipFile(out, "w") as after:
        for one in before.infolist():
            after.writestr(one.filename, before.read(one).decode("gb18030").replace(old, new).encode("gb18030"))
    return out.getvalue()


def test_a_bill_in_the_published_form_is_read(simulator: Simulator, shop: AlipayClient) -> None:
    # Full-width and plain brackets, padded values, names in UTF-8: as samples of different years show them.
    whole = packed(simulator, shop)
    read = bill.read(whole, TODAY)
    assert [line.amount_fen for line in read] == [1280, -80]
    assert bill.read(changed(changed(whole, "（元）", "(元)"), "\t", "   "), TODAY) == [
        type(line)(**{**vars(line), "raw": ours.raw}) for line, ours in zip(read, read, strict=True)
    ]
    unsigned = changed(whole, "-0.80", "0.80")
    assert [line.amount_fen for line in bill.read(unsigned, TODAY)] == [1280, -80]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("业务明细列表结束", "业务明细列表"),
        ("交易合计：1笔", "交易合计：2笔"),
        ("退款合计：1笔", "退款合计：0笔"),
        ("商家实收（元）", "商家应收（元）"),
        ("支付宝交易号", "交易号"),
        ("12.80", "12.805"),
        ("12.80", "1e3"),
        (",R1", ""),
        ("2026年03月05日", "2026年03月04日"),
        ("起始日期", "日期"),
        ("2026-03-05 12:00:00", "2026-03-05"),
        ("三楼 面馆", '三楼 "面馆\r\n"x'),
    ],
)
def test_what_is_less_than_a_bill_is_unreadable(simulator: Simulator, shop: AlipayClient, old: str, new: str) -> None:
    whole = packed(simulator, shop)
    with pytest.raises(UnreadableAnswer):
        bill.read(changed(whole, old, new), TODAY)


def test_a_broken_zip_is_unreadable(simulator: Simulator, shop: AlipayClient) -> None:
    whole = packed(simulator, shop)
    for cut in (b"", b"PK", whole[: len(whole) // 2], whole[:60] + bytes(20) + whole[80:]):
        with pytest.raises(UnreadableAnswer):
            bill.read(cut, TODAY)


@pytest.mark.parametrize(("place", "value"), [(8, 1), (10, 97)], ids=["under-a-password", "packed-in-an-unknown-way"])
def test_a_zip_that_cannot_be_opened_is_unreadable(place: int, value: int) -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as folder:
        folder.writestr("20880000_20260305_details.csv", "x")
    body = bytearray(whole.getvalue())
    listed = body.index(b"PK\x01\x02")
    body[listed + place] |= value  # in the list of files, and two bytes before that in the file's own heading
    body[place - 2] |= value
    with pytest.raises(UnreadableAnswer):
        bill.read(bytes(body), TODAY)


def test_a_bill_that_unpacks_without_end_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bill, "LARGEST_FILE", 1 << 20)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as folder:
        folder.writestr("a.csv", bytes(2 << 20))
    with pytest.raises(UnreadableAnswer, match="too large"):
        bill.read(out.getvalue(), TODAY)


def test_a_download_stops_at_its_limit(simulator: Simulator, shop: AlipayClient, monkeypatch: pytest.MonkeyPatch) -> None:
    sold(simulator, shop)
    next_morning(simulator)
    monkeypatch.setattr(bill, "LARGEST_ZIP", 100)
    with pytest.raises(UnreadableAnswer, match="too large"):
        shop.trade_bill(TODAY)


@pytest.mark.parametrize(("text", "value"), [("0.00", 0), ("-0.01", -1), ("-12", -1200), ("12.5", 1250)])
def test_signed_yuan_become_fen(text: str, value: int) -> None:
    assert signed_fen(text) == value


@pytest.mark.parametrize("text", ["--1", "+1", "-", "- 1", "-1.234"])
def test_other_signs_are_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="yuan"):
        signed_fen(text)
