"""Production that is not: what only trying out may have is refused by name, and what tries out is not reached from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from alipay.simulator.settings import DEMO_SELLER_ID
from api import check, live, safety
from api.kit import db
from api.settings import DEMO_MERCHANT_NUMBERS, DEMO_SECRET, ROOT, SettingsRefused, from_environment
from deploy import embedded
from deploy import merchants as demo_merchants
from tests.factories import make_mall
from tests.production import GOOD
from wechat.simulator.settings import DEMO_MCHID

PLAIN = {"PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "OMP_NUM_THREADS": "1"}

REFUSED = [
    ("MALLBRIDGE_SECRET", "", "is missing"),
    ("MALLBRIDGE_DATA_KEY", None, "is missing, or the demo's"),
    ("MALLBRIDGE_SECRET", DEMO_SECRET, "is missing, or the demo's"),
    ("MALLBRIDGE_SECRET", "a" * 16, "has 16 characters, at least 32"),
    ("MALLBRIDGE_SECRET", "a" * 32, "is made of 1 different"),
    ("MALLBRIDGE_SECRET", "abcabcab" * 5, "is made of 3 different"),
    ("MALLBRIDGE_SECRET", "k3Rt9vQz" * 4, "repeats itself"),
    ("MALLBRIDGE_DATA_KEY", "abcdefghijklmnopqrstuvwxyz012345", "repeats itself"),
    ("MALLBRIDGE_SECRET", "correct horse battery staple correct horse", "is made of words"),
    ("MALLBRIDGE_SECRET", "mallbridge-production-secret-2026!!", "is made of words"),
    ("MALLBRIDGE_DATA_KEY", "this is a very long secret phrase ok", "is made of words"),
    ("MALLBRIDGE_DATA_KEY", "SummerHolidayWinterSunshine2026Shanghai", "is made of words"),
    ("LOG_LEVEL", "debug", "writes what people send into the log"),
    ("MALLBRIDGE_DATA_KEY", "changeme-Zx81kQpT0vW4mR7yB2nL5sJ9", "is one that everybody can read"),
    ("WECHAT_SECRET", "w" * 32, "is made of 1 different"),
    ("WECHAT_APPID", None, "is the demo's"),
    ("ALIPAY_APPID", None, "is the demo's"),
    ("ALIPAY_APPID", "2021004100001234", "holds the simulator's keys"),
    ("PUBLIC_URL", None, "leads to this machine"),
    ("PUBLIC_URL", "http://mall.example.com", "is not https"),
    ("PUBLIC_URL", "https://192.168.1.20", "leads inside the house"),
    ("LIVE_URL", "https://localhost:8001", "leads to this machine"),
    ("WECHAT_API", None, "leads to this machine"),
    ("WECHAT_API", "https://wechat-simulator:5011", "leads inside the house"),
    ("WECHAT_PAY_API", "http://api.mch.weixin.qq.com", "is not https"),
    ("ALIPAY_GATEWAY", None, "leads to this machine"),
    ("ALIPAY_GATEWAY", "https://2130706433/gateway.do", "leads to this machine"),
    ("ALIPAY_GATEWAY", "https://[::ffff:127.0.0.1]/gateway.do", "leads to this machine"),
]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIVE_URL", "WECHAT_PAY_API", "ALIPAY_KEYS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("name", "value", "fault"), REFUSED)
def test_production_that_is_not_is_refused_by_the_name_of_the_variable(
    environment: None, monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, fault: str
) -> None:
    monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    with pytest.raises(SettingsRefused) as refused:
        from_environment()
    headline, *lines = str(refused.value).splitlines()
    assert headline == "Production does not start with these settings."
    assert len(lines) == 1 and name.partition("_")[0] in lines[0] and fault in lines[0] and lines[0].endswith(".") and ": " in lines[0]


def test_production_that_is_not_takes_a_secret_as_openssl_makes_it() -> None:
    for secret in ("q83Yd0cG7Jr1Xn5sVt2LwB9pKzEo4MhUaFi6RkPvTyo=", "7c1e94b05d3fa8266b0f2d917ae483c5d17e60b3f9a2485c"):
        assert safety.secret_fault(secret) is None


def test_production_that_is_not_keeps_every_process_from_starting(tmp_path: Path) -> None:
    env = GOOD | PLAIN | {"ALIPAY_GATEWAY": "http://127.0.0.1:5012/gateway.do", "MALLBRIDGE_FILES": str(tmp_path)}
    for command in (["-c", "import wsgi"], ["-m", "api.jobs", "work"], ["-m", "api.reader"], ["-c", "import api.live; api.live.app"]):
        run = subprocess.run([sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
        assert run.returncode != 0
        assert "- ALIPAY_GATEWAY=http://127.0.0.1:5012/gateway.do leads to this machine" in run.stderr
        assert "Traceback" not in run.stderr


@pytest.mark.parametrize("module", ["deploy.run", "deploy.demo"])
def test_production_that_is_not_has_no_demo_mall(module: str, settings: Any) -> None:
    env = GOOD | PLAIN | {"DATABASE_URL": settings.database_url}
    run = subprocess.run([sys.executable, "-m", module], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert "MALLBRIDGE_ENV=production refuses" in run.stderr and "demo mall" in " ".join(run.stderr.split())


def test_production_that_is_not_is_named_as_a_whole_by_one_command(settings: Any, app: Any) -> None:
    unsafe = {"MALLBRIDGE_SECRET": "a" * 16, "WECHAT_API": "http://127.0.0.1:5011", "DATABASE_URL": settings.database_url}
    env = GOOD | PLAIN | unsafe | {"REDIS_URL": settings.redis_url}
    run = subprocess.run([sys.executable, "-m", "api.check"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert run.returncode == 1, run.stderr
    assert [line.split()[1].partition("=")[0] for line in run.stdout.splitlines()] == ["MALLBRIDGE_SECRET", "WECHAT_API"]


def test_production_that_is_not_is_found_in_the_rows_of_a_mall(
    environment: None, app: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from api.kit.roles import Role
    from api.partners import service as partners
    from api.staff import service as staff

    with db.unit_of_work():
        mall = make_mall()
        db.enter(mall.id)
        mall_id = mall.id
        staff.seed_account(login="known", password="for trying out 1", name="试", role=Role.FINANCE)
        demo_merchants.set_up_accounts(settings, tmp_path)
        partners.add(name="CRM", url="http://127.0.0.1:9/hook", shop_id=None, events=["sale.recorded"], by="staff:1")
    monkeypatch.setattr(check, "configure", lambda _settings: None)
    lines = [line for line in check.findings() if line.startswith(f"Mall {mall_id}:")]
    assert sorted(lines) == [
        f"Mall {mall_id}: the account known was made for trying out, with a known password: close it.",
        f"Mall {mall_id}: the merchant account 微信支付（模拟） is a simulator's: stop it, and open the mall's own.",
        f"Mall {mall_id}: the merchant account 支付宝（模拟） is a simulator's: stop it, and open the mall's own.",
        f"Mall {mall_id}: the partner CRM's address http://127.0.0.1:9/hook leads to this machine, where simulators are: "
        "give it a public https address.",
    ]


@pytest.mark.parametrize("module", ["wsgi:app", "api.live:app"])
def test_outside_production_no_process_listens_beyond_this_machine(settings: Any, module: str) -> None:
    port = embedded.free_port()
    env = PLAIN | {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
    interface = "wsgi" if module.startswith("wsgi") else "asgi"
    command = ["granian", "--interface", interface, "--host", "0.0.0.0", "--port", str(port), "--workers", "1", module]
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode != 0
    assert "Outside production this listens on this machine only, not on 0.0.0.0" in run.stdout + run.stderr


def test_outside_production_a_socket_that_was_handed_over_is_seen_too() -> None:
    with socket.socket() as everywhere:
        everywhere.bind(("0.0.0.0", 0))
        everywhere.listen()
        assert "0.0.0.0" in safety.hosts_of_this_process()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "mall.example.com", ""])
def test_outside_production_make_run_listens_on_this_machine_only(host: str) -> None:
    assert safety.listening_fault([host])
    env = PLAIN | {"HOST": host or "::"}
    env |= {name: str(embedded.free_port()) for name in ("PORT", "LIVE_PORT", "WECHAT_PORT", "ALIPAY_PORT")}
    code = "from deploy import servers, embedded\ntry: servers.environment()\nexcept embedded.CannotStart as refusal: print(refusal)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=True)
    assert "this listens on this machine only" in run.stdout


def test_this_machine_itself_may_be_listened_on() -> None:
    assert safety.listening_fault(["127.0.0.1", "::1", "localhost", "127.8.9.1"]) is None
    assert os.environ.get("MALLBRIDGE_ENV", "development") == "development"


def test_outside_production_a_log_level_that_is_none_is_named(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    with pytest.raises(SettingsRefused, match="LOG_LEVEL=LOUD is none of DEBUG, INFO"):
        from_environment()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "mall.example.com"}, {"Host": "192.168.1.5:8000"}, {"X-Forwarded-For": "203.0.113.9"}, {"X-Real-IP": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
    ],
)  # fmt: skip
def test_outside_production_a_proxy_on_this_machine_shows_nothing(client: Any, settings: Any, headers: dict[str, str]) -> None:
    for path in ("/v1/malls/demo", "/healthz", "/office/demo/", "/openapi.json"):
        answer = client.get(path, headers=headers)
        assert (answer.status_code, answer.json["type"]) == (421, "/problems/this-machine-only"), path
    with TestClient(live.create_app(settings), base_url="http://127.0.0.1") as stream:
        answer = stream.get("/v1/live", headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (421, "/problems/this-machine-only")


def test_this_machine_is_known_by_each_of_its_names_and_a_proxy_by_the_settings() -> None:
    for host in ("127.0.0.1:8000", "localhost", "[::1]:8000", "demo.localhost:8000"):
        assert not safety.reaches_beyond(host, ["Host", "Accept"])
    assert safety.reaches_beyond("", []) and safety.reaches_beyond("[::1", [])
    assert not safety.reaches_beyond("127.0.0.1", ["X-Forwarded-For"], proxies=1)


def test_the_simulators_merchants_are_known_by_their_numbers() -> None:
    assert {DEMO_MCHID, DEMO_SELLER_ID} == DEMO_MERCHANT_NUMBERS
