"""Kind 11: who has rights over value signs in with codes, each of which counts once."""

import runpy
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from api.kit import audit, clock, db, rooms
from api.kit.roles import Role
from api.settings import ROOT
from api.staff import permissions
from api.staff.service import sessions
from tests.conftest import owner_rows
from tests.factories import STAFF_PASSWORD
from tests.races import meeting
from tests.staff.people import header, set_up, sign_in

#: What no room calls value: it reads, or its act waits for somebody who holds a right over value.
WITHOUT_VALUE = {
    "aliases.write", "approvals.decide", "bills.settle", "complaints.answer", "exports.all", "exports.make", "jobs.retry", "notices.rerun",
    "partners.write", "payments.ask", "plates.check", "receipts.reviewers", "self.write", "cards.check", "members.check",
}  # fmt: skip


@pytest.fixture
def signed(client, code, hire):
    """Somebody who has signed in, must set up codes, and did: account, header, phone, recovery codes."""
    account, _ = hire("finance", codes_waived=False)
    head = header(sign_in(client, code, account.login))
    return account, head, *set_up(client, head)


def test_every_permission_is_over_value_or_known_to_be_without() -> None:
    known = permissions.over_value() | WITHOUT_VALUE
    unknown = {name for name in permissions.holders() if name not in known and not name.endswith((".read", ".report"))}
    assert unknown == set()
    assert permissions.over_value() <= set(permissions.holders())
    assert {role for role in Role if permissions.holds_value(role)} == set(Role) - {Role.SHOP_CLERK, Role.TABLET}
    assert all(room.value <= set(room.permissions) for room in rooms.every())


def test_kind_11_at_the_first_sign_in_nothing_opens_before_codes_are_set_up(client, code, hire) -> None:
    account, _ = hire("finance", codes_waived=False)
    head = header(sign_in(client, code, account.login))
    me = client.get("/v1/office/me", headers=head).json
    assert (me["due"], me["permissions"]) == (["codes"], ["self.read", "self.write"])
    assert client.get("/v1/office/members", headers=head).status_code == 403
    begun = client.post("/v1/office/me/codes", json={"password": STAFF_PASSWORD}, headers=head).json
    assert begun["link"].startswith("otpauth://totp/") and begun["picture"].startswith("<svg")
    assert client.get("/v1/office/me", headers=head).json["due"] == ["codes"]
    _, recovery = set_up(client, head)
    assert len(set(recovery)) == 10
    assert client.get("/v1/office/me", headers=head).json["due"] == []
    assert client.get("/v1/office/payments", headers=head).status_code == 200


def test_production_that_is_not_lets_nobody_in_who_was_made_for_trying_out(client, code, hire, monkeypatch) -> None:
    account, head = hire("finance")
    assert client.get("/v1/office/me", headers=head).json["due"] == []
    tokens = sign_in(client, code, account.login)
    assert tokens.status_code == 200
    monkeypatch.setattr(sessions, "_production", True)
    assert client.get("/v1/office/me", headers=head).status_code == 401
    assert client.post(f"/v1/malls/{code}/staff-tokens", json={"refresh_token": tokens.json["refresh_token"]}).status_code == 401
    refused = sign_in(client, code, account.login)
    assert (refused.status_code, refused.json["type"]) == (401, "/problems/sign-in-refused")


def test_a_stolen_sign_in_sets_up_no_codes_without_the_password(client, code, hire) -> None:
    account, _ = hire("finance", codes_waived=False)
    head = header(sign_in(client, code, account.login))
    refused = client.post("/v1/office/me/codes", json={"password": "a guess of mine"}, headers=head)
    assert (refused.status_code, refused.json["type"]) == (403, "/problems/password-wrong")
    assert client.put("/v1/office/me/codes", json={"code": "123456"}, headers=head).json["type"] == "/problems/codes-not-begun"


def test_the_password_alone_lets_nobody_in(client, code, signed) -> None:
    account, _, phone, _ = signed
    asked = sign_in(client, code, account.login)
    assert (asked.status_code, asked.json["type"]) == (403, "/problems/code-needed")
    wrong = sign_in(client, code, account.login, code="000000")
    assert (wrong.status_code, wrong.json["type"]) == (403, "/problems/code-wrong")
    assert sign_in(client, code, account.login, code=phone.code(1)).status_code == 200


def test_a_code_counts_once(client, code, signed) -> None:
    account, _, phone, _ = signed
    assert sign_in(client, code, account.login, code=phone.code()).json["type"] == "/problems/code-wrong"  # it has set up the phone
    code_now = phone.code(1)
    assert sign_in(client, code, account.login, code=code_now).status_code == 200
    again = sign_in(client, code, account.login, code=code_now)
    assert (again.status_code, again.json["type"]) == (403, "/problems/code-wrong")
    assert sign_in(client, code, account.login, code=phone.code(0)).status_code == 403


def test_kind_11_one_code_used_by_two_at_once_counts_once(client, code, signed) -> None:
    account, _, phone, _ = signed
    clock.fix(clock.now() + timedelta(minutes=2))
    code_now, app = phone.code(), client.application

    def use(number: int):
        return sign_in(app.test_client(), code, account.login, code=code_now, address=f"10.0.0.{number}").status_code

    with meeting("UPDATE second_factors") as place, ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(use, (1, 2)))
    assert (place.met, statuses) == (1, [200, 403])


@pytest.mark.parametrize(("steps", "status"), [(-2, 403), (-1, 200), (0, 200), (1, 200), (2, 403)])
def test_a_phones_clock_may_be_one_step_off(client, code, signed, steps, status) -> None:
    account, _, phone, _ = signed
    clock.fix(clock.now() + timedelta(minutes=5))
    assert sign_in(client, code, account.login, code=phone.code(steps)).status_code == status


def test_wrong_codes_rest_and_the_right_one_is_refused_meanwhile(client, code, signed) -> None:
    account, _, phone, _ = signed
    began = clock.now() + timedelta(minutes=5)
    clock.fix(began)
    for number in range(5):
        assert sign_in(client, code, account.login, code="000000", address=f"10.0.1.{number}").json["type"] == "/problems/code-wrong"
    assert sign_in(client, code, account.login, code=phone.code(), address="10.0.2.1").json["type"] == "/problems/code-wrong"
    clock.fix(began + timedelta(minutes=16))
    assert sign_in(client, code, account.login, code=phone.code(), address="10.0.2.2").status_code == 200


def test_a_recovery_code_counts_once_and_is_kept_as_a_hash(client, code, signed, settings) -> None:
    account, head, _, recovery = signed
    assert not any(recovery[0] in str(row) for row in owner_rows(settings, "SELECT code_key FROM recovery_codes"))
    typed = recovery[0].upper().replace("-", " ")
    assert sign_in(client, code, account.login, code=typed).status_code == 200
    assert sign_in(client, code, account.login, code=recovery[0]).status_code == 403
    assert client.get("/v1/office/me/codes", headers=head).json["recovery_left"] == 9


def test_new_recovery_codes_end_the_old_ones_and_need_a_code(client, code, signed) -> None:
    account, head, phone, recovery = signed
    body = {"password": STAFF_PASSWORD}
    assert client.post("/v1/office/me/recovery-codes", json=body, headers=head).json["type"] == "/problems/code-needed"
    fresh = client.post("/v1/office/me/recovery-codes", json=body | {"code": phone.code(1)}, headers=head)
    assert len(fresh.json["recovery_codes"]) == 10
    assert sign_in(client, code, account.login, code=recovery[0]).status_code == 403
    assert sign_in(client, code, account.login, code=fresh.json["recovery_codes"][0]).status_code == 200


def test_another_phone_takes_the_place_only_when_its_code_proves_it(client, code, signed) -> None:
    account, head, phone, _ = signed
    begun = client.post("/v1/office/me/codes", json={"password": STAFF_PASSWORD, "code": phone.code(1)}, headers=head)
    assert client.put("/v1/office/me/codes", json={"code": "000000"}, headers=head).json["type"] == "/problems/code-wrong"
    clock.fix(clock.now() + timedelta(minutes=2))
    assert sign_in(client, code, account.login, code=phone.code()).status_code == 200
    from tests.staff.people import Phone

    other = Phone(begun.json["secret"])
    assert client.put("/v1/office/me/codes", json={"code": other.code()}, headers=head).status_code == 200
    clock.fix(clock.now() + timedelta(minutes=2))
    assert sign_in(client, code, account.login, code=phone.code()).status_code == 403
    assert sign_in(client, code, account.login, code=other.code()).status_code == 200


def test_the_secret_is_kept_sealed(client, signed, settings) -> None:
    _, _, phone, _ = signed
    kept = owner_rows(settings, "SELECT secret, fresh_secret FROM second_factors")
    assert kept[0][1] is None and phone.codes.secret.encode() not in bytes(kept[0][0])


def test_kind_11_a_password_given_by_somebody_else_is_changed_first(client, code, hire) -> None:
    account, _ = hire("finance", password_given=True)
    head = header(sign_in(client, code, account.login))
    assert client.get("/v1/office/me", headers=head).json["due"] == ["password"]
    assert client.get("/v1/office/payments", headers=head).status_code == 403
    same = client.put("/v1/office/me/password", json={"present": STAFF_PASSWORD, "new": STAFF_PASSWORD}, headers=head)
    assert same.json["type"] == "/problems/password-weak"
    assert (
        client.put(
            "/v1/office/me/password", json={"present": STAFF_PASSWORD, "new": "teapot lantern gravel nine"}, headers=head
        ).status_code
        == 204
    )
    assert client.get("/v1/office/me", headers=head).json["due"] == []


def test_the_migration_marks_every_password_that_somebody_else_gave(app, mall, hire, settings) -> None:
    own, reset, opened = (hire("finance")[0].id for _ in range(3))
    with db.unit_of_work(mall):
        for number, did in ((own, "reset the password"), (own, "changed the own password"), (reset, "changed the own password")):
            audit.record("staff:1", did, "staff_account", number)
        audit.record("staff:1", "reset the password", "staff_account", reset)
    migration = runpy.run_path(str(next((ROOT / "migrations" / "versions").glob("*_staff_sign_in.py"))))
    owner_rows(settings, migration["GIVEN"])
    assert owner_rows(settings, "SELECT id FROM staff_accounts WHERE password_given ORDER BY id") == [(reset,), (opened,)]


def test_a_shop_manager_sets_up_codes_at_the_tablet(client, code, hire) -> None:
    account, _ = hire("shop_manager", codes_waived=False)
    head = header(sign_in(client, code, account.login))
    assert client.get("/v1/shop/sales-reports", headers=head).status_code == 403
    phone, _ = set_up(client, head, at="shop")
    assert client.get("/v1/shop/me", headers=head).json["due"] == []
    assert sign_in(client, code, account.login).status_code == 403
    assert sign_in(client, code, account.login, code=phone.code(1)).status_code == 200


def test_nobody_has_a_known_password_in_production(app, mall, monkeypatch) -> None:
    from api.staff import service
    from api.staff.errors import ForTryingOutOnly

    monkeypatch.setattr(sessions, "_production", True)
    with db.unit_of_work(mall), pytest.raises(ForTryingOutOnly):
        service.seed_account(login="demo", password="known to everybody", name="x", role=Role.REVIEWER)
    sessions.configure(replace(app.extensions["settings"], production=False))
    assert not sessions.in_production()
