"""The own password: set by its owner only, by a link or with the present one."""

from __future__ import annotations

from api.kit import audit, db
from api.kit.db import session
from api.staff import passwords
from api.staff.errors import CodeNeeded, CodeWrong, PasswordWeak, PasswordWrong
from api.staff.models import StaffAccount
from api.staff.service import attempts, second_factors, sessions


def refuse_weak(password: str, login: str, name: str) -> None:
    """PasswordWeak."""
    if login in password.lower() or passwords.is_weak(password, (login, name)):
        raise PasswordWeak()


def set_password(account: StaffAccount, password: str, *, given: bool = False) -> None:
    """Keep a password. `given`: by somebody else, so that its owner must change it before anything else. PasswordWeak."""
    refuse_weak(password, account.login or "", account.name)
    account.password_hash, account.password_given = passwords.hash_password(password), given
    session.flush()
    attempts.clear_all(account.login or "")


def change_own(account: StaffAccount, present: str, new: str, *, by: str, session_id: str) -> None:
    """Change the own password; other sign-ins end. PasswordWrong, PasswordWeak."""
    if not passwords.matches(present, account.password_hash):
        raise PasswordWrong()
    if account.password_given and present == new:
        raise PasswordWeak()
    set_password(account, new)
    sessions.end_all(account.id, "the password was changed", but=session_id)
    audit.record(by, "changed the own password", "staff_account", account.id)


def prove(account: StaffAccount, password: str, code: str | None) -> None:
    """Somebody signed in proves to be who he is, before the codes change. PasswordWrong, CodeNeeded, CodeWrong."""
    if not passwords.matches(password, account.password_hash):
        raise PasswordWrong()
    if second_factors.is_asked(account.id):
        if not code:
            raise CodeNeeded()
        lane = attempts.code_lane(account.login or "", None)
        allowed = attempts.count([lane])
        db.checkpoint()  # counted before it is looked at, as at the sign-in
        if not (allowed and second_factors.use(account.id, code)):
            raise CodeWrong()
        attempts.clear([lane])
