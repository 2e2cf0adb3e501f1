"""Who works here, who of them may come in, and which tablets."""

from api.staff.service.accounts import (
    account,
    account_or_tablet,
    accounts,
    change,
    change_own_password,
    first_administrator,
    move,
    names_of,
    open_account,
    reset_password,
)
from api.staff.service.background_work import retry, run_now
from api.staff.service.second_person import refuse_alone, standing
from api.staff.service.sessions import Tokens, forget_old, principal_now, refresh, sign_in, sign_out
from api.staff.service.tablets import Pairing, make_pairing_code, pair, revoke, tablets

__all__ = [
    "Pairing",
    "Tokens",
    "account",
    "account_or_tablet",
    "accounts",
    "change",
    "change_own_password",
    "first_administrator",
    "forget_old",
    "make_pairing_code",
    "move",
    "names_of",
    "open_account",
    "pair",
    "principal_now",
    "refresh",
    "refuse_alone",
    "reset_password",
    "retry",
    "revoke",
    "run_now",
    "sign_in",
    "sign_out",
    "standing",
    "tablets",
]
