"""A member's points page in a mall of 1,000,000 members and 5,000,000 ledger entries against one of 10,000 members.

`python -m bench.points_page [--small]` prints JSON: the time of the page (summary, and summary with history) in both malls, the
ratio, and the statements one page takes. Each mall has a database of its own on one server that this command starts and ends.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event

from api.app import create_app
from api.kit import db, identity
from api.settings import Settings
from deploy import embedded

SMALL, LARGE = 10_000, 1_000_000
ENTRIES_A_MEMBER = 5  # the member's side of some transfers and the bearer's side of others
PAGES, ROUNDS = 60, 12
PATHS = {"summary": "/v1/points", "history": "/v1/points/history"}

#: Members with an account each, five entries a member, and two batches. Transfers have two sides, as they really do.
FILL = (
    """INSERT INTO members (state, moves, moved_at, joined_at, source)
       SELECT 'active', 0, now(), now(), 'bench' FROM generate_series(1, %(members)s::int)""",
    """INSERT INTO ledger_accounts (owner_kind, owner_id, asset, balance)
       SELECT 'bearer', 0, 'points', NULL UNION ALL SELECT 'member', n, 'points', 0 FROM generate_series(1, %(members)s::int) n""",
    """INSERT INTO ledger_transfers (cause_type, cause_id, digest, posted_at)
       SELECT 'bench', n::text, '', now() - n * interval '1 second' FROM generate_series(1, %(members)s::int * 5 / 2) n""",
    """INSERT INTO ledger_entries (transfer_id, account_id, amount, balance_after, posted_at)
       SELECT t.id, a.id, 10, 10 * (1 + (t.id - 1) / %(members)s::int), t.posted_at FROM ledger_transfers t
       JOIN ledger_accounts a ON a.owner_kind = 'member' AND a.owner_id = 1 + (t.id - 1) %% %(members)s::int ORDER BY t.id""",
    """INSERT INTO ledger_entries (transfer_id, account_id, amount, posted_at)
       SELECT t.id, a.id, -10, t.posted_at FROM ledger_transfers t JOIN ledger_accounts a ON a.owner_kind = 'bearer'""",
    """INSERT INTO points_batches (member_id, origin_type, origin_id, points, left_points, earned_at, expires_at)
       SELECT 1 + (n - 1) %% %(members)s::int, 'bench', n, 10, 10, now(), date_trunc('month', now()) + (1 + n %% 11) * interval '1 month'
       FROM generate_series(1, %(members)s::int * 2) n""",
    """UPDATE ledger_accounts a SET balance = s.total FROM
       (SELECT account_id, sum(amount) AS total FROM ledger_entries GROUP BY account_id) s
       WHERE s.account_id = a.id AND a.owner_kind = 'member'""",
)


@contextmanager
def servers() -> Iterator[tuple[embedded.Postgres, embedded.Valkey, Path]]:
    """A server that need not survive a crash, because filling it is not what is measured."""
    folder = Path(tempfile.mkdtemp(prefix="mallbridge-bench-"))
    folder.chmod(0o755)
    postgres, valkey = embedded.Postgres(folder / "db", embedded.free_port(), durable=False), embedded.Valkey(embedded.free_port())
    postgres.start()
    valkey.start()
    try:
        postgres.make_roles()
        yield postgres, valkey, folder
    finally:
        valkey.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def fill(postgres: embedded.Postgres, name: str, members: int) -> float:
    """Make a mall of so many members in a database of its own; returns the seconds it took."""
    began = time.perf_counter()
    postgres.make_database(name)
    embedded.migrate(postgres.url(name, embedded.OWNER), postgres.url(name))
    with psycopg.connect(postgres.url(name, "postgres"), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '256MB'; SET work_mem = '128MB'")
        connection.execute("INSERT INTO malls (code, name) VALUES ('bench', 'bench')")
        connection.execute("SELECT set_config('mallbridge.mall_id', '1', false)")
        for statement in FILL:
            connection.execute(statement, {"members": members})
        connection.execute("VACUUM ANALYZE")
    return time.perf_counter() - began


def pages(client: Any, members: int, count: int) -> dict[str, list[float]]:
    """Milliseconds of so many pages, each of another member."""
    took: dict[str, list[float]] = {name: [] for name in PATHS}
    for _ in range(count):
        token = identity.access_token("member", random.randint(1, members), 1, session_id="bench")
        for name, path in PATHS.items():
            began = time.perf_counter()
            answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
            took[name].append((time.perf_counter() - began) * 1000)
            if answer.status_code != 200 or (name == "summary" and answer.json["balance"] < 20):
                raise SystemExit(f"{path} answered {answer.status_code}: {answer.json}")
    return took


def statements(client: Any) -> int:
    """How many statements one summary takes, entering the mall included."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    pages_once = identity.access_token("member", 1, 1, session_id="bench")
    client.get(PATHS["summary"], headers={"Authorization": f"Bearer {pages_once}"})
    event.remove(db.engine(), "before_cursor_execute", note)
    return len(seen)


def measure(large: int, rounds: int) -> dict[str, object]:
    """Pages of both malls in turn, so that a slow moment of the machine meets both; the medians."""
    sizes = {"small": SMALL, "large": large}
    took: dict[str, dict[str, list[float]]] = {size: {name: [] for name in PATHS} for size in sizes}
    with servers() as (postgres, valkey, folder):
        filled = {size: round(fill(postgres, size, members), 1) for size, members in sizes.items()}
        settings = Settings(
            database_url=postgres.url("small"), owner_url=postgres.url("small", embedded.OWNER), redis_url=valkey.url(0),
            files=folder / "files", log_level="ERROR",
        )  # fmt: skip
        client = create_app(settings).test_client()
        for number in range(rounds + 1):
            for size, members in sorted(sizes.items(), reverse=bool(number % 2)):
                db.connect(postgres.url(size), pool_size=1)
                pages(client, members, 10)
                for name, times in pages(client, members, PAGES).items():
                    took[size][name] += times if number else []  # the first round warms both up
        counted = statements(client)
        db.engine().dispose()
    median = {size: {name: statistics.median(times) for name, times in both.items()} for size, both in took.items()}
    page = {size: sum(both.values()) for size, both in median.items()}
    return {
        "bench": "points_page",
        "members": sizes,
        "entries": {size: members * ENTRIES_A_MEMBER for size, members in sizes.items()},
        "filled_in_seconds": filled,
        "median_ms": {size: {name: round(value, 2) for name, value in both.items()} for size, both in median.items()},
        "large_over_small": {name: round(median["large"][name] / median["small"][name], 3) for name in PATHS},
        "large_over_small_whole_page": round(page["large"] / page["small"], 3),
        "statements": counted,
        "targets": {"large_over_small": 1.3, "statements": 6},
    }


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="a large mall of only 20,000 members: does it run at all")
    small = parser.parse_args().small
    print(json.dumps(measure(20_000 if small else LARGE, 1 if small else ROUNDS), ensure_ascii=False))


if __name__ == "__main__":
    main()
