"""Lists as CSV files: the same rows, masks and permissions as the list itself, whole or not at all, and harmless in a spreadsheet."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from api.exports import jobs, service
from api.exports.models import Export
from api.kit import clock, db, sealed, storage, tables
from api.kit.db import session
from api.kit.jobs import JOBS
from api.wallet.service import balance_report
from tests.conftest import bearer, text
from tests.factories import make_mall, make_member, make_shop, make_sighted, make_staff

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # noon in Shanghai
EVERY = {
    "merges",
    "rehearsals",
    "points_history",
    "tablets",
    "ledger_proofs",
    "members",
    "sales",
    "receipts",
    "reviews",
    "points_rules",
    "adjustments",
    "alerts",
    "liability",
    "audit",
    "jobs",
    "staff",
    "shops",
}


@pytest.fixture
def hire(mall):
    """Open an account: its bearer header."""

    def make(role: str = "administrator"):
        with db.unit_of_work(mall):
            made = make_staff(role)
        return bearer("staff", made.id, mall)

    return make


@pytest.fixture
def ask(client):
    """Ask for an export: (header, table, …) → answer."""
    numbers = iter(range(1000))

    def make(header, table, filters=None, **more):
        headers = header | {"Idempotency-Key": f"export-key-{next(numbers)}"}
        return client.post("/v1/office/exports", json={"table": table, "filters": filters or {}} | more, headers=headers)

    return make


def _write(mall: int, export_id: int) -> None:
    jobs.write.run(mall_id=mall, export_id=export_id)


def _rows(client, header, export_id: int) -> list[list[str]]:
    answer = client.get(f"/v1/office/exports/{export_id}/file", headers=header)
    assert answer.status_code == 200, answer.json
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def _files(mall: int) -> set[str]:
    return set(storage.older_than(f"{mall}/exports", clock.now() + timedelta(days=30)))


def test_every_list_of_the_office_may_leave(app, client, mall, hire, ask) -> None:
    header = hire()
    assert set(tables.every()) >= EVERY
    with db.unit_of_work(mall):
        balance_report.record_report(clock.today("Asia/Shanghai"))
        one = {
            "points_history": {"member_id": make_member().id},
            "card_balance_lines": {"report_id": balance_report.reports().items[0].id},
        }
    opened = client.get(f"/v1/office/members/{one['points_history']['member_id']}?reason=an+export", headers=header)
    assert opened.status_code == 200
    for name in sorted(tables.every()):
        made = ask(header, name, one.get(name))
        assert (made.status_code, made.json["state"], made.json["rows"]) == (202, "waiting", 0), made.json
        _write(mall, made.json["id"])
        done = client.get(f"/v1/office/exports/{made.json['id']}", headers=header).json
        assert (done["state"], done["trouble"]) == ("done", None), name
        assert _rows(client, header, made.json["id"])[0] == [tables.heading(column) for column in tables.every()[name].columns]


def test_a_table_asks_for_the_permission_of_its_list(app) -> None:
    asked = {name: table.permission for name, table in tables.every().items()}
    assert asked["members"] == "members.read" and asked["audit"] == "audit.read" and asked["sales"] == "sales.read"


def test_sales_stand_in_yuan_and_in_the_malls_own_time(app, client, mall, hire, ask) -> None:
    header = hire("finance")
    with db.unit_of_work(mall):
        shop = make_shop()
        for number in range(230):
            make_sighted(shop_id=shop.id, paid_fen=1230 + number, paid_at=NOW - timedelta(minutes=number), receipt_no=f"R{number}")
        make_sighted(paid_fen=999)
        shop_id = shop.id
    made = ask(header, "sales", {"shop_id": str(shop_id)}).json
    _write(mall, made["id"])
    headings, *rows = _rows(client, header, made["id"])
    assert len(rows) == 230
    first = next(row for row in (dict(zip(headings, row, strict=True)) for row in rows) if row["paid_yuan"] == "12.30")
    assert (first["paid_yuan"], first["paid_at"], first["scored"]) == ("12.30", "2026-11-22 12:00:00", "FALSE")
    done = client.get(f"/v1/office/exports/{made['id']}", headers=header).json
    assert (done["state"], done["rows"], done["cut"], done["file_name"]) == ("done", 230, False, f"sales-{made['id']}.csv")


def test_members_leave_masked(app, client, mall, hire, ask) -> None:
    header = hire("marketer")
    with db.unit_of_work(mall):
        make_member(phone_sealed=sealed.seal("13800138000"), phone_key=sealed.find_key("13800138000"))
    made = ask(header, "members").json
    _write(mall, made["id"])
    written = str(_rows(client, header, made["id"]))
    assert "138****8000" in written
    assert "13800138000" not in written


def test_members_are_exported_by_name_and_no_phone_is_kept_in_an_export(app, client, mall, hire, ask) -> None:
    header = hire()
    for phone in ("13800138000", "+86 138-0013-8000"):
        refused = ask(header, "members", {"q": phone})
        assert (refused.status_code, set(refused.json["errors"])) == (422, {"filters"})
    assert ask(header, "members", {"q": "韩梅梅"}).status_code == 202


def test_a_role_exports_only_what_it_may_see(app, client, mall, hire, ask) -> None:
    header = hire("reviewer")
    refused = ask(header, "members")
    assert (refused.status_code, refused.json["permission"]) == (403, "members.read")
    assert ask(header, "sales").status_code == 202
    assert ask(bearer("member", 1, mall), "sales").status_code == 403


def test_a_role_lost_meanwhile_ends_the_export(app, client, mall, hire, ask) -> None:
    header = hire("finance")
    waiting, ready = ask(header, "audit").json["id"], ask(header, "audit").json["id"]
    _write(mall, ready)
    with db.unit_of_work(mall):
        session.execute(text("UPDATE staff_accounts SET role = 'reviewer'"))
    _write(mall, waiting)
    ended = client.get(f"/v1/office/exports/{waiting}", headers=header).json
    assert (ended["state"], ended["trouble"]) == ("failed", "permission-missing")
    assert client.get(f"/v1/office/exports/{ready}/file", headers=header).status_code == 403


def test_nobody_elses_export_is_there_but_for_an_administrator(app, client, mall, hire, ask) -> None:
    mine, colleague, administrator = hire("finance"), hire("finance"), hire()
    made = ask(mine, "audit").json["id"]
    _write(mall, made)
    for address in (f"/v1/office/exports/{made}", f"/v1/office/exports/{made}/file"):
        assert client.get(address, headers=colleague).status_code == 404
        assert client.get(address, headers=administrator).status_code == 200
    assert client.get("/v1/office/exports?all=true", headers=colleague).json["items"] == []
    assert client.get("/v1/office/exports", headers=administrator).json["items"] == []
    assert [row["id"] for row in client.get("/v1/office/exports?all=true", headers=administrator).json["items"]] == [made]
    log = client.get("/v1/office/audit?subject_type=export", headers=administrator).json["items"]
    assert [line["did"] for line in log] == ["export downloaded", "export asked for"]


def test_another_malls_export_is_not_there(app, client, mall, hire, ask) -> None:
    made = ask(hire(), "shops").json["id"]
    _write(mall, made)
    with db.unit_of_work():
        other = make_mall().id
    with db.unit_of_work(other):
        stranger = bearer("staff", make_staff().id, other)
    assert client.get(f"/v1/office/exports/{made}/file", headers=stranger).status_code == 404
    assert client.get("/v1/office/exports?all=true", headers=stranger).json["items"] == []
    _write(other, made)
    assert client.get(f"/v1/office/exports/{made}", headers=stranger).status_code == 404


def test_a_cancelled_export_leaves_no_file(app, client, mall, hire, ask, monkeypatch) -> None:
    header = hire()
    with db.unit_of_work(mall):
        for _ in range(150):
            make_shop()
    made = ask(header, "shops").json["id"]
    before = _files(mall)
    monkeypatch.setattr(jobs, "_batch", lambda mall_id, *rest: _outside(mall_id, client, header, made, *rest))
    _write(mall, made)
    shown = client.get(f"/v1/office/exports/{made}", headers=header).json
    assert (shown["state"], shown["rows"]) == ("cancelled", 100)
    assert client.get(f"/v1/office/exports/{made}/file", headers=header).json["type"].endswith("export-not-ready")
    assert _files(mall) == before
    assert client.put(f"/v1/office/exports/{made}/cancellation", headers=header).status_code == 409


def _outside(mall_id, client, header, export_id, *rest):
    """One batch as the job takes it, and a person who cancels right after it."""
    found = db.in_mall(mall_id, lambda: service.next_batch(*rest))
    client.put(f"/v1/office/exports/{export_id}/cancellation", headers=header)
    if found is None:
        raise jobs._Cancelled()
    return found


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1+1", "@SUM(A1)", "\t=1", "＝1", "－2", "\n=1"])
def test_no_cell_is_a_formula(app, client, mall, hire, ask, name) -> None:
    header = hire()
    with db.unit_of_work(mall):
        make_shop(name=name)
    made = ask(header, "shops", columns=[{"name": "name", "title": "=店名"}, {"name": "id"}]).json["id"]
    _write(mall, made)
    assert [row[0] for row in _rows(client, header, made)] == ["'=店名", f"'{name}"]


def test_a_formula_behind_what_ends_a_cell_elsewhere_is_text_too() -> None:
    assert tables.plain("茶;=HYPERLINK(1)") == "茶;'=HYPERLINK(1)"
    assert tables.plain("a\t@SUM(A1)\n+1; -2;b") == "a\t'@SUM(A1)\n'+1; '-2;b"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"points": -5}, "-5"), ({"paid_fen": -5}, "-0.05"), ({"paid_fen": 123456789012}, "1234567890.12"), ({"paid_fen": None}, ""),
        ({"name": "a,b\n\"c\""}, 'a,b\n"c"'), ({"at": "2026-11-22T04:00:00+00:00"}, "2026-11-22 12:00:00"), ({"by": "staff:3"}, "staff:3"),
        ({"told": {"zh": "好", "en": "good"}}, "good"),
        ({"parts": [{"amount_fen": 5, "kind": "cash"}]}, '[{"amount_yuan":"0.05","kind":"cash"}]'),
        ({"made_by": "staff:3"}, "staff:3"), ({"on": "2026-11-22"}, "2026-11-22"), ({"scored": False}, "FALSE"),
    ],
)  # fmt: skip
def test_a_cell_reads_as_a_person_reads_it(row, said) -> None:
    assert list(tables.cells(row, list(row), timezone="Asia/Shanghai", language="en")) == [said]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"table": "passwords"}, "table"), ({"table": "sales", "filters": {"colour": "red"}}, "filters"),
        ({"table": "sales", "filters": {"shop_id": "x"}}, "filters"), ({"table": "sales", "filters": {"limit": 5}}, "filters"),
        ({"table": "shops", "columns": [{"name": "password_hash"}]}, "columns"), ({"table": "sales", "language": "fr"}, "language"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_list_is_named(app, client, mall, hire, asked, field) -> None:
    answer = client.post("/v1/office/exports", json=asked, headers=hire() | {"Idempotency-Key": "key-00001"})
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {field}


def test_an_export_longer_than_the_limit_is_cut_and_says_so(app, client, mall, hire, ask, monkeypatch) -> None:
    monkeypatch.setattr(service, "ROW_LIMIT", 120)
    header = hire()
    with db.unit_of_work(mall):
        for _ in range(130):
            make_shop()
    made = ask(header, "shops").json["id"]
    _write(mall, made)
    shown = client.get(f"/v1/office/exports/{made}", headers=header).json
    assert (shown["rows"], shown["cut"], shown["row_limit"]) == (120, True, 200_000)
    assert len(_rows(client, header, made)) == 121


def test_one_person_has_three_under_way(app, client, mall, hire, ask) -> None:
    header = hire()
    assert [ask(header, "shops").status_code for _ in range(4)] == [202, 202, 202, 429]
    assert ask(hire(), "shops").status_code == 202


def test_the_same_key_asks_once(app, client, mall, hire) -> None:
    headers = hire() | {"Idempotency-Key": "one-double-tap"}
    first, second = (client.post("/v1/office/exports", json={"table": "shops"}, headers=headers) for _ in range(2))
    assert first.json["id"] == second.json["id"]


def test_the_file_goes_after_its_time_and_says_so(app, client, mall, hire, ask) -> None:
    administrator = hire()
    made = ask(administrator, "shops").json["id"]
    _write(mall, made)
    clock.fix(clock.now() + timedelta(days=8))
    with db.unit_of_work(mall):
        account = session.get_one(Export, made).asked_by_id
    header = bearer("staff", account, mall)
    assert client.get(f"/v1/office/exports/{made}/file", headers=header).json["type"].endswith("export-expired")
    db.in_mall(mall, jobs.remove_old_exports.run)
    assert client.get(f"/v1/office/exports/{made}", headers=header).json["state"] == "removed"
    assert _files(mall) == set()


def test_an_export_that_never_ended_is_given_up(app, client, mall, hire, ask) -> None:
    made = ask(hire(), "shops").json["id"]
    clock.fix(clock.now() + timedelta(hours=7))
    db.in_mall(mall, jobs.remove_old_exports.run)
    with db.unit_of_work(mall):
        found = session.get_one(Export, made)
        assert (found.state, found.trouble) == ("failed", "given-up")


def test_writing_again_after_a_crash_makes_the_whole_file(app, client, mall, hire, ask) -> None:
    header = hire()
    with db.unit_of_work(mall):
        for _ in range(3):
            make_shop()
    made = ask(header, "shops").json["id"]
    work = db.in_mall(mall, lambda: service.begin(made))
    db.in_mall(mall, lambda: service.next_batch(made, work, None, 0))
    _write(mall, made)
    assert len(_rows(client, header, made)) == 4
    assert JOBS["exports.write"].task is not None
