"""`make contract`: write docs/openapi.json, docs/lifecycles.md and the floors of docs/architecture.md. Tests compare them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from api.app import create_app
from api.kit import states
from api.settings import Settings
from deploy import floors

DOCS = Path(__file__).resolve().parent.parent / "docs"


def contract(app: Any) -> str:
    """The OpenAPI document as it is committed."""
    with app.test_request_context():
        document = app.test_client().get("/openapi.json").json
    document["tags"].sort(key=lambda tag: tag["name"])
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def write(app: Any) -> None:
    """Refresh the files."""
    (DOCS / "openapi.json").write_text(contract(app))
    (DOCS / "lifecycles.md").write_text(states.draw())
    page = DOCS / "architecture.md"
    page.write_text(floors.drawn(page.read_text()))


if __name__ == "__main__":
    write(create_app(Settings(database_url="postgresql://nobody@127.0.0.1:1/none", owner_url="", redis_url="redis://127.0.0.1:1/0")))
