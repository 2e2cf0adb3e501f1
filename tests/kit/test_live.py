"""Live messages: published after the commit only, streamed by the real process, resumed without loss or doubles."""

import asyncio
import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from api import live as api_live
from api.kit import cache, db, identity, live
from api.kit.listening import Authority, CannotAsk
from api.kit.listening import Listener as Listening
from api.members.service import profile, sessions
from api.settings import ROOT
from api.staff import service as staff
from api.staff.service import sessions as staff_sessions
from api.staff.states import AccountState
from tests import processes
from tests.conftest import owner_rows
from tests.factories import make_member, make_staff

NUMBERS = range(1, 10)  # members that there are


@pytest.fixture
def mall(mall: int) -> int:
    """The mall, with members 1 to 9."""
    with db.unit_of_work(mall):
        for number in NUMBERS:
            make_member(id=number)
    return mall


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
        self.socket.sendall(f"GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n{resume}\r\n".encode())
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


NOBODY = Listening(1, "member", 7, "s", None)


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
    queue = api_live.StreamQueue(NOBODY, 0)
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
    sent: list[dict] = []

    async def receive() -> dict:
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        sent.append(message)
        assert list(hubs[0].streams) == ["1:member:7"]

    async def listen() -> None:
        hubs.append(api_live.Hub("redis://127.0.0.1:1/0", Authority("postgresql://127.0.0.1:1/x")))
        await api_live.EventStream(hubs[0], "1:member:7", "5-1", NOBODY, 2e9)({}, receive, send)

    hubs: list[api_live.Hub] = []
    asyncio.run(listen())
    assert (hubs[0].streams, hubs[0].own) == ({}, {})
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


def ended(listener: Listener) -> bool:
    """Whether the server ended the stream: it said so, or closed the line."""
    return listener.raw.endswith(b"\r\n0\r\n\r\n") or not listener.thread.is_alive()


def act(mall: int, work) -> None:
    with db.unit_of_work(mall):
        work()


def tablet(mall: int) -> tuple[int, int, str]:
    """A tablet, its shop, and a token of a sign-in that runs."""
    with db.unit_of_work(mall):
        made = make_staff("tablet")
        return made.id, made.shop_id, staff_sessions.begin(made, staff_sessions.Origin()).access_token


def clerk(mall: int) -> tuple[int, int, str]:
    """A clerk, the shop, and a token of a sign-in that runs."""
    with db.unit_of_work(mall):
        made = make_staff("shop_clerk")
        return made.id, made.shop_id, staff_sessions.begin(made, staff_sessions.Origin()).access_token


def pay(mall: int, shop_id: int, number: int) -> None:
    with db.unit_of_work(mall):
        live.publish("shop", shop_id, "payment", number=number)


BY = {"by": "staff:1", "why": "test"}
ENDINGS = {
    "a revoked tablet": (tablet, lambda number: staff.revoke(number, **BY)),
    "a closed clerk": (clerk, lambda number: staff.move(number, AccountState.CLOSED, by_id=0, **BY)),
    "a suspended clerk": (clerk, lambda number: staff.move(number, AccountState.SUSPENDED, by_id=0, **BY)),
    "a clerk with another role": (clerk, lambda number: staff.change(number, {"role": "shop_manager"}, by_id=0, **BY)),
    "a clerk whose sign-ins were ended": (clerk, lambda number: staff_sessions.end_all(number, "they were ended")),
}


@pytest.mark.parametrize("who", ENDINGS)
def test_kind_6_who_was_shut_out_hears_no_more_and_opens_no_stream(stream, mall: int, who: str) -> None:
    begin, end = ENDINGS[who]
    number, shop_id, signed = begin(mall)
    _, _, other = tablet(mall)
    listener, bystander = Listener(stream, signed), Listener(stream, other)
    pay(mall, shop_id, 1)
    processes.until(lambda: listener.numbers == [1], 10)
    act(mall, lambda: end(number))
    processes.until(lambda: ended(listener), 2)  # published: long before everybody is asked again
    pay(mall, shop_id, 2)
    assert Listener(stream, signed).status == 401
    assert (listener.numbers, ended(bystander)) == ([1], False)


def test_kind_6_a_member_who_signed_out_or_closed_hears_no_more(stream, mall: int) -> None:
    with db.unit_of_work(mall):
        signed = [sessions.begin(member, "wechat").access_token for member in (7, 7, 8)]
    here, there, closing = (Listener(stream, token) for token in signed)
    act(mall, lambda: sessions.end(7, identity.read_token(signed[0]).session_id))
    processes.until(lambda: ended(here), 2)
    assert Listener(stream, signed[0]).status == 401
    act(mall, lambda: profile.close(8))
    processes.until(lambda: ended(closing), 2)
    assert Listener(stream, signed[2]).status == 401
    send(mall, 1)
    processes.until(lambda: there.numbers == [1], 10)


def test_kind_6_without_a_word_of_it_the_right_is_asked_again_within_ten_seconds(stream, mall: int, settings, figure) -> None:
    """Nobody published it: the cache was away, or somebody wrote to the database by hand."""
    number, _, signed = tablet(mall)
    listener = Listener(stream, signed)
    owner_rows(settings, "UPDATE staff_accounts SET state = 'closed' WHERE id = %s", number)
    began = time.monotonic()
    processes.until(lambda: ended(listener), 10)
    figure(f"ended {time.monotonic() - began:.1f} s after it")
    assert Listener(stream, signed).status == 401


def test_kind_6_a_stream_ends_with_its_token(stream, mall: int, monkeypatch) -> None:
    monkeypatch.setattr(identity, "ACCESS_TOKEN_LIVES", timedelta(seconds=3))
    short = token(mall)
    monkeypatch.undo()
    listener, lasting = Listener(stream, short), Listener(stream, token(mall, member=8))
    processes.until(lambda: ended(listener), 10)
    assert not ended(lasting)


def test_kind_6_of_a_principal_at_most_six_streams_are_open_the_newest(stream, mall: int) -> None:
    first = [Listener(stream, token(mall)) for _ in range(6)]
    other = Listener(stream, token(mall, member=8))
    assert [listener.status for listener in first] == [200] * 6
    more = [Listener(stream, token(mall)) for _ in range(3)]
    processes.until(lambda: all(ended(listener) for listener in first[:3]), 5)
    assert all(b"retry: 60000\n" in listener.raw for listener in first[:3])
    send(mall, 1)
    processes.until(lambda: all(listener.numbers == [1] for listener in (*first[3:], *more)), 10)
    assert not any(ended(listener) for listener in (*first[3:], *more, other))


def test_kind_6_a_hundred_and_fifty_streams_by_one_token_are_six(stream, mall: int) -> None:
    signed = token(mall)
    listeners = [Listener(stream, signed) for _ in range(150)]
    processes.until(lambda: sum(not ended(listener) for listener in listeners) == 6, 20)
    assert [ended(listener) for listener in listeners[-6:]] == [False] * 6


def test_kind_6_streams_are_counted_over_all_processes(stream, valkey, settings, mall: int, tmp_path: Path) -> None:
    with processes.running(replace(settings, redis_url=valkey.url()), tmp_path) as running:
        second = running.live()
        listeners = [Listener((stream, second)[number % 2], token(mall)) for number in range(8)]
        processes.until(lambda: sum(ended(listener) for listener in listeners) == 2, 10)
        assert [ended(listener) for listener in listeners] == [True] * 2 + [False] * 6
        listeners[5].close()
        processes.until(lambda: len(cache.attempt(lambda client: client.zrange(f"live:open:{mall}:member:7", 0, -1), [])) == 5, 10)
        listeners.append(Listener(second, token(mall)))  # the place of the one that left is free
        time.sleep(0.5)
        assert [ended(listener) for listener in listeners[2:]] == [False, False, False, True, False, False, False]
        second.kill()


def test_without_a_cache_each_process_counts_its_own(stream, valkey, mall: int) -> None:
    valkey.stop()
    listeners = [Listener(stream, token(mall)) for _ in range(8)]
    processes.until(lambda: sum(ended(listener) for listener in listeners) == 2, 20)
    assert [ended(listener) for listener in listeners] == [True] * 2 + [False] * 6


class Answers:
    """A database that says who may listen, or is away."""

    away = False

    def __init__(self) -> None:
        self.questions: list[set[Listening]] = []

    async def of_those(self, listeners) -> set[Listening]:
        self.questions.append(set(listeners))
        if self.away:
            raise CannotAsk
        return set(listeners)


def test_thousands_of_streams_are_one_question(monkeypatch) -> None:
    async def ask() -> None:
        hub = api_live.Hub("redis://127.0.0.1:1/0", answers)
        with contextlib.ExitStack() as stack:
            for number in range(3000):
                stack.enter_context(hub.subscription(f"1:member:{number}", Listening(1, "member", number, "s", None), 2e9))
            assert await hub.ask_again(hub._everybody())

    answers = Answers()
    asyncio.run(ask())
    assert [len(question) for question in answers.questions] == [3000]


def test_while_the_database_cannot_be_asked_nobody_hears_anything_and_nothing_is_lost(monkeypatch) -> None:
    async def listen() -> None:
        hub = api_live.Hub("redis://127.0.0.1:1/0", answers)
        with hub.subscription("1:member:7", NOBODY, 2e9) as queue:
            await queue.take_all()
            hub._distribute({"topic": "1:member:7", "id": "1-0", "message": "{}"})
            assert await queue.take_all() == [("1-0", "{}")]
            answers.away = True
            assert not await hub.ask_again(hub._everybody())
            hub.confirmed_at -= api_live.UNCONFIRMED_SECONDS + 1
            hub._distribute({"topic": "1:member:7", "id": "2-0", "message": "{}"})
            assert await hub.missed("1:member:7", "1-0") == []
            answers.away = False
            monkeypatch.setattr(api_live, "ASK_SECONDS", 0.01)
            asking = asyncio.create_task(hub.keep_asking())
            assert await queue.take_all() == [api_live.GAP]  # looks again at what was sent meanwhile
            asking.cancel()

    answers = Answers()
    asyncio.run(listen())


def test_who_opens_while_the_database_is_away_is_told_to_come_again(valkey, settings, mall: int, tmp_path: Path) -> None:
    away = replace(settings, redis_url=valkey.url(), database_url="postgresql://x@127.0.0.1:1/x")
    with processes.running(away, tmp_path) as running:
        listener = Listener(running.live(), token(mall))
        assert listener.status == 503
        assert b"retry-after: 5" in listener.raw.lower()
