"""The mall's pages in a browser may ask the simulator for a sign-in code; pages of elsewhere may not."""

from pathlib import Path

import pytest

from alipay.simulator.app import create_app
from alipay.simulator.settings import Settings

ADDRESS = "/_sim/auth-code"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory):
    """An HTTP client of a simulator of its own."""
    return create_app(Settings(keys=Path(tmp_path_factory.mktemp("keys")))).test_client()


def test_a_page_of_this_machine_gets_a_code(browser) -> None:
    origin = {"Origin": "http://127.0.0.1:8000"}
    asked_first = browser.options(ADDRESS, headers={**origin, "Access-Control-Request-Method": "POST"})
    assert asked_first.status_code == 200
    assert asked_first.headers["Access-Control-Allow-Headers"] == "Content-Type"
    answer = browser.post(ADDRESS, json={"person": "li-lei"}, headers=origin)
    assert answer.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    assert answer.json["code"]


@pytest.mark.parametrize("origin", ["https://example.com", "http://127.0.0.1.example.com", "null", ""])
def test_a_page_of_elsewhere_is_not_let_in(browser, origin: str) -> None:
    answer = browser.post(ADDRESS, json={"person": "li-lei"}, headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in answer.headers
