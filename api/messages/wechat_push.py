"""The seam to WeChat's subscribe messages (订阅消息): each time the member agrees to a template, one message may come out of it.

`WECHAT_TEMPLATES` names one template a kind and which of its fields hold title, body and time: "receipt=ID:thing1,thing2,time3;points=…".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from api.kit import clock, logs, tokens
from api.settings import Settings, SettingsRefused
from wechat import errors as vendor
from wechat.miniprogram import AccessToken, MiniProgram

log = logs.get(__name__)

CHANNEL = "wechat"
THING = 20  # characters a field of things may hold


class Outcome(StrEnum):
    """What became of one try."""

    SENT = "sent"
    REFUSED = "refused"  # the member has not agreed, or not any more
    LATER = "later"  # surely not sent
    UNKNOWN = "unknown"  # no answer: not sent again, lest it comes twice
    WRONG = "wrong"  # the template, the page or our credentials do not fit


@dataclass(frozen=True)
class Template:
    """One template of the mini-program: its id, and its fields for title, body and time."""

    id: str
    fields: tuple[str, str, str]


_program: MiniProgram | None = None
_templates: dict[str, Template] = {}


def configure(settings: Settings) -> None:
    """Take the mini-program and its templates; nothing is contacted yet. SettingsRefused."""
    global _program, _templates
    _program = MiniProgram(
        settings.wechat_appid,
        settings.wechat_secret,
        clock=clock.now,
        tokens=tokens.SharedTokens(AccessToken),
        base_url=settings.wechat_api,
    )
    _templates = dict(_template(part) for part in settings.wechat_templates.split(";") if part.strip())


def _template(setting: str) -> tuple[str, Template]:
    kind, _, rest = setting.strip().partition("=")
    template_id, _, fields = rest.partition(":")
    names = tuple(fields.split(","))
    if not kind or not template_id or len(names) != 3 or not all(names):
        raise SettingsRefused(f"WECHAT_TEMPLATES: “{setting.strip()}” is not kind=TEMPLATE:title,body,time")
    return kind, Template(template_id, (names[0], names[1], names[2]))


def template_of(kind: str) -> str | None:
    """The id of the template for a kind of messages, if there is one."""
    template = _templates.get(kind)
    return template.id if template else None


def app_id() -> str:
    """Whose openids are meant."""
    assert _program is not None, "The WeChat seam is not configured."
    return _program.appid


def send(openid: str, kind: str, *, title: str, body: str, at: datetime, page: str | None) -> Outcome:
    """Send one message; the caller has counted the member's agreement down."""
    assert _program is not None, "The WeChat seam is not configured."
    template = _templates[kind]
    values = dict(zip(template.fields, (_fit_field(title), _fit_field(body), f"{at:%Y-%m-%d %H:%M}"), strict=True))
    return _try_send(_program, openid, template.id, values, _address(page))


def _try_send(program: MiniProgram, openid: str, template_id: str, values: Mapping[str, str], page: str | None) -> Outcome:
    try:
        program.send_subscribe_message(openid, template_id, values, page=page)
    except vendor.MessageRefused:
        return Outcome.REFUSED
    except (vendor.Busy, vendor.TooFrequent):
        return Outcome.LATER
    except vendor.MiniProgramRefused as trouble:
        log.error("WeChat does not take our messages", errcode=trouble.errcode, template_id=template_id)
        return Outcome.WRONG
    except vendor.WeChatError as trouble:
        log.warning("WeChat did not answer usefully", error_type=type(trouble).__name__)
        return Outcome.UNKNOWN
    return Outcome.SENT


def _fit_field(text: str) -> str:
    return text if len(text) <= THING else text[: THING - 1] + "…"


def _address(page: str | None) -> str | None:
    """“receipt?id=7” → “pages/receipt/receipt?id=7”."""
    if page is None:
        return None
    name, mark, query = page.partition("?")
    return f"pages/{name}/{name}{mark}{query}"
