"""What a day of sign-ins, uploads, streams and failures leaves in the logs of all processes: no secret, code, phone or token."""

import json
import uuid
from collections.abc import Callable

import requests

from tests import processes
from tests.faults.conftest import PHONE, Town

CODES = ("081planted9code7of6wechat", "7788990011", "planted-password-of-a-clerk")


def knock(town: Town) -> None:
    """Every way in that carries a secret, rightly and wrongly used."""
    assert town.web
    mall = town.code
    bodies = [
        ("/sign-in/wechat", {"js_code": CODES[0]}),
        ("/sign-in/phone", {"phone": PHONE, "code": "778899"}),
        ("/sign-in/phone-codes", {"phone": PHONE}),
        ("/phone-codes", {"phone": PHONE}),
    ]
    for path, body in bodies:
        requests.post(f"{town.web.url}/v1/malls/{mall}{path}", json=body, timeout=30)
    for path in ("/v1/sessions/refresh", "/v1/sessions", f"/v1/malls/{mall}/staff/sessions", f"/v1/malls/{mall}/staff/sign-in"):
        requests.post(town.web.url + path, json={"refresh_token": CODES[1], "login": "a", "password": CODES[2]}, timeout=30)


def test_no_process_writes_down_what_it_must_not(town: Town, figure: Callable[[str], None]) -> None:
    """Row 35; what payments leave is read in test_money."""
    web, live = town.start_web(), town.common.live()
    town.common.worker()
    town.common.reader()
    member = town.member()
    token = town.token(member)
    knock(town)
    assert requests.get(f"{live.url}/v1/live?token={token}x", timeout=10).status_code == 401
    with requests.get(f"{live.url}/v1/live?token={token}", timeout=10, stream=True) as stream:
        assert stream.status_code == 200
    assert requests.get(f"{web.url}/v1/receipts?token={token}&code={CODES[0]}", timeout=10).status_code == 401
    found = town.decided(member, town.sent(member, town.paper()), 60)
    assert found["state"] == "scored"
    assert town.send(member, b"no photo", f"{PHONE}{CODES[1]}").status_code in {415, 422}
    assert requests.get(f"{web.url}/v1/receipts/{PHONE}", headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code == 404
    away = live.said().count("the live channel is away")
    town.servers.valkey.stop()
    town.send(member, b"no photo", uuid.uuid4().hex)
    town.servers.valkey.start()
    processes.until(lambda: live.said().count("the live channel is away") > away, 10)
    written = town.logs()
    assert [line[:300] for line in written.splitlines() if any(planted in line for planted in (PHONE, *CODES))] == []
    events = [json.loads(line) for line in web.said().splitlines() if line.startswith("{")]
    assert sum(event["event"] == "request" and bool(event["request_id"]) for event in events) >= 8
    figure(f"{len(written.splitlines())} lines of 4 processes, 0 with a planted phone, code, token or password")
