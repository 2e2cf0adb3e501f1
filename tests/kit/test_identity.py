"""Tokens: expired, forged, for somebody else, and on a server whose clock is wrong."""

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from api.kit import clock, identity
from api.settings import DEMO_SECRET

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def claims(**given: object) -> dict[str, object]:
    at = int(clock.now().timestamp())
    return {"sub": "member:1", "mall": 1, "sid": "s", "iat": at, "exp": at + 900} | given


def encoded(head: dict[str, object], body: dict[str, object], signature: str = "") -> str:
    def part(value: dict[str, object]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part(head)}.{part(body)}.{signature}"


def test_a_token_names_its_principal(app) -> None:
    token = identity.access_token("shop", 7, 3, session_id="s", shop_id=9)
    assert identity.read_token(token) == identity.Principal("shop", 7, 3, "s", 9)


def test_a_token_ends_to_the_second(app) -> None:
    clock.fix(NOW)
    token = identity.access_token("member", 1, 1, session_id="s")
    clock.fix(NOW + identity.ACCESS_TOKEN_LIVES - timedelta(seconds=1))
    assert identity.read_token(token).id == 1
    clock.fix(NOW + identity.ACCESS_TOKEN_LIVES)
    with pytest.raises(identity.TokenInvalid):
        identity.read_token(token)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_what_is_not_a_token_of_ours_is_refused(app) -> None:
    good = identity.access_token("member", 1, 1, session_id="s")
    head, _, signature = good.split(".")
    forged = {
        "another key": jwt.encode(claims(), "x" * 32, algorithm="HS256"),
        "no algorithm": encoded({"alg": "none", "typ": "JWT"}, claims()),
        "other algorithm, right key": jwt.encode(claims(), DEMO_SECRET, algorithm="HS384"),
        "swapped body": ".".join([head, encoded({}, claims(sub="member:2")).split(".")[1], signature]),
        "cut off": good[:-4],
        "no end": jwt.encode({"sub": "member:1", "mall": 1, "sid": "s", "iat": 0}, DEMO_SECRET, algorithm="HS256"),
        "no mall": jwt.encode({name: value for name, value in claims().items() if name != "mall"}, DEMO_SECRET, algorithm="HS256"),
        "a mall that is no number": jwt.encode(claims(mall="x"), DEMO_SECRET, algorithm="HS256"),
        "mall null": jwt.encode(claims(mall=None), DEMO_SECRET, algorithm="HS256"),
        "no number": jwt.encode(claims(sub="member"), DEMO_SECRET, algorithm="HS256"),
        "an end that is no number": jwt.encode(claims(exp="soon"), DEMO_SECRET, algorithm="HS256"),
        "empty": "",
        "dots": "..",
        "not ASCII": "令牌.令牌.令牌",
        "huge": "a" * 100_000,
    }
    for why, token in forged.items():
        with pytest.raises(identity.TokenInvalid):
            identity.read_token(token)
            pytest.fail(why)


def test_a_sign_in_that_does_not_count_is_refused_over_http(things, mall: int) -> None:
    clock.fix(NOW)
    token = identity.access_token("member", 1, mall, session_id="s")
    for header in (None, "", token, f"Basic {token}", "Bearer", "Bearer  ", "Bearer null", f"Bearer {token}x"):
        answer = things.get("/v1/things", headers={"Authorization": header} if header is not None else {})
        assert answer.status_code == 401, header
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    clock.fix(NOW + timedelta(hours=1))
    answer = things.get("/v1/things", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json["type"]) == (401, "/problems/token-invalid")


@pytest.mark.parametrize("kind", ["staff", "shop", "partner", "system", ""])
def test_another_audience_is_refused(things, mall: int, kind: str) -> None:
    token = identity.access_token(kind, 1, mall, session_id="s")
    answer = things.get("/v1/things", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json["type"]) == (403, "/problems/wrong-audience")


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_server_whose_clock_is_wrong_agrees_with_the_others(app, monkeypatch, minutes: int) -> None:
    """This server's own clock is ten minutes off; tokens of the other servers are judged by the database's clock."""
    right = datetime.now(UTC)

    class Off(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(minutes=minutes)

    fresh = jwt.encode(claims(exp=int(right.timestamp()) + 60), DEMO_SECRET, algorithm="HS256")
    over = jwt.encode(claims(exp=int(right.timestamp()) - 60), DEMO_SECRET, algorithm="HS256")
    monkeypatch.setattr(clock, "datetime", Off)
    clock.follow(right)
    assert abs(clock.skew() + timedelta(minutes=minutes)) < timedelta(seconds=1)
    assert identity.read_token(fresh).id == 1
    with pytest.raises(identity.TokenInvalid):
        identity.read_token(over)
    monkeypatch.undo()
    clock.follow(datetime.now(UTC))


def test_whose_clock_is_off_is_said_to_the_operator(client) -> None:
    clock.follow(datetime.now(UTC) + timedelta(minutes=10))
    ready = client.get("/readyz")
    clock.follow(datetime.now(UTC))
    assert "clock is 600 s off" in ready.json["checks"]["clock"]
