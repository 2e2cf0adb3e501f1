"""What must never stand in a log, planted in every way that it could get there."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kit import logs
from api.settings import ROOT

PLANTED = {
    "phone": "13912345678",
    "phone with country code": "+8613912345678",
    "card": "6222021234567890123",
    "access token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZW1iZXI6MSJ9.c2lnbmF0dXJl",
    "sign-in code": "081Kq4Ga1wZ2bN0xQ9",
    "phone code": "428317",
    "password": "correct-horse-battery",
    "session key": "tiihtNczf5v6AKRyjwEUhQ==",
    "private key line": "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
}

SCRIPT = """
import logging, sys
from api.kit import logs, db
from api.settings import from_environment
from sqlalchemy import text
phone, long_phone, card, token, js_code, code, password, session_key, key = sys.argv[1:]
settings = from_environment()
logs.configure("DEBUG")
db.connect(settings.database_url)
log = logs.get("planted")
pem = f"-----BEGIN PRIVATE KEY-----\\n{key}\\n-----END PRIVATE KEY-----"
log.info(f"member {phone} came, {long_phone}, paid by {card}", phone=phone, number=card, mobile_no=long_phone)
headers = {"Authorization": f"Bearer {token}", "Cookie": password}
log.info("signed in", token=token, access_token=token, authorization=f"Bearer {token}", headers=headers)
log.warning("asked", url=f"https://api.weixin.qq.com/sns/jscode2session?appid=wx1&secret={password}&js_code={js_code}&grant_type=x")
inner = [{"pin": code, "deep": {"secret": password}}]
log.warning("code", code=code, js_code=js_code, session_key=session_key, sms_code=code, password=password, inner=inner)
log.error("key", pem=pem, text=f"the key is {pem}")
log.info("entry\\n{\\"event\\": \\"forged line\\", \\"level\\": \\"error\\"}\\r\\nend", note="a\\nb\\x1b[31mred")
logging.getLogger("library").warning("GET /x?code=%s&token=%s phone %s Bearer %s", js_code, token, phone, token)
logging.getLogger("library").error("args %s", {"session_key": session_key, "phone": phone})
try:
    raise RuntimeError(f"{phone} {card} Bearer {token} password={password} js_code={js_code} session_key: '{session_key}' {pem}")
except RuntimeError as error:
    log.error("broke", exc_info=error)
    logging.getLogger("library").exception("broke too")
for sql in ("SELECT 1/0 FROM (SELECT :phone ::text, :code ::text, :password ::text) AS x",
            "SELECT :code ::text || :phone ::text || no_such_column",
            "SELECT (:password ::text)::int"):
    try:
        with db.engine().begin() as connection:
            connection.execute(text(sql), {"phone": phone, "code": code, "password": password})
    except Exception as error:
        log.error("the database refused", exc_info=error, text=str(error))
try:
    with db.engine().begin() as connection:
        connection.execute(text("CREATE TEMP TABLE t (code text UNIQUE, phone text)"))
        for _ in range(2):
            connection.execute(text("INSERT INTO t VALUES (:code, :phone)"), {"code": code, "phone": phone})
except Exception as error:
    log.error("the database refused", exc_info=error, text=str(error))
print("done")
"""


@pytest.fixture(scope="module")
def written(settings) -> str:
    """Everything that the planting script wrote to standard error."""
    env = {"DATABASE_URL": settings.database_url, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run([sys.executable, "-c", SCRIPT, *PLANTED.values()], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout == "done\n", done.stderr
    return done.stderr


@pytest.mark.parametrize("what", PLANTED)
def test_nothing_planted_is_in_the_log(written: str, what: str) -> None:
    lines = [line[:400] for line in written.splitlines() if PLANTED[what] in line]
    assert lines == []


def test_each_event_is_one_line_of_json_and_none_is_forged(written: str) -> None:
    events = [json.loads(line) for line in written.splitlines()]
    assert all(event["event"] != "forged line" for event in events)
    assert "\x1b" not in written
    assert len(events) == 14


def test_what_is_useful_stays(written: str) -> None:
    assert "139****5678" in written
    assert "ZeroDivisionError" in written or "division by zero" in written
    assert "appid=wx1" in written


@given(st.text(max_size=300))
def test_any_text_is_cleaned_into_one_line(text: str) -> None:
    cleaned = logs.clean(text)
    assert "\n" not in cleaned
    assert "\r" not in cleaned


@given(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.sampled_from(["{}", "tel:{}", "+86{}", "86{}", "号{}号", '"{}"', "{}@x", "86-{}", "_{}_"]),
)
def test_a_phone_is_masked_wherever_it_stands(phone: str, around: str) -> None:
    assert phone not in logs.clean(around.format(phone))
