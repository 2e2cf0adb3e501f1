"""The nightly proofs (the ledger's, and the balance report of all cards) over 5,000,000 entries: seconds, and memory that stays flat.

`python -m bench.proof [--small]` prints JSON. Each runs as its command does, in a process of its own, when the mall has a tenth of
the entries and when it has all; peak memory is that of the process and what its connections hold in the server besides the shared
cache. The baseline is one bare pass over the same entries in the same server.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

from api.app import wsgi
from api.kit import db
from api.ledger import service as ledger
from bench.figures import load
from bench.stage import ROOT, Stage, stage

ENTRIES, SMALL = 5_000_000, 90_000
ENTRIES_A_MEMBER = 18

#: A mall, its kind of card, and the accounts of those who stand against members and cards.
BEGIN = (
    "INSERT INTO malls (code, name) VALUES ('bench', 'bench')",
    "SELECT set_config('mallbridge.mall_id', '1', false)",
    """INSERT INTO card_products (code, title_zh, title_en, form, named, limit_fen, invoice, made_by, made_at)
       VALUES ('member', '卡', 'Card', 'electronic', true, 500000, 'at_use', 'bench', now())""",
    """INSERT INTO ledger_accounts (owner_kind, owner_id, asset, balance)
       SELECT kind, id, asset, NULL::bigint FROM (VALUES ('gateway', 1, 'cash_fen'), ('mall', 1, 'cash_fen'), ('mall', 1, 'principal_fen'),
         ('bearer', 0, 'bonus_fen'), ('bearer', 0, 'cash_fen'), ('bearer', 0, 'points'), ('bearer', 0, 'growth')) v(kind, id, asset)
       UNION ALL SELECT 'shop', n, 'cash_fen', NULL FROM generate_series(1, 40) n""",
)

#: Member n has an electronic card n. On one day of the last year: a recharge of ¥1,000 with ¥100 (six entries), and a purchase of ¥66
#: by card and ¥22 by the gateway: its hold (four), its settlement (four), its points and growth (four).
FILL = (
    """INSERT INTO members (state, moves, moved_at, joined_at, source)
       SELECT 'active', 0, now(), now(), 'bench' FROM generate_series(%(first)s::int, %(last)s::int)""",
    """INSERT INTO cards (state, moves, moved_at, number, product_id, member_id, made_at, bound_at)
       SELECT 'active', 0, now(), lpad(n::text, 16, '0'), 1, n, now(), now() FROM generate_series(%(first)s::int, %(last)s::int) n""",
    """INSERT INTO bonus_grants (card_id, origin_type, origin_id, bearer_id, granted_fen, left_fen)
       SELECT n, 'recharge', n, 0, 10000, 9400 FROM generate_series(%(first)s::int, %(last)s::int) n""",
    """INSERT INTO card_draws (cause_type, cause_id, card_id, member_id, shop_id, principal_fen, bonus_fen, drawn_at)
       SELECT 'order_hold', n || ':1', n, n, 1 + n %% 40, 6000, 600, now() - n %% 365 * interval '1 day'
       FROM generate_series(%(first)s::int, %(last)s::int) n""",
    """INSERT INTO ledger_accounts (owner_kind, owner_id, asset, balance)
       SELECT kind, n, asset, held FROM generate_series(%(first)s::int, %(last)s::int) n, (VALUES ('member', 'points', 88),
         ('member', 'growth', 88), ('card', 'principal_fen', 94000), ('card', 'bonus_fen', 9400)) v(kind, asset, held)""",
    """INSERT INTO ledger_transfers (id, cause_type, cause_id, digest, posted_at) OVERRIDING SYSTEM VALUE
       SELECT n * 4 + i, cause, n || ':1', '', now() - n %% 365 * interval '1 day' FROM generate_series(%(first)s::int, %(last)s::int) n,
         (VALUES (0, 'recharge'), (1, 'order_hold'), (2, 'order_settle'), (3, 'sale')) v(i, cause)""",
    """WITH lines (i, kind, owner_id, asset, amount) AS (VALUES
         (0, 'gateway', 1, 'cash_fen', -100000), (0, 'mall', 1, 'cash_fen', 100000), (0, 'card', NULL, 'principal_fen', 100000),
         (0, 'mall', 1, 'principal_fen', -100000), (0, 'card', NULL, 'bonus_fen', 10000), (0, 'bearer', 0, 'bonus_fen', -10000),
         (1, 'card', NULL, 'principal_fen', -6000), (1, 'mall', 1, 'principal_fen', 6000), (1, 'card', NULL, 'bonus_fen', -600),
         (1, 'bearer', 0, 'bonus_fen', 600),
         (2, 'gateway', 1, 'cash_fen', -2200), (2, 'mall', 1, 'cash_fen', -6000), (2, 'bearer', 0, 'cash_fen', -600),
         (2, 'shop', NULL, 'cash_fen', 8800),
         (3, 'member', NULL, 'points', 88), (3, 'bearer', 0, 'points', -88), (3, 'member', NULL, 'growth', 88),
         (3, 'bearer', 0, 'growth', -88))
       INSERT INTO ledger_entries (transfer_id, account_id, amount, posted_at)
       SELECT n * 4 + i, a.id, l.amount, now() - n %% 365 * interval '1 day'
       FROM generate_series(%(first)s::int, %(last)s::int) n CROSS JOIN lines l
       JOIN ledger_accounts a ON a.owner_kind = l.kind AND a.asset = l.asset
         AND a.owner_id = coalesce(l.owner_id, CASE l.kind WHEN 'shop' THEN 1 + n %% 40 ELSE n END)""",
)


_INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'ledger_entries' AND indexname LIKE 'ix\\_%'"


def fill(place: Stage, members: range) -> None:
    """So many further members, each with a card, a recharge and a purchase; and what the nights before have done: a roll-up."""
    with psycopg.connect(place.postgres.url("bench", "postgres"), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica; SET maintenance_work_mem = '256MB'; SET work_mem = '128MB'")
        for statement in BEGIN if members.start == 1 else BEGIN[1:2]:
            connection.execute(statement)
        later = connection.execute(_INDEXES).fetchall()  # built at once, which takes a fraction of the time
        for name, _ in later:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        for statement in FILL:
            connection.execute(statement, {"first": members.start, "last": members.stop - 1})
        for _, made_by in later:
            connection.execute(made_by)
        connection.execute("VACUUM ANALYZE")
    with db.unit_of_work(1):
        ledger.roll_up()


@dataclass(frozen=True)
class Run:
    """What one command took. Memory in MiB: of its process, and of its connections in the server."""

    seconds: float
    process_mb: int
    server_mb: int
    output: str


def run(place: Stage, *command: str) -> Run:
    """Run a command of the app in a process of its own, watching it. The seconds are those after the app has started."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.proof", "--command", *command], cwd=ROOT, env=place.env, stdout=subprocess.PIPE, text=True
    )
    over, held = threading.Event(), [0]
    watcher = threading.Thread(target=_watch, args=(place, over, held), daemon=True)
    watcher.start()
    assert process.stdout is not None
    output = process.stdout.read()
    process.wait()
    over.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {output[-2000:]}")
    report = json.loads(output)
    return Run(report["seconds"], report["process_kb"] // 1024, held[0] // 1024, report["output"])


def run_here(command: list[str]) -> None:
    """The command itself, in this process; prints what it said and how long it took."""
    runner = wsgi().test_cli_runner()
    began = time.perf_counter()
    done = runner.invoke(args=command)
    report = {"seconds": time.perf_counter() - began, "process_kb": _memory("self", "VmHWM"), "output": done.output}
    print(json.dumps(report, ensure_ascii=False))
    if done.exit_code:
        raise SystemExit(done.exit_code)


def _watch(place: Stage, over: threading.Event, held: list[int]) -> None:
    """The most that the app's connections, with those that work for them, ever hold together of their own: KiB."""
    connections = "SELECT pid FROM pg_stat_activity a WHERE usename = 'mallbridge_app'"
    with psycopg.connect(place.postgres.url("bench", "postgres"), autocommit=True) as connection:
        while not over.wait(0.05):
            held[0] = max(held[0], sum(_memory(pid, "RssAnon") for (pid,) in connection.execute(connections)))


def _memory(pid: int | str, what: str) -> int:
    """A line of a process's status, in KiB; 0 when it is over."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1])
    return 0


def bare_pass(place: Stage) -> float:
    """Seconds of one plain scan over every entry."""
    with psycopg.connect(place.postgres.url("bench", "postgres")) as connection:
        began = time.perf_counter()
        connection.execute("SELECT max(total) FROM (SELECT sum(amount) AS total FROM ledger_entries GROUP BY account_id) s").fetchall()
        return time.perf_counter() - began


def prove(place: Stage, cards: int) -> dict[str, Run]:
    """The two proofs: the ledger's, and that of the cards that moved yesterday."""
    day = (datetime.now(ZoneInfo("Asia/Shanghai")) - timedelta(days=1)).date().isoformat()
    runs = {"ledger_prove": run(place, "ledger", "prove"), "balance_report": run(place, "wallet", "balance-report", day)}
    report = json.loads(runs["balance_report"].output)
    if not report["agrees"] or report["cards"] < cards // 365:
        raise SystemExit(f"the report does not see the cards: {report}")
    return runs


def measure(entries: int) -> dict[str, object]:
    """A tenth of the entries, then all of them."""
    busy, cards = load(), entries // ENTRIES_A_MEMBER
    with stage(durable=False) as place:
        db.connect(place.postgres.url("bench"), pool_size=1)
        fill(place, range(1, cards // 10 + 1))
        tenth = prove(place, cards // 10)
        fill(place, range(cards // 10 + 1, cards + 1))
        bare, whole = bare_pass(place), prove(place, cards)
        db.engine().dispose()
    seconds = {name: of.seconds for name, of in whole.items()}
    memory = {name: (of.process_mb + of.server_mb, tenth[name].process_mb + tenth[name].server_mb) for name, of in whole.items()}
    return {
        "bench": "proof",
        "load_average": busy,
        "entries": cards * ENTRIES_A_MEMBER,
        "cards": cards,
        "bare_pass_seconds": round(bare, 2),
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "seconds_both": round(sum(seconds.values()), 1),
        "over_bare_pass": {name: round(value / bare, 1) for name, value in seconds.items()},
        "process_mb": {name: of.process_mb for name, of in whole.items()},
        "server_mb": {name: of.server_mb for name, of in whole.items()},
        "memory_over_that_of_a_tenth": {name: round(all_of_it / a_tenth, 2) for name, (all_of_it, a_tenth) in memory.items()},
        "targets": {"seconds_both": 60, "memory_over_that_of_a_tenth": 1.5},
    }


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="90,000 entries: does it run at all")
    parser.add_argument("--command", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.command:
        run_here(asked.command)
        return
    small = asked.small
    print(json.dumps(measure(SMALL if small else ENTRIES), ensure_ascii=False))


if __name__ == "__main__":
    main()
