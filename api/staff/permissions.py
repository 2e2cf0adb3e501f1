"""Who of the staff may do what: one table, put together of what each room says in its `room.py`. Routes name a permission, never a role."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from api.kit import rooms
from api.kit.roles import Role


@functools.cache
def holders() -> Mapping[str, AbstractSet[Role]]:
    """Every permission there is, and the roles that hold it."""
    return {permission: roles for room in rooms.every() for permission, roles in room.permissions.items()}


@functools.cache
def of(role: str) -> frozenset[str]:
    """What a role may do."""
    return frozenset(permission for permission, roles in holders().items() if role in roles)
