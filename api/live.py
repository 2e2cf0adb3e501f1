"""The stream to phones and tablets: Server-Sent Events, in a small ASGI process of its own.

GET /v1/live with the access token (header, or `?token=` where a browser's EventSource cannot send one). A stream that was cut
resumes after Last-Event-ID. Messages are hints; without the cache the stream stays open, silent, and the phone polls.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import redis.asyncio as aioredis
from redis.exceptions import RedisError
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.kit import clock, db, identity, live, logs
from api.settings import Settings, from_environment

log = logs.get(__name__)

QUEUE = 100  # messages a slow stream may lag behind before its oldest are dropped; it catches up by asking again
PING_SECONDS = 15
CLOCK_SECONDS = 60

Message = tuple[str, str]  # id, JSON
BEGINNING = "0-0"
GAP: Message = ("", "")  # tells a stream that messages may have been missed and that it should look


class Hub:
    """One subscription to the cache for the whole process, handed out to the streams by topic."""

    def __init__(self, url: str) -> None:
        self.cache: Any = aioredis.from_url(url, socket_connect_timeout=1, health_check_interval=10, decode_responses=True)
        self.streams: dict[str, set[asyncio.Queue[Message]]] = {}

    async def listen(self) -> None:
        """Run for the life of the process; a lost cache is asked again every second."""
        while True:
            try:
                async with self.cache.pubsub() as channel:
                    await channel.subscribe("live")
                    self._tell_all(GAP)
                    async for item in channel.listen():
                        if item["type"] == "message":
                            self._hand_out(json.loads(item["data"]))
            except (RedisError, OSError, ValueError) as error:
                log.warning("the live channel is away", error_type=type(error).__name__)
            await asyncio.sleep(1)

    def _hand_out(self, item: dict[str, str]) -> None:
        for queue in self.streams.get(item["topic"], ()):
            _put(queue, (item["id"], item["message"]))

    def _tell_all(self, message: Message) -> None:
        for queues in self.streams.values():
            for queue in queues:
                _put(queue, message)

    async def missed(self, topic: str, after: str) -> list[Message]:
        """What was sent on a topic after a message the listener has seen."""
        try:
            found = await asyncio.wait_for(self.cache.xrange(f"live:{topic}", min=f"({after}"), 1)
        except (RedisError, OSError, TimeoutError):
            return []
        return [(number, fields["m"]) for number, fields in found]

    async def newest(self, topic: str) -> str:
        """The id of the last message of a topic, after which a stream that does not resume begins."""
        try:
            found = await asyncio.wait_for(self.cache.xrevrange(f"live:{topic}", count=1), 1)
        except (RedisError, OSError, TimeoutError):
            return BEGINNING
        return str(found[0][0]) if found else BEGINNING

    async def follow(self, topic: str, last: str) -> AsyncIterator[ServerSentEvent]:
        """The messages of one topic after the last one seen, first those missed, then those to come; none twice."""
        queue: asyncio.Queue[Message] = asyncio.Queue(QUEUE)
        self.streams.setdefault(topic, set()).add(queue)
        queue.put_nowait(GAP)
        try:
            while True:
                message = await queue.get()
                for number, text in await self.missed(topic, last) if message == GAP else [message]:
                    if _order(number) > _order(last):
                        last = number
                        yield ServerSentEvent(text, id=number)
        finally:
            self.streams[topic].discard(queue)
            if not self.streams[topic]:
                del self.streams[topic]


def _put(queue: asyncio.Queue[Message], message: Message) -> None:
    if queue.full():
        # A stream that lags too far drops its queue and looks again instead of losing a message in the middle.
        while not queue.empty():
            queue.get_nowait()
        message = GAP
    queue.put_nowait(message)


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
    return EventSourceResponse(hub.follow(topic, last), ping=PING_SECONDS, headers={"X-Accel-Buffering": "no"})


async def _follow_clock(url: str) -> None:
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(db.libpq_url(url), connect_timeout=3, autocommit=True) as connection:
                row = await (await connection.execute("SELECT clock_timestamp()")).fetchone()
            if row:
                clock.follow(row[0])
        except (psycopg.Error, OSError) as error:
            log.warning("the database's clock could not be asked", error_type=type(error).__name__)
        await asyncio.sleep(CLOCK_SECONDS)


async def _alive(_request: Request) -> Response:
    return JSONResponse({"alive": True})


def create_app(settings: Settings) -> Starlette:
    """The stream's own small app. It asks the database for the time only, so that it judges tokens by the one clock."""
    identity.configure(settings.secret)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.hub = Hub(settings.redis_url)
        side = [asyncio.create_task(app.state.hub.listen()), asyncio.create_task(_follow_clock(settings.database_url))]
        yield
        for task in side:
            task.cancel()

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
