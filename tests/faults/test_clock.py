"""One server's clock is ten minutes off: it follows the database's, and tokens and days are judged as by the others."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest
import requests

from api.settings import ROOT
from tests.faults.conftest import SECRET

SKEWED = Path(__file__).parent / "skewed"


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_server_ten_minutes_off_judges_as_the_others(town, minutes: int) -> None:
    off = {"PYTHONPATH": f"{SKEWED}:{ROOT}", "SKEW_SECONDS": str(minutes * 60)}
    web = town.web = town.run.web(1, **off)
    live = town.run.live(**off)
    checks = requests.get(f"{web.url}/readyz", timeout=10).json()["checks"]
    assert "s off" in checks["clock"]  # the fault is there, and the operator is told

    def token(seconds: int) -> str:
        now = int(datetime.now(UTC).timestamp())
        claims = {"sub": f"member:{member}", "mall": town.mall, "sid": "s", "iat": now - 900, "exp": now + seconds}
        made = jwt.encode(claims, SECRET, algorithm="HS256")
        town.tokens.append(made)
        return made

    member = town.member()
    for server, path in ((web, "/v1/receipts"), (live, "/v1/live")):
        answers = [
            requests.get(server.url + path, headers={"Authorization": f"Bearer {token(seconds)}"}, timeout=10, stream=True)
            for seconds in (60, -60)
        ]
        assert [answer.status_code for answer in answers] == [200, 401], server.name
        for answer in answers:
            answer.close()
    sent_at = datetime.fromisoformat(town.send(member, town.paper(size=12)).json()["sent_at"])
    assert abs(sent_at - datetime.now(UTC)) < timedelta(seconds=20)
