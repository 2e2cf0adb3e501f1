"""Somebody of another mall knocks at every route with ids of this mall's real rows: nothing is shown, nothing is changed."""

import re
import uuid
from typing import Any

import psycopg
import requests
from psycopg import sql

from api.kit import db
from api.kit.db import session
from api.malls.models import Mall
from deploy import embedded
from tests.factories import make_claimed_sale, make_mall, make_member, make_rule, make_shop, make_staff
from tests.faults.conftest import Town

MARK = "MARKOFTHEFIRSTMALL"
EMPTY = {"items": [], "next_cursor": None}


def fill(town: Town) -> None:
    """Rows of many kinds in the first mall, each with the mark where it has a text."""
    with db.unit_of_work(town.mall):
        session.get_one(Mall, town.mall).name = MARK
        shop = make_shop(name=f"{MARK} SHOP", trading_names=[MARK])
        member = make_member()
        for role in ("administrator", "reviewer", "shop_manager"):
            make_staff(role, name=MARK)
        make_rule("multiplier", MARK.lower(), factor_bp=20_000)
        make_claimed_sale(member.id, shop_id=shop.id, receipt_no=MARK)
        other = member.id
    town.common.reader()
    scored, asked = town.sent(other, town.paper()), town.sent(other, town.paper(shop=f"{MARK} UNKNOWN"))
    town.decided(other, scored)
    town.decided(other, asked)
    town.common.end("ocr", "work")  # from now on nobody but the knocker touches these rows


class Knocker:
    """Knows the contract, the first mall's ids by table, and the tokens of the second mall."""

    def __init__(self, town: Town) -> None:
        self.town = town
        assert town.web
        self.contract: dict[str, Any] = requests.get(f"{town.web.url}/openapi.json", timeout=30).json()
        self.tables = [
            row[0]
            for row in town.rows(
                "SELECT table_name FROM information_schema.columns WHERE column_name = 'mall_id' AND table_schema = 'public' ORDER BY 1"
            )
        ]
        with db.unit_of_work():
            self.mall = make_mall().id
        with db.unit_of_work(self.mall):
            self.shop = make_shop().id
            self.tokens = {
                "/v1/office": town.token(make_staff("administrator").id, "staff", self.mall),
                "/v1/shop": self._shop_token(make_staff("shop_manager", shop_id=self.shop).id),
                "/v1/partner": town.token(1, "partner", self.mall),
                "/v1": town.token(make_member().id, "member", self.mall),
            }

        self.ids = {table: self._ids(table, town.mall) for table in self.tables}
        self.own = {table: set(self._ids(table, self.mall)) for table in self.tables}

    def _shop_token(self, account: int) -> str:
        from api.kit import identity

        return identity.access_token("shop", account, self.mall, session_id="s", shop_id=self.shop)

    def _ids(self, table: str, mall: int) -> list[int]:
        with psycopg.connect(self.town.servers.postgres.url(self.town.database, "postgres")) as connection:
            query = sql.SQL("SELECT id FROM {} WHERE mall_id = %s ORDER BY id DESC LIMIT 9").format(sql.Identifier(table))
            return [row[0] for row in connection.execute(query, [mall])]

    def known(self, name: str) -> list[int]:
        """Ids of the first mall's rows that a parameter of this name may mean."""
        stem = name.removesuffix("_id").removesuffix("_ids")
        tables = [table for table in self.tables if table.rstrip("s").endswith(stem)]
        own = set().union(*(self.own[table] for table in tables))  # an id of two tables must not lead to the knocker's own row
        return [number for table in tables for number in self.ids[table] if number not in own]

    def body(self, schema: dict[str, Any], name: str = "") -> Any:
        """The smallest value that fits a schema, with the first mall's ids wherever an id is asked for."""
        while "$ref" in schema:
            schema = self.contract["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        if "enum" in schema:
            return schema["enum"][0]
        if "allOf" in schema or "anyOf" in schema or "oneOf" in schema:
            return self.body((schema.get("allOf") or schema.get("anyOf") or schema["oneOf"])[0], name)
        if kind == "object":
            return {key: self.body(inner, key) for key, inner in schema.get("properties", {}).items() if not inner.get("readOnly")}
        if kind == "array":
            return [self.body(schema.get("items", {}), name)]
        if kind in {"integer", "number"}:
            return (
                (self.known(name) or [max(1, int(schema.get("minimum", 1)))])[0]
                if name.endswith(("_id", "_ids"))
                else max(1, int(schema.get("minimum", 1)))
            )
        if kind == "boolean":
            return True
        return {"date-time": "2026-11-20T10:00:00+08:00", "date": "2026-11-20"}.get(
            schema.get("format", ""), "why" * max(3, schema.get("minLength", 0) // 3 + 1)
        )

    def token(self, path: str) -> str:
        return next(token for prefix, token in self.tokens.items() if path.startswith(prefix + "/"))

    def knocks(self) -> list[tuple[str, str, str, bool, Any]]:
        """method, rule, path with the first mall's ids, whether every id is surely one of its rows, body."""
        found = []
        for rule, verbs in self.contract["paths"].items():
            if rule.startswith(("/v1/malls/", "/v1/notices/")) or not rule.startswith("/v1/"):
                continue
            names = re.findall(r"{(\w+)}", rule)
            paths = [(rule, bool(names))]
            for name in names:
                ids = self.known(name)
                paths = [
                    (path.replace(f"{{{name}}}", str(number)), sure and bool(ids)) for path, sure in paths for number in (ids[:4] or [1])
                ]
            for method, operation in verbs.items():
                if method in {"get", "post", "put", "patch", "delete"}:
                    content = operation.get("requestBody", {}).get("content", {})
                    body = self.body(content["application/json"]["schema"]) if "application/json" in content else None
                    found += [(method, rule, path, sure, body) for path, sure in paths]
        return found


def state_of(town: Town, tables: list[str]) -> dict[str, Any]:
    """Every row of the first mall, as a sum by table."""
    found = {}
    with psycopg.connect(town.servers.postgres.url(town.database, "postgres")) as connection:
        for table in tables:
            query = sql.SQL("SELECT count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM {} t WHERE mall_id = %s").format(
                sql.Identifier(table)
            )
            found[table] = connection.execute(query, [town.mall]).fetchone()
    return found


def test_every_route_keeps_another_malls_rows_to_itself(town: Town) -> None:
    town.start_web()
    fill(town)
    knocker = Knocker(town)
    before = state_of(town, knocker.tables)
    assert sum(count > 0 for count, _ in before.values()) >= 15, before
    wrong: list[str] = []
    asked, opened = set(), 0
    for method, rule, path, sure, body in knocker.knocks():
        head = {"Authorization": f"Bearer {knocker.token(path)}", "Idempotency-Key": uuid.uuid4().hex}
        answer = requests.request(method, f"{town.web.url if town.web else ''}{path}", json=body, headers=head, timeout=30)
        asked.add((method, rule))
        opened += answer.status_code < 300
        if answer.status_code >= 500 and answer.status_code != 502:  # no gateway runs here
            wrong.append(f"{method} {path}: {answer.status_code}")
        if sure and answer.status_code < 300 and answer.json() != EMPTY:
            wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        if MARK.lower() in answer.text.lower():
            wrong.append(f"{method} {path} shows the other mall: {answer.text[:200]}")
    assert not wrong, "\n".join(wrong)
    assert state_of(town, knocker.tables) == before
    assert len(asked) >= 40
    assert opened >= 10, "tokens that open no door at all would prove nothing"
    no_row_is_seen_over_the_wall(town, knocker)


def no_row_is_seen_over_the_wall(town: Town, knocker: Knocker) -> None:
    """The app's own role, in the second mall, asks each table for the rows of others."""
    assert embedded.APP in town.settings.database_url
    with psycopg.connect(db.libpq_url(town.settings.database_url)) as connection:
        connection.execute("SELECT set_config('mallbridge.mall_id', %s, false)", [str(knocker.mall)])
        for table in knocker.tables:
            query = sql.SQL("SELECT count(*) FROM {} WHERE mall_id <> %s").format(sql.Identifier(table))
            assert connection.execute(query, [knocker.mall]).fetchone() == (0,), table
