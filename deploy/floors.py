"""The floors on which the rooms stand, drawn from the import contract and from each room's `room.py`, for docs/architecture.md."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from api.kit import rooms

ROOT = Path(__file__).resolve().parent.parent
BEGINS, ENDS = "<!-- floors: drawn by `make contract`; a stale drawing fails a test -->", "<!-- floors end -->"


def floors() -> list[list[str]]:
    """What stands beside each other, from the top to the bottom."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["name"] == "Rooms stand on floors")
    return [re.findall(r"\w+", layer) for layer in layers]


def draw() -> str:
    """The floors as a Mermaid diagram, and what each room is."""
    every = {room.name: room for room in rooms.every()}
    lines = ["```mermaid", "flowchart TB"]
    for number, names in enumerate(floors()):
        words = [f"{name} {every[name].word}" if name in every else name for name in names]
        lines.append(f'    floor{number}["{" · ".join(words)}"]')
    lines += [f"    floor{number} --> floor{number + 1}" for number in range(len(floors()) - 1)]
    lines += ["```", "", "| room | 中文 | what it is |", "|---|---|---|"]
    lines += [f"| `{name}` | {every[name].word} | {every[name].sentence} |" for names in floors() for name in names if name in every]
    return "\n".join(lines)


def drawn(page: str) -> str:
    """The page with the drawing of today in its place."""
    before, rest = page.split(BEGINS)
    return f"{before}{BEGINS}\n\n{draw()}\n\n{ENDS}{rest.split(ENDS)[1]}"
