"""Structured logs: one JSON line an event, with the request id, and with no secret, code, phone, card or token in it."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

SECRET_KEYS = re.compile(
    r"(?i)(token|secret|password|passphrase|authorization|cookie|session_key|js_code|auth_code|pin\b|phone|mobile|api_key|private|encrypted|^code$|_code$)"
)
PATTERNS = [
    (re.compile(r"(?<![0-9])(1[3-9][0-9])[0-9]{4}([0-9]{4})(?![0-9])"), r"\1****\2"),
    (re.compile(r"(?<![0-9])[0-9]{13,19}(?![0-9])"), "[number]"),
    (re.compile(r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]+"), "[token]"),
    (re.compile(r"(?i)(bearer)\s+\S+"), r"\1 [token]"),
    (re.compile(r"(?i)([?&](?:code|token|access_token|secret|js_code|sign)=)[^&\s\"']+"), r"\1[hidden]"),
    # name=value and 'name': 'value' inside text (URLs, printed dictionaries, messages of libraries)
    (
        re.compile(
            r"(?i)((?<![a-z0-9_-])(?!(?:status|error|exit)_code)[\w-]*"
            r"(?:token|secret|password|passphrase|session_key|api_key|(?<![a-z0-9])pin|(?<![a-z0-9])code)"
            r"[\"']?\s*[:=]\s*[\"']?)(?!\[hidden\])[^\s\"',;&)}\]]+"
        ),
        r"\1[hidden]",
    ),
    # what PostgreSQL repeats of the values it refused
    (re.compile(r"(Key \([^)]*\)=)\([^)]*\)"), r"\1([hidden])"),
    (re.compile(r"(Failing row contains )\(.*\)"), r"\1([hidden])"),
    (re.compile(r"(invalid input syntax for [^:\n]*: )\"[^\"]*\""), r"\1[hidden]"),
    (re.compile(r"-----BEGIN[^-]*-----[\s\S]*?-----END[^-]*-----"), "[key]"),
]
SAFE_KEYS = frozenset({"status_code", "error_code", "error_type", "exit_code"})


def clean(value: Any, key: str = "") -> Any:
    """A value as it may be logged: secrets by key are hidden, phones, cards and tokens inside text are masked."""
    if key and key not in SAFE_KEYS and SECRET_KEYS.search(key):
        return "[hidden]"
    if isinstance(value, str):
        for pattern, replacement in PATTERNS:
            value = pattern.sub(replacement, value)
        return value.replace("\r", "\\r").replace("\n", "\\n") if key != "exception" else value
    if isinstance(value, dict):
        return {name: clean(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(inner) for inner in value]
    return value


def _cleaned(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: clean(value, key) for key, value in event.items()}


def configure(level: str) -> None:
    """Send every log line of this process, libraries' too, to standard error as clean JSON."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _cleaned,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(allow=[]), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _cleaned,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("procrastinate", "urllib3", "werkzeug", "alembic"):
        logging.getLogger(noisy).setLevel("WARNING")


def get(name: str) -> Any:
    """A logger: log.info("what happened", shop_id=7)."""
    return structlog.stdlib.get_logger(name)
