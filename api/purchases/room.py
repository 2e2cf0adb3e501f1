"""What can be bought: kinds of purchases, their baskets, and what happens to the thing itself."""

from __future__ import annotations

from api.kit.rooms import Room

ROOM = Room(__name__, "购买种类")
