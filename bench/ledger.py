"""The app's ledger post against the same SQL run by pgbench, and posts that all touch the mall's one account against spread ones.

`python -m bench.ledger [--small]` prints JSON. Everything runs on one server that this command starts and ends, with the same
number of clients, each post a transaction of its own inside a mall, behind row-level security.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import random
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from api.kit import db
from api.ledger import queries
from api.ledger import service as ledger
from api.ledger.service import Asset, Entry, Owner
from deploy import embedded

CLIENTS, SECONDS, ROUNDS, MEMBERS, SHOPS = 4, 4, 9, 10_000, 1_000

#: What pgbench puts in place of the statement's parameters.
PGBENCH = {
    "kinds": "ARRAY['bearer', 'member']",
    "ids": "ARRAY[:bearer, :member]",
    "assets": "ARRAY['points', 'points']",
    "amounts": "ARRAY[-5, 5]",
    "overdrafts": "ARRAY[false, false]",
    "cause_type": "'pgbench'",
    "cause_id": "(:cause)::text",
    "undoes": "NULL",
    "note": "NULL",
    "digest": "'0123456789abcdef0123456789abcdef'",
    "at": "now()",
}


@contextmanager
def server() -> Iterator[embedded.Postgres]:
    """A migrated server that keeps what it commits, as in production."""
    folder = Path(tempfile.mkdtemp(prefix="mallbridge-bench-"))
    folder.chmod(0o755)
    postgres = embedded.Postgres(folder / "db", embedded.free_port())
    postgres.start()
    try:
        postgres.make_roles()
        postgres.make_database("bench")
        embedded.migrate(postgres.url("bench", embedded.OWNER), postgres.url("bench"))
        yield postgres
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def make_mall(postgres: embedded.Postgres) -> int:
    """A mall, the accounts that the posts will touch and a first day of transfers, so that no run has the easier start.

    A connection keeps the plans that it made. Made on an empty table they read all of it, and cost more with each post.
    """
    with psycopg.connect(postgres.url("bench", embedded.OWNER)) as connection:
        row = connection.execute("INSERT INTO malls (code, name) VALUES ('bench', 'bench') RETURNING id").fetchone()
        assert row is not None
        connection.execute("SELECT set_config('mallbridge.mall_id', %s, true)", [str(row[0])])
        connection.execute(
            "INSERT INTO ledger_accounts (owner_kind, owner_id, asset, balance) "
            "SELECT 'member', n, 'points', 0 FROM generate_series(1, %s) n UNION ALL "
            "SELECT 'bearer', n, 'points', NULL FROM generate_series(0, %s) n",
            [MEMBERS, SHOPS],
        )
        connection.execute(
            "WITH moved AS (INSERT INTO ledger_transfers (cause_type, cause_id, digest, posted_at) "
            "SELECT 'opening', n::text, md5(n::text), now() FROM generate_series(1, %s) n RETURNING id, cause_id::bigint AS n), "
            "members AS (UPDATE ledger_accounts a SET balance = 100 FROM moved WHERE (owner_kind, owner_id) = ('member', n) "
            "RETURNING moved.id AS transfer_id, a.id AS account_id) "
            "INSERT INTO ledger_entries (transfer_id, account_id, amount, balance_after, posted_at) "
            "SELECT transfer_id, account_id, 100, 100, now() FROM members UNION ALL "
            "SELECT moved.id, a.id, -100, NULL, now() FROM moved JOIN ledger_accounts a ON (owner_kind, owner_id) = ('bearer', 0)",
            [MEMBERS],
        )
    with psycopg.connect(postgres.url("bench", embedded.OWNER), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return int(row[0])


def pgbench(postgres: embedded.Postgres, mall: int, seconds: int) -> float:
    """Posts a second by pgbench with prepared statements."""
    statement = re.sub(r"%\((\w+)\)s", lambda match: PGBENCH[match[1]], queries.POST).replace("\n", " ")
    script = Path(tempfile.mkdtemp(prefix="mallbridge-pgbench-")) / "post.sql"
    script.write_text(
        f"\\set member random(1, {MEMBERS})\n\\set bearer random(1, {SHOPS})\n\\set cause random(1, 9000000000000000)\n"
        f"BEGIN;\nSELECT set_config('mallbridge.mall_id', '{mall}', true);\n{statement};\nCOMMIT;\n"
    )
    command = [
        str(embedded.postgres_bin("pgbench")), "--no-vacuum", "--protocol=prepared", f"--client={CLIENTS}", f"--jobs={CLIENTS}",
        f"--time={seconds}", f"--file={script}", postgres.url("bench"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    shutil.rmtree(script.parent)
    match = re.search(r"tps = ([0-9.]+)", done.stdout)
    if match is None:
        raise SystemExit(f"pgbench failed: {done.stderr[-500:]}")
    return float(match[1])


class Clients:
    """So many processes of the app, each with one connection, that post when they are told to."""

    def __init__(self, url: str, mall: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.lines, far = zip(*(context.Pipe() for _ in range(CLIENTS)), strict=True)
        self.processes = [context.Process(target=_client, args=(number, url, mall, line)) for number, line in enumerate(far)]
        for process in self.processes:
            process.start()
        for line in self.lines:
            line.recv()

    def post(self, seconds: float, *, shops: int) -> float:
        """Posts a second by all of them together; `shops=0`: every post touches the mall's one account."""
        for line in self.lines:
            line.send((seconds, shops))
        return float(sum(line.recv() for line in self.lines))

    def stop(self) -> None:
        """End them."""
        for line in self.lines:
            line.send(None)
        for process in self.processes:
            process.join(30)


def _client(number: int, url: str, mall: int, line: Any) -> None:
    db.connect(url, pool_size=1)
    chance = random.Random(f"{number} {time.time()}")
    causes = itertools.count(chance.randrange(2**40) * 2**20)

    def run(seconds: float, shops: int) -> float:
        def post() -> int:
            member, bearer = Owner("member", chance.randint(1, MEMBERS)), Owner("bearer", chance.randint(1, shops) if shops else 0)
            return ledger.post("bench", next(causes), [Entry(member, Asset.POINTS, 5), Entry(bearer, Asset.POINTS, -5)])

        done, began = 0, time.perf_counter()
        while time.perf_counter() < began + seconds:
            db.in_mall(mall, post)
            done += 1
        return done / (time.perf_counter() - began)

    run(0.5, 1)
    line.send(0.0)
    while (order := line.recv()) is not None:
        line.send(run(*order))


def measure(seconds: int, rounds: int) -> dict[str, object]:
    """All three in turn, forwards and backwards, so that a slow moment of the machine meets each of them; medians of the rounds' ratios."""
    runs: dict[str, list[float]] = {"pgbench": [], "app_spread": [], "app_one_account": []}
    with server() as postgres:
        mall = make_mall(postgres)
        clients = Clients(postgres.url("bench"), mall)
        for number in range(rounds):
            turns = {
                "pgbench": lambda: pgbench(postgres, mall, seconds),
                "app_spread": lambda: clients.post(seconds, shops=SHOPS),
                "app_one_account": lambda: clients.post(seconds, shops=0),
            }
            for name in sorted(turns, reverse=bool(number % 2)):
                runs[name].append(turns[name]())
        clients.stop()
        db.connect(postgres.url("bench"), pool_size=1)
        with db.unit_of_work(mall):
            wrong = len(ledger.prove())
        db.engine().dispose()
    rate = {name: statistics.median(values) for name, values in runs.items()}
    return {
        "bench": "ledger",
        "clients": CLIENTS,
        "seconds_each": seconds,
        "posts_per_second": {name: round(value) for name, value in rate.items()},
        "app_over_pgbench": _ratio(runs["app_spread"], runs["pgbench"]),
        "one_account_over_spread": _ratio(runs["app_one_account"], runs["app_spread"]),
        "differences_found_by_the_proof": wrong,
        "targets": {"app_over_pgbench": 0.20, "one_account_over_spread": 0.70},
    }


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return round(statistics.median(our_rate / their_rate for our_rate, their_rate in zip(ours, theirs, strict=True)), 3)


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="one short round: does it run at all")
    small = parser.parse_args().small
    print(json.dumps(measure(1 if small else SECONDS, 1 if small else ROUNDS), ensure_ascii=False))


if __name__ == "__main__":
    main()
