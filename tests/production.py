"""Settings of a production without fault, for tests: nothing is contacted."""

from __future__ import annotations

from typing import Any

GOOD = {
    "DATABASE_URL": "postgresql://app@127.0.0.1:1/none",
    "MALLBRIDGE_ENV": "production",
    "MALLBRIDGE_SECRET": "kW3yT9vQe1ZpLr7uXb5NcJh2MfGd8SaV",
    "MALLBRIDGE_DATA_KEY": "Qm4Rz8tB1xWvY6nK3pEj9HcU5sLg7DfA",
    "WECHAT_SECRET": "7c1e94b05d3fa8266b0f2d917ae483c5",
    "WECHAT_APPID": "wx93b1f0c2a7d4e865",
    "WECHAT_API": "https://api.weixin.qq.com",
    "ALIPAY_GATEWAY": "https://openapi.alipay.com/gateway.do",
    "ALIPAY_APPID": "",
    "PUBLIC_URL": "https://mall.example.com",
    "PHONE_SIGN_IN": "false",
}


def of_production() -> dict[str, Any]:
    """The same as fields of the settings, but for the servers."""
    fields = {"MALLBRIDGE_SECRET": "secret", "MALLBRIDGE_DATA_KEY": "data_key"}
    names = [name for name in GOOD if name not in ("DATABASE_URL", "MALLBRIDGE_ENV", "PHONE_SIGN_IN")]
    return {fields.get(name, name.lower()): GOOD[name] for name in names} | {"production": True, "phone_sign_in": False}
