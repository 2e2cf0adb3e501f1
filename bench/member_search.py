"""The desk's search among 1,000,000 members: by phone, by card number, by name (prefix, middle, one character, Latin), by the one box.

`python -m bench.member_search [--small]` prints JSON: p50 and p95 of each kind over HTTP in the process (routing, permission, transaction,
page, masking), first page and a later page, and whether each search stays on its indexes.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event

from api.app import create_app
from api.kit import db, identity, limits, sealed
from api.members import phones
from api.settings import Settings
from deploy import embedded

MEMBERS, FEW = 1_000_000, 10_000
EACH = 200  # searches of a kind
KNOWN = 500  # members with a phone that is searched for
FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "伟芳娜敏静秀丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰红梅建国文斌志鹏宇欣怡梓涵子轩浩然雨桐诗琪俊熙可馨一诺思远嘉懿若曦"
LATIN = ("Anna", "Ben", "Chloe", "Daniel", "Emily", "Felix", "Grace", "Henry", "Iris", "Jack")
TARGET_MS = 200

FILL = (
    """INSERT INTO members (state, moves, moved_at, joined_at, source, nickname)
       SELECT 'active', 0, now(), now() - n * interval '30 seconds', 'bench',
         CASE WHEN n %% 10 = 0 THEN (%(latin)s::text[])[1 + (n / 10) %% 10] || ' ' || n
           ELSE substr(%(family)s, 1 + floor(power(random(), 2) * length(%(family)s))::int, 1)
             || substr(%(given)s, 1 + floor(random() * length(%(given)s))::int, 1)
             || CASE WHEN n %% 3 > 0 THEN substr(%(given)s, 1 + floor(random() * length(%(given)s))::int, 1) ELSE '' END END
       FROM generate_series(1, %(members)s::int) n""",
    "INSERT INTO member_name_keys (member_id, key) SELECT id, lower(replace(nickname, ' ', '')) FROM members",
    # Every member has a phone: random hashes, but for those that are searched for.
    """UPDATE members SET phone_key = md5(id::text) || md5('k' || id), phone_sealed = '\\x00'""",
)


@contextmanager
def server() -> Iterator[tuple[embedded.Postgres, embedded.Valkey, Path]]:
    """A server that need not survive a crash, because filling it is not what is measured."""
    folder = Path(tempfile.mkdtemp(prefix="mallbridge-bench-"))
    folder.chmod(0o755)
    postgres, valkey = embedded.Postgres(folder / "db", embedded.free_port(), durable=False), embedded.Valkey(embedded.free_port())
    postgres.start()
    valkey.start()
    try:
        postgres.make_roles()
        postgres.make_database("bench")
        embedded.migrate(postgres.url("bench", embedded.OWNER), postgres.url("bench"))
        yield postgres, valkey, folder
    finally:
        valkey.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def fill(postgres: embedded.Postgres, members: int) -> float:
    """A mall of so many members, an administrator; returns the seconds it took."""
    began = time.perf_counter()
    with psycopg.connect(postgres.url("bench", "postgres"), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica; SET maintenance_work_mem = '256MB'; SET work_mem = '128MB'")
        connection.execute("INSERT INTO malls (code, name) VALUES ('bench', '测量天地')")
        connection.execute("SELECT set_config('mallbridge.mall_id', '1', false)")
        values: dict[str, Any] = {"members": members, "family": FAMILY, "given": GIVEN, "latin": list(LATIN)}
        for statement in FILL:
            connection.execute(statement, values)  # type: ignore[arg-type]
        connection.execute(
            "INSERT INTO staff_accounts (state, moved_at, role, name, login, password_hash, made_at) "
            "VALUES ('active', now(), 'administrator', 'bench', 'bench', '-', now())"
        )
        for table in ("members", "member_name_keys"):
            connection.execute(f"VACUUM ANALYZE {table}")
    return time.perf_counter() - began


def give_phones(postgres: embedded.Postgres, members: int) -> list[tuple[int, str]]:
    """Some members get phones that are really sealed and findable."""
    known = [(number, f"+86139{number:08}") for number in random.Random(7).sample(range(1, members + 1), KNOWN)]
    with psycopg.connect(postgres.url("bench", "postgres")) as connection:
        connection.execute("SELECT set_config('mallbridge.mall_id', '1', false)")
        with connection.cursor() as cursor:
            cursor.executemany(
                "UPDATE members SET phone_key = %s, phone_sealed = %s WHERE id = %s",
                [(phones.key(phone), sealed.seal(phone), number) for number, phone in known],
            )
        # Whoever comes up on a page is unsealed to be masked, so everybody's must be sealed.
        connection.execute("UPDATE members SET phone_sealed = %s WHERE phone_sealed = '\\x00'", [sealed.seal("+8613800000000")])
    with psycopg.connect(postgres.url("bench", "postgres"), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE members")
    return known


def kinds(known: list[tuple[int, str]], members: int) -> dict[str, Callable[[random.Random], dict[str, Any]]]:
    """What is searched for, kind by kind."""
    return {
        "phone": lambda chance: {"phone": chance.choice(known)[1]},
        "phone_unknown": lambda chance: {"phone": f"+86137{chance.randrange(10**8):08}"},
        "card": lambda chance: {"number": chance.randrange(1, members + 1)},
        "name_prefix": lambda chance: {"name": chance.choice(FAMILY) + chance.choice(GIVEN)},
        "name_contains": lambda chance: {"name": chance.choice(GIVEN) + chance.choice(GIVEN)},
        "name_one_character": lambda chance: {"name": chance.choice(FAMILY + GIVEN)},
        "name_latin": lambda chance: {"name": chance.choice(LATIN)[: chance.randrange(1, 5)]},
        "name_unknown": lambda chance: {"name": "鑫" + chance.choice(GIVEN) + "犇"},
        "box": lambda chance: {"q": chance.choice([chance.choice(known)[1], str(chance.randrange(1, members)), chance.choice(GIVEN) * 2])},
    }


def measure(client: Any, headers: dict[str, str], made: Callable[[random.Random], dict[str, Any]]) -> dict[str, Any]:
    """Milliseconds of so many searches, and of a second page where there is one."""
    chance, first, later, count = random.Random(11), [], [], 0
    for _ in range(EACH):
        query = made(chance)
        took, answer = _timed(client, headers, query)
        first.append(took)
        count += len(answer["items"])
        if answer["next_cursor"]:
            later.append(_timed(client, headers, query | {"cursor": answer["next_cursor"]})[0])
    figures = {"p50_ms": _at(first, 50), "p95_ms": _at(first, 95), "found": count}
    return figures | ({"later_page_p95_ms": _at(later, 95)} if len(later) > 1 else {})


def _timed(client: Any, headers: dict[str, str], query: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    began = time.perf_counter()
    answer = client.get("/v1/office/members", query_string=query, headers=headers)
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, answer.json
    return took, answer.json


def _at(values: list[float], percent: int) -> float:
    return round(statistics.quantiles(values, n=100)[percent - 1], 1)


def plan(client: Any, headers: dict[str, str], query: dict[str, Any]) -> list[str]:
    """How PostgreSQL reads the tables of members for a search, as the app's own role behind the wall."""
    seen: list[str] = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "member" in statement and statement.lstrip().upper().startswith("SELECT"):
            rows = cursor.connection.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters).fetchone()
            seen.extend(_scans(rows[0][0]["Plan"]))

    event.listen(db.engine(), "before_cursor_execute", explain)
    try:
        client.get("/v1/office/members", query_string=query, headers=headers)
    finally:
        event.remove(db.engine(), "before_cursor_execute", explain)
    return sorted(set(seen))


def _scans(node: dict[str, Any]) -> Iterator[str]:
    if "Relation Name" in node:
        yield f"{node['Node Type']} {node['Relation Name']} {node.get('Index Name', '')}".strip()
    for child in node.get("Plans", []):
        yield from _scans(child)


def run(members: int) -> dict[str, Any]:
    """Fill, search, tell."""
    with server() as (postgres, valkey, folder):
        settings = Settings(
            database_url=postgres.url("bench"), owner_url=postgres.url("bench", embedded.OWNER), redis_url=valkey.url(), files=folder,
            log_level="ERROR",
        )  # fmt: skip
        app = create_app(settings)
        seconds = fill(postgres, members)
        known = give_phones(postgres, members)
        limits.spend = lambda *_args, **_more: None  # type: ignore[assignment]
        client = app.test_client()
        headers = {"Authorization": f"Bearer {identity.access_token('staff', 1, 1, session_id='bench')}"}
        searched = kinds(known, members)
        results = {kind: measure(client, headers, made) for kind, made in searched.items()}
        plans = {kind: plan(client, headers, made(random.Random(3))) for kind, made in searched.items()}
    worst = max(figures["p95_ms"] for figures in results.values())
    return {
        "bench": "member_search", "members": members, "fill_seconds": round(seconds, 1), "searches": results, "plans": plans,
        "worst_p95_ms": worst, "target_ms": TARGET_MS, "met": worst <= TARGET_MS,
        "no_sequential_scan": not any("Seq Scan member" in line for lines in plans.values() for line in lines),
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help=f"{FEW} members instead of {MEMBERS}")
    print(json.dumps(run(FEW if parser.parse_args().small else MEMBERS), ensure_ascii=False))
