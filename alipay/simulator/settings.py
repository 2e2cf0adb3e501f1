"""The settings of the simulator. The defaults are a public demo application, worthless anywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEMO_APP_ID = "2021000000000000"
DEMO_SELLER_ID = "2088000000000001"
PORT = 5012


@dataclass(frozen=True)
class Settings:
    """`seed` makes open_ids, user_ids and phone numbers the same after every start.

    `dice_seed` makes everything else that is random the same in every replay; None is real chance.
    `schedule_factor` shortens every wait between two deliveries of a notice (1.0 = as Alipay does).
    `identity` says what logins carry: open_id (as new applications are given), user_id, or both.
    """

    keys: Path = Path("var/simulators/alipay")
    app_id: str = DEMO_APP_ID
    seller_id: str = DEMO_SELLER_ID
    seed: str = "mallbridge"
    schedule_factor: float = 1.0
    identity: str = "open_id"
    dice_seed: str | None = None
