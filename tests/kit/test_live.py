"""Live messages: published after the commit only, streamed by the real process, resumed without loss or doubles."""

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from api import live as api_live
from api.kit import cache, db, identity, live
from api.settings import ROOT
from tests import processes


@pytest.fixture
def stream(valkey, settings, tmp_path: Path) -> Iterator[processes.Process]:
    """The live process on that cache."""
    with processes.running(replace(settings, redis_url=valkey.url()), tmp_path) as running:
        process = running.live()
        yield process
        process.kill()  # told politely, it would wait for the streams that are still open


class Listener:
    """A phone that listens: the events it got, with their ids."""

    def __init__(self, stream: processes.Process, token: str, after: str | None = None) -> None:
        host, port = stream.url.removeprefix("http://").split(":")
        self.got: list[tuple[str, dict]] = []
        self.raw = b""
        self.socket = socket.create_connection((host, int(port)), timeout=30)
        resume = f"Last-Event-ID: {after}\r\n" if after else ""
        self.socket.sendall(f"GET /v1/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{resume}\r\n".encode())
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()
        processes.until(lambda: b"\r\n\r\n" in self.raw, 10)

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ")[1])

    def _listen(self) -> None:
        try:
            while data := self.socket.recv(65536):
                self.raw += data
                self.got = list(self._events())
        except OSError:
            return

    def _events(self) -> Iterator[tuple[str, dict]]:
        text = self.raw.decode(errors="replace").replace("\r\n", "\n")
        for block in text.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            if "id" in fields and "data" in fields:
                yield fields["id"], json.loads(fields["data"])

    @property
    def numbers(self) -> list[int]:
        return [event["number"] for _, event in self.got]

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(5)


def token(mall: int, member: int = 7) -> str:
    return identity.access_token("member", member, mall, session_id="s")


def send(mall: int, *numbers: int, member: int = 7) -> None:
    for number in numbers:
        with db.unit_of_work(mall):
            live.publish("member", member, "receipt", number=number, note="积分到账")


def test_a_message_is_sent_after_the_commit_and_never_without(valkey, mall: int) -> None:
    with db.unit_of_work(mall):
        live.publish("member", 7, "receipt", number=1)
        assert cache.attempt(lambda client: client.xlen(f"live:{mall}:member:7"), -1) == 0
    assert cache.attempt(lambda client: client.xlen(f"live:{mall}:member:7"), -1) == 1
    with pytest.raises(RuntimeError, match="undone"), db.unit_of_work(mall):
        live.publish("member", 7, "receipt", number=2)
        raise RuntimeError("undone")
    assert cache.attempt(lambda client: client.xlen(f"live:{mall}:member:7"), -1) == 1


def test_without_a_cache_a_message_is_dropped_and_the_work_is_kept(valkey, mall: int) -> None:
    valkey.stop()
    began = time.monotonic()
    send(mall, 1)
    assert time.monotonic() - began < 2


def test_a_message_arrives_and_only_at_whom_it_is_for(stream, mall: int) -> None:
    mine, other = Listener(stream, token(mall)), Listener(stream, token(mall, member=8))
    send(mall, 1)
    processes.until(lambda: mine.numbers == [1], 10)
    assert mine.got[0][1] == {"event": "receipt", "number": 1, "note": "积分到账"}
    send(mall, 2, member=8)
    processes.until(lambda: other.numbers == [2], 10)
    assert mine.numbers == [1]


def test_a_stream_that_was_cut_resumes_without_loss_or_doubles(stream, mall: int) -> None:
    first = Listener(stream, token(mall))
    send(mall, 1, 2, 3)
    processes.until(lambda: first.numbers == [1, 2, 3], 10)
    first.close()
    send(mall, 4, 5)
    second = Listener(stream, token(mall), after=first.got[1][0])
    sending = threading.Thread(target=send, args=(mall, *range(6, 40)))
    sending.start()
    third = Listener(stream, token(mall), after=first.got[1][0])
    sending.join(20)
    for listener in (second, third):
        processes.until(lambda listener=listener: 39 in listener.numbers, 10)
        assert listener.numbers == list(range(3, 40))


def test_a_stream_that_was_cut_before_its_first_message_resumes_without_loss(stream, mall: int) -> None:
    send(mall, 1)
    first = Listener(stream, token(mall))
    processes.until(lambda: b"id: " in first.raw, 10)
    told = first.raw.decode().split("id: ")[1].split("\n")[0]
    first.close()
    send(mall, 2, 3)
    second = Listener(stream, token(mall), after=told)
    processes.until(lambda: second.numbers == [2, 3], 10)
    assert first.numbers == []


def test_a_stream_on_a_topic_without_messages_is_told_where_to_resume_too(stream, mall: int) -> None:
    first = Listener(stream, token(mall, member=9))
    processes.until(lambda: b"id: 0-0\n" in first.raw, 10)
    first.close()
    send(mall, 1, member=9)
    second = Listener(stream, token(mall, member=9), after="0-0")
    processes.until(lambda: second.numbers == [1], 10)
    assert second.numbers == [1]


def test_a_stream_that_says_nothing_is_kept_alive_and_one_that_lags_looks_again(monkeypatch) -> None:
    queue = api_live.StreamQueue()
    for number in range(api_live.LAG * 3):
        queue.put((f"{number}-0", "{}"))
    waiting = asyncio.run(queue.take_all())
    assert len(waiting) <= api_live.LAG
    assert waiting[0] is api_live.GAP
    queue.put(api_live.PING)
    queue.put(api_live.END)
    queue.put(("1-0", "{}"))
    assert asyncio.run(queue.take_all())[0] is api_live.END


def test_a_listener_that_left_is_forgotten() -> None:
    hub, sent = api_live.Hub("redis://127.0.0.1:1/0"), []

    async def receive() -> dict:
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        sent.append(message)
        assert list(hub.streams) == ["1:member:7"]

    asyncio.run(api_live.EventStream(hub, "1:member:7", "5-1")({}, receive, send))
    assert hub.streams == {}
    assert [message.get("body") for message in sent] == [None, b"id: 5-1\n\n", b""]


def test_the_procfile_lets_thousands_of_streams_in() -> None:
    # granian answers at most `backpressure` requests at once, and a stream is a request that lasts: by default 1,024.
    command = next(line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("live:"))
    assert int(re.findall(r"--backpressure (\d+)", command)[0]) >= 4_000


def test_an_open_stream_outlives_its_cache(stream, valkey, mall: int) -> None:
    listener = Listener(stream, token(mall))
    send(mall, 1)
    processes.until(lambda: listener.numbers == [1], 10)
    valkey.stop()
    valkey.start()
    cache.configure(valkey.url())
    numbers = iter(range(2, 100))

    def arrived() -> bool:
        send(mall, next(numbers))
        return len(listener.numbers) > 1

    processes.until(arrived, 15, every=0.2)
    assert stream.running()


def test_what_was_sent_while_the_channel_was_cut_arrives_without_reconnecting(stream, valkey, mall: int) -> None:
    listener = Listener(stream, token(mall))
    send(mall, 1)
    processes.until(lambda: listener.numbers == [1], 10)
    cache.attempt(lambda client: client.client_kill_filter(_type="pubsub"), None)
    send(mall, 2, 3)
    processes.until(lambda: listener.numbers == [1, 2, 3], 10)
    assert listener.numbers == [1, 2, 3]


def test_a_bad_or_ended_sign_in_gets_no_stream(stream, mall: int) -> None:
    for bad in ("nonsense", token(mall) + "x", ""):
        listener = Listener(stream, bad)
        assert listener.status == 401
        assert b"application/problem+json" in listener.raw
        listener.close()
    assert stream.running()


def test_a_stream_that_does_not_resume_begins_now(stream, mall: int) -> None:
    send(mall, 1, 2)
    listener = Listener(stream, token(mall))
    send(mall, 3)
    processes.until(lambda: listener.numbers, 10)
    assert listener.numbers == [3]


def test_an_odd_last_event_id_is_no_trouble(stream, mall: int) -> None:
    for odd in ("x", "1-", "-1", "9" * 100, "1-1 OR 1"):
        listener = Listener(stream, token(mall), after=odd)
        assert listener.status == 200
        send(mall, 1)
        processes.until(lambda listener=listener: 1 in listener.numbers, 10)
        listener.close()


def test_streams_end_when_the_process_is_told_to_stop(stream, mall: int) -> None:
    listener = Listener(stream, token(mall))
    assert listener.status == 200
    assert stream.terminate(20) == 0
