"""Production does not start with what everybody can read in the source."""

import subprocess
import sys
from dataclasses import replace

import pytest

from api.settings import DEMO_SECRET, ROOT, Settings, SettingsRefused, from_environment
from tests.production import GOOD


@pytest.fixture
def environment(monkeypatch) -> dict[str, str]:
    """A production environment without fault."""
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return GOOD


def test_production_starts_with_secrets_of_its_own(environment) -> None:
    assert from_environment().production


@pytest.mark.parametrize("name", ["MALLBRIDGE_SECRET", "MALLBRIDGE_DATA_KEY", "WECHAT_SECRET"])
@pytest.mark.parametrize("value", [None, DEMO_SECRET, "demo-anything-long-enough-for-anybody", "short", ""])
def test_production_refuses_demo_missing_or_short_secrets(environment, monkeypatch, name: str, value: str | None) -> None:
    monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    with pytest.raises(SettingsRefused, match=name):
        from_environment()


def test_one_secret_for_two_purposes_is_refused(environment, monkeypatch) -> None:
    monkeypatch.setenv("MALLBRIDGE_DATA_KEY", GOOD["MALLBRIDGE_SECRET"])
    with pytest.raises(SettingsRefused, match="MALLBRIDGE_DATA_KEY"):
        from_environment()


@pytest.mark.parametrize("value", ["prod", "Production", "live", "produciton"])
def test_a_misspelt_environment_is_refused_not_taken_for_development(environment, monkeypatch, value: str) -> None:
    monkeypatch.setenv("MALLBRIDGE_ENV", value)
    with pytest.raises(SettingsRefused, match="MALLBRIDGE_ENV"):
        from_environment()


def test_a_missing_database_says_what_to_do(monkeypatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(SettingsRefused, match="make run"):
        from_environment()


def test_the_server_itself_refuses_to_start(tmp_path) -> None:
    env = GOOD | {"MALLBRIDGE_SECRET": DEMO_SECRET, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "MALLBRIDGE_FILES": str(tmp_path)}
    for command in (["-c", "import wsgi"], ["-m", "api.jobs", "work"], ["-m", "api.reader"], ["-c", "import api.live; api.live.app"]):
        done = subprocess.run([sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode != 0
        assert "- MALLBRIDGE_SECRET is missing, or the demo's: set 32 random bytes" in done.stderr


def test_secrets_are_not_shown_when_settings_are_printed() -> None:
    shown = repr(
        replace(Settings("postgresql://app:dbpassword@h/d", "o", "r"), secret="topsecret", data_key="topkey", wechat_secret="topwx")
    )
    assert not any(secret in shown for secret in ("topsecret", "topkey", "topwx", "dbpassword"))
