"""Where rooms above this one have their say; app.py puts their functions in."""

from __future__ import annotations

from collections.abc import Callable

#: Each says how much principal and bonus of a member an unfinished order holds.
held: list[Callable[[int], tuple[int, int]]] = []
