from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from api.kit import clock, db
from api.staff import passwords, service
from api.staff.errors import SignInRefused
from api.staff.models import SignInTries
from api.staff.service import attempts
from tests.conftest import owner_rows
from tests.factories import STAFF_PASSWORD
from tests.staff.people import sign_in


@pytest.fixture
def owner_count(mall):
    """How many tries at a login were looked at, from wherever no device is known."""

    def tries(login: str) -> int:
        lane = attempts.lanes(login, "", None)[1].key
        with db.unit_of_work(mall):
            return db.session.scalar(select(SignInTries.tries).where(SignInTries.lane_key == lane)) or 0

    return tries


def _try(client, code: str, login: str, password: str):
    return client.post(f"/v1/malls/{code}/staff-sign-in", json={"login": login, "password": password})


def test_a_reviewer_signs_in_and_sees_what_the_role_allows(client, code, hire) -> None:
    account, _ = hire("reviewer")
    answer = _try(client, code, f" {account.login.upper()} ", STAFF_PASSWORD)
    assert answer.status_code == 200, answer.json
    me = client.get("/v1/office/me", headers={"Authorization": f"Bearer {answer.json['access_token']}"})
    assert me.json["account"]["login"] == account.login
    assert "receipts.review" in me.json["permissions"] and "staff.write" not in me.json["permissions"]


def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(client, code, hire) -> None:
    account, _ = hire()
    wrong = _try(client, code, account.login, "not the password")
    unknown = _try(client, code, "nobody", "not the password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.data == unknown.data


def test_a_known_and_an_unknown_login_cost_the_same_statements_and_one_hash(app, mall, hire, statements, monkeypatch) -> None:
    account, _ = hire()
    hashes: list[str] = []
    real = passwords.matches
    monkeypatch.setattr(passwords, "matches", lambda password, kept: hashes.append("one") or real(password, kept))

    def cost(login: str) -> list[str]:
        with statements() as seen:
            try:
                with db.unit_of_work(mall):
                    service.sign_in(login, "not the password")
            except SignInRefused:
                pass
        return list(seen)

    assert cost(account.login) == cost("nobody")
    assert hashes == ["one", "one"]


def test_five_wrong_passwords_from_one_address_rest_there_and_the_rest_doubles(client, code, hire) -> None:
    account, _ = hire()
    began = clock.now()
    clock.fix(began)
    for _ in range(5):
        assert _try(client, code, account.login, "not the password").status_code == 401
    assert _try(client, code, account.login, STAFF_PASSWORD).status_code == 401
    clock.fix(began + timedelta(minutes=15, seconds=1))
    assert _try(client, code, account.login, "not the password").status_code == 401
    clock.fix(began + timedelta(minutes=31))
    assert _try(client, code, account.login, STAFF_PASSWORD).status_code == 401
    clock.fix(began + timedelta(minutes=46))
    assert _try(client, code, account.login, STAFF_PASSWORD).status_code == 200


def test_kind_8_six_wrong_tries_of_an_outsider_do_not_lock_the_login(client, code, hire) -> None:
    account, _ = hire()
    for _ in range(6):
        sign_in(client, code, account.login, "not the password", address="203.0.113.7")
    assert sign_in(client, code, account.login, address="203.0.113.7").status_code == 401
    assert sign_in(client, code, account.login, address="198.51.100.1").status_code == 200


def test_kind_8_a_known_device_of_the_owner_is_never_slowed_down_by_others(client, code, hire) -> None:
    account, _ = hire()
    known = sign_in(client, code, account.login).json["device_token"]
    clock.fix(clock.now())
    for number in range(80):
        sign_in(client, code, account.login, "not the password", address=f"203.0.{number}.7")
    assert sign_in(client, code, account.login, address="198.51.100.1").status_code == 401
    again = sign_in(client, code, account.login, device_token=known)
    assert (again.status_code, again.json["device_token"]) == (200, None)


def test_kind_8_a_flood_from_the_owners_own_address_does_not_stop_the_known_device(client, code, hire) -> None:
    account, _ = hire()
    known = sign_in(client, code, account.login).json["device_token"]
    clock.fix(clock.now())
    for _ in range(70):
        sign_in(client, code, account.login, "not the password")
    assert sign_in(client, code, account.login).status_code == 429
    assert sign_in(client, code, account.login, device_token=known).status_code == 200


def test_kind_8_whoever_tries_from_everywhere_waits_minutes_and_never_longer(client, code, hire, owner_count) -> None:
    account, _ = hire()
    began = clock.now()
    allowed = 0
    for minute in range(120):
        clock.fix(began + timedelta(minutes=minute))
        before = owner_count(account.login)
        sign_in(client, code, account.login, "not the password", address=f"203.0.{minute}.7")
        allowed += owner_count(account.login) > before
    assert allowed <= 10 + 4 + 120 // 5
    clock.fix(began + timedelta(minutes=126))
    assert sign_in(client, code, account.login, address="198.51.100.1").status_code == 200


def test_kind_8_another_login_does_not_ride_on_a_known_device(client, code, hire) -> None:
    account, _ = hire()
    victim, _ = hire()
    known = sign_in(client, code, account.login).json["device_token"]
    for _ in range(6):
        sign_in(client, code, victim.login, "not the password", device_token=known, address="203.0.113.7")
    assert sign_in(client, code, victim.login, device_token=known, address="203.0.113.7").status_code == 401


def test_kind_8_wrong_tries_on_a_stolen_device_rest_too(client, code, hire) -> None:
    account, _ = hire()
    known = sign_in(client, code, account.login).json["device_token"]
    began = clock.now()
    clock.fix(began)
    for _ in range(5):
        sign_in(client, code, account.login, "not the password", device_token=known)
    assert sign_in(client, code, account.login, device_token=known).status_code == 401
    clock.fix(began + timedelta(seconds=61))
    assert sign_in(client, code, account.login, device_token=known).status_code == 200


def test_kind_8_a_household_of_ipv6_is_one_address(client, code, hire) -> None:
    account, _ = hire()
    for number in range(6):
        sign_in(client, code, account.login, "not the password", address=f"2001:db8:1:2::{number}")
    assert sign_in(client, code, account.login, address="2001:db8:1:2:ffff::1").status_code == 401
    assert sign_in(client, code, account.login, address="2001:db8:1:3::1").status_code == 200


def test_kind_8_a_command_unlocks(app, client, code, hire) -> None:
    account, administrator = hire()
    for _ in range(6):
        _try(client, code, account.login, "not the password")
    assert _try(client, code, account.login, STAFF_PASSWORD).status_code == 401
    assert app.test_cli_runner().invoke(args=["staff", "unlock", code, account.login]).exit_code == 0
    assert _try(client, code, account.login, STAFF_PASSWORD).status_code == 200
    log = client.get(f"/v1/office/audit?who=command&subject_type=staff_account&subject_id={account.id}", headers=administrator).json[
        "items"
    ]
    assert [line["did"] for line in log] == ["unlocked the login by command"]


def test_a_right_password_forgets_the_wrong_ones(client, code, hire, settings) -> None:
    account, _ = hire()
    for _ in range(4):
        _try(client, code, account.login, "not the password")
    assert _try(client, code, account.login, STAFF_PASSWORD).status_code == 200
    assert owner_rows(settings, "SELECT * FROM sign_in_tries") == []


def test_parallel_guesses_get_no_more_tries_than_patient_ones(app, mall, hire, monkeypatch) -> None:
    account, _ = hire()
    looked: list[int] = []
    real = service.attempts.count
    monkeypatch.setattr(service.attempts, "count", lambda ways: ((allowed := real(ways)) and looked.append(1)) or allowed)

    def guess(number: int) -> None:
        try:
            with db.unit_of_work(mall):
                service.sign_in(account.login, f"guess {number}")
        except SignInRefused:
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(guess, range(24)))
    assert len(looked) == 5


def test_a_suspended_account_is_out_at_its_next_request(client, hire) -> None:
    _, administrator = hire()
    account, header = hire("marketer")
    assert client.get("/v1/office/me", headers=header).status_code == 200
    moved = client.put(f"/v1/office/staff/{account.id}/state", json={"state": "suspended", "why": "left for now"}, headers=administrator)
    assert moved.json["state"] == "suspended"
    assert client.get("/v1/office/me", headers=header).status_code == 401


def test_a_shop_clerk_is_no_mall_staff(client, hire) -> None:
    clerk, header = hire("shop_clerk")
    assert client.get("/v1/office/me", headers=header).status_code == 403
    assert client.get("/v1/shop/me", headers=header).json["account"]["shop_id"] == clerk.shop_id


def _refresh(client, code: str, token: str):
    return client.post(f"/v1/malls/{code}/staff-tokens", json={"refresh_token": token})


def test_a_refresh_token_rotates_and_an_old_one_ends_the_family(client, code, hire) -> None:
    account, _ = hire()
    began = clock.now()
    clock.fix(began)
    first = _try(client, code, account.login, STAFF_PASSWORD).json["refresh_token"]
    second = _refresh(client, code, first).json["refresh_token"]
    clock.fix(began + timedelta(seconds=30))
    third = _refresh(client, code, second).json
    again = _refresh(client, code, first)
    assert again.status_code == 401 and again.json["type"].endswith("token-reused")
    assert _refresh(client, code, third["refresh_token"]).status_code == 401
    header = {"Authorization": f"Bearer {third['access_token']}"}
    assert client.get("/v1/office/me", headers=header).status_code == 401


def test_two_windows_that_refresh_at_once_are_no_theft(client, code, hire) -> None:
    account, _ = hire()
    first = _try(client, code, account.login, STAFF_PASSWORD).json["refresh_token"]
    second = _refresh(client, code, first).json["refresh_token"]
    assert _refresh(client, code, first).status_code == 401
    assert _refresh(client, code, second).status_code == 200


def test_a_made_up_refresh_token_ends_nobodys_sign_in(client, code, hire) -> None:
    account, _ = hire()
    real = _try(client, code, account.login, STAFF_PASSWORD).json["refresh_token"]
    public_id, number, signature = real.split(".")
    for forged in (f"{public_id}.0.{signature}", f"{public_id}.2.{signature}", f"{public_id}.{number}.x", "x", "a.9.é", f"{public_id}.٣.a"):
        assert _refresh(client, code, forged).status_code == 401
    assert _refresh(client, code, real).status_code == 200


def test_signing_out_ends_the_sign_in_at_once(client, code, hire) -> None:
    account, _ = hire()
    tokens = _try(client, code, account.login, STAFF_PASSWORD).json
    header = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert client.delete("/v1/office/me/session", headers=header).status_code == 204
    assert client.get("/v1/office/me", headers=header).status_code == 401
    assert _refresh(client, code, tokens["refresh_token"]).status_code == 401


def test_a_changed_password_ends_the_other_sign_ins(client, code, hire) -> None:
    account, _ = hire()
    here, elsewhere = (_try(client, code, account.login, STAFF_PASSWORD).json for _ in range(2))
    header = {"Authorization": f"Bearer {here['access_token']}"}
    wrong = client.put("/v1/office/me/password", json={"present": "wrong wrong wrong", "new": "a much longer one"}, headers=header)
    assert wrong.status_code == 403
    changed = client.put("/v1/office/me/password", json={"present": STAFF_PASSWORD, "new": "a much longer one"}, headers=header)
    assert changed.status_code == 204
    assert client.get("/v1/office/me", headers=header).status_code == 200
    assert client.get("/v1/office/me", headers={"Authorization": f"Bearer {elsewhere['access_token']}"}).status_code == 401
    assert _try(client, code, account.login, STAFF_PASSWORD).status_code == 401
    assert _try(client, code, account.login, "a much longer one").status_code == 200


def test_old_sign_ins_codes_and_tries_are_forgotten(app, mall, hire, client, code, settings) -> None:
    account, _ = hire("shop_manager")
    _try(client, code, account.login, STAFF_PASSWORD)
    _try(client, code, "nobody", "not the password")
    with db.unit_of_work(mall):
        service.make_pairing_code(account.shop_id, by="staff:1")
    clock.fix(clock.now() + timedelta(days=60))
    with db.unit_of_work(mall):
        assert service.forget_old() == 4
    assert owner_rows(settings, "SELECT * FROM staff_sessions") == []


def test_odd_logins_are_refused_like_any_other(client, code) -> None:
    for login in ("a\x00b", "x" * 201, ""):
        assert _try(client, code, login, "not the password").status_code == 422
    for login in ("' OR 1=1 --", "登录", "%"):
        assert _try(client, code, login, "not the password").status_code == 401


def test_too_many_tries_from_one_address_are_slowed_down(client, code) -> None:
    from api.kit import clock

    clock.fix(clock.now())
    answers = {_try(client, code, f"nobody{n}", "not the password").status_code for n in range(61)}
    assert answers == {401, 429}
