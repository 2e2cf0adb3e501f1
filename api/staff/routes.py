"""Signing in, accounts, tablets and the audit log."""

from __future__ import annotations

from typing import Any

from flask import request

from api.approvals.two_people import two_people
from api.kit import audit, http, identity, limits
from api.kit.audit import AuditEntry
from api.kit.limits import Limit
from api.kit.pages import Page
from api.kit.roles import SHOP_ROLES, Role
from api.kit.states import WrongState
from api.kit.tables import exported
from api.malls.errors import ShopNotFound
from api.staff import devices, permissions, queries, schemas, service
from api.staff.errors import (
    CodeNeeded,
    CodesNotBegun,
    CodeWrong,
    JobNotFailed,
    JobNotFound,
    LastAdministrator,
    LinkNotReady,
    LinkRefused,
    LoginTaken,
    NewsNotFound,
    OwnAccount,
    PairingCodeRefused,
    PasswordWeak,
    PasswordWrong,
    RoleNeedsShop,
    ShopClosed,
    SignInNotFound,
    SignInRefused,
    StaffAccountNotFound,
    TabletNotFound,
    TokenReused,
)
from api.staff.models import AccountLink, StaffAccount, StaffSession
from api.staff.queries import JobLine, JobRun
from api.staff.service import Origin, Pairing, Tokens, attempts, credentials, links, news, second_factors, sessions
from api.staff.service.links import ShownLink
from api.staff.service.second_factors import FactorState, Setup
from api.staff.states import AccountState

BY_ADDRESS = Limit("staff sign-in", 60, 60)
BY_LINK = Limit("staff link", 30, 60)
PAIRING = Limit("pairing", 20, 60)
OWN_PASSWORD = Limit("own password", 10, 900)

public = http.Blueprint("staff sign-in", __name__, audience=identity.anyone, url_prefix="/malls/<mall_code>")
office = http.Blueprint("staff", __name__, audience=identity.mall_staff)
shops = http.Blueprint("shop staff", __name__, audience=identity.shop_staff)

AccountPage = http.page_of(schemas.StaffAccountSchema)
SignInPage = http.page_of(schemas.SignInSchema)

ENDED = "ended by an administrator"


@public.post("/staff-sign-in")
@public.arguments(schemas.SignInArgs)
@public.response(200, schemas.TokensSchema)
@public.problems(http.MallNotFound, SignInRefused, CodeNeeded, CodeWrong, limits.TooOften)
def sign_in(args: dict[str, Any]) -> Tokens:
    """Sign in a person of the mall's or a shop's staff"""
    if not attempts.knows(args["login"], args["device_token"]):
        limits.spend(BY_ADDRESS, request.remote_addr or "")  # whoever floods an address stops nobody who has signed in there before
    return service.sign_in(args.pop("login"), args.pop("password"), **args, origin=_origin())


def _origin() -> Origin:
    return Origin(request.remote_addr or "", devices.label(request.headers.get("User-Agent", "")))


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
    return service.pair(args["code"], args["device_name"], origin=_origin())


@public.post("/staff-link-owners")
@public.arguments(schemas.LinkArgs)
@public.response(200, schemas.LinkOwnerSchema)
@public.problems(http.MallNotFound, LinkRefused, limits.TooOften)
def show_link_owner(args: dict[str, str]) -> dict[str, Any]:
    """Whose one-time link this is"""
    limits.spend(BY_LINK, request.remote_addr or "")
    link, account = links.look(args["token"])
    return {"login": account.login, "name": account.name, "role": account.role, "also_codes": link.also_codes, "ends_at": link.ends_at}


@public.post("/staff-passwords")
@public.arguments(schemas.LinkPasswordArgs)
@public.response(204)
@public.problems(http.MallNotFound, LinkRefused, PasswordWeak, limits.TooOften)
def set_password_by_link(args: dict[str, str]) -> None:
    """Set the own password by a one-time link"""
    limits.spend(BY_LINK, request.remote_addr or "")
    links.use(args["token"], args["password"])


def _me() -> dict[str, Any]:
    who = identity.principal()
    unseen = [{"id": row.id, "what": row.what, "about": name, "by": row.by, "at": row.at} for row, name in news.unseen(who.id)]
    account = service.account_or_tablet(who.id)
    return {"account": account, "permissions": sorted(who.permissions), "due": sessions.due(who.id), "news": unseen}


def _change_password(args: dict[str, str]) -> None:
    who = identity.principal()
    limits.spend(OWN_PASSWORD, who.name)
    credentials.change_own(service.account(who.id), args["present"], args["new"], by=who.name, session_id=who.session_id)


def _prove(args: dict[str, Any]) -> StaffAccount:
    who = identity.principal()
    limits.spend(OWN_PASSWORD, who.name)
    account = service.account(who.id)
    credentials.prove(account, args["password"], args["code"])
    return account


def _own_account(blp: http.Blueprint) -> None:
    """What people of the mall and of shops do about their own account, at the addresses of each."""

    @blp.get("/me/codes")
    @blp.response(200, schemas.CodeStateSchema)
    @blp.permission("self.read")
    def show_my_codes() -> FactorState:
        """How my codes stand"""
        return second_factors.state(identity.principal().id)

    @blp.post("/me/codes")
    @blp.arguments(schemas.ProofArgs)
    @blp.response(201, schemas.CodeSetupSchema)
    @blp.problems(PasswordWrong, CodeNeeded, CodeWrong, limits.TooOften)
    @blp.permission("self.write")
    def begin_my_codes(args: dict[str, Any]) -> Setup:
        """Begin to set up codes in an authenticator app"""
        return second_factors.begin(_prove(args))

    @blp.put("/me/codes")
    @blp.arguments(schemas.CodeArgs)
    @blp.response(200, schemas.RecoveryCodesSchema)
    @blp.problems(CodesNotBegun, CodeWrong, limits.TooOften)
    @blp.permission("self.write")
    def confirm_my_codes(args: dict[str, str]) -> dict[str, list[str]]:
        """The first code from the app: codes are asked from now on"""
        who = identity.principal()
        limits.spend(OWN_PASSWORD, who.name)
        return {"recovery_codes": second_factors.confirm(who.id, args["code"], by=who.name)}

    @blp.post("/me/recovery-codes")
    @blp.arguments(schemas.ProofArgs)
    @blp.response(201, schemas.RecoveryCodesSchema)
    @blp.problems(PasswordWrong, CodeNeeded, CodeWrong, limits.TooOften)
    @blp.permission("self.write")
    def renew_my_recovery_codes(args: dict[str, Any]) -> dict[str, list[str]]:
        """Ten new recovery codes"""
        return {"recovery_codes": second_factors.renew_recovery(_prove(args).id, by=identity.principal().name)}

    @blp.get("/me/sign-ins")
    @blp.arguments(http.PageArgs, location="query")
    @blp.response(200, SignInPage)
    @blp.permission("self.read")
    def list_my_sign_ins(args: dict[str, Any]) -> Page[StaffSession]:
        """Where I am signed in"""
        return sessions.listed(identity.principal().id, cursor=args.get("cursor"), limit=args["limit"])

    @blp.delete("/me/sign-ins/<int:sign_in_id>")
    @blp.response(204)
    @blp.problems(SignInNotFound)
    @blp.permission("self.write")
    def end_my_sign_in(sign_in_id: int) -> None:
        """Sign out elsewhere"""
        sessions.end_one(identity.principal().id, sign_in_id, reason="ended by its owner")

    @blp.delete("/me/sign-ins")
    @blp.response(204)
    @blp.permission("self.write")
    def end_my_other_sign_ins() -> None:
        """Sign out everywhere else"""
        who = identity.principal()
        sessions.end_all(who.id, "ended by its owner", but=who.session_id)

    @blp.put("/me/news/<int:news_id>/sight")
    @blp.response(204)
    @blp.problems(NewsNotFound)
    @blp.permission("self.read")
    def see_news(news_id: int) -> None:
        """I have seen this"""
        news.see(identity.principal().id, news_id)


_own_account(office)
_own_account(shops)


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


def _open_alone(args: dict[str, Any]) -> bool:
    return not service.gives_value(args["role"])


@office.post("/staff")
@office.arguments(schemas.OpenAccountArgs)
@office.response(201, schemas.StaffAccountSchema)
@office.problems(LoginTaken, RoleNeedsShop, ShopNotFound)
@office.permission("staff.write")
@two_people("staff.open", arguments=schemas.OpenAccountArgs, approver="staff.approve", alone=_open_alone)
def open_account(args: dict[str, Any]) -> StaffAccount:
    """Invite somebody: an account, and leave for one link by which its person sets a password"""
    return service.open_account(**args | {"role": Role(args["role"])}, by=identity.staff().name)


@office.get("/staff/<int:account_id>")
@office.response(200, schemas.StaffAccountSchema)
@office.problems(StaffAccountNotFound)
@office.permission("staff.read")
def show_account(account_id: int) -> StaffAccount:
    """One account"""
    return service.account(account_id)


def _account_facts(_args: dict[str, Any], account_id: int) -> dict[str, Any]:
    return service.facts(service.account(account_id))


def _change_alone(args: dict[str, Any], account_id: int) -> bool:
    account = service.account(account_id)
    same = all(args.get(name, getattr(account, name)) == getattr(account, name) for name in ("role", "shop_id"))
    return same or not service.gives_value(args.get("role", account.role))


@office.patch("/staff/<int:account_id>")
@office.arguments(schemas.ChangeAccountArgs)
@office.response(200, schemas.StaffAccountSchema)
@office.problems(StaffAccountNotFound, OwnAccount, LastAdministrator, RoleNeedsShop, ShopNotFound)
@office.permission("staff.write")
@two_people("staff.change", arguments=schemas.ChangeAccountArgs, approver="staff.approve", before=_account_facts, alone=_change_alone)
def change_account(args: dict[str, Any], account_id: int) -> StaffAccount:
    """Change a name, a role or a shop"""
    who, why = identity.staff(), args.pop("why")
    return service.change(account_id, args, by=who.name, by_id=who.id, why=why)


def _move_alone(args: dict[str, str], account_id: int) -> bool:
    return args["state"] != AccountState.ACTIVE or not service.gives_value(None, account_id=account_id)


@office.put("/staff/<int:account_id>/state")
@office.arguments(schemas.MoveAccountArgs)
@office.response(200, schemas.StaffAccountSchema)
@office.problems(StaffAccountNotFound, OwnAccount, LastAdministrator, WrongState)
@office.permission("staff.write")
@two_people("staff.let_in", arguments=schemas.MoveAccountArgs, approver="staff.approve", before=_account_facts, alone=_move_alone)
def move_account(args: dict[str, str], account_id: int) -> StaffAccount:
    """Suspend an account, let it in again, or close it"""
    who = identity.staff()
    return service.move(account_id, AccountState(args["state"]), by=who.name, by_id=who.id, why=args["why"])


def _link_alone(_args: dict[str, Any], account_id: int) -> bool:
    return not service.gives_value(None, account_id=account_id)


@office.post("/staff/<int:account_id>/links")
@office.arguments(schemas.AskLinkArgs)
@office.response(201, schemas.AccountLinkSchema)
@office.problems(StaffAccountNotFound, OwnAccount)
@office.permission("staff.write")
@two_people("staff.link", arguments=schemas.AskLinkArgs, approver="staff.approve", before=_account_facts, alone=_link_alone)
def ask_link(args: dict[str, Any], account_id: int) -> AccountLink:
    """Ask for a new link for somebody who lost the password, or the phone too"""
    return links.ask(service.account(account_id), **args, by=identity.staff().name)


@office.get("/staff/<int:account_id>/newest-link")
@office.response(200, schemas.AccountLinkSchema)
@office.problems(StaffAccountNotFound, LinkNotReady)
@office.permission("staff.read")
def show_newest_link(account_id: int) -> AccountLink:
    """What became of somebody's newest link"""
    if (link := links.newest(service.account(account_id).id)) is None:
        raise LinkNotReady()
    return link


@office.put("/staff/<int:account_id>/newest-link")
@office.response(200, schemas.ShownLinkSchema)
@office.problems(StaffAccountNotFound, LinkNotReady)
@office.permission("staff.write")
def show_link(account_id: int) -> ShownLink:
    """Show the link, once, to who asked for it"""
    return links.show(service.account(account_id), by=identity.staff().name)


@office.get("/staff/<int:account_id>/sign-ins")
@office.arguments(http.PageArgs, location="query")
@office.response(200, SignInPage)
@office.problems(StaffAccountNotFound)
@office.permission("staff.read")
def list_sign_ins(args: dict[str, Any], account_id: int) -> Page[StaffSession]:
    """Where somebody is signed in"""
    return sessions.listed(service.account(account_id).id, cursor=args.get("cursor"), limit=args["limit"])


@office.delete("/staff/<int:account_id>/sign-ins/<int:sign_in_id>")
@office.response(204)
@office.problems(StaffAccountNotFound, SignInNotFound)
@office.permission("staff.write")
def end_sign_in(account_id: int, sign_in_id: int) -> None:
    """End one sign-in of somebody"""
    sessions.end_one(service.account(account_id).id, sign_in_id, reason=ENDED)
    audit.record(identity.staff().name, "ended a sign-in", "staff_account", account_id)


@office.delete("/staff/<int:account_id>/sign-ins")
@office.response(204)
@office.problems(StaffAccountNotFound)
@office.permission("staff.write")
def end_sign_ins(account_id: int) -> None:
    """Sign somebody out everywhere"""
    sessions.end_all(service.account(account_id).id, ENDED)
    audit.record(identity.staff().name, "ended every sign-in", "staff_account", account_id)


@office.get("/roles")
@office.response(200, schemas.RolesSchema)
@office.permission("staff.read")
def show_roles() -> dict[str, Any]:
    """Every role and what it allows"""
    return {"roles": [_role(role) for role in Role]}


def _role(role: Role) -> dict[str, Any]:
    over_value, may = permissions.holds_value(role), sorted(permissions.of(role))
    return {"role": role, "of_shop": role in SHOP_ROLES, "over_value": over_value, "permissions": may}


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
