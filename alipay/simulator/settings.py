"""What the simulator is told at start. The defaults are a public demo application, worthless anywhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

DEMO_APP_ID = "2021000000000001"
DEMO_SELLER_ID = "2088000000000001"
# The content key (接口内容加密密钥) of the demo application: base64 of 16 bytes.
DEMO_CONTENT_KEY = "ZGVtby1jb250ZW50LWtleQ=="
PORT = 5012


@dataclass(frozen=True)
class Settings:
    """`seed` makes open_ids, user_ids and phone numbers the same after every start.

    `schedule_factor` shortens every wait between two deliveries of a notice (1.0 = as Alipay does).
    `identity` says what logins carry: open_id (as new applications are given), user_id, or both.
    """

    keys: Path = Path("var/simulators/alipay")
    app_id: str = DEMO_APP_ID
    seller_id: str = DEMO_SELLER_ID
    content_key: str = field(default=DEMO_CONTENT_KEY, repr=False)
    seed: str = "mallbridge"
    schedule_factor: float = 1.0
    identity: str = "open_id"
