"""Statements that the app ran, written as a pgbench script: the same SQL, the same parameters, other ids each time.

The work is recorded twice, with different ids. A parameter that was the same both times is written into the script as it was. One that
differed is followed back: to what the work was given (an id, a number), or to what an earlier statement returned, which pgbench keeps
with \\gset; also inside a text. An instant becomes now(). What cannot be followed (a digest) stays as it was the first time, unless
it is a key, where the server would refuse it the second time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.json import Json, Jsonb
from sqlalchemy import event

from api.kit import clock, db

_PLACES = re.compile(r"%\((\w+)\)[sbt]|%[sbt]|%%")


@dataclass(frozen=True)
class Seen:
    """One statement as it went to the server, and what came back."""

    text: str
    parameters: Any
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True)
class Recording:
    """Every statement of some work, and when it began."""

    at: datetime
    seen: list[Seen]


def record(work: Callable[[], Any]) -> Recording:
    """Do some work and note each statement of this process's connections, those of the job queue included."""
    at, seen = clock.now(), list[Seen]()

    class Noting(psycopg.Cursor[Any]):
        """A cursor that notes what it executes."""

        def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
            """As ever, and looks at the rows before anybody else does."""
            super().execute(query, params, **more)
            rows: list[Any] = []
            if self.description and (rows := self.fetchall()):
                self.scroll(0, mode="absolute")  # psycopg can go back: the rows are all here
            columns = tuple(column.name for column in self.description or ())
            plain = [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in rows]
            seen.append(Seen(_text(query), params, columns, plain))
            return self

        def executemany(self, query: Any, params_seq: Any, **more: Any) -> None:
            """One after the other."""
            for params in params_seq:
                self.execute(query, params, **more)

    with _cursors(Noting):
        work()
    return Recording(at, seen)


def _text(query: Any) -> str:
    return query if isinstance(query, str) else query.decode() if isinstance(query, bytes) else query.as_string(None)


@contextmanager
def _cursors(kind: type) -> Iterator[None]:
    """Every connection that the pool hands out makes such cursors."""
    used: list[Any] = []

    def take(connection: Any, *_: Any) -> None:
        connection.cursor_factory = kind
        used.append(connection)

    event.listen(db.engine(), "checkout", take)
    try:
        yield
    finally:
        event.remove(db.engine(), "checkout", take)
        for connection in used:
            connection.cursor_factory = psycopg.Cursor


def script(first: Recording, second: Recording, given: dict[str, tuple[Any, Any]]) -> str:
    """One transaction of pgbench. `given`: SQL over the script's own variables, and its values in the first recording and the second."""
    if [statement.text for statement in first.seen] != [statement.text for statement in second.seen]:
        raise SystemExit("the two recordings are of different statements")
    writer = _Writer(first, second, {(repr(a), repr(b)): f"({expression})" for expression, (a, b) in given.items()})
    lines = [writer.statement(number) for number in range(len(first.seen))]
    ends = [f" \\gset s{number}_\n" if number in writer.kept else ";\n" for number in range(len(lines))]
    return "".join(["BEGIN;\n", *(line + end for line, end in zip(lines, ends, strict=True)), "COMMIT;\n"])


class _Writer:
    """Writes statement after statement; `known` says how a pair of values is written, `kept` which statements' rows are needed later."""

    def __init__(self, first: Recording, second: Recording, known: dict[tuple[str, str], str]) -> None:
        self.first, self.second, self.known = first, second, known
        self.kept: set[int] = set()

    def statement(self, number: int) -> str:
        """The statement with its parameters written into it; afterwards what it returned is known."""
        in_first, in_second = self.first.seen[number], self.second.seen[number]
        text = in_first.text if in_first.parameters is None else self._filled(in_first, in_second)
        if len(in_first.rows) == len(in_second.rows) == 1:
            for column, a, b in zip(in_first.columns, in_first.rows[0], in_second.rows[0], strict=True):
                if a != b and isinstance(a, int | str):
                    self.known.setdefault((repr(a), repr(b)), f"(:s{number}_{column})")
        return " ".join(text.split("\n"))

    def _filled(self, in_first: Seen, in_second: Seen) -> str:
        turn = iter(range(len(in_first.parameters or ())))

        def put(match: re.Match[str]) -> str:
            if match[0] == "%%":
                return "%"
            key: Any = match[1] or next(turn)
            return self._value(in_first.parameters[key], in_second.parameters[key])  # type: ignore[index]

        return _PLACES.sub(put, in_first.text)

    def _value(self, a: Any, b: Any) -> str:
        if isinstance(a, Json | Jsonb):
            return self._text(json.dumps(a.obj, ensure_ascii=False), json.dumps(b.obj, ensure_ascii=False)) + "::jsonb"
        if isinstance(a, list | tuple):
            written = ", ".join(self._value(*pair) for pair in zip(a, b, strict=True))
            return f"ROW({written})" if isinstance(a, tuple) else f"ARRAY[{written}]" if a else "'{}'"
        if isinstance(a, datetime):
            return _quoted(a.isoformat()) + "::timestamptz" if a == b else _instant(a - self.first.at)
        if isinstance(a, str) and isinstance(b, str):
            return self._text(a, b)
        if isinstance(a, bool) or a is None:
            return {True: "true", False: "false", None: "NULL"}[a]
        if isinstance(a, date):
            return _quoted(a.isoformat()) + "::date"
        if a == b:
            return str(a)
        opposite = self._known(-a, -b)
        return f"(-({opposite}::bigint))" if opposite else f"{self._known(a, b) or a}::bigint"

    def _text(self, a: str, b: str) -> str:
        if a == b or (whole := self._known(a, b)):
            return _quoted(a) if a == b else f"{whole}::text"
        parts, others = re.split(r"(\d+)", a), re.split(r"(\d+)", b)
        if len(parts) != len(others):
            return _quoted(a)
        written = [_quoted(part) if part == twin else self._digits(part, twin) for part, twin in zip(parts, others, strict=True)]
        return f"({' || '.join(part for part in written if part)})" if all(written) else _quoted(a)

    def _digits(self, a: str, b: str) -> str | None:
        whole = a.isdigit() and b.isdigit() and str(int(a)) == a and str(int(b)) == b
        variable = self._known(int(a), int(b)) if whole else None
        return f"{variable}::text" if variable else None

    def _known(self, a: Any, b: Any) -> str | None:
        variable = self.known.get((repr(a), repr(b)))
        if variable and (source := re.match(r"\(:s(\d+)_", variable)):
            self.kept.add(int(source[1]))
        return variable


def _instant(since: timedelta) -> str:
    """An instant that moved along with the work: now, or so far from it."""
    return f"(now() + interval '{round(since.total_seconds())} seconds')" if abs(since) > timedelta(seconds=30) else "now()"


def _quoted(text: str) -> str:
    """A text in which pgbench finds no variable of its own."""
    if "\\" not in text and ":" not in text and "\n" not in text:
        return "'" + text.replace("'", "''") + "'"
    plain = text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n")
    return "E'" + plain.replace(":", "\\x3a") + "'"
