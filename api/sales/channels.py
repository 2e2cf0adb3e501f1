"""Where sales come from: whoever makes the sales of a channel declares it in its own file, and nothing else names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from api.kit import rooms


@dataclass(frozen=True)
class SaleChannel:
    """Where sales come from, what that is called in Chinese and English, and whether what it brings can earn points by itself."""

    code: str
    title: Mapping[str, str]
    scores: bool = True


_channels: dict[str, SaleChannel] = {}


def declare(code: str, title: Mapping[str, str], *, scores: bool = True) -> str:
    """Make a channel known; returns its code. ValueError when it is called something else already."""
    channel = _channels.setdefault(code, SaleChannel(code, title, scores))
    if channel != SaleChannel(code, title, scores):
        raise ValueError(f"the channel {code} is called {channel.title} already")
    return code


def forget(code: str) -> None:
    """Forget a channel; unknown ones are forgotten already."""
    _channels.pop(code, None)


def channels() -> list[SaleChannel]:
    """Every channel, by its code."""
    _load()
    return [_channels[code] for code in sorted(_channels)]


def channel_title(code: str) -> Mapping[str, str]:
    """What a channel is called; its code where nobody makes sales of it any more."""
    _load()
    channel = _channels.get(code)
    return channel.title if channel else {"zh": code, "en": code}


def _load() -> None:
    rooms.every()
    rooms.load_kinds()
