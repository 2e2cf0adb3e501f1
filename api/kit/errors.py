"""A refusal is a class of two lines: its name is the type on the wire, its docstring the sentence the client reads (RFC 9457)."""

from __future__ import annotations

import re
from typing import Any, ClassVar


class Problem(Exception):
    """Something refused the request."""

    status: ClassVar[int] = 500
    suspicious: ClassVar[bool] = False  # may be an attack: written to the security log
    retry_after: int | None = None

    def __init__(self, detail: str | None = None, *, retry_after: int | None = None, **facts: Any) -> None:
        super().__init__(detail or self.title())
        self.detail = detail
        self.facts = facts
        if retry_after is not None:
            self.retry_after = retry_after

    @classmethod
    def slug(cls) -> str:
        """CouponSoldOut → coupon-sold-out."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def title(cls) -> str:
        """The sentence: the first line of the docstring."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    def body(self) -> dict[str, Any]:
        """The problem document."""
        document: dict[str, Any] = {"type": f"/problems/{self.slug()}", "title": self.title(), "status": self.status}
        if self.detail:
            document["detail"] = self.detail
        return document | self.facts


class BadRequest(Problem):
    """The request could not be read."""

    status = 400


class Unauthenticated(Problem):
    """Please sign in first."""

    status = 401


class Forbidden(Problem):
    """You are not allowed to do this."""

    status = 403


class NotFound(Problem):
    """There is no such thing here."""

    status = 404


class Conflict(Problem):
    """This cannot be done in the present state."""

    status = 409


class Gone(Problem):
    """This was here once and has been removed."""

    status = 410


class TooLarge(Problem):
    """What you sent is too large."""

    status = 413


class WrongKind(Problem):
    """This kind of file is not accepted."""

    status = 415


class Unprocessable(Problem):
    """The shape of what you sent is wrong."""

    status = 422


class TooMany(Problem):
    """Too many requests, please wait a moment."""

    status = 429
    retry_after = 60


class GatewayTrouble(Problem):
    """The service we depend on refused or did not answer."""

    status = 502


class Unavailable(Problem):
    """The service is busy, please try again shortly."""

    status = 503
    retry_after = 5


class ThisMachineOnly(Problem):
    """This is a mall for trying out, with known passwords: it answers on its own machine only."""

    status = 421
    suspicious = True
