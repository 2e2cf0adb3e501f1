"""What may come in, and what is refused by row, by file or by who sends it."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from datetime import datetime

import openpyxl
import pytest

from api.kit import db
from api.kit.db import session
from api.malls.models import Shop
from api.tills import service
from tests.tills.conftest import HEAD, Till, sale, sheet
from tests.trials import trials

LONG = "202605200001"


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        ("销售,A1,2026-05-20 11:30,-5.00,,,", "paid_yuan", "write the amount without a minus; a refund says 退款"),
        ("销售,A1,2026-05-20 11:30,1e308,,,", "paid_yuan", "an amount is written 128.00, with at most two decimals"),
        ("销售,A1,2026-05-20 11:30,NaN,,,", "paid_yuan", "an amount is written 128.00, with at most two decimals"),
        ("销售,A1,2026-05-20 11:30,１２.５０,,,", "paid_yuan", "an amount is written 128.00, with at most two decimals"),
        ("销售,A1,2026-05-20 11:30,12.345,,,", "paid_yuan", "an amount is written 128.00, with at most two decimals"),
        ("销售,A1,2026-05-20 11:30,¥12.00,,,", "paid_yuan", "an amount is written 128.00, with at most two decimals"),
        ("销售,A1,2026-05-20 11:30,999999999.99,,,", "paid_yuan", "an amount is written 128.00, with at most two decimals"),
        ("销售,A1,2026-05-20 11:30,,,,", "paid_yuan", "the amount is needed once, in yuan or in fen"),
        ("销售,A1,2026-05-20 11:30,=1+1,,,", "paid_yuan", "holds a formula; write the value itself"),
        ("销售,A1,2026-05-20 12:11,5.00,,,", "paid_at", "lies in the future"),
        ("销售,A1,2024-05-20 11:30,5.00,,,", "paid_at", "lies more than 400 days back"),
        ("销售,A1,2026-02-30 11:30,5.00,,,", "paid_at", "there is no such day or hour"),
        ("销售,A1,2026-05-20,5.00,,,", "paid_at", "a time is written 2026-01-31 18:05"),
        ("销售,A1,２０２６-05-20 11:30,5.00,,,", "paid_at", "a time is written 2026-01-31 18:05"),
        ("销售,A1,2026-05-20 11:30+99:00,5.00,,,", "paid_at", "there is no such day or hour"),
        ("销售,,2026-05-20 11:30,5.00,,,", "receipt_no", "is needed"),
        ("销售,——,2026-05-20 11:30,5.00,,,", "receipt_no", "a number has letters or digits"),
        (f"销售,{'9' * 65},2026-05-20 11:30,5.00,,,", "receipt_no", "longer than 64 characters, or with line breaks"),
        ("换货,A1,2026-05-20 11:30,5.00,,,", "kind", "sale or refund (销售 or 退款)"),
        ("退款,A1,2026-05-20 11:30,5.00,,,", "original_no", "a refund names the receipt it gives back"),
        ("退款,A1,2026-05-20 11:30,0.00,B1,,", "paid_yuan", "a refund gives something back"),
        ("退款,A1,2026-05-20 11:30,5.00,B1,昨天,", "original_no", "a day is written 2026-01-31"),
        ("销售,A1,2026-05-20 11:30,5.00,B1,,", "original_no", "only a refund names an earlier receipt"),
        ("销售,A1,2026-05-20 11:30,5.00,,,,多出", "(extra)", "there is more in this row than there are columns"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_taken_says_why_and_stops_no_other(till: Till, row: str, column: str, says: str) -> None:
    report = till.sent(row, sale("B2"))
    assert report["counts"] == {"refused": 1, "new": 1}
    (refused,) = till.rows(report["id"], outcome="refused")
    assert refused["problems"] == {column: says}
    assert till.confirm(report["id"])["counts"] == {"refused": 1, "new": 1}
    assert len(till.sales()) == 1


def test_a_number_twice_in_a_file_is_refused_the_second_time(till: Till) -> None:
    report = till.sent(sale(LONG), sale(f"{LONG[:4]}-{LONG[4:]}", "5.00"), sale("7"), sale("007", at="2026-05-19 11:30"), sale("007"))
    assert report["counts"] == {"new": 3, "refused": 2}
    assert [row["problems"]["receipt_no"] for row in till.rows(report["id"], outcome="refused")] == [
        "this number stands in line 2 already",
        "this number stands in line 4 already",
    ]


def test_a_row_of_another_shop_is_refused(till: Till) -> None:
    with db.unit_of_work(till.mall):
        code = session.get_one(Shop, till.shop).code
    head = "门店编号,小票号,支付时间,金额（分）"
    report = till.send(
        sheet(f"{code},A1,2026-05-20T11:30:05,500", "X-99,A2,2026/5/20 9:30,500", ",A3,2026-05-20T03:30:00Z,500", head=head)
    ).json
    assert report["counts"] == {"new": 2, "refused": 1}
    assert [row["paid_at"] for row in till.rows(report["id"], outcome="new")] == ["2026-05-20T03:30:05+00:00", "2026-05-20T03:30:00+00:00"]
    assert till.rows(report["id"], outcome="refused")[0]["told"] == {
        "shop": "X-99", "receipt_no": "A2", "paid_at": "2026/5/20 9:30", "paid_fen": "500",
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_the_usual_encodings_are_read(till: Till, encoding: str) -> None:
    answer = till.send((sheet(sale(LONG)) + "微信").encode(encoding))
    assert answer.status_code == 201, answer.json
    assert till.rows(answer.json["id"])[0]["tender"] == "微信"


def test_a_workbook_keeps_its_times_and_amounts(till: Till) -> None:
    book = openpyxl.Workbook()
    rows = [
        ["小票号", "支付时间", "金额(元)"],
        ["A1", datetime(2026, 5, 20, 11, 30, 7), 128.5],  # noqa: DTZ001 - as a spreadsheet has it
        [202605200001, datetime(2026, 5, 20, 9, 0), 19.9],  # noqa: DTZ001
        ["A3", datetime(2026, 5, 20, 0, 0), 12.345],  # noqa: DTZ001
        ["A4", datetime(2026, 5, 20), 1],  # noqa: DTZ001
        ["A5", datetime(2026, 5, 20), 1],  # noqa: DTZ001
    ]
    for row in rows:
        book.active.append(row)
    book.active["B6"].number_format = "yyyy-mm-dd"
    out = io.BytesIO()
    book.save(out)
    answer = till.send(out.getvalue(), "till.xlsx")
    assert answer.json["counts"] == {"new": 3, "refused": 2}, answer.json
    first, second, third, fourth, fifth = till.rows(answer.json["id"])
    assert (first["paid_at"], first["paid_fen"]) == ("2026-05-20T03:30:07+00:00", 12_850)
    assert (second["receipt_no"], second["paid_fen"]) == ("202605200001", 1_990)
    assert fourth["paid_at"] == "2026-05-19T16:00:00+00:00"
    assert (set(third["problems"]), set(fifth["problems"])) == ({"paid_yuan"}, {"paid_at"})


def _zip(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"\x00\x01\x02", "sheet-unreadable"),
        (b"PK\x03\x04broken", "sheet-unreadable"),
        (b"", "sheet-unreadable"),
        ("小票号,支付时间\nA1,2026-05-20 11:30", None),
        ("小票号,金额(元)\nA1,5", "sheet-incomplete"),
        ("小票号,支付时间,金额(元),手机号\n", "sheet-incomplete"),
        ("小票号,支付时间,金额(元)\n", "sales-report-empty"),
        ("小票号,支付时间,金额(元)\n" + "A,B,C\n" * 20_001, "sheet-too-large"),
        (b"a" * (5 * 1024 * 1024 + 1), "sheet-too-large"),
        (_zip(**{"xl/worksheets/sheet1.xml": b" " * (26 * 1024 * 1024)}), "sheet-too-large"),
        (_zip(**{"xl/workbook.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}), "sheet-unreadable"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(till: Till, data: bytes | str, refusal: str | None) -> None:
    answer = till.send(data)
    if refusal is None:
        assert answer.json["counts"] == {"refused": 1}
        confirmed = till.client.put(f"/v1/shop/sales-reports/{answer.json['id']}/confirmation", headers=till.headers)
        assert confirmed.json["type"] == "/problems/nothing-to-report"
    else:
        assert answer.json["type"] == f"/problems/{refusal}", answer.json
        assert till.client.get("/v1/shop/sales-reports", headers=till.headers).json["items"] == []


def test_a_call_is_worked_at_once_and_the_same_call_again_changes_nothing(till: Till) -> None:
    rows = [
        {"receipt_no": LONG, "paid_at": "2026-05-20T11:30:00+08:00", "paid_fen": 12_850, "tender": "微信"},
        {"receipt_no": "R1", "kind": "refund", "paid_at": "2026-05-20 11:50", "paid_yuan": "28.50", "original_no": LONG},
        {"receipt_no": "B2", "paid_at": "2026-05-20 11:50", "paid_fen": -1},
    ]
    answer = till.call(*rows)
    assert answer.status_code == 202, answer.json
    report = answer.json["report"]
    assert (report["state"], report["source"], report["counts"]) == ("working", "call", {"new": 1, "refunded": 1, "refused": 1})
    assert [(row["line"], row["problems"]) for row in answer.json["refused"]] == [
        (3, {"paid_yuan": "write the amount without a minus; a refund says 退款"})
    ]
    assert till.call(*rows).json["report"]["id"] == report["id"]
    till.work(report["id"])
    assert till.read(report["id"])["state"] == "done"
    assert till.sales() == [(12_850, 2_850, "till", False)]
    assert till.call(*rows).json["report"]["state"] == "done"


@pytest.mark.parametrize(
    "body",
    [
        {"rows": []},
        {"rows": [{"receipt_no": "A1", "paid_at": "2026-05-20 11:30", "paid_fen": 1}] * 501},
        {"rows": [{"receipt_no": "A1", "paid_at": "2026-05-20 11:30", "paid_fen": 1.5}]},
        {"rows": [{"receipt_no": "A1", "paid_at": "2026-05-20 11:30", "paid_fen": 1, "member_phone": "13800138000"}]},
        {"rows": [{"receipt_no": "A1", "paid_at": "2026-05-20 11:30", "paid_fen": 1, "kind": "swap"}]},
        {"rows": [{"paid_at": "2026-05-20 11:30", "paid_fen": 1}]},
    ],
)
def test_a_call_of_another_shape_is_refused(till: Till, body: dict) -> None:
    assert till.client.post("/v1/shop/sales-reports", json=body, headers=till.headers).status_code == 422


def test_too_many_reports_at_once_are_refused(till: Till) -> None:
    for number in range(20):
        till.sent(sale(f"A{number}"))
    answer = till.send(sheet(sale("A99")))
    assert (answer.status_code, answer.json["type"]) == (429, "/problems/too-many-sales-reports")
    assert till.send(sheet(sale("A3"))).status_code == 201


def test_who_may_send_and_see(till: Till, hire) -> None:
    clerk, stranger, marketer = hire("shop_clerk", shop_id=till.shop), hire("shop_manager"), hire("marketer")
    mine = till.sent(sale(LONG))["id"]
    url = f"/v1/shop/sales-reports/{mine}"
    assert till.client.get(url, headers=clerk).status_code == 403
    for verb, path in (("get", url), ("get", f"{url}/rows"), ("put", f"{url}/confirmation"), ("put", f"{url}/cancellation")):
        assert getattr(till.client, verb)(path, headers=stranger).status_code == 404
    assert till.client.get("/v1/shop/sales-reports", headers=stranger).json["items"] == []
    assert till.client.get("/v1/office/sales-reports", headers=marketer).status_code == 403
    assert till.client.get(f"/v1/office/sales-reports/{mine}", headers=till.office).json["id"] == mine
    assert till.client.put(f"/v1/office/sales-reports/{mine}/confirmation", headers=hire("reviewer")).status_code == 403


def test_the_office_sends_for_a_shop_and_the_deed_is_written_down(till: Till, settings) -> None:
    from tests.conftest import owner_rows

    def send(shop_id: int) -> object:
        data = {"file": (io.BytesIO(sheet(sale(LONG)).encode()), "五月.csv")}
        return till.client.post(f"/v1/office/sales-reports/files?shop_id={shop_id}", data=data, headers=till.office)

    assert send(999).status_code == 404
    report = send(till.shop).json
    assert (report["file_name"], report["shop_id"]) == ("五月.csv", till.shop)
    assert till.client.put(f"/v1/office/sales-reports/{report['id']}/confirmation", headers=till.office).json["state"] == "working"
    deeds = owner_rows(settings, "SELECT did FROM audit_entries WHERE subject_type = 'sales_report' ORDER BY id")
    assert [deed for (deed,) in deeds] == ["sent a sales report", "confirmed a sales report"]


@pytest.mark.parametrize("path", ["/v1/shop/sales-reports/template", "/v1/office/sales-reports/template"])
def test_the_example_can_be_sent_as_it_is(till: Till, path: str) -> None:
    headers = till.headers if "shop" in path else till.office
    data = till.client.get(path, headers=headers).data
    report = till.send(data).json
    assert set(report["counts"]) <= {"refused"} and report["rows"] == 2  # its days lie ahead of this test's clock
    assert all(set(row["problems"]) == {"paid_at"} for row in till.rows(report["id"]))


def test_a_long_file_is_read_and_worked_in_flat_memory_and_few_statements(till: Till, statements, figure) -> None:
    rows = trials(20_000)
    lines = [f"销售,2026052{n:06},2026-05-{1 + n % 19:02} {n % 24:02}:{n % 60:02},{n % 977 + 1}.50,,,微信" for n in range(rows)]
    data = sheet(*lines, head=HEAD).encode()
    del lines
    tracemalloc.start()
    with statements() as reading, db.unit_of_work(till.mall):
        report = service.take_file(till.shop, data, file_name="may.csv", by="shop:1")
        report_id = report.id
        service.confirm(report, by="shop:1")
    read_peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    peaks = []
    with statements() as working:
        while db.in_mall(till.mall, lambda: service.work_batch(report_id)):
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.reset_peak()
    tracemalloc.stop()
    batches, early, late = len(peaks), max(peaks[: len(peaks) // 2]), max(peaks[len(peaks) // 2 :])
    figure(f"{rows} rows, {len(reading)} + {len(working)} statements; {read_peak >> 20}, then {early >> 20} and {late >> 20} MiB at most")
    report = till.read(report_id)
    assert (report["state"], report["counts"]) == ("done", {"new": rows})
    assert batches == rows // 200
    assert len(reading) <= rows // 500 * 5 + 20
    assert len(working) <= batches * 14 + 20
    assert read_peak < 40 << 20
    assert late < early + (10 << 20)
