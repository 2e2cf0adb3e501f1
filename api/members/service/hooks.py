"""Where rooms above this one have their say; app.py puts their functions in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: Each is asked with a member's id before the account is closed, and raises its own refusal (stored value is left).
before_closing: list[Callable[[int], None]] = []

#: Each says whether a member holds something that a fold would lose (points, coupons, receipts being read).
holds_value: list[Callable[[int], bool]] = []

#: Each lets go of what its room holds of a member who closed the account.
at_closing: list[Callable[[int], Any]] = []

#: Each moves what its room holds from a folded member to the one that stays.
at_folding: list[Callable[[int, int], None]] = []

#: name → what else a member's own export holds, as JSON values.
exports: dict[str, Callable[[int], Any]] = {}
