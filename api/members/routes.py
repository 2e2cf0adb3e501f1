"""Signing in, the member's own pages, the shop's check of a member code, the office's look at members."""

from __future__ import annotations

from typing import Any

from flask import request

from api.approvals.two_people import two_people
from api.kit import audit, db, identity, limits, membership, pages
from api.kit.challenges import Challenge, Solution
from api.kit.http import Blueprint, MallNotFound, PageArgs, Precondition, page_of
from api.kit.limits import Limit
from api.kit.once import IdempotencyKeyReused
from api.kit.pages import Page
from api.kit.tables import exported
from api.members import errors, phones, schemas
from api.members.models import Consent, FamilyMember, Member, MemberIdentity, MemberSession, Vehicle
from api.members.service import (
    challenges,
    consents,
    family,
    identities,
    levels,
    member_codes,
    phone_codes,
    profile,
    search,
    sessions,
    sign_in,
    text_budgets,
    vehicles,
)

BY_DEVICE = Limit("sign-in-device", 20, 60)
# A whole mall may share one address (its own Wi-Fi), so this one only stops floods.
BY_ADDRESS = Limit("sign-in-address", 300, 60)
CODES_BY_DEVICE = Limit("phone-codes-device", 5, 3600)
CHALLENGES_BY_ADDRESS = Limit("challenges-address", 600, 3600)
CODES_BY_STAFF = Limit("phone-codes-staff", 30, 3600)
REFRESH_BY_ADDRESS = Limit("refresh-address", 1200, 60)
CODES_BY_MEMBER = Limit("member-codes", 30, 60)
PHONES_BY_MEMBER = Limit("phone-joins", 5, 600)
CHECKS_BY_SHOP = Limit("member-checks", 60, 60)
SEARCHES_BY_STAFF = Limit("member-searches", 60, 60)
EXPORTS_BY_MEMBER = Limit("exports", 5, 3600)

signing_in = Blueprint("sign_in", __name__, audience=identity.anyone, url_prefix="/malls/<mall_code>/sign-in", description="Signing in")
renewing = Blueprint("sessions", __name__, audience=identity.anyone, url_prefix="/sessions", description="Staying signed in")
own = Blueprint("me", __name__, audience=identity.members, description="The member's own data")
shop = Blueprint("member_checks", __name__, audience=identity.shop_staff, url_prefix="/member-checks", description="Members at a till")
office = Blueprint("office_members", __name__, audience=identity.mall_staff, description="Members, seen by the mall's staff")
records = Blueprint(
    "member_records", __name__, audience=identity.mall_staff, url_prefix="/members/<int:member_id>",
    description="What stands in a member's record, once it was opened with a reason",
    precondition=Precondition(
        lambda values: profile.refuse_unopened(values["member_id"], identity.staff().name), (membership.RecordNotOpened,)
    ),
)  # fmt: skip

WALLET_TROUBLES = (errors.GatewaySilent, errors.GatewayBusy, errors.GatewayMisconfigured)


def _spend(by_device: Limit, by_address: Limit) -> None:
    limits.spend(by_address, limits.network(request.remote_addr))
    _spend_device(by_device)


def _spend_device(by_device: Limit) -> None:
    if device := request.headers.get("X-Device-Id", "")[:64]:
        limits.spend(by_device, f"{db.mall()}:{device}")


def _arrival(arguments: dict[str, Any]) -> sign_in.Arrival:
    return sign_in.Arrival(arguments.pop("consent_version"), arguments.pop("source"), arguments.pop("referrer"), arguments.pop("shop_id"))


@signing_in.post("/wechat")
@signing_in.arguments(schemas.WeChatSignInArgs)
@signing_in.response(200, schemas.SignedInSchema)
@signing_in.problems(MallNotFound, errors.LoginCodeRefused, errors.LoginBlocked, limits.TooOften, *WALLET_TROUBLES)
def sign_in_with_wechat(arguments: dict[str, Any]) -> sign_in.SignedIn:
    """Sign in with WeChat; the first time is joining"""
    _spend(BY_DEVICE, BY_ADDRESS)
    arrival = _arrival(arguments)
    return sign_in.with_wechat(arguments["js_code"], arrival)


@signing_in.post("/alipay")
@signing_in.arguments(schemas.AlipaySignInArgs)
@signing_in.response(200, schemas.SignedInSchema)
@signing_in.problems(MallNotFound, errors.LoginCodeRefused, limits.TooOften, *WALLET_TROUBLES)
def sign_in_with_alipay(arguments: dict[str, Any]) -> sign_in.SignedIn:
    """Sign in with Alipay; the first time is joining"""
    _spend(BY_DEVICE, BY_ADDRESS)
    arrival = _arrival(arguments)
    return sign_in.with_alipay(arguments["auth_code"], arrival)


@signing_in.post("/phone")
@signing_in.arguments(schemas.PhoneSignInArgs)
@signing_in.response(200, schemas.SignedInSchema)
@signing_in.problems(MallNotFound, errors.PhoneInvalid, errors.PhoneCodeWrong, errors.PhoneCodeEnded, limits.TooOften)
def sign_in_with_phone(arguments: dict[str, Any]) -> sign_in.SignedIn:
    """Sign in with a code sent to the phone; the first time is joining"""
    _spend(BY_DEVICE, BY_ADDRESS)
    arrival = _arrival(arguments)
    return sign_in.with_phone(arguments["phone"], arguments["code"], arrival)


@signing_in.get("/challenge")
@signing_in.response(200, schemas.ChallengeSchema)
@signing_in.problems(MallNotFound, limits.TooOften)
def give_challenge() -> Challenge:
    """What to compute before the next code is asked for from a busy address; it counts once, for five minutes"""
    network = limits.network(request.remote_addr)
    limits.spend(CHALLENGES_BY_ADDRESS, network)
    return challenges.give(network)


@signing_in.post("/phone-codes")
@signing_in.arguments(schemas.PhoneCodeArgs)
@signing_in.response(202)
@signing_in.problems(
    MallNotFound, errors.ChallengeNeeded, errors.TextsSpent, errors.PhoneInvalid, errors.PhoneNotServed, errors.PhoneSignInClosed,
    errors.PhoneCodeTooSoon, limits.TooOften,
)  # fmt: skip
def send_phone_code(arguments: dict[str, Any]) -> None:
    """Send a sign-in code to a phone; after the first few of an address with the solution of a challenge"""
    network, solved = limits.network(request.remote_addr), arguments["solution"]
    challenges.demand(network, Solution(**solved) if solved else None)
    _spend_device(CODES_BY_DEVICE)
    phone_codes.send_code(arguments["phone"], network)


@renewing.post("/refresh")
@renewing.arguments(schemas.MemberRefreshArgs)
@renewing.response(200, schemas.MemberTokensSchema)
@renewing.problems(errors.SessionEnded, errors.RefreshTokenReused, limits.TooOften)
def refresh_session(arguments: dict[str, Any]) -> sessions.Tokens:
    """Exchange the refresh token for the next pair"""
    limits.spend(REFRESH_BY_ADDRESS, limits.network(request.remote_addr))
    return sessions.refresh(arguments["refresh_token"])


@own.delete("/sessions/current")
@own.response(204)
def sign_out() -> None:
    """Sign out on this device"""
    who = identity.member()
    sessions.end(who.id, who.session_id)


@own.get("/me")
@own.response(200, schemas.MemberSchema)
@own.problems(errors.MemberNotFound, errors.MemberClosed)
def show_me() -> Member:
    """My own data"""
    return profile.get(identity.member().id)


@own.patch("/me")
@own.arguments(schemas.MemberPatch)
@own.response(200, schemas.MemberSchema)
@own.problems(errors.MemberNotFound, errors.MemberClosed, errors.BirthdayFixed)
def change_me(arguments: dict[str, Any]) -> Member:
    """Change my nickname, or enter my birthday once"""
    return profile.change(identity.member().id, **arguments)


@own.post("/me/phone/wechat")
@own.arguments(schemas.WeChatPhoneArgs)
@own.response(200, schemas.PhoneJoinedSchema)
@own.problems(errors.MemberClosed, errors.PhoneProofRefused, errors.PhoneInvalid, errors.MergeNeeded, limits.TooOften, *WALLET_TROUBLES)
def join_phone_from_wechat(arguments: dict[str, Any]) -> identities.PhoneJoined:
    """Join the phone number that WeChat verified"""
    who = identity.member()
    limits.spend(PHONES_BY_MEMBER, who.name + f"@{who.mall_id}")
    return identities.with_wechat_phone(who.id, who.session_id, arguments["code"])


@own.post("/me/phone/alipay")
@own.arguments(schemas.AlipayPhoneArgs)
@own.response(200, schemas.PhoneJoinedSchema)
@own.problems(
    errors.MemberClosed, errors.PhoneProofRefused, errors.PhoneProofUsed, errors.PhoneProofMisplaced, errors.PhoneInvalid,
    errors.MergeNeeded, limits.TooOften, errors.GatewayMisconfigured,
)  # fmt: skip
def join_phone_from_alipay(arguments: dict[str, Any]) -> identities.PhoneJoined:
    """Join the phone number that Alipay sealed"""
    who = identity.member()
    limits.spend(PHONES_BY_MEMBER, who.name + f"@{who.mall_id}")
    return identities.with_alipay_phone(who.id, who.session_id, arguments)


@own.post("/me/phone-codes")
@own.response(202)
@own.problems(
    errors.MemberNotFound, errors.MemberClosed, errors.NoPhoneYet, errors.PhoneNotServed, errors.PhoneSignInClosed, errors.PhoneCodeTooSoon,
    errors.TextsSpent, limits.TooOften,
)  # fmt: skip
def send_code_to_my_phone() -> None:
    """Send a code to the phone I have, to move away from it"""
    _spend_device(CODES_BY_DEVICE)
    identities.send_code_to_own_phone(identity.member().id)


@own.put("/me/phone")
@own.arguments(schemas.PhoneChangeArgs)
@own.response(200, schemas.PhoneJoinedSchema)
@own.problems(
    errors.MemberNotFound, errors.MemberClosed, errors.PhoneInvalid, errors.PhoneCodeWrong, errors.PhoneCodeEnded, errors.OldPhoneUnproven,
    errors.MergeNeeded, limits.TooOften,
)  # fmt: skip
def change_phone(arguments: dict[str, Any]) -> identities.PhoneJoined:
    """Move to a new phone with the codes sent to both; the codes are asked for as for signing in"""
    who = identity.member()
    limits.spend(PHONES_BY_MEMBER, who.name + f"@{who.mall_id}")
    return identities.change_phone(who.id, who.session_id, **arguments)


@own.get("/me/level")
@own.response(200, schemas.StandingSchema)
@own.problems(errors.MemberNotFound, errors.MemberClosed)
def show_level() -> levels.Standing:
    """My level, and what keeps it or reaches the next"""
    return levels.standing(profile.get(identity.member().id))


@own.post("/me/codes")
@own.response(201, schemas.MemberCodeSchema)
@own.problems(errors.MemberNotFound, errors.MemberClosed, limits.TooOften)
def make_code() -> member_codes.MemberCode:
    """A fresh member code, good for a minute and for one use"""
    who = identity.member()
    limits.spend(CODES_BY_MEMBER, f"{who.mall_id}:{who.id}")
    return member_codes.new_code(profile.get(who.id).id)


@own.get("/me/consents")
@own.arguments(PageArgs, location="query")
@own.response(200, schemas.ConsentPage)
def list_consents(arguments: dict[str, Any]) -> Page[Consent]:
    """What I agreed to"""
    return consents.of(identity.member().id, arguments.get("cursor"), arguments["limit"])


@own.put("/me/consents/<document>")
@own.arguments(schemas.ConsentArgs)
@own.response(200, schemas.ConsentSchema)
@own.problems(errors.DocumentUnknown, errors.MemberNotFound, errors.MemberClosed)
def give_consent(arguments: dict[str, Any], document: str) -> Consent:
    """Agree to a version of a document"""
    member = profile.get(identity.member().id)
    return consents.agree(member.id, document, arguments["version"])


@own.delete("/me/consents/<document>")
@own.response(204)
@own.problems(errors.DocumentUnknown, errors.ConsentUnknown, errors.ConsentIsBasic)
def withdraw_consent(document: str) -> None:
    """Take a consent back; what was told under it goes"""
    me = identity.member().id
    consents.withdraw(me, document)
    if document == family.DOCUMENT:
        family.forget(me)


@own.get("/me/identities")
@own.arguments(PageArgs, location="query")
@own.response(200, page_of(schemas.IdentitySchema))
def list_my_identities(arguments: dict[str, Any]) -> Page[MemberIdentity]:
    """The wallets I sign in with"""
    return profile.identities_of(identity.member().id, arguments.get("cursor"), arguments["limit"])


@own.get("/me/vehicles")
@own.arguments(PageArgs, location="query")
@own.response(200, page_of(schemas.VehicleSchema))
def list_vehicles(arguments: dict[str, Any]) -> Page[Vehicle]:
    """My vehicles"""
    return vehicles.of(identity.member().id, arguments.get("cursor"), arguments["limit"])


@own.post("/me/vehicles")
@own.arguments(schemas.VehicleArgs)
@own.response(201, schemas.VehicleSchema)
@own.problems(errors.PlateInvalid, errors.TooManyVehicles, errors.MemberNotFound, errors.MemberClosed)
def add_vehicle(arguments: dict[str, Any]) -> Vehicle:
    """Add a vehicle"""
    return vehicles.add(profile.get(identity.member().id).id, arguments["plate"])


@own.put("/me/vehicles/<int:vehicle_id>/default")
@own.response(200, schemas.VehicleSchema)
@own.problems(errors.VehicleNotFound)
def make_vehicle_default(vehicle_id: int) -> Vehicle:
    """Make this vehicle the default"""
    return vehicles.make_default(identity.member().id, vehicle_id)


@own.delete("/me/vehicles/<int:vehicle_id>")
@own.response(204)
@own.problems(errors.VehicleNotFound)
def remove_vehicle(vehicle_id: int) -> None:
    """Remove a vehicle"""
    vehicles.remove(identity.member().id, vehicle_id)


@own.get("/me/family")
@own.arguments(PageArgs, location="query")
@own.response(200, page_of(schemas.FamilyMemberSchema))
def list_family(arguments: dict[str, Any]) -> Page[FamilyMember]:
    """My family, as far as I told"""
    return family.of(identity.member().id, arguments.get("cursor"), arguments["limit"])


@own.post("/me/family")
@own.arguments(schemas.FamilyMemberArgs)
@own.response(201, schemas.FamilyMemberSchema)
@own.problems(
    errors.FamilyConsentNeeded, errors.BirthMonthMisplaced, errors.TooManyInFamily, errors.MemberNotFound, errors.MemberClosed,
    IdempotencyKeyReused,
)  # fmt: skip
@own.idempotent
def add_family_member(arguments: dict[str, Any]) -> FamilyMember:
    """Tell of somebody in my family; nothing of it is required"""
    return family.add(profile.get(identity.member().id).id, **arguments)


@own.delete("/me/family/<int:family_id>")
@own.response(204)
@own.problems(errors.FamilyMemberNotFound)
def remove_family_member(family_id: int) -> None:
    """Take somebody off my list"""
    family.remove(identity.member().id, family_id)


@own.get("/me/export")
@own.response(200, schemas.ExportSchema)
@own.problems(errors.MemberNotFound, errors.MemberClosed, limits.TooOften)
def export_me() -> dict[str, Any]:
    """Everything this mall holds about me"""
    who = identity.member()
    limits.spend(EXPORTS_BY_MEMBER, f"{who.mall_id}:{who.id}")
    return profile.export(who.id)


@own.post("/me/closure")
@own.response(204)
@own.problems(errors.MemberNotFound, errors.MemberClosed)
def close_me() -> None:
    """Close my account: personal data goes, and every sign-in ends"""
    profile.close(identity.member().id)


@shop.post("")
@shop.arguments(schemas.MemberCheckArgs)
@shop.response(201, schemas.MemberCheckSchema)
@shop.permission("members.check")
@shop.problems(errors.MemberCodeUnknown, errors.MemberCodeExpired, errors.MemberCodeUsed, errors.MemberClosed, limits.TooOften)
def check_member(arguments: dict[str, Any]) -> dict[str, Any]:
    """Who shows this code; it counts once"""
    who = identity.shop()
    limits.spend(CHECKS_BY_SHOP, f"{who.mall_id}:{who.shop_id}")
    member = member_codes.use_code(arguments["code"], by=who.name, shop_id=who.shop_id)
    return {"member": member, "level": levels.name_of(member.level_rank)}


@office.get("/members")
@office.arguments(schemas.MemberSearchArgs, location="query")
@office.response(200, page_of(schemas.StaffMemberSchema))
@office.permission("members.read")
@office.problems(
    errors.SearchTooWide, errors.SearchedEnough, errors.MemberCodeExpired, errors.MemberCodeUsed, errors.MemberCodeUnknown,
    errors.MemberNotFound, errors.MemberClosed, pages.CursorInvalid, limits.TooOften,
)  # fmt: skip
def search_members(arguments: dict[str, Any]) -> Page[Member]:
    """Find members by phone, number, whole name, or the code on the member's phone"""
    who = identity.staff()
    limits.spend(SEARCHES_BY_STAFF, f"{who.mall_id}:{who.id}")
    return search.search(**arguments, by=who.name)


@office.get("/members/<int:member_id>")
@office.arguments(schemas.OpenArgs, location="query")
@office.response(200, schemas.StaffMemberSchema)
@office.permission("members.read")
@office.problems(errors.MemberNotFound)
@office.opens_record
def open_member(arguments: dict[str, Any], member_id: int) -> Member:
    """Open a member's record; the reason is written down"""
    member = profile.of_any_state(member_id)
    audit.record(identity.staff().name, profile.OPENED, "member", member_id, why=arguments["reason"])
    return member


@office.put("/members/<int:member_id>/birthday")
@office.arguments(schemas.BirthdayArgs)
@office.response(200, schemas.StaffMemberSchema)
@office.permission("members.write")
@office.problems(errors.MemberNotFound, errors.MemberClosed)
def correct_birthday(arguments: dict[str, Any], member_id: int) -> Member:
    """Correct a member's birthday"""
    before, member = profile.correct_birthday(member_id, arguments["birthday_on"])
    # The log only grows: a birthday in it would outlive the account.
    facts = [{"birthday": "known" if day else "unknown"} for day in (before, member.birthday_on)]
    who = identity.staff().name
    audit.record(who, "corrected a birthday", "member", member_id, before=facts[0], after=facts[1], why=arguments["reason"])
    return member


@records.get("/identities")
@records.arguments(PageArgs, location="query")
@records.response(200, page_of(schemas.StaffIdentitySchema))
@records.permission("members.read")
@records.problems(pages.CursorInvalid)
def list_identities(arguments: dict[str, Any], member_id: int) -> Page[MemberIdentity]:
    """How a member signs in"""
    return profile.identities_of(member_id, arguments.get("cursor"), arguments["limit"])


@records.get("/vehicles")
@records.arguments(PageArgs, location="query")
@records.response(200, page_of(schemas.StaffVehicleSchema))
@records.permission("members.read")
@records.problems(pages.CursorInvalid)
def list_vehicles_of(arguments: dict[str, Any], member_id: int) -> Page[Vehicle]:
    """A member's vehicles, plates masked"""
    return vehicles.of(member_id, arguments.get("cursor"), arguments["limit"])


@records.get("/sessions")
@records.arguments(PageArgs, location="query")
@records.response(200, page_of(schemas.StaffSessionSchema))
@records.permission("members.read")
@records.problems(pages.CursorInvalid)
def list_sessions_of(arguments: dict[str, Any], member_id: int) -> Page[MemberSession]:
    """Where a member is or was signed in"""
    return sessions.of(member_id, arguments.get("cursor"), arguments["limit"])


@records.get("/consents")
@records.arguments(PageArgs, location="query")
@records.response(200, schemas.ConsentPage)
@records.permission("members.read")
@records.problems(pages.CursorInvalid)
def list_consents_of(arguments: dict[str, Any], member_id: int) -> Page[Consent]:
    """What a member agreed to"""
    return consents.of(member_id, arguments.get("cursor"), arguments["limit"])


@records.get("/level")
@records.response(200, schemas.StandingSchema)
@records.permission("members.read")
@records.problems(errors.MemberNotFound)
def show_level_of(member_id: int) -> levels.Standing:
    """A member's level, and what keeps it or reaches the next"""
    return levels.standing(profile.of_any_state(member_id))


@office.post("/members/<int:member_id>/sign-outs")
@office.arguments(schemas.OpenArgs)
@office.response(204)
@office.permission("members.write")
@office.problems(errors.MemberNotFound)
def sign_member_out(arguments: dict[str, Any], member_id: int) -> None:
    """End every sign-in of a member who has lost a device"""
    member = profile.of_any_state(member_id)
    sessions.end_all(member.id, "the service desk ended it")
    audit.record(identity.staff().name, "signed a member out", "member", member_id, why=arguments["reason"])


@office.post("/members/<int:member_id>/phone-codes")
@office.arguments(schemas.PhoneArgs)
@office.response(202)
@office.permission("members.write")
@office.problems(
    errors.MemberNotFound, errors.MemberClosed, errors.PhoneInvalid, errors.PhoneNotServed, errors.PhoneSignInClosed,
    errors.PhoneCodeTooSoon, errors.TextsSpent, limits.TooOften,
)  # fmt: skip
def send_recovery_code(arguments: dict[str, Any], member_id: int) -> None:
    """Send a code to the new phone of a member at the desk, to be read out"""
    who = identity.staff()
    limits.spend(CODES_BY_STAFF, f"{who.mall_id}:{who.id}")
    phone_codes.send_code(arguments["phone"])
    audit.record(who.name, "sent a code to a new phone", "member", profile.get(member_id).id)


@office.get("/text-budgets")
@office.response(200, schemas.TextBudgetsSchema)
@office.permission("members.read")
def show_text_budgets() -> dict[str, Any]:
    """How many codes were sent by text, of how many that may be"""
    return {"budgets": text_budgets.budgets()}


@office.put("/members/<int:member_id>/phone")
@office.arguments(schemas.RecoveryArgs)
@office.response(200, schemas.StaffMemberSchema)
@office.permission("members.write")
@office.problems(
    errors.MemberNotFound, errors.MemberClosed, errors.PhoneInvalid, errors.PhoneCodeWrong, errors.PhoneCodeEnded, errors.MergeNeeded
)
@two_people(
    "member.recover",
    arguments=schemas.RecoveryArgs,
    approver="members.recovery.approve",
    before=lambda _, member_id: {"phone": phones.masked(profile.get(member_id).phone_sealed)},
    first=lambda arguments, **_: phone_codes.use(phones.normalise(arguments["phone"]), arguments["code"]),
    why="reason",
)
def recover_member(arguments: dict[str, Any], member_id: int) -> Member:
    """Give a member a new phone: a code sent to it was read out, and the person was recognised; every sign-in ends"""
    before = phones.masked(profile.get(member_id).phone_sealed)
    member = identities.recover(member_id, arguments["phone"])
    after = {"shown_as": phones.masked(member.phone_sealed), "recognised_by": arguments["recognised_by"]}
    audit.record(
        identity.staff().name, "changed a member's phone", "member", member_id, before={"shown_as": before}, after=after,
        why=arguments["reason"],
    )  # fmt: skip
    return member


@office.get("/levels")
@office.response(200, schemas.LevelListSchema)
@office.permission("members.read")
def list_levels() -> dict[str, Any]:
    """The levels of this mall"""
    return {"levels": levels.all_levels()}


@office.patch("/levels/<int:rank>")
@office.arguments(schemas.LevelPatch)
@office.response(200, schemas.LevelSchema)
@office.permission("levels.write")
@office.problems(errors.LevelNotFound, errors.LevelsOutOfOrder)
@two_people(
    "level.change",
    arguments=schemas.LevelPatch,
    approver="levels.approve",
    before=lambda arguments, rank: {name: getattr(levels.level_of(rank), name) for name in arguments if name != "why"},
    alone=lambda arguments, **_: set(arguments) <= {"name", "name_en", "why"},
)
def change_level(arguments: dict[str, Any], rank: int) -> Any:
    """Change a level"""
    why = arguments.pop("why", None)
    before, level = levels.set_level(rank, **arguments)
    audit.record(identity.staff().name, "changed a level", "level", rank, before=before, after=arguments, why=why)
    return level


@exported("members", schemas.EveryoneArgs, schemas.StaffMemberSchema, permission="members.read")
def everyone(arguments: dict[str, Any]) -> Page[Member]:
    """Every member, masked as the office sees them, for an export."""
    return search.everyone(name=arguments.pop("q"), cursor=arguments.pop("cursor", None), **arguments)
