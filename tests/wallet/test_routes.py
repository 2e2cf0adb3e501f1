"""Stored value over HTTP: a shopper's wallet, a shop's look, the desk's cards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.kit import clock, db, sealed, tables
from api.kit.db import session
from api.members.models import Member
from api.members.service import phone_codes
from api.wallet import service as wallet
from api.wallet.service import card_opening, hooks, pins
from tests.conftest import bearer
from tests.factories import make_member, make_shop, make_staff
from tests.points.conftest import set_policy
from tests.second_person import approved
from tests.wallet.conftest import Holder, make_package

PLASTIC = {
    "code": "gift", "title_zh": "礼品卡", "title_en": "Gift card", "form": "physical", "named": False, "limit_fen": 100_000,
    "valid_years": 3, "invoice": "at_use",
}  # fmt: skip


class Caller:
    """Somebody signed in."""

    def __init__(self, client: FlaskClient, headers: dict[str, str]) -> None:
        self.client, self.headers, self.sent = client, headers, 0

    def __call__(self, method: str, path: str, body: Any = None, **given: Any) -> Any:
        self.sent += 1
        key = {"Idempotency-Key": f"{method}-{path}-{id(self)}-{self.sent}"}
        return self.client.open(f"/v1{path}", method=method, headers=self.headers | key, json=body, **given)


@pytest.fixture
def holder(app: Any, mall: int) -> Holder:
    """¥100 and ¥10 on top, of which ¥30 was used."""
    with db.unit_of_work(mall):
        made = Holder(make_member().id, make_shop(name="云锦咖啡").id)
        made.recharges(10_000, 1_000)
        made.pays(3_000)
        return made


@pytest.fixture
def me(client: FlaskClient, mall: int, holder: Holder) -> Caller:
    return Caller(client, bearer("member", holder.id, mall))


def staff(client: FlaskClient, mall: int, role: str = "administrator", **given: Any) -> Caller:
    with db.unit_of_work(mall):
        account = make_staff(role, **given)
        kind, number, shop_id = account.kind, account.id, account.shop_id
    return Caller(client, bearer(kind, number, mall, shop_id))


def test_the_wallet_tells_principal_and_bonus_and_where_it_counts(me: Caller, mall: int, holder: Holder) -> None:
    with db.unit_of_work(mall):
        card_opening.standard_product().shop_ids = [holder.shop_id]
    told = me("GET", "/wallet").json
    assert (told["principal_fen"], told["bonus_fen"], told["held_principal_fen"], told["pin_set"]) == (7_000, 1_000, 0, False)
    (card,) = told["cards"]
    assert card["shops"] == [{"id": holder.shop_id, "name": "云锦咖啡"}] and "****" in card["number_masked"]


def test_the_wallet_tells_what_unfinished_orders_hold(me: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "held", [lambda member_id: (3_000, 200)])
    told = me("GET", "/wallet").json
    assert (told["held_principal_fen"], told["held_bonus_fen"]) == (3_000, 200)


def test_history_is_told_in_sentences_page_by_page(me: Caller) -> None:
    first = me("GET", "/wallet/history?limit=1").json
    assert (first["items"][0]["title"], first["items"][0]["principal_fen"]) == ({"zh": "消费 · 云锦咖啡", "en": "Paid · 云锦咖啡"}, -3_000)
    second = me("GET", f"/wallet/history?limit=1&cursor={first['next_cursor']}").json
    assert (second["items"][0]["title"]["zh"], second["items"][0]["bonus_fen"], second["next_cursor"]) == ("充值", 1_000, None)


def test_who_has_no_card_has_an_empty_wallet(client: FlaskClient, mall: int) -> None:
    with db.unit_of_work(mall):
        caller = Caller(client, bearer("member", make_member().id, mall))
    assert (caller("GET", "/wallet").json["cards"], caller("GET", "/wallet/history").json["items"]) == ([], [])


def test_packages_are_offered_until_they_end(me: Caller, mall: int) -> None:
    with db.unit_of_work(mall):
        make_package(title_zh="现在")
        make_package(title_zh="从前", starts_at=clock.now() - timedelta(days=9), ends_at=clock.now() - timedelta(days=1))
    assert [one["title_zh"] for one in me("GET", "/wallet/packages").json["items"]] == ["现在"]


def test_a_pin_is_set_changed_and_forgotten(me: Caller, mall: int, holder: Holder, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = me("PUT", "/wallet/pin", {"pin": "135790"})
    assert (bare.status_code, bare.json["type"], bare.json["ways"]) == (403, "/problems/pin-proof-needed", [])
    with db.unit_of_work(mall):
        pins.set_pin(holder.id, "135790")
    assert me("PUT", "/wallet/pin", {"pin": "246800"}).json["type"] == "/problems/pin-proof-needed"
    wrong = me("PUT", "/wallet/pin", {"pin": "246800", "old_pin": "000000"})
    assert (wrong.json["type"], wrong.json["left"]) == ("/problems/pin-wrong", 4)
    assert me("PUT", "/wallet/pin", {"pin": "246800", "old_pin": "135790"}).status_code == 204
    assert me("POST", "/wallet/pin-codes").json["type"] == "/problems/pin-proof-needed"
    phone = "+8613800001234"
    with db.unit_of_work(mall):
        member = session.get_one(Member, holder.id)
        member.phone_sealed, member.phone_key = sealed.seal(phone), sealed.find_key(phone)
    assert me("POST", "/wallet/pin-codes").status_code == 202
    with db.unit_of_work(mall):
        text = phone_codes.newest_text(phone)
    assert text is not None
    code = text.split("验证码 ")[1][:6]
    assert me("PUT", "/wallet/pin", {"pin": "975310", "code": code}).status_code == 204
    for shape in ("12345", "1234567", "１２３４５６", "abcdef", "123456\n"):
        assert me("PUT", "/wallet/pin", {"pin": shape}).status_code == 422


def test_a_shop_checks_the_card_of_whom_shows_a_pay_code(me: Caller, client: FlaskClient, mall: int, holder: Holder) -> None:
    till = staff(client, mall, "shop_clerk", shop_id=holder.shop_id)
    made = me("POST", "/wallet/pay-code")
    assert made.status_code == 201
    checked = till("POST", "/shop/card-checks", {"code": made.json["code"]}).json["cards"][0]
    assert (checked["usable_here"], checked["principal_fen"]) == (True, None)
    again = till("POST", "/shop/card-checks", {"code": made.json["code"]})
    assert (again.status_code, again.json["type"]) == (409, "/problems/pay-code-used")
    with db.unit_of_work(mall):
        set_policy(card_check_shows_balance=True)
        card_opening.standard_product().shop_ids = [make_shop().id]
    told = till("POST", "/shop/card-checks", {"code": me("POST", "/wallet/pay-code").json["code"]}).json["cards"][0]
    assert (told["usable_here"], told["reason"], told["principal_fen"]) == (False, "not_accepted", 7_000)


def test_a_lost_card_is_stopped_by_its_member_only(me: Caller, client: FlaskClient, mall: int, holder: Holder) -> None:
    with db.unit_of_work(mall):
        card_id, stranger = holder.card_id, Caller(client, bearer("member", make_member().id, mall))
    assert stranger("PUT", f"/wallet/cards/{card_id}/loss").status_code == 404
    assert me("PUT", f"/wallet/cards/{card_id}/loss").status_code == 204
    assert me("GET", "/wallet").json["cards"][0]["refusal"] == "frozen"
    assert me("PUT", f"/wallet/cards/{card_id}/reactivation").json["type"] == "/problems/card-not-usable"


def test_a_card_goes_from_the_printer_over_the_desk_into_a_wallet(me: Caller, client: FlaskClient, mall: int) -> None:
    finance, printer, desk = staff(client, mall, "finance"), staff(client, mall), staff(client, mall)
    assert approved(client, mall, finance("POST", "/office/card-products", PLASTIC)).status_code == 200
    kind_id = desk("GET", "/office/card-products").json["items"][0]["id"]
    batch = finance("POST", "/office/card-batches", {"product_id": kind_id, "cards": 2, "note": "first ones"}).json
    line = printer("POST", f"/office/card-batches/{batch['id']}/print-parts", {}).json["lines"][0]
    assert printer("PUT", f"/office/card-batches/{batch['id']}/handover", {"why": "sent"}).json["handed_over_at"]
    assert printer("POST", f"/office/card-batches/{batch['id']}/print-parts", {}).status_code == 409
    for_cash = {"lines": [{"number": line["number"], "principal_fen": 50_000}], "paid_by": "cash"}
    assert printer("POST", "/office/cash-shifts", {"desk": "二楼服务台", "total_fen": 30_000}).status_code == 201
    assert printer("POST", "/office/card-sales", for_cash).json["type"] == "/problems/another-person-needed"
    shift = desk("POST", "/office/cash-shifts", {"desk": "一楼服务台", "total_fen": 30_000}).json
    sale = desk("POST", "/office/card-sales", for_cash)
    assert (sale.status_code, sale.json["buyer_known"], sale.json["shift_id"]) == (201, False, shift["id"])
    assert me("POST", "/wallet/cards", {"number": line["number"], "activation_code": "0" * 12}).status_code == 403
    assert me("POST", "/wallet/cards", {"number": line["number"], "activation_code": line["activation_code"]}).status_code == 204
    assert me("GET", "/wallet").json["principal_fen"] == 57_000
    found = desk("GET", f"/office/cards?number={line['number']}").json["items"][0]
    whole = desk("GET", f"/office/cards/{found['id']}").json
    assert [event["what"] for event in whole["events"]] == ["bound", "sold"] and whole["moves"][0]["to_state"] == "active"
    assert desk("GET", f"/office/cards/{found['id']}/history").json["items"][0]["title"]["zh"] == "购卡"
    assert len(desk("GET", "/office/card-sales").json["items"]) == len(desk("GET", "/office/card-batches").json["items"]) == 1


def test_a_second_person_decides_above_the_limit(client: FlaskClient, mall: int, holder: Holder) -> None:
    desk, finance = staff(client, mall, "service_desk"), staff(client, mall, "finance")
    with db.unit_of_work(mall):
        set_policy(card_second_person_fen=0)
        card_id = holder.card_id
    assert desk("PUT", f"/office/cards/{card_id}/loss", {"why": "phoned in"}).json["state"] == "frozen"
    asked = desk("POST", "/office/card-requests", {"card_id": card_id, "what": "replace", "why": "lost for good"}).json
    assert asked["state"] == "proposed"
    assert desk("PUT", f"/office/card-requests/{asked['id']}/approval").status_code == 403
    done = finance("PUT", f"/office/card-requests/{asked['id']}/approval").json
    assert (done["state"], finance("GET", "/office/card-requests?state=done").json["items"][0]["id"]) == ("done", asked["id"])
    other = desk("POST", "/office/card-requests", {"card_id": done["new_card_id"], "what": "replace", "why": "again"}).json
    assert finance("PUT", f"/office/card-requests/{other['id']}/rejection", {"why": "no need"}).json["state"] == "rejected"
    assert desk("PUT", f"/office/cards/{card_id}/reactivation", {"why": "expired?"}).status_code == 409


def test_kinds_and_packages_are_kept_with_reasons(client: FlaskClient, mall: int, holder: Holder) -> None:
    desk = staff(client, mall)
    kind_id = desk("GET", "/office/card-products").json["items"][0]["id"]
    assert desk("PATCH", f"/office/card-products/{kind_id}", {"limit_fen": 600_000, "why": "more"}).status_code == 422
    one_shop = desk("PATCH", f"/office/card-products/{kind_id}", {"shop_ids": [holder.shop_id], "why": "one shop"})
    assert approved(client, mall, one_shop).status_code == 200
    assert desk("PATCH", f"/office/card-products/{kind_id}", {"title_en": "Stored value", "why": "wording"}).status_code == 200
    package = {
        "product_id": kind_id, "title_zh": "充百送十", "title_en": "100 + 10", "pays_fen": 10_000, "bonus_fen": 1_000,
        "bonus_bearer": holder.shop_id, "member_limit": 2, "starts_at": clock.now().isoformat(),
    }  # fmt: skip
    assert approved(client, mall, desk("POST", "/office/recharge-packages", package)).json["state"] == "done"
    made_id = desk("GET", "/office/recharge-packages").json["items"][0]["id"]
    assert desk("POST", "/office/recharge-packages", package | {"bonus_bearer": 404}).json["errors"] == {
        "bonus_bearer": "there is no such shop"
    }
    ends = (clock.now() + timedelta(days=3)).isoformat()
    changed = desk("PATCH", f"/office/recharge-packages/{made_id}", {"ends_at": ends, "why": "three days only"})
    assert (changed.status_code, changed.json["ends_at"] is not None) == (200, True)
    later = {"ends_at": (clock.now() + timedelta(days=9)).isoformat(), "why": "longer than that"}
    assert approved(client, mall, desk("PATCH", f"/office/recharge-packages/{made_id}", later)).status_code == 200
    assert [one["id"] for one in desk("GET", "/office/recharge-packages?offered=true").json["items"]] == [made_id]
    assert desk("GET", f"/office/members/{holder.id}?reason=complaint+77").status_code == 200
    recharge = desk("GET", f"/office/recharges?member_id={holder.id}").json["items"][0]
    assert (recharge["principal_fen"], recharge["invoice"]) == (10_000, "at_use")


def test_balance_reports_are_read_by_finance(client: FlaskClient, mall: int, holder: Holder) -> None:
    from api.wallet.service import balance_report

    finance = staff(client, mall, "finance")
    with db.unit_of_work(mall):
        balance_report.record_report(clock.today("Asia/Shanghai"))
    report = finance("GET", "/office/card-balance-reports").json["items"][0]
    assert report["differences"] == [] and report["figures"]["totals"]["card bonus_fen"]["closing_fen"] == 1_000
    line = finance("GET", f"/office/card-balance-lines?report_id={report['id']}").json["items"][0]
    assert line["principal_closing_fen"] == 7_000
    assert finance("GET", "/office/card-balance-lines?report_id=404").status_code == 404
    assert staff(client, mall, "reviewer")("GET", "/office/card-balance-reports").status_code == 403


@pytest.mark.parametrize("amount", [0, -1, 1e308, 2**63, "１００", "1.234", None, True])
def test_odd_amounts_are_refused_by_name_and_change_nothing(client: FlaskClient, mall: int, holder: Holder, amount: Any) -> None:
    desk = staff(client, mall)
    body = {"lines": [{"number": "8100000000000000", "principal_fen": amount}], "paid_by": "cash"}
    answer = desk("POST", "/office/card-sales", body)
    assert (answer.status_code, answer.json["type"]) == (422, "/problems/shape-wrong")
    with db.unit_of_work(mall):
        assert wallet.funds(holder.id)[0].principal_fen == 7_000


def test_another_malls_card_is_not_there(client: FlaskClient, mall: int, holder: Holder) -> None:
    from tests.factories import make_mall

    with db.unit_of_work(mall):
        card_id = holder.card_id
    with db.unit_of_work():
        other = make_mall().id
    with db.unit_of_work(other):
        stranger = make_member().id
    caller = Caller(client, bearer("member", stranger, other))
    assert caller("PUT", f"/wallet/cards/{card_id}/loss").status_code == 404
    assert staff(client, other)("GET", f"/office/cards/{card_id}").status_code == 404


def test_kind_8_new_codes_take_a_second_person_and_no_export_holds_any(client: FlaskClient, mall: int) -> None:
    desk = staff(client, mall)
    assert approved(client, mall, desk("POST", "/office/card-products", PLASTIC)).status_code == 200
    kind_id = desk("GET", "/office/card-products").json["items"][0]["id"]
    made_by = staff(client, mall, "finance")
    batch = made_by("POST", "/office/card-batches", {"product_id": kind_id, "cards": 2, "note": "first ones"}).json
    assert made_by("POST", f"/office/card-batches/{batch['id']}/print-parts", {}).status_code == 403
    path = f"/office/card-batches/{batch['id']}"
    before = desk("POST", f"{path}/print-parts", {}).json["lines"]
    asked = desk("PUT", f"{path}/codes", {"why": "the file was lost"})
    assert desk("POST", f"{path}/print-parts", {}).json == {"lines": [], "left": 0}
    assert approved(client, mall, asked, "finance").status_code == 200
    after = desk("POST", f"{path}/print-parts", {}).json["lines"]
    assert [line["number"] for line in after] == [line["number"] for line in before]
    assert all(old["activation_code"] != new["activation_code"] for old, new in zip(before, after, strict=True))
    assert not any("activation_code" in table.columns for table in tables.every().values())
