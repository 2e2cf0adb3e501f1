"""Every operation of the contract, called with generated data: no 5xx, and every answer as the contract says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from api.kit import db
from tests.conftest import bearer
from tests.factories import make_mall, make_member, make_shop, make_staff
from tests.trials import trials

load_all_checks()


def our_bug(_context: Any, response: Any, _case: Any) -> None:
    """500 is ours. 502 and 503 are honest here: no wallet's simulator and no reader run in this test."""
    assert response.status_code not in {500, 501, 504}, response.text


CHECKS = [our_bug, content_type_conformance, response_schema_conformance, status_code_conformance]
EXAMPLES = trials(30)
#: Which operations are called together: one test each, so that two workers share them. The first prefix that fits counts.
PREFIXES = ("/v1/office", "/v1/shop", "/v1")


@pytest.fixture
def contract(app: Any) -> Any:
    """The contract of this worker's app, with a mall that has a shop, a member, staff and a tablet's person."""
    with db.unit_of_work():
        mall = make_mall(code="fuzzed")
        db.enter(mall.id)
        shop = make_shop()
        tokens = {
            "/v1/office": bearer("staff", make_staff("administrator").id, mall.id),
            "/v1/shop": bearer("shop", make_staff("shop_manager", shop_id=shop.id).id, mall.id, shop.id),
            "/v1": bearer("member", make_member().id, mall.id),
        }
        mall_id = mall.id
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app, config=SchemathesisConfig())
    return schema, tokens, mall_id


def prefix_of(path: str) -> str:
    return next(prefix for prefix in PREFIXES if path.startswith(prefix))


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_operation_answers_as_the_contract_says(contract: Any, figure: Callable[[str], None], prefix: str) -> None:
    """Row 29."""
    schema, tokens, _ = contract
    troubles: dict[str, str] = {}
    called = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if prefix_of(operation.path) != prefix:
            continue
        name = f"{operation.method.upper()} {operation.path}"
        try:
            _call(operation, tokens[prefix])
            called += 1
        except (Exception, BaseExceptionGroup) as trouble:
            troubles[name] = str(trouble)[:1500]
    assert not troubles, "\n\n".join(f"{name}\n{trouble}" for name, trouble in troubles.items())
    assert called > 20
    figure(f"{called} operations, up to {EXAMPLES} generated calls each, 0 x 500")


def _call(operation: Any, headers: dict[str, str]) -> None:
    from hypothesis import given

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def once(case: Any) -> None:
        if "mall_code" in (case.path_parameters or {}):
            case.path_parameters["mall_code"] = "fuzzed"
        case.call_and_validate(headers=headers, checks=CHECKS)

    once()
