"""What comes in and goes out. Phones go out masked, always."""

from __future__ import annotations

from datetime import date
from typing import Any

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range, Regexp

from api.kit import clock
from api.kit.http import PageArgs, Schema, page_of
from api.members import phones
from api.members.models import RELATIONS
from api.members.states import MemberState

BIGINT = Range(1, 2**63 - 1)
VERSION = Regexp(r"\A[0-9A-Za-z._-]{1,40}\Z")
SIX_DIGITS = Regexp(r"\A[0-9]{6}\Z", error="Must be six digits.")
SOURCES = ("self", "shop", "service_desk", "invitation", "wifi", "poster", "receipt", "campaign")
_NO_CONTROLS = Regexp(r"\A[^\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]*\Z", error="No control characters.")

_TEXT_OR_NULL = {"type": ["string", "null"]}


def _refuse_impossible_birthday(day: date) -> None:
    if not date(1900, 1, 1) <= day <= clock.now().date():
        raise ma.ValidationError("Not a birthday of somebody alive.")


def _masked_name(member: Any) -> str | None:
    return f"{member.nickname[0]}**" if member.nickname else None


class ArrivalArgs(Schema):
    """How somebody came."""

    consent_version = ma.fields.String(
        required=True, validate=VERSION, metadata={"description": "the version of the privacy text that the person agreed to"}
    )
    source = ma.fields.String(load_default="self", validate=OneOf(SOURCES))
    referrer = ma.fields.Integer(load_default=None, strict=True, validate=BIGINT, metadata={"description": "the inviting member's number"})
    shop_id = ma.fields.Integer(load_default=None, strict=True, validate=BIGINT)


class WeChatSignInArgs(ArrivalArgs):
    """A code of wx.login."""

    js_code = ma.fields.String(required=True, validate=Regexp(r"\A[!-~]{8,128}\Z"))


class AlipaySignInArgs(ArrivalArgs):
    """A code of my.getAuthCode."""

    auth_code = ma.fields.String(required=True, validate=Regexp(r"\A[!-~]{8,128}\Z"))


class PhoneArgs(Schema):
    """A phone, in any usual form."""

    phone = ma.fields.String(required=True, validate=Length(5, 30))


class ChallengeSchema(Schema):
    """Find the number from 0 to `maxnumber` whose SHA-256 behind the salt is `challenge` (ALTCHA, version 1)."""

    algorithm = ma.fields.String(required=True)
    challenge = ma.fields.String(required=True)
    maxnumber = ma.fields.Integer(required=True)
    salt = ma.fields.String(required=True)
    signature = ma.fields.String(required=True)


class SolutionArgs(Schema):
    """A challenge as it was given, with the number that was found."""

    algorithm = ma.fields.String(required=True, validate=Length(max=20))
    challenge = ma.fields.String(required=True, validate=Regexp(r"\A[0-9a-f]{64}\Z"))
    number = ma.fields.Integer(required=True, strict=True, validate=Range(0, 10**9))
    salt = ma.fields.String(required=True, validate=Regexp(r"\A[!-~]{1,200}\Z"))
    signature = ma.fields.String(required=True, validate=Regexp(r"\A[0-9a-f]{64}\Z"))


class PhoneCodeArgs(PhoneArgs):
    """Where to send a code, with the solution of a challenge when one was asked for."""

    solution = ma.fields.Nested(SolutionArgs, load_default=None, allow_none=True)


class TextBudgetSchema(Schema):
    """How much of one budget of text messages is used; of addresses, how many are at the alarm or beyond."""

    name = ma.fields.String(required=True, validate=OneOf(("mall_hour", "mall_day", "address_hour", "address_day")))
    used = ma.fields.Integer(required=True)
    most = ma.fields.Integer(required=True)
    alarm_at = ma.fields.Integer(required=True)
    addresses = ma.fields.Integer(required=True, allow_none=True)
    state = ma.fields.String(required=True, validate=OneOf(("fine", "alarm", "spent")))


class TextBudgetsSchema(Schema):
    """What is used of every budget of text messages."""

    budgets = ma.fields.List(ma.fields.Nested(TextBudgetSchema), required=True)


class PhoneSignInArgs(ArrivalArgs):
    """A phone and the code that was sent to it."""

    phone = ma.fields.String(required=True, validate=Length(5, 30))
    code = ma.fields.String(required=True, validate=SIX_DIGITS)


class WeChatPhoneArgs(Schema):
    """The code of WeChat's phone button."""

    code = ma.fields.String(required=True, validate=Regexp(r"\A[!-~]{8,128}\Z"))


class AlipayPhoneArgs(Schema):
    """What my.getPhoneNumber gave, unchanged."""

    response = ma.fields.String(required=True, validate=Length(1, 4000))
    sign = ma.fields.String(load_default="", validate=Length(max=1000))
    sign_type = ma.fields.String(load_default="RSA2", validate=Length(max=10))
    encrypt_type = ma.fields.String(load_default="AES", validate=Length(max=10))
    charset = ma.fields.String(load_default="UTF-8", validate=Length(max=20))


class MemberRefreshArgs(Schema):
    """The newest refresh token."""

    refresh_token = ma.fields.String(required=True, validate=Regexp(r"\A[!-~]{10,300}\Z"))


class MemberTokensSchema(Schema):
    """A pair of tokens. `expires_in` seconds for the access token."""

    access_token = ma.fields.String(required=True)
    refresh_token = ma.fields.String(required=True)
    expires_in = ma.fields.Integer(required=True)


class MemberSchema(Schema):
    """A member as the member sees it."""

    number = ma.fields.Integer(attribute="id", required=True)
    nickname = ma.fields.String(allow_none=True, required=True)
    phone = ma.fields.Function(
        lambda member: phones.masked(member.phone_sealed), metadata={**_TEXT_OR_NULL, "description": "masked: 138****8000"}
    )
    birthday_on = ma.fields.Date(allow_none=True, required=True)
    level_rank = ma.fields.Integer(required=True)
    growth = ma.fields.Integer(required=True)
    joined_at = ma.fields.AwareDateTime(required=True)


class SignedInSchema(Schema):
    """Who signed in, with what."""

    access_token = ma.fields.String(attribute="tokens.access_token", required=True)
    refresh_token = ma.fields.String(attribute="tokens.refresh_token", required=True)
    expires_in = ma.fields.Integer(attribute="tokens.expires_in", required=True)
    member = ma.fields.Nested(MemberSchema, required=True)
    is_new = ma.fields.Boolean(required=True)


class PhoneJoinedSchema(Schema):
    """The member who has the phone now. Use this access token from now on; the refresh token stays the same."""

    access_token = ma.fields.String(required=True)
    expires_in = ma.fields.Integer(required=True)
    member = ma.fields.Nested(MemberSchema, required=True)
    folded = ma.fields.Boolean(required=True, metadata={"description": "two memberships became one"})


class MemberPatch(Schema):
    """What a member may change."""

    nickname = ma.fields.String(validate=[Length(1, 30), _NO_CONTROLS])
    birthday_on = ma.fields.Date(validate=_refuse_impossible_birthday)


class ConsentSchema(Schema):
    """A consent, standing or withdrawn."""

    document = ma.fields.String(required=True)
    version = ma.fields.String(required=True)
    given_at = ma.fields.AwareDateTime(required=True)
    withdrawn_at = ma.fields.AwareDateTime(allow_none=True, required=True)


ConsentPage = page_of(ConsentSchema)


class ConsentArgs(Schema):
    """The version that was shown."""

    version = ma.fields.String(required=True, validate=VERSION)


class IdentitySchema(Schema):
    """A wallet that a member signs in with."""

    channel = ma.fields.String(required=True)
    first_seen_at = ma.fields.AwareDateTime(required=True)


class VehicleSchema(Schema):
    """A vehicle."""

    id = ma.fields.Integer(required=True)
    plate = ma.fields.String(required=True)
    is_default = ma.fields.Boolean(required=True)
    added_at = ma.fields.AwareDateTime(required=True)


class VehicleArgs(Schema):
    """A number plate of mainland China."""

    plate = ma.fields.String(required=True, validate=Length(5, 20))


class FamilyMemberSchema(Schema):
    """Somebody of the member's household."""

    id = ma.fields.Integer(required=True)
    relation = ma.fields.String(required=True, validate=OneOf(RELATIONS))
    nickname = ma.fields.String(allow_none=True, required=True)
    birth_year = ma.fields.Integer(allow_none=True, required=True)
    birth_month = ma.fields.Integer(allow_none=True, required=True)
    added_at = ma.fields.AwareDateTime(required=True)


class FamilyMemberArgs(Schema):
    """Whom to tell of; only the relation is needed. A child's year and month of birth may be told, never a day."""

    relation = ma.fields.String(required=True, validate=OneOf(RELATIONS))
    nickname = ma.fields.String(load_default=None, allow_none=True, validate=[Length(1, 20), _NO_CONTROLS])
    birth_year = ma.fields.Integer(load_default=None, allow_none=True, strict=True, validate=Range(1900, 2999))
    birth_month = ma.fields.Integer(load_default=None, allow_none=True, strict=True, validate=Range(1, 12))

    @ma.validates_schema
    def born_already(self, data: dict[str, Any], **_: Any) -> None:
        """A month needs its year, and has begun."""
        year, month = data.get("birth_year"), data.get("birth_month")
        if month is not None and year is None:
            raise ma.ValidationError("A month needs its year.", "birth_year")
        if year is not None and date(year, month or 1, 1) > clock.now().date():
            raise ma.ValidationError("This lies in the future.", "birth_year")


class MemberCodeSchema(Schema):
    """A code to be shown as a QR code or read out."""

    code = ma.fields.String(required=True)
    expires_at = ma.fields.AwareDateTime(required=True)
    seconds = ma.fields.Integer(required=True)


class LevelSchema(Schema):
    """A level."""

    rank = ma.fields.Integer(required=True)
    name = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    reach_growth = ma.fields.Integer(required=True)
    keep_growth = ma.fields.Integer(required=True)
    multiplier_bp = ma.fields.Integer(required=True)


class LevelListSchema(Schema):
    """All levels, lowest first."""

    levels = ma.fields.List(ma.fields.Nested(LevelSchema), required=True)


class StandingSchema(Schema):
    """Where the member stands, in growth of the last twelve months."""

    level = ma.fields.Nested(LevelSchema, allow_none=True, required=True)
    growth = ma.fields.Integer(required=True)
    until_on = ma.fields.Date(allow_none=True, required=True)
    keep_needs = ma.fields.Integer(allow_none=True, required=True)
    next_level = ma.fields.Nested(LevelSchema, allow_none=True, required=True)
    next_needs = ma.fields.Integer(allow_none=True, required=True)


_ROWS = ma.fields.List(ma.fields.Dict(keys=ma.fields.String()), required=True)


class ExportSchema(Schema):
    """Everything this mall holds about a member: this room's rows, and under `rooms` what the others hold, by name."""

    made_at = ma.fields.String(required=True)
    member = ma.fields.Dict(keys=ma.fields.String(), required=True)
    identities = _ROWS
    consents = _ROWS
    vehicles = _ROWS
    family = _ROWS
    sign_ins = _ROWS
    growth = _ROWS
    level_changes = _ROWS
    rooms = ma.fields.Dict(keys=ma.fields.String(), required=True)


class LevelPatch(Schema):
    """What the mall may change of a level."""

    name = ma.fields.String(validate=[Length(1, 20), _NO_CONTROLS])
    name_en = ma.fields.String(validate=[Length(1, 30), _NO_CONTROLS])
    reach_growth = ma.fields.Integer(strict=True, validate=Range(0, 10**12))
    keep_growth = ma.fields.Integer(strict=True, validate=Range(0, 10**12))
    multiplier_bp = ma.fields.Integer(strict=True, validate=Range(0, 1_000_000))
    why = ma.fields.String(validate=[Length(1, 300), _NO_CONTROLS])

    @ma.validates_schema
    def keeping_costs_no_more(self, data: dict[str, Any], **_: Any) -> None:
        """Both figures together must make sense."""
        if "reach_growth" in data and "keep_growth" in data and data["keep_growth"] > data["reach_growth"]:
            raise ma.ValidationError("Keeping a level cannot need more than reaching it.", "keep_growth")


class MemberCheckArgs(Schema):
    """The code on a member's phone, scanned or typed."""

    code = ma.fields.String(required=True, validate=Length(16, 24))


class MemberCheckSchema(Schema):
    """Whom a shop has before it."""

    number = ma.fields.Integer(attribute="member.id", required=True)
    nickname = ma.fields.Function(lambda seen: _masked_name(seen["member"]), metadata=_TEXT_OR_NULL)
    phone = ma.fields.Function(lambda seen: phones.masked(seen["member"].phone_sealed), metadata=_TEXT_OR_NULL)
    level_rank = ma.fields.Integer(attribute="member.level_rank", required=True)
    level = ma.fields.String(allow_none=True, required=True)


class MemberSearchArgs(PageArgs):
    """Exactly one of five."""

    q = ma.fields.String(
        validate=Length(1, 60),
        metadata={"description": "any of the others: a member code, else a phone, else a number, else the whole name"},
    )
    name = ma.fields.String(
        validate=Length(1, 30),
        metadata={"description": "the whole name, in any script; width, case and spaces do not count"},
    )

    phone = ma.fields.String(validate=Length(5, 30))
    number = ma.fields.Integer(validate=BIGINT)
    code = ma.fields.String(validate=Length(16, 24), metadata={"description": "a member code; it is used up by the search"})


class OpenArgs(Schema):
    """Why a member's record is opened; it is written into the audit log."""

    class Meta:
        unknown = ma.EXCLUDE

    reason = ma.fields.String(required=True, validate=[Length(4, 200), _NO_CONTROLS])


class EveryoneArgs(PageArgs):
    """Which members an export holds. `q` is a name: a phone or a number finds one member, which is no list."""

    q = ma.fields.String(load_default=None, validate=[Length(1, 60), Regexp(r".*[^0-9+ -]", error="Only a name can be exported.")])
    state = ma.fields.String(load_default=None, validate=ma.validate.OneOf([str(state) for state in MemberState]))
    level_rank = ma.fields.Integer(load_default=None, validate=ma.validate.Range(0, 100))


class StaffMemberSchema(Schema):
    """A member as the mall's staff see it."""

    number = ma.fields.Integer(attribute="id", required=True)
    state = ma.fields.String(required=True)
    nickname = ma.fields.Function(lambda member: _masked_name(member), metadata=_TEXT_OR_NULL)
    phone = ma.fields.Function(lambda member: phones.masked(member.phone_sealed), metadata=_TEXT_OR_NULL)
    level_rank = ma.fields.Integer(required=True)
    growth = ma.fields.Integer(required=True)
    joined_at = ma.fields.AwareDateTime(required=True)
    source = ma.fields.String(required=True)
    referrer_id = ma.fields.Integer(allow_none=True, required=True)
    joined_shop_id = ma.fields.Integer(allow_none=True, required=True)
    folded_into_id = ma.fields.Integer(allow_none=True, required=True)


class StaffIdentitySchema(Schema):
    """How a member is known to a channel; of the subject only the end."""

    id = ma.fields.Integer(required=True)
    channel = ma.fields.String(required=True)
    app_id = ma.fields.String(required=True)
    subject = ma.fields.Function(lambda row: f"…{row.subject[-4:]}", metadata={"type": "string"})
    first_seen_at = ma.fields.AwareDateTime(required=True)


class StaffVehicleSchema(Schema):
    """A vehicle of a member, its plate masked: 京A···45."""

    id = ma.fields.Integer(required=True)
    plate = ma.fields.Function(lambda row: f"{row.plate[:2]}···{row.plate[-2:]}", metadata={"type": "string"})
    is_default = ma.fields.Boolean(required=True)
    added_at = ma.fields.AwareDateTime(required=True)


class StaffSessionSchema(Schema):
    """A sign-in of a member."""

    id = ma.fields.Integer(required=True)
    channel = ma.fields.String(required=True)
    began_at = ma.fields.AwareDateTime(required=True)
    rotated_at = ma.fields.AwareDateTime(required=True)
    expires_at = ma.fields.AwareDateTime(required=True)
    ended_at = ma.fields.AwareDateTime(allow_none=True, required=True)
    end_reason = ma.fields.String(allow_none=True, required=True)


class PhoneChangeArgs(Schema):
    """A new phone, the code sent to it, and the one sent to the phone so far."""

    phone = ma.fields.String(required=True, validate=Length(5, 30))
    code = ma.fields.String(required=True, validate=SIX_DIGITS)
    old_code = ma.fields.String(load_default=None, allow_none=True, validate=SIX_DIGITS)


class RecoveryArgs(Schema):
    """A member's new phone, the code that was sent to it, how the person was recognised, and why."""

    phone = ma.fields.String(required=True, validate=Length(5, 30))
    code = ma.fields.String(required=True, load_only=True, validate=SIX_DIGITS)
    recognised_by = ma.fields.String(required=True, validate=OneOf(("identity_card", "passport", "wallet_account", "recent_purchases")))
    reason = ma.fields.String(required=True, validate=[Length(4, 200), _NO_CONTROLS])


class BirthdayArgs(Schema):
    """A corrected birthday, and why."""

    birthday_on = ma.fields.Date(required=True, allow_none=True, validate=_refuse_impossible_birthday)
    reason = ma.fields.String(required=True, validate=[Length(4, 200), _NO_CONTROLS])
