from __future__ import annotations

from typing import Any

from api.kit import http, identity, pages
from api.kit.tables import exported
from api.ledger import schemas, service
from api.ledger.errors import AccountUnknown
from api.ledger.models import Proof

office = http.Blueprint("office_ledger", __name__, audience=identity.mall_staff, url_prefix="/ledger", description="The ledger of value")


@office.get("/accounts/<string:owner_kind>/<int:owner_id>/<string:asset>/entries")
@office.arguments(http.PageArgs, location="query")
@office.response(200, schemas.LedgerEntryPage)
@office.problems(AccountUnknown, pages.CursorInvalid)
@office.permission("ledger.read")
def list_entries(args: dict[str, Any], owner_kind: str, owner_id: int, asset: str) -> pages.Page[Any]:
    """An account's entries: of a member, a shop, the mall, a gateway or a bearer"""
    owner, of_asset = service.named(owner_kind, owner_id, asset)
    return service.entries_of(owner, of_asset, args.get("cursor"), args["limit"])


@office.get("/proofs")
@office.arguments(http.PageArgs, location="query")
@office.response(200, schemas.LedgerProofPage)
@office.problems(pages.CursorInvalid)
@office.permission("ledger.read")
@exported("ledger_proofs", http.PageArgs, schemas.LedgerProofSchema)
def list_proofs(args: dict[str, Any]) -> pages.Page[Proof]:
    """The nightly recounts of the ledger and what they found"""
    return service.proofs(args.get("cursor"), args["limit"])
