"""Run in a copy of the tree that has the room of lockers: all of the room works, and the guards that ask something of it are content."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import Any

from api.lockers.models import Locker
from api.lockers.policy import LockerRules

from api.app import create_app
from api.kit import clock, db, jobs
from api.kit.db import session
from api.malls import service as malls
from api.settings import Settings
from api.staff import permissions
from deploy import contract, embedded
from tests import factories
from tests.conftest import bearer
from tests.guards import test_console_words, test_database, test_rooms, test_routes


def settings() -> Settings:
    """The database that the test made for this copy."""
    return Settings(
        database_url=os.environ["DATABASE_URL"],
        owner_url=os.environ["DATABASE_OWNER_URL"],
        redis_url=os.environ["REDIS_URL"],
        log_level="WARNING",
    )


def _refusal(answer: Any) -> str:
    return str(answer.json["type"]).rpartition("/")[2]


def works(app: Any) -> None:
    """Route, permission, lifecycle, job, rule, a member's life, readiness, metrics."""
    with db.unit_of_work():
        mall = factories.make_mall().id
    with db.unit_of_work(mall):
        desk, marketer = (factories.make_staff(role=role).id for role in ("service_desk", "marketer"))
        member, other = factories.make_member().id, factories.make_member().id
        session.add(Locker(door="A1", state="free"))
    client, mine = app.test_client(), bearer("member", member, mall)
    assert client.put("/v1/lockers/A1/taking", headers=mine).json == {"door": "A1", "state": "taken"}
    assert _refusal(client.put("/v1/lockers/A1/taking", headers=mine)) == "wrong-state"
    assert client.get("/v1/office/lockers", headers=bearer("staff", desk, mall)).json["items"] == [{"door": "A1", "state": "taken"}]
    assert _refusal(client.get("/v1/office/lockers", headers=bearer("staff", marketer, mall))) == "permission-missing"
    assert "lockers.read" in permissions.of("administrator") and client.get("/readyz").json["checks"]["lockers"] == "ok"
    assert "locker_doors 24.0" in client.get("/metrics").text

    assert _refusal(client.post("/v1/me/closure", headers=mine)) == "locker-held"
    assert client.get("/v1/me/export", headers=mine).json["rooms"]["lockers"] == [{"door": "A1"}]
    pair = {"source_id": member, "target_id": other, "reason": "both phones shown"}
    seen = client.get("/v1/office/merges/preview", query_string=pair, headers=bearer("staff", desk, mall)).json
    assert seen["source"]["counts"]["lockers"] == 1

    with db.unit_of_work(mall):
        malls.change_policy({"locker_hours": 2}, by="test", why="short")
        assert malls.policy(LockerRules).locker_hours == 2
        waiting = session.connection().exec_driver_sql("SELECT task_name FROM procrastinate_jobs").scalars().all()
    assert waiting == ["lockers.open_one"] and jobs.JOBS["lockers.open_forgotten"].cron
    clock.fix(clock.now() + timedelta(hours=3))
    db.in_mall(mall, jobs.JOBS["lockers.open_forgotten"].run)
    clock.fix(None)
    assert client.get("/v1/office/lockers", headers=bearer("staff", desk, mall)).json["items"] == [{"door": "A1", "state": "free"}]


def guards_hold(app: Any, given: Settings) -> None:
    """What the guards say of the copy."""
    for language in test_console_words.LANGUAGES:
        test_console_words.test_every_name_of_the_server_has_words(language)
        test_console_words.test_a_name_has_its_words_once_and_in_a_known_section(language)
    test_routes.test_every_route_has_an_audience(app)
    test_routes.test_every_staff_route_names_a_permission_that_some_role_holds(app)
    test_routes.test_every_refusal_has_its_own_name_and_a_sentence()
    test_routes.test_the_committed_contract_is_current(app)
    test_database.test_every_table_is_behind_the_wall_or_on_the_short_list(given, app)
    test_database.test_models_are_what_the_migrations_make(given, app)
    test_database.test_every_state_can_be_reached_and_the_drawing_is_fresh()
    test_rooms.test_every_room_has_its_files()
    test_rooms.test_no_two_rooms_declare_the_same_name()
    test_rooms.test_the_drawing_of_the_floors_is_fresh()
    test_rooms.test_no_file_imports_in_a_circle("api")


if __name__ == "__main__":
    given = settings()
    embedded.migrate(given.owner_url, given.database_url)
    app = create_app(given)
    contract.write(app)
    works(app)
    guards_hold(app, given)
    sys.exit(0)
