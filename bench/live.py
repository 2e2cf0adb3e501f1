"""The live feed: 2,000 open streams against the real process of the Procfile, in memory, in time, and without loss over a cut line.

`python -m bench.live [--small]` prints JSON: resident memory of the process (its supervisor too), message to screen p50/p95/max in ms,
and after a quarter of the streams was cut and resumed by Last-Event-ID, how many messages were lost or came twice.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

import psutil
import psycopg

from api.kit import cache, identity, live
from api.kit.db import libpq_url
from bench.stage import Stage, stage

STREAMS, SHOPS = 2_000, 1_000  # two tablets a shop
CUT = 500
RATE, SECONDS = 100, 20  # messages a second, for all shops together
SMALL = {"STREAMS": 400, "SHOPS": 200, "CUT": 100, "SECONDS": 8}
OPEN_AT_ONCE = 50
MALL = 1
TARGETS = {"memory_mb": 250, "p95_ms": 500}


@dataclass
class Stream:
    """One tablet: what it got, and when."""

    shop: int
    token: str
    got: list[int] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    last: str = ""
    resumed_at: float = 0.0
    task: asyncio.Task[None] | None = None

    async def open(self, port: int, opened: asyncio.Event) -> None:
        """Listen until the line is cut, from the last message seen on."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            seen = f"Last-Event-ID: {self.last}\r\n" if self.last else ""
            writer.write(f"GET /v1/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n{seen}\r\n".encode())
            if b" 200 " not in await reader.readline():
                raise RuntimeError("a stream was refused")
            while await reader.readline() not in (b"\r\n", b""):
                pass
            opened.set()
            number = ""
            while line := await reader.readline():
                name, _, value = line.decode().rstrip("\r\n").partition(": ")
                if name == "id":
                    number = value
                elif name == "data":
                    self._take(json.loads(value))
                elif not name and number:
                    self.last = number  # at the blank line after it, as a browser does, also when it came without data
        finally:
            writer.close()

    def _take(self, message: dict[str, float]) -> None:
        now = time.time()
        self.got.append(int(message["number"]))
        if message["at"] >= self.resumed_at:
            self.late_ms.append((now - message["at"]) * 1000)


def publish(redis_url: str, shops: int, rate: int, seconds: int) -> None:
    """Send through the kit, each message at its own moment: every shop's are numbered from 0."""
    cache.configure(redis_url)
    numbers, chance = [0] * shops, random.Random(7)
    start = time.perf_counter()
    for count in range(rate * seconds):
        time.sleep(max(0.0, start + count / rate - time.perf_counter()))
        shop = chance.randrange(shops) if count >= shops else count
        message = json.dumps({"event": "payment", "number": numbers[shop], "amount_fen": 12_800, "at": time.time()})
        cache.attempt(lambda client, shop=shop, message=message: live._send(client, live.topic(MALL, "shop", shop + 1), message), None)
        numbers[shop] += 1
    print(json.dumps(numbers))


async def _open(streams: list[Stream], port: int) -> None:
    slots = asyncio.Semaphore(OPEN_AT_ONCE)

    async def one(stream: Stream) -> None:
        async with slots:
            opened = asyncio.Event()
            stream.task = asyncio.create_task(stream.open(port, opened))
            await asyncio.wait_for(opened.wait(), 60)

    await asyncio.gather(*(one(stream) for stream in streams))


async def _cut_and_resume(streams: list[Stream], port: int) -> None:
    """Cut lines one after the other while messages come, and open each again a second later."""

    async def one(stream: Stream, after: float) -> None:
        await asyncio.sleep(after)
        assert stream.task is not None
        stream.task.cancel()
        await asyncio.sleep(1)
        stream.resumed_at = time.time()
        await _open([stream], port)

    await asyncio.gather(*(one(stream, SECONDS * 0.8 * place / len(streams)) for place, stream in enumerate(streams)))


def _memory_mb(process: psutil.Process) -> dict[str, float]:
    family = [process, *process.children(recursive=True)]
    sizes = sorted((member.memory_info().rss / 2**20 for member in family), reverse=True)
    return {"worker": round(sizes[0], 1), "all": round(sum(sizes), 1)}


async def measure(place: Stage) -> dict[str, object]:
    """Open every stream, send, cut and resume a part of them, and compare what each got with what was sent."""
    port, server = int(place.env["LIVE_PORT"]), psutil.Process(place.running[0].pid)
    tokens = [identity.access_token("shop", number + 1, MALL, session_id="bench", shop_id=number % SHOPS + 1) for number in range(STREAMS)]
    streams = [Stream(number % SHOPS, token) for number, token in enumerate(tokens)]
    empty = _memory_mb(server)
    began = time.perf_counter()
    await _open(streams, port)
    took = time.perf_counter() - began
    opened = _memory_mb(server)
    command = [sys.executable, "-m", "bench.live", "publish", place.env["REDIS_URL"], str(SHOPS), str(RATE), str(SECONDS)]
    sender = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=place.env)
    await _cut_and_resume(random.Random(3).sample(streams, CUT), port)
    while sender.poll() is None:
        await asyncio.sleep(0.2)
    await asyncio.sleep(3)
    assert sender.stdout is not None
    sent: list[int] = json.loads(sender.stdout.read())
    busy = _memory_mb(server)
    for stream in streams:
        assert stream.task is not None
        stream.task.cancel()
    late = sorted(ms for stream in streams for ms in stream.late_ms)
    return {
        "bench": "live",
        "streams": STREAMS,
        "opened_in_s": round(took, 1),
        "memory_mb": {"empty": empty, "open": opened, "busy": busy},
        "sent": sum(sent),
        "arrived": sum(len(stream.got) for stream in streams),
        "p50_ms": round(statistics.median(late), 1),
        "p95_ms": round(late[int(len(late) * 0.95) - 1], 1),
        "max_ms": round(late[-1], 1),
        "cut_and_resumed": CUT,
        "lost": sum(len(set(range(sent[stream.shop])) - set(stream.got)) for stream in streams),
        "doubled": sum(len(stream.got) - len(set(stream.got)) for stream in streams),
        "targets": TARGETS,
    }


def furnish(owner_url: str) -> None:
    """The mall, its shops and their tablets: who may listen is looked up."""
    with psycopg.connect(libpq_url(owner_url), autocommit=True) as connection:
        connection.execute("SELECT set_config('mallbridge.mall_id', %s, false)", [str(MALL)])
        connection.execute("INSERT INTO malls (id, code, name) VALUES (%s, 'bench', 'bench')", [MALL])
        connection.execute("INSERT INTO sites (code, name) VALUES ('S', 'S')")
        connection.execute("INSERT INTO floors (site_id, label, position) SELECT id, 'L1', 1 FROM sites")
        connection.execute(
            "INSERT INTO shops (id, code, name, site_id, floor_id, unit, category, search_text) "
            "SELECT n, n::text, n::text, f.site_id, f.id, n::text, 'x', '' FROM floors f, generate_series(1, %s) n",
            [SHOPS],
        )
        connection.execute(
            "INSERT INTO staff_accounts (id, name, role, shop_id, state, moved_at, made_at) "
            "SELECT n + 1, 't', 'tablet', n %% %s + 1, 'active', now(), now() FROM generate_series(0, %s) n",
            [SHOPS, STREAMS - 1],
        )


def main() -> int:
    """Run it and print the figures; 1 when a target is missed."""
    if "--small" in sys.argv:
        globals().update(SMALL)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 20_000), most))
    with stage() as place:
        identity.configure(place.env["MALLBRIDGE_SECRET"])
        furnish(place.env["DATABASE_OWNER_URL"])
        place.start("live")
        place.wait_for(f"http://127.0.0.1:{place.env['LIVE_PORT']}/healthz")
        figures = asyncio.run(measure(place))
    print(json.dumps(figures))
    memory: dict[str, dict[str, float]] = figures["memory_mb"]  # type: ignore[assignment]
    kept = memory["busy"]["all"] <= TARGETS["memory_mb"] and float(str(figures["p95_ms"])) <= TARGETS["p95_ms"]
    return 0 if kept and figures["lost"] == figures["doubled"] == 0 else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["publish"]:
        publish(sys.argv[2], *map(int, sys.argv[3:6]))
    else:
        sys.exit(main())
