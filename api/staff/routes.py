"""Signing in, accounts, tablets and the audit log."""

from __future__ import annotations

from typing import Any

from flask import request

from api.kit import audit, http, identity, limits
from api.kit.audit import AuditEntry
from api.kit.limits import Limit
from api.kit.pages import Page
from api.kit.roles import SHOP_ROLES, Role
from api.kit.states import WrongState
from api.kit.tables import exported
from api.malls.errors import ShopNotFound
from api.staff import permissions, queries, schemas, service
from api.staff.errors import (
    JobNotFailed,
    JobNotFound,
    LastAdministrator,
    LoginTaken,
    OwnAccount,
    PairingCodeRefused,
    PasswordWeak,
    PasswordWrong,
    RoleNeedsShop,
    ShopClosed,
    SignInRefused,
    StaffAccountNotFound,
    TabletNotFound,
    TokenReused,
)
from api.staff.models import StaffAccount
from api.staff.queries import JobLine, JobRun
from api.staff.service import Pairing, Tokens
from api.staff.states import AccountState

BY_ADDRESS = Limit("staff sign-in", 60, 60)
BY_LOGIN = Limit("staff sign-in of a login", 20, 60)
PAIRING = Limit("pairing", 20, 60)
OWN_PASSWORD = Limit("own password", 10, 900)

public = http.Blueprint("staff sign-in", __name__, audience=identity.anyone, url_prefix="/malls/<mall_code>")
office = http.Blueprint("staff", __name__, audience=identity.mall_staff)
shops = http.Blueprint("shop staff", __name__, audience=identity.shop_staff)

AccountPage = http.page_of(schemas.StaffAccountSchema)


@public.post("/staff-sign-in")
@public.arguments(schemas.SignInArgs)
@public.response(200, schemas.TokensSchema)
@public.problems(http.MallNotFound, SignInRefused, limits.TooOften)
def sign_in(args: dict[str, str]) -> Tokens:
    """Sign in a person of the mall's or a shop's staff"""
    limits.spend(BY_ADDRESS, request.remote_addr or "")
    limits.spend(BY_LOGIN, args["login"].strip().lower())
    return service.sign_in(args["login"], args["password"])


@public.post("/staff-tokens")
@public.arguments(schemas.RefreshArgs)
@public.response(200, schemas.TokensSchema)
@public.problems(http.MallNotFound, identity.TokenInvalid, TokenReused, limits.TooOften)
def refresh(args: dict[str, str]) -> Tokens:
    """Stay signed in: new tokens for the newest refresh token"""
    limits.spend(BY_ADDRESS, request.remote_addr or "")
    return service.refresh(args["refresh_token"])


@public.post("/tablet-pairings")
@public.arguments(schemas.PairArgs)
@public.response(201, schemas.TokensSchema)
@public.problems(http.MallNotFound, PairingCodeRefused, limits.TooOften)
def pair_tablet(args: dict[str, str]) -> Tokens:
    """Pair a shop's tablet by its code"""
    limits.spend(PAIRING, request.remote_addr or "")
    return service.pair(args["code"], args["device_name"])


def _me() -> dict[str, Any]:
    who = identity.principal()
    return {"account": service.account_or_tablet(who.id), "permissions": sorted(who.permissions)}


def _change_password(args: dict[str, str]) -> None:
    who = identity.principal()
    limits.spend(OWN_PASSWORD, who.name)
    service.change_own_password(who.id, args["present"], args["new"], by=who.name, session_id=who.session_id)


@office.get("/me")
@office.response(200, schemas.MeSchema)
@office.permission("self.read")
def show_me() -> dict[str, Any]:
    """Who I am and what I may do"""
    return _me()


@office.put("/me/password")
@office.arguments(schemas.OwnPasswordArgs)
@office.response(204)
@office.problems(PasswordWrong, PasswordWeak)
@office.permission("self.write")
def change_my_password(args: dict[str, str]) -> None:
    """Change my password"""
    _change_password(args)


@office.delete("/me/session")
@office.response(204)
@office.permission("self.read")
def sign_out() -> None:
    """Sign out"""
    service.sign_out(identity.staff().session_id)


@office.get("/staff")
@office.arguments(schemas.AccountsArgs, location="query")
@office.response(200, AccountPage)
@office.permission("staff.read")
@exported("staff", schemas.AccountsArgs, schemas.StaffAccountSchema)
def list_accounts(args: dict[str, Any]) -> Page[StaffAccount]:
    """Accounts of people"""
    return service.accounts(
        shop_id=args.get("shop_id"), state=args.get("state"), role=args.get("role"), cursor=args.get("cursor"), limit=args["limit"]
    )


@office.post("/staff")
@office.arguments(schemas.OpenAccountArgs)
@office.response(201, schemas.StaffAccountSchema)
@office.problems(LoginTaken, PasswordWeak, RoleNeedsShop, ShopNotFound)
@office.permission("staff.write")
def open_account(args: dict[str, Any]) -> StaffAccount:
    """Open an account"""
    return service.open_account(**args | {"role": Role(args["role"])}, by=identity.staff().name)


@office.get("/staff/<int:account_id>")
@office.response(200, schemas.StaffAccountSchema)
@office.problems(StaffAccountNotFound)
@office.permission("staff.read")
def show_account(account_id: int) -> StaffAccount:
    """One account"""
    return service.account(account_id)


@office.patch("/staff/<int:account_id>")
@office.arguments(schemas.ChangeAccountArgs)
@office.response(200, schemas.StaffAccountSchema)
@office.problems(StaffAccountNotFound, OwnAccount, LastAdministrator, RoleNeedsShop, ShopNotFound)
@office.permission("staff.write")
def change_account(args: dict[str, Any], account_id: int) -> StaffAccount:
    """Change a name, a role or a shop"""
    who, why = identity.staff(), args.pop("why")
    return service.change(account_id, args, by=who.name, by_id=who.id, why=why)


@office.put("/staff/<int:account_id>/state")
@office.arguments(schemas.MoveAccountArgs)
@office.response(200, schemas.StaffAccountSchema)
@office.problems(StaffAccountNotFound, OwnAccount, LastAdministrator, WrongState)
@office.permission("staff.write")
def move_account(args: dict[str, str], account_id: int) -> StaffAccount:
    """Suspend an account, let it in again, or close it"""
    who = identity.staff()
    return service.move(account_id, AccountState(args["state"]), by=who.name, by_id=who.id, why=args["why"])


@office.put("/staff/<int:account_id>/password")
@office.arguments(schemas.ResetPasswordArgs)
@office.response(200, schemas.StaffAccountSchema)
@office.problems(StaffAccountNotFound, PasswordWeak)
@office.permission("staff.write")
def reset_password(args: dict[str, str], account_id: int) -> StaffAccount:
    """Give somebody a new password"""
    return service.reset_password(account_id, args["password"], by=identity.staff().name, why=args["why"])


@office.get("/roles")
@office.response(200, schemas.RolesSchema)
@office.permission("staff.read")
def show_roles() -> dict[str, Any]:
    """Every role and what it allows"""
    return {"roles": [{"role": role, "of_shop": role in SHOP_ROLES, "permissions": sorted(permissions.of(role))} for role in Role]}


@office.get("/tablets")
@office.arguments(schemas.TabletsArgs, location="query")
@office.response(200, AccountPage)
@office.permission("tablets.manage")
@exported("tablets", schemas.TabletsArgs, schemas.StaffAccountSchema)
def list_all_tablets(args: dict[str, Any]) -> Page[StaffAccount]:
    """Every shop's tablets"""
    return service.tablets(shop_id=args.get("shop_id"), state=args.get("state"), cursor=args.get("cursor"), limit=args["limit"])


@office.post("/shops/<int:shop_id>/pairing-codes")
@office.response(201, schemas.PairingCodeSchema)
@office.problems(ShopNotFound, ShopClosed)
@office.permission("tablets.manage")
def make_pairing_code(shop_id: int) -> Pairing:
    """Make a code that lets one tablet into a shop"""
    return service.make_pairing_code(shop_id, by=identity.staff().name)


@office.get("/shops/<int:shop_id>/tablets")
@office.arguments(http.PageArgs, location="query")
@office.response(200, AccountPage)
@office.problems(ShopNotFound)
@office.permission("tablets.manage")
def list_tablets(args: dict[str, Any], shop_id: int) -> Page[StaffAccount]:
    """A shop's tablets"""
    return service.tablets(shop_id=shop_id, cursor=args.get("cursor"), limit=args["limit"])


@office.put("/tablets/<int:tablet_id>/revocation")
@office.arguments(schemas.WhyArgs)
@office.response(200, schemas.StaffAccountSchema)
@office.problems(TabletNotFound, WrongState)
@office.permission("tablets.manage")
def revoke_tablet(args: dict[str, str], tablet_id: int) -> StaffAccount:
    """Shut a tablet out"""
    return service.revoke(tablet_id, by=identity.staff().name, why=args["why"])


@office.get("/audit")
@office.arguments(schemas.AuditArgs, location="query")
@office.response(200, http.page_of(schemas.AuditEntrySchema))
@office.permission("audit.read")
@exported("audit", schemas.AuditArgs, schemas.AuditEntrySchema)
def list_audit(args: dict[str, Any]) -> Page[AuditEntry]:
    """Every change in the office: who, when, before, after, why"""
    return audit.entries(**args)


@office.get("/job-summary")
@office.response(200, schemas.JobSummarySchema)
@office.permission("jobs.read")
def show_jobs() -> dict[str, list[JobLine]]:
    """Every background job: what waits, runs, failed or is stuck, and how it last ended"""
    return {"jobs": queries.lines()}


@office.get("/jobs")
@office.arguments(schemas.JobsArgs, location="query")
@office.response(200, http.page_of(schemas.JobRunSchema))
@office.permission("jobs.read")
@exported("jobs", schemas.JobsArgs, schemas.JobRunSchema)
def list_jobs(args: dict[str, Any]) -> Page[JobRun]:
    """Runs of background jobs, newest first"""
    return queries.runs(state=args.get("state"), name=args.get("name"), cursor=args.get("cursor"), limit=args["limit"])


@office.post("/jobs")
@office.arguments(schemas.RunArgs)
@office.response(201, schemas.JobRunSchema)
@office.problems(JobNotFound)
@office.idempotent
@office.permission("jobs.retry")
def run_job(args: dict[str, str]) -> JobRun:
    """Run a scheduled job for this mall now"""
    return service.run_now(args["name"], by=identity.staff().name, why=args["why"])


@office.post("/jobs/<int:job_id>/retry")
@office.arguments(schemas.WhyArgs)
@office.response(200, schemas.JobRunSchema)
@office.problems(JobNotFound, JobNotFailed)
@office.permission("jobs.retry")
def retry_job(args: dict[str, str], job_id: int) -> JobRun:
    """Try a failed job again"""
    return service.retry(job_id, by=identity.staff().name, why=args["why"])


@shops.get("/me")
@shops.response(200, schemas.MeSchema)
@shops.permission("self.read")
def show_me_of_shop() -> dict[str, Any]:
    """Who I am and what I may do"""
    return _me()


@shops.put("/me/password")
@shops.arguments(schemas.OwnPasswordArgs)
@shops.response(204)
@shops.problems(PasswordWrong, PasswordWeak)
@shops.permission("self.write")
def change_my_password_of_shop(args: dict[str, str]) -> None:
    """Change my password"""
    _change_password(args)


@shops.delete("/me/session")
@shops.response(204)
@shops.permission("self.read")
def sign_out_of_shop() -> None:
    """Sign out"""
    service.sign_out(identity.shop().session_id)


@shops.post("/pairing-codes")
@shops.response(201, schemas.PairingCodeSchema)
@shops.problems(ShopClosed)
@shops.permission("own_tablets.manage")
def make_own_pairing_code() -> Pairing:
    """Make a code that lets one tablet into my shop"""
    return service.make_pairing_code(_own_shop(), by=identity.shop().name)


@shops.get("/tablets")
@shops.arguments(http.PageArgs, location="query")
@shops.response(200, AccountPage)
@shops.permission("own_tablets.manage")
def list_own_tablets(args: dict[str, Any]) -> Page[StaffAccount]:
    """My shop's tablets"""
    return service.tablets(shop_id=_own_shop(), cursor=args.get("cursor"), limit=args["limit"])


@shops.put("/tablets/<int:tablet_id>/revocation")
@shops.arguments(schemas.WhyArgs)
@shops.response(200, schemas.StaffAccountSchema)
@shops.problems(TabletNotFound, WrongState)
@shops.permission("own_tablets.manage")
def revoke_own_tablet(args: dict[str, str], tablet_id: int) -> StaffAccount:
    """Shut one of my shop's tablets out"""
    return service.revoke(tablet_id, by=identity.shop().name, why=args["why"], shop_id=_own_shop())


def _own_shop() -> int:
    shop_id = identity.shop().shop_id
    assert shop_id is not None  # the loader lets nobody in as a shop without one
    return shop_id
