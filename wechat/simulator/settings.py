"""The settings of the simulator. The defaults are a public demo account, worthless anywhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

DEMO_APPID = "wx0000000000000demo"
DEMO_SECRET = "demo-wechat-secret"
DEMO_MCHID = "1900000109"
DEMO_SUB_MCHID = "1900000209"
DEMO_TEMPLATE = "demo-template-points-earned-00001"
PORT = 5011


@dataclass(frozen=True)
class Settings:
    """`seed` makes openids, unionids and phone numbers the same after every start.

    `dice_seed` makes everything else that is random the same in every replay; None is real chance.
    `schedule_factor` shortens every wait between two deliveries of a notice (1.0 = as WeChat does).
    `answer_seconds` is how long a notice waits for its answer, `refund_seconds` how long a refund stays PROCESSING.
    `sign_mode` chooses the key of callbacks, and of answers to clients that do not ask for a key: public_key,
    certificate, or mixed (alternating, as during a change-over).
    """

    keys: Path = Path("var/simulators/wechat")
    appid: str = DEMO_APPID
    secret: str = field(default=DEMO_SECRET, repr=False)
    mchid: str = DEMO_MCHID
    sub_mchid: str = DEMO_SUB_MCHID
    seed: str = "mallbridge"
    dice_seed: str | None = None
    schedule_factor: float = 1.0
    answer_seconds: float = 5.0
    refund_seconds: float = 1.0
    sign_mode: str = "public_key"
    templates: dict[str, tuple[str, ...]] = field(default_factory=lambda: {DEMO_TEMPLATE: ("thing1", "number2", "time3")})
