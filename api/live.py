"""The stream to phones and tablets: Server-Sent Events, in a small ASGI process of its own.

GET /v1/live with the access token (header, or `?token=` where a browser's EventSource cannot send one). A stream that was cut
resumes after Last-Event-ID; it is told one at its beginning, so that it loses nothing even when it was cut before its first message.
Messages are hints to load again; without the cache the stream stays open without messages, and the phone polls.

Thousands of streams stay open at once, each for hours: so this module keeps the memory of each one small.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import psycopg
import redis.asyncio as aioredis
from redis.exceptions import RedisError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.kit import clock, db, identity, live, logs
from api.settings import Settings, from_environment

log = logs.get(__name__)

LAG = 100  # messages a slow stream may lag behind before they are dropped; it catches up by asking again
PING_SECONDS = 15
CLOCK_SECONDS = 60

Message = tuple[str, str]  # id, JSON
BEGINNING = "0-0"
GAP: Message = ("", "gap")  # tells a stream that messages may have been missed and that it should look
PING: Message = ("", "ping")  # makes it send a keep-alive
END: Message = ("", "end")  # ends it: the listener is gone, or the process stops


class StreamQueue:
    """The messages waiting to be sent on one stream."""

    __slots__ = ("_waiting", "_wakes")

    def __init__(self) -> None:
        self._waiting: list[Message] = [GAP]
        self._wakes: asyncio.Future[None] | None = None

    def put(self, message: Message) -> None:
        """Never blocks. A stream that lags too far drops its queue and tells the listener to load again, so that no
        message is lost unnoticed."""
        if message is END or len(self._waiting) >= LAG:
            self._waiting.clear()
            message = END if message is END else GAP
        self._waiting.append(message)
        if self._wakes is not None and not self._wakes.done():
            self._wakes.set_result(None)

    async def take_all(self) -> list[Message]:
        """Every waiting message, as soon as there is one."""
        if not self._waiting:
            self._wakes = asyncio.get_running_loop().create_future()
            await self._wakes
            self._wakes = None
        taken, self._waiting = self._waiting, []
        return taken


class Hub:
    """One subscription to the cache for the whole process, distributed to the streams by topic."""

    def __init__(self, url: str) -> None:
        self.cache: Any = aioredis.from_url(url, socket_connect_timeout=1, health_check_interval=10, decode_responses=True)
        self.streams: dict[str, set[StreamQueue]] = {}

    async def listen(self) -> None:
        """Run for the life of the process; a lost cache is tried again every second."""
        while True:
            try:
                async with self.cache.pubsub() as channel:
                    await channel.subscribe("live")
                    self.broadcast(GAP)
                    async for item in channel.listen():
                        if item["type"] == "message":
                            self._distribute(json.loads(item["data"]))
            except (RedisError, OSError, ValueError) as error:
                log.warning("the live channel is away", error_type=type(error).__name__)
            await asyncio.sleep(1)

    def _distribute(self, item: dict[str, str]) -> None:
        for queue in self.streams.get(item["topic"], ()):
            queue.put((item["id"], item["message"]))

    def broadcast(self, message: Message) -> None:
        """Send a message to every stream."""
        for queues in self.streams.values():
            for queue in queues:
                queue.put(message)

    async def ping(self) -> None:
        """Run for the life of the process: proxies and phones close a connection on which nothing is sent."""
        while True:
            await asyncio.sleep(PING_SECONDS)
            self.broadcast(PING)

    async def missed(self, topic: str, after: str) -> list[Message]:
        """What was sent on a topic after a message the listener has seen."""
        try:
            messages = await asyncio.wait_for(self.cache.xrange(f"live:{topic}", min=f"({after}"), 1)
        except (RedisError, OSError, TimeoutError):
            return []
        return [(number, fields["m"]) for number, fields in messages]

    async def newest(self, topic: str) -> str:
        """The id of the last message of a topic, after which a stream that does not resume begins."""
        try:
            messages = await asyncio.wait_for(self.cache.xrevrange(f"live:{topic}", count=1), 1)
        except (RedisError, OSError, TimeoutError):
            return BEGINNING
        return str(messages[0][0]) if messages else BEGINNING

    @contextlib.contextmanager
    def subscription(self, topic: str) -> Iterator[StreamQueue]:
        """A queue that receives a topic's messages while it is open."""
        queue = StreamQueue()
        self.streams.setdefault(topic, set()).add(queue)
        try:
            yield queue
        finally:
            self.streams[topic].discard(queue)
            if not self.streams[topic]:
                del self.streams[topic]


class EventStream(Response):
    """The messages of one topic after the last one seen, first those missed, then those to come; none twice."""

    def __init__(self, hub: Hub, topic: str, last: str) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}, media_type="text/event-stream")
        del self.headers["content-length"]
        self.hub, self.topic, self.last = hub, topic, last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the signature of ASGI
        """Send until the listener leaves or the process stops."""
        with self.hub.subscription(self.topic) as queue:
            leaving = asyncio.create_task(_end_with_listener(receive, queue))
            try:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                # An id without data is no event: it only tells the listener where to resume.
                await _send(send, f"id: {self.last}\n\n")
                while (messages := await queue.take_all())[0] is not END:
                    for message in messages:
                        await self._send_message(message, send)
                await send({"type": "http.response.body", "body": b""})
            finally:
                leaving.cancel()

    async def _send_message(self, message: Message, send: Send) -> None:
        if message is PING:
            await _send(send, ": ping\n\n")
            return
        for number, text in await self.hub.missed(self.topic, self.last) if message is GAP else [message]:
            if _order(number) > _order(self.last):
                self.last = number
                await _send(send, f"id: {number}\ndata: {text}\n\n")


async def _send(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _end_with_listener(receive: Receive, queue: StreamQueue) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    queue.put(END)


def _order(number: str) -> tuple[int, int]:
    milliseconds, _, counter = number.partition("-")
    return int(milliseconds), int(counter or 0)


def _topic(who: identity.Principal) -> str:
    if who.kind == "shop" and who.shop_id is not None:
        return live.topic(who.mall_id, "shop", who.shop_id)
    return live.topic(who.mall_id, who.kind, who.id)


def _seen(request: Request) -> str | None:
    given = request.headers.get("last-event-id") or request.query_params.get("last_event_id") or ""
    left, _, right = given.partition("-")
    return given if left.isdigit() and right.isdigit() and len(given) < 40 else None


async def _stream(request: Request) -> Response:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        who = identity.read_token(token if scheme.lower() == "bearer" else request.query_params.get("token", ""))
    except identity.TokenInvalid as refusal:
        return JSONResponse(refusal.body(), 401, media_type="application/problem+json")
    hub: Hub = request.app.state.hub
    topic = _topic(who)
    last = _seen(request) or await hub.newest(topic)
    return EventStream(hub, topic, last)


async def _follow_clock(url: str) -> None:
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(db.libpq_url(url), connect_timeout=3, autocommit=True) as connection:
                began = clock.monotonic()
                row = await (await connection.execute("SELECT clock_timestamp()")).fetchone()
                took = clock.monotonic() - began
            if row:
                clock.follow(row[0], took)
        except (psycopg.Error, OSError) as error:
            log.warning("the database's clock could not be asked", error_type=type(error).__name__)
        await asyncio.sleep(CLOCK_SECONDS)


async def _alive(_request: Request) -> Response:
    return JSONResponse({"alive": True})


def create_app(settings: Settings) -> Starlette:
    """The stream's own small app. It reads nothing but the time from the database, so that it checks tokens by the same clock."""
    identity.configure(settings.secret)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        hub = app.state.hub = Hub(settings.redis_url)
        side = [asyncio.create_task(work) for work in (hub.listen(), hub.ping(), _follow_clock(settings.database_url))]
        yield
        for task in side:
            task.cancel()
        hub.broadcast(END)

    allowed = CORSMiddleware, {"allow_origins": [settings.public_url], "allow_methods": ["GET"], "allow_headers": ["Authorization"]}
    return Starlette(
        routes=[Route("/v1/live", _stream), Route("/healthz", _alive)],
        middleware=[Middleware(allowed[0], **allowed[1])],  # type: ignore[arg-type]
        lifespan=lifespan,
    )


def __getattr__(name: str) -> Any:
    """`granian --interface asgi api.live:app`: made when the server asks, not on import."""
    if name != "app":
        raise AttributeError(name)
    settings = from_environment()
    logs.configure(settings.log_level)
    made = globals()["app"] = create_app(settings)
    return made
