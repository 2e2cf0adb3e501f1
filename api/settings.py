"""Every setting, read once from the environment. README lists each variable."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from environs import Env, EnvError

from api import safety

DEMO_SECRET = "demo-secret-for-development-only-do-not-use"  # noqa: S105 - refused in production

DEMO_WECHAT_SECRET = "demo-wechat-secret"  # noqa: S105 - refused in production
DEMO_WECHAT_APPID = "wx0000000000000demo"
DEMO_ALIPAY_APPID = "2021000000000000"
DEMO_MERCHANT_NUMBERS = frozenset({"1900000109", "2088000000000001"})  # of the simulators
WALLET_SECRET_LENGTH = 16
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

ROOT = Path(__file__).resolve().parent.parent
SIMULATORS = ROOT / "var" / "simulators"


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
    wechat_appid: str = DEMO_WECHAT_APPID
    wechat_secret: str = field(default=DEMO_WECHAT_SECRET, repr=False)
    wechat_templates: str = ""
    alipay_gateway: str = "http://127.0.0.1:5012/gateway.do"
    alipay_appid: str = DEMO_ALIPAY_APPID
    alipay_keys: Path = SIMULATORS / "alipay"
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

    def findings(self) -> list[str]:
        """Everything that production must not start with, a sentence each: which variable, what is wrong, what is right."""
        return [*self._faults_of_secrets(), *self._faults_of_addresses(), *self._faults_of_demo_accounts(), *self._faults_of_logs()]

    def _faults_of_secrets(self) -> Iterator[str]:
        own = "set 32 random bytes, as `openssl rand -base64 32` makes them."
        for name, secret, right, length in (
            ("MALLBRIDGE_SECRET", self.secret, own, safety.SECRET_LENGTH),
            ("MALLBRIDGE_DATA_KEY", self.data_key, own, safety.SECRET_LENGTH),
            ("WECHAT_SECRET", self.wechat_secret, "set the mini-program's AppSecret of the WeChat console.", WALLET_SECRET_LENGTH),
        ):
            fault = (
                "is missing, or the demo's" if secret in (DEMO_SECRET, DEMO_WECHAT_SECRET) else safety.secret_fault(secret, length=length)
            )
            if fault:
                yield f"{name} {fault}: {right}"
        if self.secret == self.data_key != DEMO_SECRET:
            yield "MALLBRIDGE_DATA_KEY is the same as MALLBRIDGE_SECRET: set another one, each has one purpose."
        if self.phone_sign_in and self.sms_url and (fault := safety.secret_fault(self.sms_key, length=WALLET_SECRET_LENGTH)):
            yield f"SMS_KEY {fault}: set the key that the SMS gateway gave."

    def _faults_of_addresses(self) -> Iterator[str]:
        for name, url, right in (
            ("PUBLIC_URL", self.public_url, "set the mall's own https address, as https://mall.example.com."),
            ("WECHAT_API", self.wechat_api, "set https://api.weixin.qq.com."),
            ("ALIPAY_GATEWAY", self.alipay_gateway, "set https://openapi.alipay.com/gateway.do."),
        ):
            if fault := safety.address_fault(url):
                yield f"{name}={url} {fault}: {right}"
        if self.wechat_pay and (fault := safety.address_fault(self.wechat_pay)):
            yield f"WECHAT_PAY_API={self.wechat_pay} {fault}: set https://api.mch.weixin.qq.com."
        if self.live_url and (fault := safety.address_fault(self.live_url)):
            yield f"LIVE_URL={self.live_url} {fault}: set the https address of the stream, or nothing where it is at PUBLIC_URL."
        if self.phone_sign_in and (fault := safety.address_fault(self.sms_url, public=False)):
            yield f"SMS_URL={self.sms_url} {fault}: set the https address of the SMS gateway, or PHONE_SIGN_IN=false."

    def _faults_of_demo_accounts(self) -> Iterator[str]:
        if self.wechat_appid == DEMO_WECHAT_APPID:
            yield "WECHAT_APPID is the demo's: set the mini-program's own."
        if self.alipay_appid == DEMO_ALIPAY_APPID:
            yield "ALIPAY_APPID is the demo's: set the app's own, or nothing where the mall has no app in Alipay."
        elif self.alipay_appid and SIMULATORS in self.alipay_keys.resolve().parents:
            yield f"ALIPAY_KEYS={self.alipay_keys} holds the simulator's keys: name the folder of the app's own."

    def _faults_of_logs(self) -> Iterator[str]:
        if self.log_level == "DEBUG":
            yield "LOG_LEVEL=DEBUG writes what people send into the log: set INFO or WARNING."

    def refuse_unsafe(self) -> None:
        """In production, refuse to start with what is unsafe; each finding is named. SettingsRefused."""
        if self.production and (findings := self.findings()):
            raise SettingsRefused("\n".join(["Production does not start with these settings.", *(f"- {finding}" for finding in findings)]))

    def refuse_listening(self) -> None:
        """Outside production, refuse to be reached from other machines. SettingsRefused."""
        if not self.production and (fault := safety.listening_fault(safety.hosts_of_this_process())):
            raise SettingsRefused(fault)


def _is_production(environment: str) -> bool:
    if environment not in {"development", "production"}:
        raise SettingsRefused(f"MALLBRIDGE_ENV={environment} is neither development nor production.")
    return environment == "production"


def _pay_beside(wechat_api: str) -> str:
    """Where WeChat Pay is: its own host beside WeChat's, on the same simulator otherwise."""
    return "https://api.mch.weixin.qq.com" if wechat_api.startswith("https://api.weixin.qq.com") else ""


@contextlib.contextmanager
def ending_the_process() -> Iterator[None]:
    """A process that must not start ends with the sentences that say why, without a traceback."""
    try:
        yield
    except SettingsRefused as refused:
        sys.exit(str(refused))


def _log_level(given: str) -> str:
    level = given.strip().upper()
    if level not in LOG_LEVELS:
        raise SettingsRefused(f"LOG_LEVEL={given} is none of {', '.join(LOG_LEVELS)}.")
    return level


def from_environment() -> Settings:
    """Read the environment. SettingsRefused names everything that is missing or unsafe."""
    settings = read()
    settings.refuse_unsafe()
    return settings


def read() -> Settings:
    """Read the environment, without asking whether it is safe. SettingsRefused when it cannot be read."""
    env = Env()
    database = env.str("DATABASE_URL", "")
    if not database:
        raise SettingsRefused("DATABASE_URL is not set. `make run` starts an embedded PostgreSQL and sets it.")
    try:
        return _read(env, database)
    except EnvError as error:
        raise SettingsRefused(str(error)) from error


def _read(env: Env, database: str) -> Settings:
    return Settings(
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
        wechat_appid=env.str("WECHAT_APPID", DEMO_WECHAT_APPID),
        wechat_secret=env.str("WECHAT_SECRET", DEMO_WECHAT_SECRET),
        wechat_templates=env.str("WECHAT_TEMPLATES", ""),
        alipay_gateway=env.str("ALIPAY_GATEWAY", "http://127.0.0.1:5012/gateway.do"),
        alipay_appid=env.str("ALIPAY_APPID", DEMO_ALIPAY_APPID),
        alipay_keys=Path(env.str("ALIPAY_KEYS", str(SIMULATORS / "alipay"))),
        phone_sign_in=env.bool("PHONE_SIGN_IN", True),
        sms_url=env.str("SMS_URL", ""),
        sms_key=env.str("SMS_KEY", ""),
        log_level=_log_level(env.str("LOG_LEVEL", "INFO")),
        pool_size=env.int("DATABASE_POOL_SIZE", 6),
        trusted_proxies=env.int("TRUSTED_PROXIES", 0),
        receipt_queue_limit=env.int("RECEIPT_QUEUE_LIMIT", 500),
        read_timeout=env.float("READ_TIMEOUT", 20.0),
        reader_recycle_photos=env.int("READER_RECYCLE_PHOTOS", 300),
        reader_recycle_mb=env.int("READER_RECYCLE_MB", 760),
    )
