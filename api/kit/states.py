"""A lifecycle is a table of moves. One function moves a row; of two moves at once one succeeds and one gets WrongState."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, cast

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Table,
    Text,
    UniqueConstraint,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from api.kit import clock
from api.kit.db import MALL_SETTING, Model, session
from api.kit.errors import Conflict

Moves = Mapping[Any, frozenset[Any]]

#: noun → its table of moves, for the drawing and the guards.
LIFECYCLES: dict[str, tuple[type[StrEnum], Moves]] = {}


class WrongState(Conflict):
    """This has moved on meanwhile and no longer allows that."""


class Stateful:
    """A row with a lifecycle. `noun` names it, `lifecycle` is its enum, `allowed` its table of moves."""

    noun: ClassVar[str]
    lifecycle: ClassVar[type[StrEnum]]
    allowed: ClassVar[Moves]
    moves_table: ClassVar[Table]
    moves_go_along: ClassVar[bool] = False  # rows that are removed after a time take their moves along, which nothing else removes

    state: Mapped[str]
    moves: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    moved_at: Mapped[datetime] = mapped_column(default=clock.now)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "noun" in cls.__dict__:
            LIFECYCLES[cls.noun] = (cls.lifecycle, cls.allowed)
            cls.moves_table = _moves_table(cls.noun, cast(str, cls.__dict__["__tablename__"]), cls.moves_go_along)


def _moves_table(noun: str, parent: str, go_along: bool) -> Table:
    return Table(
        f"{noun}_moves",
        Model.metadata,
        Column("id", BigInteger, Identity(), primary_key=True),
        Column(f"{noun}_id", BigInteger, ForeignKey(f"{parent}.id", ondelete="CASCADE" if go_along else None), nullable=False),
        Column("seq", BigInteger, nullable=False),
        Column("from_state", Text, nullable=False),
        Column("to_state", Text, nullable=False),
        Column("reason", Text),
        Column("facts", JSONB),
        Column("moved_by", Text, nullable=False),
        Column("moved_at", DateTime(timezone=True), nullable=False),
        Column(
            "mall_id",
            BigInteger,
            ForeignKey("malls.id"),
            server_default=text(f"current_setting('{MALL_SETTING}')::bigint"),
            nullable=False,
        ),
        UniqueConstraint(f"{noun}_id", "seq"),
    )


def move(row: Any, to: StrEnum, *, by: str, reason: str | None = None, facts: dict[str, Any] | None = None, **values: Any) -> None:
    """Move a row to a state its table allows, with other columns in the same guarded UPDATE, and record the move.

    `by` says who ("member:7", "staff:3", "system"). WrongState when the table forbids it or somebody was faster.
    """
    if to not in row.allowed.get(row.state, frozenset()):
        raise WrongState(state=row.state, wanted=str(to))
    if not try_move(row, to, by=by, reason=reason, facts=facts, **values):
        session.refresh(row)
        raise WrongState(state=row.state, wanted=str(to))


def try_move(row: Any, to: StrEnum, *, by: str, reason: str | None = None, facts: dict[str, Any] | None = None, **values: Any) -> bool:
    """Move a row as `move` does; False, with nothing changed, when its table forbids it or somebody was faster. One statement."""
    source = row.state
    if to not in row.allowed.get(source, frozenset()):
        return False
    model, table, now = type(row), row.moves_table, clock.now()
    session.flush()
    changed = (
        update(model)
        .where(model.id == row.id, model.state == source)
        .values(state=str(to), moves=model.moves + 1, moved_at=now, **values)
        .returning(model.id, model.moves)
        .cte("moved")
    )
    columns = [f"{row.noun}_id", "seq", "from_state", "to_state", "reason", "facts", "moved_by", "moved_at"]
    record = (
        insert(table)
        .from_select(
            columns,
            select(
                changed.c.id,
                changed.c.moves,
                literal(str(source)),
                literal(str(to)),
                literal(reason, Text),
                literal(facts, JSONB),
                literal(by),
                literal(now, DateTime(timezone=True)),
            ),
        )
        .returning(table.c.seq)
    )
    seq = session.execute(record).scalar()
    if seq is not None:
        _remember(row, {"state": str(to), "moves": seq, "moved_at": now} | values)
    return seq is not None


def _remember(row: Any, values: dict[str, Any]) -> None:
    from sqlalchemy.orm.attributes import set_committed_value

    for name, value in values.items():
        set_committed_value(row, name, value)


def draw() -> str:
    """All lifecycles as Mermaid diagrams in Markdown, for docs/lifecycles.md."""
    parts = ["# Lifecycles\n\nDrawn from the state tables by `make contract`; a stale drawing fails a test.\n"]
    for noun in sorted(LIFECYCLES):
        states, allowed = LIFECYCLES[noun]
        lines = [f"## {noun}\n", "```mermaid", "stateDiagram-v2"]
        first = next(iter(states))
        lines.append(f"    [*] --> {first}")
        for state in states:
            ends = sorted(str(target) for target in allowed.get(state, ()))
            lines += [f"    {state} --> {target}" for target in ends] or [f"    {state} --> [*]"]
        parts.append("\n".join([*lines, "```\n"]))
    return "\n".join(parts)
