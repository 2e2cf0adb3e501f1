import io
import threading
import zipfile
from datetime import date

import openpyxl
import pytest

from api.kit import db
from api.kit import sheets as kit_sheets
from api.malls import service, sheets
from tests.conftest import owner_rows
from tests.factories import make_shop

HEAD = "门店编号,楼栋编号,楼层,铺位号,店招名称,别名,品类,合同开始,合同结束,积分系数(万分比),不参与积分"


def _sheet(*rows: str, head: str = HEAD) -> str:
    return "\n".join([head, *rows])


GOOD = [f"A-{n},T1,L2,L2-{n:03},海底捞{n}号店,海底捞|Haidilao,餐饮,2026-01-01,2028/12/31,10000,否" for n in range(1, 6)]


@pytest.fixture
def send(client, office, building):
    header = office()

    def post(data: bytes | str, dry_run: bool = False):
        raw = data.encode() if isinstance(data, str) else data
        return client.post(
            f"/v1/office/shop-imports?dry_run={str(dry_run).lower()}",
            data={"file": (io.BytesIO(raw), "shops.csv")},
            headers=header,
        )

    return post


def _count(settings) -> int:
    return owner_rows(settings, "SELECT count(*) FROM shops")[0][0]


def test_a_dry_run_reports_row_by_row_and_writes_nothing(send, settings) -> None:
    report = send(_sheet(*GOOD), dry_run=True)
    assert report.status_code == 200, report.json
    assert report.json["counts"] == {"create": 5, "update": 0, "unchanged": 0, "refused": 0}
    assert [row["row"] for row in report.json["rows"]] == [2, 3, 4, 5, 6]
    assert _count(settings) == 0


def test_an_import_creates_then_changes_then_leaves_alone(send, settings, client, code) -> None:
    assert send(_sheet(*GOOD)).json["counts"]["create"] == 5
    assert send(_sheet(*GOOD)).json["counts"]["unchanged"] == 5
    changed = send(_sheet(GOOD[0].replace("餐饮", "火锅"), *GOOD[1:]))
    assert (changed.json["counts"]["update"], changed.json["counts"]["unchanged"]) == (1, 4)
    assert changed.json["rows"][0]["changes"] == {"category": ["餐饮", "火锅"]}
    assert [shop["name"] for shop in client.get(f"/v1/malls/{code}/shops?q=火锅").json["items"]] == ["海底捞1号店"]
    assert _count(settings) == 5
    assert owner_rows(settings, "SELECT count(*) FROM audit_entries WHERE subject_type = 'shop'") == [(6,)]


def test_one_bad_row_in_the_middle_and_nothing_is_imported(send, settings) -> None:
    rows = [*GOOD[:2], GOOD[2].replace("2028/12/31", "2025-12-31"), *GOOD[3:]]
    refused = send(_sheet(*rows))
    assert refused.status_code == 409 and refused.json["type"].endswith("import-refused")
    assert refused.json["report"]["rows"] == [{"row": 4, "code": "A-3", "problems": {"ends_on": "a contract cannot end before it starts"}}]
    assert _count(settings) == 0
    assert send(_sheet(*rows), dry_run=True).json["counts"] == {"create": 4, "update": 0, "unchanged": 0, "refused": 1}


def test_a_row_that_the_database_refuses_takes_the_others_with_it(app, mall, building, settings, monkeypatch) -> None:
    def clash(row):
        shop = real(row)
        if row.code == "A-4":
            shop.points_rate_bp = -1
        return shop

    real = service.shop_imports._apply
    monkeypatch.setattr(service.shop_imports, "_apply", clash)
    with pytest.raises(Exception, match="points_rate_in_range"), db.unit_of_work(mall):
        service.import_shops(_sheet(*GOOD).encode(), dry_run=False, by="staff:1")
    assert _count(settings) == 0


@pytest.mark.parametrize(
    ("cell", "instead", "column"),
    [
        ("A-1", "坏 编号", "code"),
        ("A-1", "", "code"),
        ("T1", "T9", "site"),
        ("L2,", "B9,", "floor"),
        ("L2-001", "", "unit"),
        ("海底捞1号店", "", "name"),
        ("海底捞1号店", "x" * 201, "name"),
        ("海底捞1号店", "=1+1", "name"),
        ("2026-01-01", "2026-02-31", "starts_on"),
        ("2026-01-01", "soon", "starts_on"),
        ("10000", "1.5", "points_rate_bp"),
        ("10000", "1000001", "points_rate_bp"),
        ("10000", "-1", "points_rate_bp"),
        (",否", ",也许", "excluded"),
        (",否", ",否,又一格", "(extra)"),
    ],
)
def test_a_cell_is_refused_by_column(send, cell, instead, column) -> None:
    report = send(_sheet(GOOD[0].replace(cell, instead, 1)), dry_run=True).json
    assert report["rows"][0]["action"] == "refused", report
    assert column in report["rows"][0]["problems"]


def test_a_code_twice_in_one_sheet_is_refused(send) -> None:
    report = send(_sheet(GOOD[0], GOOD[1], GOOD[0]), dry_run=True).json
    assert [row["action"] for row in report["rows"]] == ["refused", "create", "refused"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_csv_is_read_in_the_encodings_that_excel_writes(send, encoding) -> None:
    report = send(_sheet(*GOOD).replace("\n", "\r\n").encode(encoding), dry_run=True).json
    assert report["counts"]["create"] == 5


def _xlsx(*rows: list[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in [HEAD.split(","), *rows]:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_an_xlsx_is_read_with_its_numbers_days_and_truth(send) -> None:
    row = ["A-1", "T1", "L2", "L2-001", "海底捞", None, "餐饮", date(2026, 1, 1), None, 8000, True]
    report = send(_xlsx(row), dry_run=True).json
    assert report["counts"]["create"] == 1, report
    changes = {name: pair[1] for name, pair in report["rows"][0]["changes"].items()}
    assert (changes["starts_on"], changes["points_rate_bp"], changes["excluded"]) == ("2026-01-01", 8000, True)


def test_a_sheet_gives_no_shop_more_points(send) -> None:
    row = ["A-1", "T1", "L2", "L2-001", "海底捞", None, "餐饮", None, None, 1_000_000, None]
    assert "second person" in send(_xlsx(row), dry_run=True).json["rows"][0]["problems"]["points_rate_bp"]
    send(_sheet(*GOOD))
    assert "second person" in send("code,积分系数(万分比)\nA-1,10001\n", dry_run=True).json["rows"][0]["problems"]["points_rate_bp"]


def test_a_formula_in_an_xlsx_is_refused(send) -> None:
    row = ["A-1", "T1", "L2", "L2-001", '=CONCAT("海","底")', None, "餐饮", None, None, None, None]
    assert "formula" in send(_xlsx(row), dry_run=True).json["rows"][0]["problems"]["name"]


def test_a_column_that_is_missing_stays_as_it_is(send, mall, settings) -> None:
    send(_sheet(*GOOD))
    changed = send("code,name\nA-1,海底捞新名\n")
    assert changed.json["counts"]["update"] == 1, changed.json
    assert owner_rows(settings, "SELECT name, category FROM shops WHERE code = 'A-1'") == [("海底捞新名", "餐饮")]
    assert send("code,name\nA-9,新店\n", dry_run=True).json["rows"][0]["problems"].keys() == {"site", "floor", "unit"}


@pytest.mark.parametrize(
    ("data", "slug"),
    [
        (b"", "sheet-unreadable"),
        (b"\x00\x01\x02", "sheet-unreadable"),
        (b"PK\x03\x04 no zip", "sheet-unreadable"),
        (b'code,name\n"A-1,open quote', "sheet-unreadable"),
        (b"foo,bar\n1,2\n", "sheet-incomplete"),
        (b"name,unit\nx,y\n", "sheet-incomplete"),
        (b"code,code\nx,y\n", "sheet-incomplete"),
        (b"code\n" + b"A-1\n" * 5001, "sheet-too-large"),
        (b"code\n" + b"x" * sheets.MAX_BYTES, "sheet-too-large"),
    ],
)
def test_a_sheet_is_refused_by_name(send, data, slug) -> None:
    assert send(data).json["type"].endswith(slug)


def test_a_body_over_the_limit_is_not_even_read(send) -> None:
    assert send(b"x" * (sheets.MAX_BYTES + 100_000)).status_code == 413


def _zip(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_a_zip_bomb_is_refused_unopened(send) -> None:
    bomb = _zip(**{"xl/worksheets/sheet1.xml": b" " * (kit_sheets.MAX_UNPACKED + 1)})
    assert len(bomb) < 100_000
    assert send(bomb).json["type"].endswith("sheet-too-large")
    assert send(_zip(**{f"part{n}.xml": b"x" for n in range(300)})).json["type"].endswith("sheet-too-large")


def test_an_xml_bomb_is_refused(send) -> None:
    good = zipfile.ZipFile(io.BytesIO(_xlsx(["A-1"])))
    parts = {name: good.read(name) for name in good.namelist()}
    parts["xl/worksheets/sheet1.xml"] = b'<!DOCTYPE a [<!ENTITY b "c">]>' + parts["xl/worksheets/sheet1.xml"]
    assert send(_zip(**parts)).json["type"].endswith("sheet-unreadable")


def test_five_thousand_rows_are_imported_within_the_limit_of_a_request(send, settings) -> None:
    from api.kit import clock

    rows = [f"A-{n},T1,L2,L2-{n:04},门店{n},,餐饮,,,," for n in range(5000)]
    began = clock.monotonic()
    assert send(_sheet(*rows)).json["counts"]["create"] == 5000
    assert clock.monotonic() - began < 30
    assert _count(settings) == 5000


def test_two_imports_at_once_create_each_shop_once(app, mall, building, settings) -> None:
    barrier, counts = threading.Barrier(2), []

    def run() -> None:
        barrier.wait()
        with db.unit_of_work(mall):
            counts.append(service.import_shops(_sheet(*GOOD).encode(), dry_run=False, by="staff:1").counts["create"])

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(counts) == [0, 5]
    assert _count(settings) == 5


def test_the_template_is_itself_a_good_sheet(client, office, send) -> None:
    template = client.get("/v1/office/shop-imports/template", headers=office()).data
    assert send(template, dry_run=True).json["counts"]["create"] == 1


def test_a_floor_manager_imports_nothing(client, office) -> None:
    sent = client.post("/v1/office/shop-imports", data={"file": (io.BytesIO(b"code\n"), "x.csv")}, headers=office("floor_manager"))
    assert sent.status_code == 403


def test_names_learned_by_an_import_are_matched_at_once(send, mall) -> None:
    with db.unit_of_work(mall):
        make_shop()
        assert len(service.shops_for_matching()) == 1
    send(_sheet(GOOD[0]))
    with db.unit_of_work(mall):
        assert service.shops_for_matching()[1].names == ("海底捞1号店", "海底捞", "haidilao")
