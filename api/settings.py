"""Every setting, read once from the environment. README lists each variable."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from environs import Env

DEMO_SECRET = "demo-secret-for-development-only-do-not-use"  # noqa: S105 - refused in production

ROOT = Path(__file__).resolve().parent.parent


class SettingsRefused(Exception):
    """The environment holds a value that this deployment must not start with."""


@dataclass(frozen=True)
class Settings:
    """What one process was started with. Durations in seconds, sizes in bytes."""

    database_url: str = field(repr=False)
    owner_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    production: bool = False
    secret: str = field(default=DEMO_SECRET, repr=False)
    data_key: str = field(default=DEMO_SECRET, repr=False)
    files: Path = ROOT / "var" / "files"
    web_pages: Path = ROOT / "var" / "web_pages"
    domain_files: Path = ROOT / "var" / "domain"
    ocr_models: Path = ROOT / "var" / "ocr-models"
    public_url: str = "http://127.0.0.1:8000"
    live_url: str = ""  # empty: the stream is where the app is
    wechat_api: str = "http://127.0.0.1:5011"
    wechat_pay: str = ""  # api.mch.weixin.qq.com; empty: where wechat_api is
    wechat_appid: str = "wx0000000000000demo"
    wechat_secret: str = field(default="demo-wechat-secret", repr=False)
    wechat_templates: str = ""
    alipay_gateway: str = "http://127.0.0.1:5012/gateway.do"
    alipay_appid: str = "2021000000000000"
    alipay_keys: Path = ROOT / "var" / "simulators" / "alipay"
    phone_sign_in: bool = True
    sms_url: str = ""
    sms_key: str = field(default="", repr=False)
    log_level: str = "INFO"
    pool_size: int = 6
    trusted_proxies: int = 0
    receipt_queue_limit: int = 500
    read_timeout: float = 20.0
    reader_recycle_photos: int = 300
    reader_recycle_mb: int = 760

    def refuse_demo_secrets(self) -> None:
        """In production, refuse to start with a secret that everybody can read in the source."""
        weak = [
            name
            for name, value in (
                ("MALLBRIDGE_SECRET", self.secret),
                ("MALLBRIDGE_DATA_KEY", self.data_key),
                ("WECHAT_SECRET", self.wechat_secret),
            )
            if value == DEMO_SECRET or value.startswith("demo-") or len(value) < 16
        ]
        if self.production and weak:
            raise SettingsRefused(f"Production refuses demo or short secrets: set {', '.join(weak)}.")
        if self.production and self.secret == self.data_key:
            raise SettingsRefused("Production refuses one secret for two purposes: set MALLBRIDGE_DATA_KEY to another one.")
        if self.production and self.phone_sign_in and not self.sms_url:
            raise SettingsRefused("Production sends phone codes by an SMS gateway: set SMS_URL and SMS_KEY, or PHONE_SIGN_IN=false.")


def _is_production(environment: str) -> bool:
    if environment not in {"development", "production"}:
        raise SettingsRefused(f"MALLBRIDGE_ENV={environment} is neither development nor production.")
    return environment == "production"


def _pay_beside(wechat_api: str) -> str:
    """Where WeChat Pay is: its own host beside WeChat's, on the same simulator otherwise."""
    return "https://api.mch.weixin.qq.com" if wechat_api.startswith("https://api.weixin.qq.com") else ""


def from_environment() -> Settings:
    """Read the environment. SettingsRefused names what is missing or unsafe."""
    env = Env()
    database = env.str("DATABASE_URL", "")
    if not database:
        raise SettingsRefused("DATABASE_URL is not set. `make run` starts an embedded PostgreSQL and sets it.")
    settings = Settings(
        database_url=database,
        owner_url=env.str("DATABASE_OWNER_URL", "") or database,
        redis_url=env.str("REDIS_URL", "redis://127.0.0.1:6379/0"),
        production=_is_production(env.str("MALLBRIDGE_ENV", "development")),
        secret=env.str("MALLBRIDGE_SECRET", DEMO_SECRET),
        data_key=env.str("MALLBRIDGE_DATA_KEY", DEMO_SECRET),
        files=Path(env.str("MALLBRIDGE_FILES", str(ROOT / "var" / "files"))),
        web_pages=Path(env.str("WEB_PAGES_FOLDER", str(ROOT / "var" / "web_pages"))),
        domain_files=Path(env.str("DOMAIN_FILES", str(ROOT / "var" / "domain"))),
        ocr_models=Path(env.str("OCR_MODELS_DIR", str(ROOT / "var" / "ocr-models"))),
        public_url=env.str("PUBLIC_URL", "http://127.0.0.1:8000"),
        live_url=env.str("LIVE_URL", ""),
        wechat_api=env.str("WECHAT_API", "http://127.0.0.1:5011"),
        wechat_pay=env.str("WECHAT_PAY_API", "") or _pay_beside(env.str("WECHAT_API", "")),
        wechat_appid=env.str("WECHAT_APPID", "wx0000000000000demo"),
        wechat_secret=env.str("WECHAT_SECRET", "demo-wechat-secret"),
        wechat_templates=env.str("WECHAT_TEMPLATES", ""),
        alipay_gateway=env.str("ALIPAY_GATEWAY", "http://127.0.0.1:5012/gateway.do"),
        alipay_appid=env.str("ALIPAY_APPID", "2021000000000000"),
        alipay_keys=Path(env.str("ALIPAY_KEYS", str(ROOT / "var" / "simulators" / "alipay"))),
        phone_sign_in=env.bool("PHONE_SIGN_IN", True),
        sms_url=env.str("SMS_URL", ""),
        sms_key=env.str("SMS_KEY", ""),
        log_level=env.str("LOG_LEVEL", "INFO"),
        pool_size=env.int("DATABASE_POOL_SIZE", 6),
        trusted_proxies=env.int("TRUSTED_PROXIES", 0),
        receipt_queue_limit=env.int("RECEIPT_QUEUE_LIMIT", 500),
        read_timeout=env.float("READ_TIMEOUT", 20.0),
        reader_recycle_photos=env.int("READER_RECYCLE_PHOTOS", 300),
        reader_recycle_mb=env.int("READER_RECYCLE_MB", 760),
    )
    settings.refuse_demo_secrets()
    return settings
