"""An Alipay that runs on this machine and speaks the real wire protocol of gateway.do (RSA2).

It refuses what the real one refuses: requests without a good signature, used and expired codes, refunds that are too
large. What a phone would do, and every fault, is steered under `/_sim`.

    python -m alipay.simulator --port 5012 --keys var/simulators/alipay

The demo application is in `alipay.simulator.settings`; the key files, in the folder given by `--keys`, are listed in
`alipay.simulator.keys`. docs/gateways.md describes the control endpoints.
"""

from __future__ import annotations

from alipay.simulator.app import create_app
from alipay.simulator.settings import Settings

__all__ = ["Settings", "create_app"]
