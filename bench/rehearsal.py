"""One rule played over 200,000 real sales before it is approved: how long, how much memory, and that the books stay as they are.

`python -m bench.rehearsal [--small]` prints JSON. The mall has 60,000 members, 300 shops, levels, and six rules with a cap a day and a
budget a month. A quarter of the sales, and all of them, are rehearsed by a process of its own each: memory is flat when both need the
same. The baseline is a sale at a time, read as awarding reads it (sale, shop, member's level, rules in force), in the same run.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import select

from api.kit import db
from api.kit.db import session
from api.malls import service as malls
from api.members import service as members
from api.points import reckoning
from api.points.models import Award
from api.points.policy import PointsRules
from api.points.service import awards, caps, rehearsals, rules
from api.points.service.rehearsals import Replay
from api.sales import service as sales
from api.settings import Settings
from deploy import embedded

SALES, MEMBERS, SHOPS, DAYS, SAMPLE = 200_000, 60_000, 300, 31, 1_000
BEGINS = date(2026, 3, 1)
DRAFT = {
    "code": "weekend", "kind": "multiplier", "title_zh": "周末三倍", "title_en": "Weekend ×3", "factor_bp": 30_000,
    "conditions": {"weekdays": [6, 7], "min_fen": 5_000}, "shop_share_bp": 5_000,
}  # fmt: skip

#: What each sale earned is written by the database by the same rules (base, shop's rate, level, weekend, bonus); caps were never reached.
FILL = (
    """INSERT INTO sites (code, name) VALUES ('a', 'A')""",
    """INSERT INTO floors (site_id, label) SELECT id, 'L1' FROM sites""",
    """INSERT INTO shops (code, site_id, floor_id, unit, name, category, points_rate_bp)
       SELECT 's' || n, f.site_id, f.id, 'L1-' || n, '店 ' || n, (ARRAY['餐饮', '服饰', '超市', '数码'])[1 + n %% 4],
         CASE WHEN n %% 10 = 0 THEN 5000 ELSE 10000 END FROM floors f, generate_series(1, %(shops)s::int) n""",
    """INSERT INTO levels (rank, name, name_en, reach_growth, keep_growth, multiplier_bp)
       VALUES (1, '银卡', 'Silver', 1, 1, 11000), (2, '金卡', 'Gold', 2, 2, 12500)""",
    """INSERT INTO members (state, moves, moved_at, joined_at, source, level_rank, nickname)
       SELECT 'active', 0, now(), now(), 'bench', n %% 3, '会员' || n FROM generate_series(1, %(members)s::int) n""",
    """INSERT INTO points_rules (state, moves, moved_at, code, version, kind, title_zh, title_en, conditions, starts_at, points, per_fen,
         factor_bp, max_points, period, per, proposed_by, decided_by, why, sentence)
       SELECT 'approved', 0, now(), code, 1, kind, code, code, conditions::jsonb, '2020-01-01', points, per_fen, factor_bp, max_points,
         period, per, 'staff:1', 'staff:2', 'bench', '{"zh": "", "en": ""}'
       FROM (VALUES
         ('standard', 'base', '{}', 1, 100, NULL::bigint, NULL::bigint, NULL, NULL),
         ('weekend', 'multiplier', '{"weekdays": [6, 7]}', NULL, NULL, 20000, NULL, NULL, NULL),
         ('large', 'bonus', '{"min_fen": 50000}', 50, NULL, NULL, NULL, NULL, NULL),
         ('tobacco', 'exclusion', '{"categories": ["烟草"]}', NULL, NULL, NULL, NULL, NULL, NULL),
         ('a-day', 'cap', '{}', NULL, NULL, NULL, 1000000, 'day', 'member'),
         ('budget', 'cap', '{}', NULL, NULL, NULL, 1000000000000, 'month', 'mall')
       ) v (code, kind, conditions, points, per_fen, factor_bp, max_points, period, per)""",
    """INSERT INTO sales (shop_id, member_id, channel, paid_at, paid_on, minute_known, paid_fen, tenders, recorded_at, scored_by, scored_at)
       SELECT 1 + (random() * (%(shops)s - 1))::int, 1 + floor(power(random(), 2) * %(members)s)::int, 'receipt', at,
         (at AT TIME ZONE 'Asia/Shanghai')::date, true, (100 + 60000 * power(random(), 3))::bigint, '[]', at, n, at
       FROM (SELECT n, timestamptz '2026-03-01 00:00+08' + (n - 0.5) * interval '1 day' * %(days)s / %(sales)s AS at
         FROM generate_series(1, %(sales)s::int) n) told""",
    """INSERT INTO points_awards (state, moves, moved_at, sale_id, member_id, shop_id, points, growth, base_fen, paid_fen, parts, caps,
         explanation, facts, paid_at, earned_at, active_from_at)
       SELECT 'active', 0, s.paid_at, s.id, s.member_id, s.shop_id, p.points, s.paid_fen / 100, s.paid_fen, s.paid_fen,
         jsonb_build_array(jsonb_build_object('code', 'standard', 'version', 1, 'rule_id', 1, 'kind', 'base', 'title', '{}'::jsonb,
           'rate', '1', 'points', p.points, 'shop_points', 0)), '[]', '{}',
         jsonb_build_object('base_fen', s.paid_fen, 'paid_fen', s.paid_fen, 'minute_known', true, 'channel', 'receipt',
           'shop_id', s.shop_id, 'site_id', shop.site_id, 'category', shop.category,
           'shop_rate_bp', shop.points_rate_bp, 'shop_excluded', false,
           'level', m.level_rank, 'level_bp', l.bp,
           'paid_at', to_char(s.paid_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD"T"HH24:MI:SS+08:00'),
           'refunded_fen', 0, 'by', 'bench', 'capped', false),
         s.paid_at, s.paid_at + interval '1 hour', s.paid_at + interval '1 hour'
       FROM sales s JOIN shops shop ON shop.id = s.shop_id JOIN members m ON m.id = s.member_id
       CROSS JOIN LATERAL (SELECT (ARRAY[10000, 11000, 12500])[1 + m.level_rank] AS bp,
         CASE WHEN extract(isodow FROM s.paid_on) >= 6 THEN 20000 ELSE 10000 END AS weekend) l
       CROSS JOIN LATERAL (SELECT s.paid_fen * shop.points_rate_bp * l.bp * l.weekend / 100000000000000
         + CASE WHEN s.paid_fen >= 50000 THEN 50 ELSE 0 END AS points) p
       ORDER BY s.id""",
)


@contextmanager
def mall_of(count: int) -> Iterator[tuple[str, int]]:
    """A server with one mall of so many sales: its address and the mall."""
    folder = Path(tempfile.mkdtemp(prefix="mallbridge-bench-"))
    folder.chmod(0o755)
    postgres = embedded.Postgres(folder / "db", embedded.free_port(), durable=False)
    postgres.start()
    try:
        postgres.make_roles()
        postgres.make_database("bench")
        embedded.migrate(postgres.url("bench", embedded.OWNER), postgres.url("bench"))
        with psycopg.connect(postgres.url("bench", "postgres"), autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute("INSERT INTO malls (code, name) VALUES ('bench', 'bench')")
            connection.execute("SELECT set_config('mallbridge.mall_id', '1', false), setseed(0.42)")
            for statement in FILL:
                connection.execute(statement, {"sales": count, "members": MEMBERS, "shops": SHOPS, "days": DAYS})
            connection.execute("VACUUM ANALYZE")
        yield postgres.url("bench"), 1
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


def rehearse(url: str, mall: int, days: int) -> dict[str, Any]:
    """One rehearsal over so many days as the worker does it: seconds, sales, and how far it raised the process's memory (MB)."""
    _connect(url)
    last = BEGINS + timedelta(days=days - 1)
    with db.unit_of_work(mall):
        asked = rehearsals.request(by="staff:1", rule=dict(DRAFT), first_on=BEGINS, last_on=last).id
        before = _books()
    resting, began, worked = _peak_mb(), time.perf_counter(), time.process_time()
    rehearsals.run(mall_id=mall, rehearsal_id=asked)
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    with db.unit_of_work(mall):
        rehearsal = rehearsals.read(asked)
        assert rehearsal.result is not None
        figures = {name: rehearsal.result[name] for name in ("points", "members", "sales_changed")}
        unchanged = _books() == before
    took = {"seconds": round(seconds, 2), "cpu_seconds": round(cpu, 2), "memory_mb": round(_peak_mb() - resting, 1)}
    return {"sales": rehearsal.done} | took | {"books_unchanged": unchanged} | figures


def reproduce(url: str, mall: int, days: int) -> dict[str, Any]:
    """The rules in force, played again: whether they give what was awarded, to the point."""
    _connect(url)
    with db.unit_of_work(mall):
        replay = Replay(BEGINS, BEGINS + timedelta(days=days - 1))
        for part in replay.slices:
            replay.take(part)
    whole = replay.outcome.whole
    return {"sales": whole.sales, "sales_that_differ": whole.changed, "points": whole.before}


def one_at_a_time(url: str, mall: int, sample: int) -> dict[str, Any]:
    """A sale at a time, as awarding reads it, for a sample."""
    _connect(url)
    with db.unit_of_work(mall):
        ids = list(session.scalars(select(Award.sale_id).order_by(Award.id).limit(sample)))
    counter, began = caps.InMemory(), time.perf_counter()
    for sale_id in ids:
        with db.unit_of_work(mall):
            sale = sales.read(sale_id)
            facts, in_force = awards.facts_of(sale, members.earner(sale.member_id or 0)), rules.in_force(sale.paid_at)
            reckoned = reckoning.reckon(facts, in_force, rounding=malls.policy(PointsRules).points_rounding)
            caps.apply(reckoned, in_force, facts, sale.member_id or 0, counter)
    return {"sales": len(ids), "seconds": round(time.perf_counter() - began, 2)}


def _connect(url: str) -> None:
    from api.app import configure

    configure(Settings(database_url=url, owner_url=url, redis_url="redis://127.0.0.1:1", log_level="ERROR"))


def _books() -> tuple[Any, ...]:
    tables = ("points_awards", "points_batches", "points_cap_uses", "ledger_entries", "ledger_transfers", "points_rules")
    sums = ", ".join(f"(SELECT coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM {name} t)" for name in tables)
    return tuple(session.connection().exec_driver_sql(f"SELECT {sums}").one())


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def alone(work: Any, *arguments: Any) -> Any:
    """Run in a fresh process, so that its peak of memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def measure(count: int, sample: int) -> dict[str, object]:
    """Everything in turn, on one server."""
    with mall_of(count) as (url, mall):
        quarter = alone(rehearse, url, mall, DAYS // 4)
        whole = alone(rehearse, url, mall, DAYS)
        again = alone(reproduce, url, mall, DAYS)
        single = alone(one_at_a_time, url, mall, sample)
    return {
        "bench": "rehearsal",
        "rehearsal": whole,
        "a_quarter_of_it": quarter,
        "rules_in_force_played_again": again,
        "one_at_a_time": single | {"seconds_for_all": round(single["seconds"] * count / single["sales"], 1)},
        "targets": {"seconds": 10, "sales_that_differ": 0, "books_unchanged": True},
    }


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="few sales: does it run at all")
    small = parser.parse_args().small
    print(json.dumps(measure(5_000 if small else SALES, 50 if small else SAMPLE), ensure_ascii=False))


if __name__ == "__main__":
    main()
