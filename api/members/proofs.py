"""What a channel has proved about somebody, in the mall's words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProvenIdentity:
    """Somebody in a channel. `subjects` are all the names the channel gave at once (Alipay may give open_id and user_id)."""

    channel: str
    app_id: str
    subjects: tuple[str, ...]
    union_id: str | None = None
