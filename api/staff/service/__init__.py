"""Who works here, who of them may come in, and which tablets."""

from api.staff.service.accounts import (
    account,
    account_or_tablet,
    accounts,
    accounts_for_trying_out,
    change,
    facts,
    first_administrators,
    gives_value,
    move,
    names_of,
    open_account,
    second_administrator,
    seed_account,
)
from api.staff.service.background_work import retry, run_now
from api.staff.service.second_person import refuse_alone, standing
from api.staff.service.sessions import Origin, Tokens, forget_old, principal_now, refresh, sign_in, sign_out
from api.staff.service.tablets import Pairing, make_pairing_code, pair, revoke, tablets

__all__ = [
    "Origin",
    "Pairing",
    "Tokens",
    "account",
    "account_or_tablet",
    "accounts",
    "accounts_for_trying_out",
    "change",
    "facts",
    "first_administrators",
    "forget_old",
    "gives_value",
    "make_pairing_code",
    "move",
    "names_of",
    "open_account",
    "pair",
    "principal_now",
    "refresh",
    "refuse_alone",
    "retry",
    "revoke",
    "run_now",
    "second_administrator",
    "seed_account",
    "sign_in",
    "sign_out",
    "standing",
    "tablets",
]
