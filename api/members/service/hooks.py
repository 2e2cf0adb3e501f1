"""Where rooms above this one have their say; app.py puts their functions in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: Each is asked with a member's id before the account is closed, and raises its own refusal (stored value is left).
before_closing: list[Callable[[int], None]] = []

#: Each says whether a member holds something that a fold would lose (points, coupons, receipts being read).
holds_value: list[Callable[[int], bool]] = []

#: name → what else a member's own export holds, as JSON values.
exports: dict[str, Callable[[int], Any]] = {}
