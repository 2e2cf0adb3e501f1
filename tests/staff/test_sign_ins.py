"""Kind 11: people see where they are signed in and end it; an administrator does for others."""

from tests.staff.people import header, sign_in

FIREFOX = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0"}
WECHAT = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 MicroMessenger/8.0.50"}


def _enter(client, code, account, agent, address):
    body = {"login": account.login, "password": "correct horse battery"}
    return client.post(f"/v1/malls/{code}/staff-sign-in", json=body, headers=agent, environ_base={"REMOTE_ADDR": address})


def test_somebody_sees_where_he_is_signed_in_and_ends_one(client, code, hire) -> None:
    account, _ = hire()
    here = header(_enter(client, code, account, FIREFOX, "10.0.0.1"))
    there = header(_enter(client, code, account, WECHAT, "10.0.0.2"))
    listed = client.get("/v1/office/me/sign-ins", headers=here).json["items"]
    assert [(row["device"], row["address"], row["here"]) for row in listed] == [
        ("WeChat · iPhone", "10.0.0.2", False), ("Firefox · Windows", "10.0.0.1", True),
    ]  # fmt: skip
    assert client.delete(f"/v1/office/me/sign-ins/{listed[0]['id']}", headers=here).status_code == 204
    assert client.get("/v1/office/me", headers=there).status_code == 401
    assert client.get("/v1/office/me", headers=here).status_code == 200
    assert client.delete(f"/v1/office/me/sign-ins/{listed[0]['id']}", headers=here).status_code == 404


def test_somebody_signs_out_everywhere_else(client, code, hire) -> None:
    account, _ = hire("shop_clerk")
    here, *others = (header(sign_in(client, code, account.login)) for _ in range(3))
    assert client.delete("/v1/shop/me/sign-ins", headers=here).status_code == 204
    assert [client.get("/v1/shop/me", headers=head).status_code for head in (here, *others)] == [200, 401, 401]


def test_nobody_ends_or_sees_anothers_sign_in(client, code, hire) -> None:
    account, _ = hire()
    other, _ = hire("finance")
    head = header(sign_in(client, code, account.login))
    there = header(sign_in(client, code, other.login))
    number = client.get("/v1/office/me/sign-ins", headers=head).json["items"][0]["id"]
    refused = client.delete(f"/v1/office/me/sign-ins/{number}", headers=there)
    assert (refused.status_code, refused.json["type"]) == (404, "/problems/sign-in-not-found")
    assert client.get(f"/v1/office/staff/{account.id}/sign-ins", headers=there).status_code == 403


def test_an_administrator_ends_the_sign_ins_of_others_and_the_log_says_so(client, code, hire) -> None:
    account, _ = hire("finance")
    _, administrator = hire()
    heads = [header(sign_in(client, code, account.login)) for _ in range(3)]
    path = f"/v1/office/staff/{account.id}/sign-ins"
    listed = client.get(path, headers=administrator).json["items"]
    assert len(listed) == 3 and not any(row["here"] for row in listed)
    assert client.delete(f"{path}/{listed[-1]['id']}", headers=administrator).status_code == 204
    assert [client.get("/v1/office/me", headers=head).status_code for head in heads] == [401, 200, 200]
    assert client.delete(path, headers=administrator).status_code == 204
    assert [client.get("/v1/office/me", headers=head).status_code for head in heads] == [401, 401, 401]
    log = client.get(f"/v1/office/audit?subject_type=staff_account&subject_id={account.id}", headers=administrator).json["items"]
    assert {"ended a sign-in", "ended every sign-in"} <= {line["did"] for line in log}
