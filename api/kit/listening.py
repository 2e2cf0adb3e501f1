"""Who may listen to the live stream, asked of the database: one statement a mall for everybody, over one connection.

`may_listen` of the migrations holds the rules, so that the process that streams need not load the rooms.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

import psycopg

from api.kit import db
from api.kit.identity import Principal

TIMEOUT = 4.0  # seconds for one asking; a database that takes longer counts as away
AT_ONCE = 5_000

_MAY_LISTEN = "SELECT * FROM may_listen(%s, %s::text[], %s::bigint[], %s::text[], %s::bigint[])"


class Listener(NamedTuple):
    """One sign-in that listens."""

    mall_id: int
    kind: str
    id: int
    sign_in: str
    shop_id: int | None

    @classmethod
    def of(cls, who: Principal) -> Listener:
        """The listener that a token names."""
        return cls(who.mall_id, who.kind, who.id, who.session_id, who.shop_id)


class CannotAsk(Exception):
    """The database could not be asked just now."""


class Authority:
    """Asks who may listen. Whoever opens a stream while an answer is awaited is in the next question, with all others who do."""

    def __init__(self, url: str) -> None:
        self._url = db.libpq_url(url)
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._one_question = asyncio.Lock()
        self._waiting: dict[Listener, asyncio.Future[bool]] = {}
        self._answering: asyncio.Task[None] | None = None

    async def may_listen(self, listener: Listener) -> bool:
        """Whether one may. CannotAsk."""
        answer = self._waiting.setdefault(listener, asyncio.get_running_loop().create_future())
        if self._answering is None or self._answering.done():
            self._answering = asyncio.create_task(self._answer())
        return await asyncio.shield(answer)

    async def _answer(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, {}
            try:
                allowed = await self.of_those(waiting)
            except CannotAsk as trouble:
                for answer in waiting.values():
                    answer.set_exception(trouble)
                    answer.exception()  # nobody may be waiting any more
            else:
                for listener, answer in waiting.items():
                    answer.set_result(listener in allowed)

    async def of_those(self, listeners: Collection[Listener]) -> set[Listener]:
        """Which of these may listen. CannotAsk."""
        allowed: set[Listener] = set()
        by_mall: defaultdict[int, list[Listener]] = defaultdict(list)
        for listener in set(listeners):
            by_mall[listener.mall_id].append(listener)
        try:
            async with self._one_question, asyncio.timeout(TIMEOUT):
                for mall_id, those in by_mall.items():
                    for begin in range(0, len(those), AT_ONCE):
                        allowed.update(await self._ask(mall_id, those[begin : begin + AT_ONCE]))
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self.close()
            raise CannotAsk from error
        return allowed

    async def _ask(self, mall_id: int, those: list[Listener]) -> Iterable[Listener]:
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(self._url, connect_timeout=3, autocommit=True)
        columns = [[listener[place] for listener in those] for place in range(1, len(Listener._fields))]
        rows = await (await self._connection.execute(_MAY_LISTEN, [mall_id, *columns])).fetchall()
        return [those[place - 1] for (place,) in rows]

    async def close(self) -> None:
        """Let the connection go; the next question opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
