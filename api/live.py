"""The stream to phones and tablets: Server-Sent Events, in a small ASGI process of its own.

GET /v1/live with the access token (header, or `?token=` where a browser's EventSource cannot send one). A stream that was cut
resumes after Last-Event-ID; it is told one at its beginning, so that it loses nothing even when it was cut before its first message.
Messages are hints to load again; without the cache the stream stays open without messages, and the phone polls.

The right to listen is not read once: it is asked when a stream opens, every ASK_SECONDS, and at once when a sign-in ends anywhere. A
stream ends when its token does, and the phone comes again with a fresh one. While the database cannot be asked nobody hears anything.
Of one principal MOST streams are open, over all processes; another one ends the oldest, because the newest is where somebody looks now,
and a line that was cut without a word would otherwise lock its owner out for minutes.

Thousands of streams stay open at once, each for hours: so this module keeps the memory of each one small.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import secrets
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
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

from api import safety
from api.kit import clock, db, identity, listening, live, logs
from api.kit.errors import Problem, ThisMachineOnly
from api.kit.listening import Authority, Listener
from api.settings import Settings, ending_the_process, from_environment

log = logs.get(__name__)

LAG = 100  # messages a slow stream may lag behind before they are dropped; it catches up by asking again
PING_SECONDS = 15
CLOCK_SECONDS = 60
ASK_SECONDS = 4.0  # with the longest question well within UNCONFIRMED_SECONDS
UNCONFIRMED_SECONDS = 10.0  # nobody hears anything on a right that was confirmed longer ago than this
MOST = 6  # streams of one principal
COME_LATER_MS = 60_000  # for a stream that gave way to newer ones: at once it would end the next one
TOKEN_SECONDS = int(identity.ACCESS_TOKEN_LIVES.total_seconds()) + 60  # no stream lasts longer

Message = tuple[str, str]  # id, JSON
BEGINNING = "0-0"
GAP: Message = ("", "gap")  # tells a stream that messages may have been missed and that it should look
PING: Message = ("", "ping")  # makes it send a keep-alive
END: Message = ("", "end")  # ends it: the listener is gone or may listen no more, or the process stops
GIVE_WAY: Message = ("", "give way")  # ends it: the same principal opened newer ones

_LAST = (END, GIVE_WAY)
Key = tuple[int, str, int]  # a principal: mall, kind, id


class StreamQueue:
    """The messages waiting to be sent on one stream, and who hears them until when."""

    __slots__ = ("_waiting", "_wakes", "ends", "listener", "name")

    def __init__(self, listener: Listener, ends: float, name: str = "") -> None:
        self.listener, self.ends, self.name = listener, ends, name
        self._waiting: list[Message] = [GAP]
        self._wakes: asyncio.Future[None] | None = None

    def put(self, message: Message) -> None:
        """Never blocks. A stream that lags too far drops its queue and tells the listener to load again, so that no
        message is lost unnoticed."""
        if self._waiting and self._waiting[0] in _LAST:
            return
        if message in _LAST or len(self._waiting) >= LAG:
            self._waiting.clear()
            message = message if message in _LAST else GAP
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

    def __init__(self, url: str, authority: Authority) -> None:
        self.cache: Any = aioredis.from_url(url, socket_connect_timeout=1, health_check_interval=10, decode_responses=True)
        self.authority = authority
        self.streams: dict[str, set[StreamQueue]] = {}
        self.own: dict[Key, list[StreamQueue]] = {}  # of one principal, the oldest first
        self.confirmed_at = clock.monotonic()
        self._names = (f"{secrets.token_hex(4)}-{number}" for number in itertools.count())
        self._side: set[asyncio.Task[Any]] = set()

    async def listen(self) -> None:
        """Run for the life of the process; a lost cache is tried again every second."""
        while True:
            try:
                async with self.cache.pubsub() as channel:
                    await channel.subscribe(live.CHANNEL, live.CONTROL)
                    self.broadcast(GAP)
                    self._aside(self.ask_again(self._everybody()))
                    async for item in channel.listen():
                        if item["type"] == "message":
                            receive = self._obey if item["channel"] == live.CONTROL else self._distribute
                            receive(json.loads(item["data"]))
            except (RedisError, OSError, ValueError) as error:
                log.warning("the live channel is away", error_type=type(error).__name__)
            await asyncio.sleep(1)

    def _distribute(self, item: dict[str, str]) -> None:
        if self._unconfirmed():
            return
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

    def _obey(self, order: dict[str, Any]) -> None:
        """Ask about some principals at once, or end streams that gave way to newer ones of another process."""
        asked = {(mall_id, str(kind), who) for mall_id, kind, who in order.get("ask", ())}
        self._aside(self.ask_again(queue for key in asked for queue in self.own.get(key, ())))
        if given_way := set(order.get("give_way", ())):
            for queue in self.own.get(tuple(order["of"]), ()):
                if queue.name in given_way:
                    queue.put(GIVE_WAY)

    def _aside(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._side.add(task)
        task.add_done_callback(self._side.discard)

    def _everybody(self) -> list[StreamQueue]:
        return [queue for queues in self.own.values() for queue in queues]

    def _unconfirmed(self) -> bool:
        return clock.monotonic() - self.confirmed_at > UNCONFIRMED_SECONDS

    async def keep_asking(self) -> None:
        """Run for the life of the process: end the streams whose token ended, and those of everybody who may listen no more."""
        while True:
            await asyncio.sleep(ASK_SECONDS)
            began, was_unconfirmed = clock.monotonic(), self._unconfirmed()
            if await self.ask_again(self._everybody()):
                self.confirmed_at = began
                if was_unconfirmed:
                    self.broadcast(GAP)

    async def ask_again(self, queues: Iterable[StreamQueue]) -> bool:
        """End those of these streams that may listen no more; False when the database could not be asked."""
        now = clock.now().timestamp()
        asked = []
        for queue in queues:
            if queue.ends <= now:
                queue.put(END)
            else:
                asked.append(queue)
        try:
            allowed = await self.authority.of_those({queue.listener for queue in asked}) if asked else set()
        except listening.CannotAsk as error:
            log.warning("who may listen could not be asked", error_type=type(error.__cause__).__name__)
            return False
        for queue in asked:
            if queue.listener not in allowed:
                queue.put(END)
        return True

    async def announce(self, queue: StreamQueue) -> None:
        """Say in the cache that a stream is open; the oldest of its principal beyond MOST give way, in whatever process they are."""
        key, now = _open_streams(queue.listener), clock.now().timestamp()
        try:
            async with asyncio.timeout(1), self.cache.pipeline(transaction=True) as pipe:
                pipe.zadd(key, {queue.name: now}).zremrangebyscore(key, 0, now - TOKEN_SECONDS)
                pipe.zrange(key, 0, -MOST - 1).zremrangebyrank(key, 0, -MOST - 1).expire(key, TOKEN_SECONDS)
                older = (await pipe.execute())[2]
                if older:
                    await self.cache.publish(live.CONTROL, json.dumps({"give_way": older, "of": queue.listener[:3]}))
        except (RedisError, OSError, TimeoutError):
            return  # each process still counts its own

    async def _forget(self, queue: StreamQueue) -> None:
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await asyncio.wait_for(self.cache.zrem(_open_streams(queue.listener), queue.name), 1)

    async def missed(self, topic: str, after: str) -> list[Message]:
        """What was sent on a topic after a message the listener has seen."""
        if self._unconfirmed():
            return []
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
    def subscription(self, topic: str, listener: Listener, ends: float) -> Iterator[StreamQueue]:
        """A queue that receives a topic's messages while it is open. The principal's oldest ones beyond MOST give way."""
        queue = StreamQueue(listener, ends, next(self._names))
        own = self.own.setdefault(listener[:3], [])
        own.append(queue)
        for older in own[:-MOST]:
            older.put(GIVE_WAY)
        self.streams.setdefault(topic, set()).add(queue)
        self._aside(self.announce(queue))
        try:
            yield queue
        finally:
            self.streams[topic].discard(queue)
            if not self.streams[topic]:
                del self.streams[topic]
            own.remove(queue)
            if not own:
                del self.own[listener[:3]]
            self._aside(self._forget(queue))


class EventStream(Response):
    """The messages of one topic after the last one seen, first those missed, then those to come; none twice."""

    def __init__(self, hub: Hub, topic: str, last: str, listener: Listener, ends: float) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}, media_type="text/event-stream")
        del self.headers["content-length"]
        self.hub, self.topic, self.last, self.listener, self.ends = hub, topic, last, listener, ends

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the signature of ASGI
        """Send until the listener leaves or the process stops."""
        with self.hub.subscription(self.topic, self.listener, self.ends) as queue:
            leaving = asyncio.create_task(_end_with_listener(receive, queue))
            try:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                # An id without data is no event: it only tells the listener where to resume.
                await _send(send, f"id: {self.last}\n\n")
                while (messages := await queue.take_all())[0] not in _LAST:
                    for message in messages:
                        await self._send_message(message, send)
                if messages[0] is GIVE_WAY:
                    await _send(send, f"retry: {COME_LATER_MS}\n\n")
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


def _open_streams(listener: Listener) -> str:
    return f"live:open:{listener.mall_id}:{listener.kind}:{listener.id}"


async def _stream(request: Request) -> Response:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    hub: Hub = request.app.state.hub
    settings: Settings = request.app.state.settings
    beyond = safety.reaches_beyond(request.headers.get("host", ""), request.headers.keys(), proxies=settings.trusted_proxies)
    if beyond and not settings.production:
        return _refused(ThisMachineOnly())
    try:
        who = identity.read_token(token if scheme.lower() == "bearer" else request.query_params.get("token", ""))
        if not await hub.authority.may_listen(Listener.of(who)):
            raise identity.TokenInvalid()
    except identity.TokenInvalid as refusal:
        return _refused(refusal)
    except listening.CannotAsk:
        return _refused(db.DatabaseAway())
    topic = _topic(who)
    last = _seen(request) or await hub.newest(topic)
    return EventStream(hub, topic, last, Listener.of(who), who.token_ends)


def _refused(refusal: Problem) -> Response:
    headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else None
    return JSONResponse(refusal.body(), refusal.status, headers, media_type="application/problem+json")


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
    """The stream's own small app. Of the database it asks the time, so that it checks tokens by the same clock, and who may listen."""
    identity.configure(settings.secret)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        hub = app.state.hub = Hub(settings.redis_url, Authority(settings.database_url))
        works = (hub.listen(), hub.ping(), hub.keep_asking(), _follow_clock(settings.database_url))
        side = [asyncio.create_task(work) for work in works]
        yield
        for task in side:
            task.cancel()
        hub.broadcast(END)
        await hub.authority.close()

    allowed = CORSMiddleware, {"allow_origins": [settings.public_url], "allow_methods": ["GET"], "allow_headers": ["Authorization"]}
    app = Starlette(
        routes=[Route("/v1/live", _stream), Route("/healthz", _alive)],
        middleware=[Middleware(allowed[0], **allowed[1])],  # type: ignore[arg-type]
        lifespan=lifespan,
    )
    app.state.settings = settings
    return app


def __getattr__(name: str) -> Any:
    """`granian --interface asgi api.live:app`: made when the server asks, not on import."""
    if name != "app":
        raise AttributeError(name)
    with ending_the_process():
        settings = from_environment()
        settings.refuse_listening()
    logs.configure(settings.log_level)
    made = globals()["app"] = create_app(settings)
    return made
