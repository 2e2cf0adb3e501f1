"""Answers with another code than 10000."""

from __future__ import annotations

from typing import Any


class Failure(Exception):
    """A signed answer that refuses."""

    def __init__(self, code: str, msg: str, sub_code: str, sub_msg: str) -> None:
        super().__init__(f"{code} {sub_code}")
        self.answer: dict[str, Any] = {"code": code, "msg": msg, "sub_code": sub_code, "sub_msg": sub_msg}


class ErrorResponse(Failure):
    """A failure that comes as error_response, without a signature."""


def business(sub_code: str, sub_msg: str) -> Failure:
    """40004: the business refuses."""
    return Failure("40004", "Business Failed", f"ACQ.{sub_code}", sub_msg)
