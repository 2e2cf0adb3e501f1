"""The same request sent again, one after the other and ten at once."""

import threading

from tests.conftest import bearer
from tests.kit.small import count

PATH = "/v1/things"


def send(app, mall: int, body: dict, key: str | None = "key-0001", member: int = 1, path: str = PATH):
    headers = bearer("member", member, mall) | ({"Idempotency-Key": key} if key else {})
    return app.test_client().post(path, json=body, headers=headers)


def test_the_same_request_again_gets_the_same_answer_and_changes_nothing(things_app, mall: int) -> None:
    first = send(things_app, mall, {"name": "tea"})
    again = send(things_app, mall, {"name": "tea"})
    assert first.status_code == again.status_code == 201
    assert first.json == again.json
    assert "Idempotent-Replay" not in first.headers
    assert again.headers["Idempotent-Replay"] == "true"
    assert count(mall, "tea") == 1


def test_ten_at_once_are_one(things_app, mall: int) -> None:
    answers: list = []
    gate = threading.Barrier(10)

    def one() -> None:
        client = things_app.test_client()
        gate.wait(10)
        answers.append(client.post(PATH, json={"name": "tea"}, headers=bearer("member", 1, mall) | {"Idempotency-Key": "key-0001"}))

    threads = [threading.Thread(target=one) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [answer.status_code for answer in answers] == [201] * 10
    assert len({answer.json["id"] for answer in answers}) == 1
    assert count(mall, "tea") == 1


def test_the_same_key_for_another_request_is_refused(things_app, mall: int) -> None:
    send(things_app, mall, {"name": "tea"})
    refused = send(things_app, mall, {"name": "coffee"})
    assert refused.status_code == 409
    assert refused.json["type"] == "/problems/idempotency-key-reused"
    assert count(mall, "coffee") == 0


def test_a_request_of_value_needs_a_key(things_app, mall: int) -> None:
    refused = send(things_app, mall, {"name": "tea"}, key=None)
    assert refused.status_code == 422
    assert refused.json["type"] == "/problems/idempotency-key-missing"


def test_a_key_of_the_wrong_shape_is_refused(things_app, mall: int) -> None:
    for key in ("short", "x" * 201, "tab\tinside-it"):
        refused = send(things_app, mall, {"name": "tea"}, key=key)
        assert (refused.status_code, refused.json["type"]) == (422, "/problems/idempotency-key-invalid")
    assert count(mall, "tea") == 0


def test_another_member_may_use_the_same_key(things_app, mall: int) -> None:
    send(things_app, mall, {"name": "tea"}, member=1)
    other = send(things_app, mall, {"name": "tea"}, member=2)
    assert other.status_code == 201
    assert other.json["who"] == "member:2"
    assert count(mall, "tea") == 2


def test_a_refused_request_may_be_mended_under_its_key(things_app, mall: int) -> None:
    assert send(things_app, mall, {"name": ""}).status_code == 422
    assert send(things_app, mall, {"name": "tea"}).status_code == 201


def test_a_request_that_died_half_way_is_not_run_a_second_time(things_app, mall: int) -> None:
    """After a checkpoint something may have happened outside: the twin is told to look, not run again."""
    assert send(things_app, mall, {"name": "dies"}, path=f"{PATH}/slow").status_code == 500
    again = send(things_app, mall, {"name": "dies"}, path=f"{PATH}/slow")
    assert again.status_code == 409
    assert again.json["type"] == "/problems/request-unfinished"
    assert count(mall, "dies") == 1


def test_after_a_checkpoint_the_answer_is_kept_too(things_app, mall: int) -> None:
    first = send(things_app, mall, {"name": "tea"}, path=f"{PATH}/slow")
    again = send(things_app, mall, {"name": "tea"}, path=f"{PATH}/slow")
    assert (first.status_code, first.json) == (201, again.json)
    assert count(mall, "tea") == 1
