"""A WeChat that runs on this machine and speaks the real wire protocol.

Two hosts in one server: api.weixin.qq.com (login, phone, token, messages, codes, fulfilment, content checks) and
api.mch.weixin.qq.com (WeChat Pay API v3, the business circle included). It refuses what the real ones refuse: used and expired codes,
wrong secrets, requests without a good signature. What a phone would do, and every fault, is steered under `/_sim`.

    python -m wechat.simulator --port 5011 --keys var/simulators/wechat

The demo account is in `wechat.simulator.settings`; the key files, in the folder given by `--keys`, are listed in
`wechat.simulator.keys`. docs/gateways.md describes the control endpoints.
"""

from __future__ import annotations

from wechat.simulator.app import create_app
from wechat.simulator.settings import Settings

__all__ = ["Settings", "create_app"]
