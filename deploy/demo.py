"""The demo mall: 40 shops on 6 floors, staff, members, and a year of plausible history that the ledger's proof agrees with.

`python -m deploy.demo --members 2000` (what `make run` does on an empty database) or 1000000 for the benchmarks.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import psycopg
from sqlalchemy import select

from api.app import configure
from api.kit import clock, db, sealed
from api.kit.db import session
from api.malls import service as malls
from api.malls.models import Floor, Mall, Shop, Site
from api.members import service as members
from api.plates import service as plates
from api.points.service import rules
from api.settings import from_environment
from api.staff import service as staff
from deploy import demo_cards, embedded, history, paper, servers
from deploy.demo_shops import CODE, FLOORS, PASSWORD, SHOPS, STAFF

SALES_A_MEMBER = 10
#: Where a part of an amount may take no benefits.
EXCLUDES = ("超市", "便利店")

_FAMILY = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华玉兰"


def is_empty(url: str) -> bool:
    """Whether this database has no mall at all."""
    with psycopg.connect(db.libpq_url(url)) as connection:
        row = connection.execute("SELECT NOT EXISTS (SELECT FROM malls)").fetchone()
    return bool(row and row[0])


def fill(*, people: int, code: str = CODE, env: Mapping[str, str] | None = None, sales_a_member: int = SALES_A_MEMBER) -> bool:
    """Make the demo mall in the database of the environment; False, and nothing done, when there is a mall of that code."""
    os.environ.update(env or {})
    servers.refuse_production("the demo mall, whose passwords everybody can read")
    settings = from_environment()
    configure(settings)
    with db.unit_of_work():
        if session.scalar(select(Mall.id).where(Mall.code == code)) is not None:
            return False
        mall = Mall(code=code, name="云锦天地")
        session.add(mall)
        session.flush()
        db.enter(mall.id)
        _shops()
        _plates()
        _rules()
        _staff()
        _members(people, settings.wechat_appid)
        history.write(people * sales_a_member)
        demo_cards.write()
    _analyse(settings.owner_url)
    return True


def _shops() -> None:
    site = Site(code="A", name="A 座", address="锦绣大道 1 号")
    session.add(site)
    session.flush()
    floors = [Floor(site_id=site.id, label=label, position=position) for position, label in enumerate(FLOORS)]
    session.add_all(floors)
    session.flush()
    by_label = {floor.label: floor.id for floor in floors}
    for number, (floor, unit, name, category, rate_bp) in enumerate(SHOPS, 1):
        shop = Shop(
            code=f"T{number:03d}",
            site_id=site.id,
            floor_id=by_label[floor],
            unit=unit,
            name=name,
            legal_name=f"{name}（云锦）商贸有限公司",
            tax_number=f"91330100MA2DEM{number:04d}",
            category=category,
            invoice_url=f"https://invoice.example.com/T{number:03d}" if number % 3 != 1 else None,
            opening_hours="1-4 10:00-22:00; 5-7 10:00-22:30",
            starts_on=clock.today("Asia/Shanghai") - timedelta(days=900),
            ends_on=clock.today("Asia/Shanghai") + timedelta(days=900),
            points_rate_bp=rate_bp,
        )
        malls.refresh_search(shop)
        session.add(shop)
    session.flush()
    malls.invalidate_shops()


def _plates() -> None:
    """A code plate on every counter, and a picture of every shop."""
    shops = session.scalars(select(Shop).order_by(Shop.id)).all()
    batch = plates.issue(len(shops), note="开业", by="command")
    printed = plates.plates(batch_id=batch.id, limit=len(shops)).items
    for shop, plate in zip(shops, sorted(printed, key=lambda plate: plate.number), strict=True):
        plates.bind(plate.id, shop.id, by="command")
        if shop.category in EXCLUDES:
            terms = {"min_fen": None, "max_fen": None, "decimals": None, "excluded_allowed": True}
            plates.set_terms(shop.id, terms, by="command", why="香烟和礼品卡不参与优惠")
        malls.give_photo(shop.id, paper.storefront(shop.name, shop.unit, shade=shop.id), by="command")


def _rules() -> None:
    members.seed_levels()
    rules.add_first_rule(starts_at=clock.now() - timedelta(days=400))


def _staff() -> None:
    for login, name, role in STAFF:
        staff.seed_account(login=login, password=PASSWORD, name=name, role=role)


def _members(count: int, app_id: str) -> None:
    """Members with sealed phones, found by their hash, known to WeChat or not."""
    cursor = session.connection().connection.driver_connection.cursor()  # type: ignore[union-attr]
    cursor.execute(history.STAGED_MEMBERS)
    with cursor.copy("COPY staged_members FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int8", "text", "bytea", "text", "timestamptz", "text", "text"])
        for row in _people(count):
            copy.write_row(row)
    cursor.execute(history.MEMBERS, {"app_id": app_id})


def _people(count: int) -> Iterator[tuple[Any, ...]]:
    chance, now = random.Random(count), clock.now()
    for number in range(count):
        phone = f"+86199{number:08d}"
        source = chance.choices(("wechat", "alipay", "phone", "shop"), (70, 12, 8, 10))[0]
        joined = now - timedelta(days=chance.random() ** 2 * 900, seconds=chance.randrange(86_400))
        openid = f"demo-{secrets.token_hex(11)}"
        name = chance.choice(_FAMILY) + "".join(chance.choices(_GIVEN, k=chance.choice((1, 2))))
        yield number, name, sealed.seal(phone), sealed.find_key(phone), joined, source, openid


def _analyse(owner_url: str) -> None:
    with psycopg.connect(db.libpq_url(owner_url), autocommit=True) as connection:
        connection.execute("ANALYZE")


def main() -> int:
    """From the command line; without DATABASE_URL, in the embedded database of `make run` (which must not be running)."""
    asked = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    asked.add_argument("--members", type=int, default=2_000)
    asked.add_argument("--sales-a-member", type=int, default=SALES_A_MEMBER)
    asked.add_argument("--mall", default=CODE, help="the code of the mall to make")
    given = asked.parse_args()
    servers.refuse_production("the demo mall, whose passwords everybody can read")
    began = time.monotonic()
    with _database():
        made = fill(people=given.members, code=given.mall, sales_a_member=given.sales_a_member)
    took = time.monotonic() - began
    print(
        f"mall “{given.mall}” with {given.members:,} members: {took:.1f} s"
        if made
        else f"There is a mall “{given.mall}” already: choose another --mall."
    )
    return 0 if made else 1


@contextlib.contextmanager
def _database() -> Iterator[None]:
    if os.environ.get("DATABASE_URL"):
        yield
        return
    env = servers.environment()
    started = servers.start_servers(env)
    os.environ.update(env)
    try:
        embedded.migrate(env["DATABASE_OWNER_URL"], env["DATABASE_URL"])
        yield
    finally:
        for server in reversed(started):
            server.stop()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except embedded.CannotStart as reason:
        sys.exit(str(reason))
