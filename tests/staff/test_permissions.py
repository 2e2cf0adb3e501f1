from api.kit import http
from api.kit.identity import Audience
from api.kit.roles import MALL_ROLES, SHOP_ROLES, Role
from api.staff import permissions


def _asked(app) -> dict[str, tuple[str, str | None]]:
    audiences: dict[str, Audience] = app.extensions["audiences"]
    found = {}
    for rule in app.url_map.iter_rules():
        blueprint = rule.endpoint.rpartition(".")[0]
        if blueprint in audiences:
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                name = http.marked(app.view_functions[rule.endpoint], "permission", method)
                found[f"{method} {rule.rule}"] = (audiences[blueprint].name, name)
    return found


def test_every_permission_that_a_route_asks_for_is_in_the_table(app) -> None:
    asked = {permission for _, permission in _asked(app).values() if permission}
    assert asked and asked <= set(permissions.holders()), asked - set(permissions.holders())


def test_every_route_of_staff_asks_for_a_permission(app) -> None:
    silent = [route for route, (audience, permission) in _asked(app).items() if audience.endswith("staff") and not permission]
    assert silent == []


def test_a_route_asks_for_what_somebody_of_its_audience_holds(app) -> None:
    for route, (audience, permission) in _asked(app).items():
        roles = {"mall staff": MALL_ROLES, "shop staff": SHOP_ROLES}.get(audience)
        if roles and permission:
            assert permissions.holders()[permission] & roles, route


def test_every_role_may_something_and_an_unknown_one_nothing() -> None:
    assert all(permissions.of(role) for role in Role)
    assert permissions.of("owner") == frozenset()
    assert not permissions.of("tablet") & {"self.write", "own_tablets.manage"}


def test_the_office_reads_what_each_role_allows(client, hire) -> None:
    _, header = hire()
    roles = {row["role"]: row for row in client.get("/v1/office/roles", headers=header).json["roles"]}
    assert roles["reviewer"]["permissions"] == sorted(permissions.of("reviewer"))
    assert (roles["tablet"]["of_shop"], roles["finance"]["of_shop"]) == (True, False)
