"""What the mall decided about text messages."""

from __future__ import annotations

from dataclasses import dataclass

from api.kit.policy import A_MILLION, Rules, number


@dataclass(frozen=True)
class TextRules(Rules):
    """The mall's budgets of text messages. At four fifths of one staff are told; when it is spent, nobody gets a code by text."""

    place = 90

    texts_mall_hour: int = number(1_000, 1, A_MILLION, "so many codes the whole mall sends by text in an hour; at 80 % there is an alarm")
    texts_mall_day: int = number(5_000, 1, A_MILLION, "so many codes the whole mall sends by text in 24 hours; at 80 % there is an alarm")
    texts_address_hour: int = number(
        100, 1, A_MILLION, "so many codes are sent by text in an hour to who asks from one address of the network"
    )
    texts_address_day: int = number(
        400, 1, A_MILLION, "so many codes are sent by text in 24 hours to who asks from one address of the network"
    )

    def contradictions(self) -> list[str]:
        """No day is shorter than an hour."""
        return [
            f"{scope}_day holds less than {scope}_hour"
            for scope in ("texts_mall", "texts_address")
            if getattr(self, f"{scope}_day") < getattr(self, f"{scope}_hour")
        ]
