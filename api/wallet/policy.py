"""What the mall decided about stored value, within the law's limits for single-purpose prepaid cards (单用途预付卡)."""

from __future__ import annotations

from dataclasses import dataclass

from api.kit.money import MAX_FEN
from api.kit.policy import Rules, choice, number, yes

VALUE_ORDERS = ("principal_first", "bonus_first", "proportional")


@dataclass(frozen=True)
class WalletRules(Rules):
    """The mall's rules of stored-value cards."""

    place = 60

    value_order: str = choice("principal_first", VALUE_ORDERS, "what is used first of a stored-value card")
    stored_pay: bool = yes(True, "stored-value cards may pay")
    pin_above_fen: int = number(20_000, 0, MAX_FEN, "a payment with more stored value than this asks for the PIN")
    pin_free_day_fen: int = number(
        60_000, 0, MAX_FEN, "so much stored value of one member pays without the PIN in 24 hours, charges included"
    )
    card_sale_person_day_fen: int = number(
        5_000_000, 0, MAX_FEN, "one person sells cards for so much in 24 hours; then somebody else sells them"
    )
    card_sale_alone_fen: int = number(
        200_000, 0, MAX_FEN, "one person sells cards for so much other money than cash in 24 hours; above it another sees that it has come"
    )
    named_card_limit_fen: int = number(500_000, 1, 500_000, "principal on a named card (记名卡); the law's limit is ¥5,000")
    unnamed_card_limit_fen: int = number(100_000, 1, 100_000, "principal on an unnamed card (不记名卡); the law's limit is ¥1,000")
    unnamed_valid_years: int = number(3, 3, 100, "an unnamed card is valid at least so many years; the law wants three")
    real_name_fen: int = number(1_000_000, 1, 1_000_000, "who buys cards for so much shows a document; by law from ¥10,000")
    person_transfer_fen: int = number(5_000_000, 1, 5_000_000, "a person pays so much by bank transfer; by law from ¥50,000")
    company_transfer_fen: int = number(500_000, 1, 500_000, "a company pays so much by bank transfer; by law from ¥5,000")
    rest_hours: int = number(
        72,
        1,
        720,
        "so many hours stored value and PIN rest after a new phone without a proof of the one before, and a joined phone proves no PIN",
    )
    card_second_person_fen: int = number(50_000, 0, MAX_FEN, "with more on a card, thawing, replacing or voiding it needs a second person")
    card_person_day_fen: int = number(
        200_000, 0, MAX_FEN, "cards with so much on them in all one person thaws, replaces or voids in 24 hours; then a second person"
    )
    cash_in_shift_fen: int = number(200_000, 0, MAX_FEN, "so much cash may lie in a cash shift before it must be handed in")
    card_check_shows_balance: bool = yes(False, "a shop that checks a card sees its balance")
