"""What goes in and out of the room of staff."""

from __future__ import annotations

from marshmallow import fields
from marshmallow.validate import Length, OneOf, Range, Regexp

from api.kit import http, identity
from api.kit.http import Schema
from api.kit.roles import Role
from api.staff import passwords, queries
from api.staff.states import AccountState

LOGIN = Regexp(r"^[a-zA-Z0-9][a-zA-Z0-9._@-]{1,63}\Z", error="2 to 64 letters, digits or . _ @ -")
PASSWORD = Length(passwords.SHORTEST, passwords.LONGEST)
NAME = [Length(1, 100), Regexp(r"\s*\S", error="must not be blank")]
WHY = [Length(2, 500), Regexp(r"\s*\S", error="must not be blank")]
CODE = Length(6, 20)
TOKEN = Length(20, 100)
ID = Range(1, 2**63 - 1)
ROLES = [str(role) for role in Role if role != Role.TABLET]
DUE = ["password", "codes"]
STATES = [str(state) for state in AccountState]


class SignInArgs(Schema):
    """Who wants in."""

    login = fields.String(required=True, validate=Length(1, 200))
    password = fields.String(required=True, validate=Length(1, passwords.LONGEST), load_only=True)
    code = fields.String(load_default=None, allow_none=True, validate=CODE, load_only=True)
    device_token = fields.String(load_default=None, allow_none=True, validate=TOKEN, load_only=True)


class RefreshArgs(Schema):
    """The newest refresh token."""

    refresh_token = fields.String(required=True, validate=Length(1, 200))


class StaffAccountSchema(Schema):
    """A person of the staff, or a tablet (without login)."""

    id = fields.Integer(required=True)
    login = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)
    role = fields.String(required=True)
    shop_id = fields.Integer(required=True, allow_none=True)
    state = fields.String(required=True)
    made_at = fields.AwareDateTime(required=True)


class TokensSchema(Schema):
    """A sign-in. `expires_in` is in seconds; `device_token` comes with the first right sign-in of a device, to be sent again."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    expires_in = fields.Integer(required=True)
    device_token = fields.String(required=True, allow_none=True)
    account = fields.Nested(StaffAccountSchema, required=True)


class RoleSchema(Schema):
    """A role and what it allows; `of_shop`: it belongs to a shop, not to the mall; `over_value`: it signs in with codes."""

    role = fields.String(required=True)
    of_shop = fields.Boolean(required=True)
    over_value = fields.Boolean(required=True)
    permissions = fields.List(fields.String(), required=True)


class RolesSchema(Schema):
    """Every role."""

    roles = fields.List(fields.Nested(RoleSchema), required=True)


class StaffNewsSchema(Schema):
    """Something to hear of, until it was seen; `about` is a name."""

    id = fields.Integer(required=True)
    what = fields.String(required=True)
    about = fields.String(required=True)
    by = fields.String(required=True)
    at = fields.AwareDateTime(required=True)


class MeSchema(Schema):
    """Who is asking, and what the role allows. While anything is due, only the own account may be used."""

    account = fields.Nested(StaffAccountSchema, required=True)
    permissions = fields.List(fields.String(), required=True)
    due = fields.List(fields.String(validate=OneOf(DUE)), required=True)
    news = fields.List(fields.Nested(StaffNewsSchema), required=True)


class TabletsArgs(http.PageArgs):
    """Which tablets."""

    shop_id = fields.Integer(validate=ID)
    state = fields.String(validate=OneOf(STATES))


class AccountsArgs(TabletsArgs):
    """Which accounts of people."""

    role = fields.String(validate=OneOf(ROLES))


class OpenAccountArgs(Schema):
    """A new account."""

    login = fields.String(required=True, validate=LOGIN)
    name = fields.String(required=True, validate=NAME)
    role = fields.String(required=True, validate=OneOf(ROLES))
    shop_id = fields.Integer(load_default=None, allow_none=True, validate=ID)


class ChangeAccountArgs(Schema):
    """What changes, and why."""

    name = fields.String(validate=NAME)
    role = fields.String(validate=OneOf(ROLES))
    shop_id = fields.Integer(allow_none=True, validate=ID)
    why = fields.String(required=True, validate=WHY)


class MoveAccountArgs(Schema):
    """The state wanted, and why."""

    state = fields.String(required=True, validate=OneOf(STATES))
    why = fields.String(required=True, validate=WHY)


class AskLinkArgs(Schema):
    """A new link for somebody; `also_codes`: phone and recovery codes are lost too, so that codes are set up anew."""

    also_codes = fields.Boolean(load_default=False)
    why = fields.String(required=True, validate=WHY)


class AccountLinkSchema(Schema):
    """Leave for one link and what became of it, without the link."""

    also_codes = fields.Boolean(required=True)
    asked_by = fields.String(required=True)
    asked_at = fields.AwareDateTime(required=True)
    shown_at = fields.AwareDateTime(required=True, allow_none=True)
    ends_at = fields.AwareDateTime(required=True, allow_none=True)
    used_at = fields.AwareDateTime(required=True, allow_none=True)
    ended_at = fields.AwareDateTime(required=True, allow_none=True)


class ShownLinkSchema(Schema):
    """A link to hand over to its person; it is shown this once."""

    address = fields.String(required=True)
    ends_at = fields.AwareDateTime(required=True)


class LinkArgs(Schema):
    """What stands behind the # of the link."""

    token = fields.String(required=True, validate=TOKEN, load_only=True)


class LinkPasswordArgs(LinkArgs):
    """The link, and the password that its person chose."""

    password = fields.String(required=True, validate=PASSWORD, load_only=True)


class LinkOwnerSchema(Schema):
    """Whose link it is; `also_codes`: codes are set up anew after the next sign-in."""

    login = fields.String(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)
    also_codes = fields.Boolean(required=True)
    ends_at = fields.AwareDateTime(required=True)


class OwnPasswordArgs(Schema):
    """The present password and the new one."""

    present = fields.String(required=True, validate=Length(1, passwords.LONGEST), load_only=True)
    new = fields.String(required=True, validate=PASSWORD, load_only=True)


class ProofArgs(Schema):
    """Who is signed in proves it again: the password, and a code where codes are set up."""

    password = fields.String(required=True, validate=Length(1, passwords.LONGEST), load_only=True)
    code = fields.String(load_default=None, allow_none=True, validate=CODE, load_only=True)


class CodeArgs(Schema):
    """A code of the authenticator app."""

    code = fields.String(required=True, validate=CODE, load_only=True)


class CodeSetupSchema(Schema):
    """For the authenticator app, shown once: a picture to scan (SVG), or the secret to type."""

    secret = fields.String(required=True)
    link = fields.String(required=True)
    picture = fields.String(required=True)


class RecoveryCodesSchema(Schema):
    """Ten codes for the day on which the phone is lost, each for once; shown this once."""

    recovery_codes = fields.List(fields.String(), required=True)


class CodeStateSchema(Schema):
    """Since when codes are asked, and how many recovery codes are left."""

    confirmed_at = fields.AwareDateTime(required=True, allow_none=True)
    recovery_left = fields.Integer(required=True)


class SignInSchema(Schema):
    """One sign-in that goes on; `here` is the one that asks."""

    id = fields.Integer(required=True)
    device = fields.String(required=True, allow_none=True)
    address = fields.String(required=True, allow_none=True)
    began_at = fields.AwareDateTime(required=True)
    used_at = fields.AwareDateTime(required=True)
    here = fields.Function(lambda row: _is_here(row.public_id), required=True, metadata={"type": "boolean"})


def _is_here(public_id: str) -> bool:
    return bool(public_id == identity.principal().session_id)


class PairingCodeSchema(Schema):
    """A code to be typed into one tablet."""

    code = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)


class PairArgs(Schema):
    """The code on the tablet's screen, and what to call the tablet."""

    code = fields.String(required=True, validate=Length(8, 20))
    device_name = fields.String(required=True, validate=NAME)


class WhyArgs(Schema):
    """Why."""

    why = fields.String(required=True, validate=WHY)


class AuditArgs(http.PageArgs):
    """Which lines of the audit log; `since` and `until` are a half-open range."""

    who = fields.String(validate=Length(1, 60))
    subject_type = fields.String(validate=Length(1, 60))
    subject_id = fields.String(validate=Length(1, 60))
    since = fields.AwareDateTime()
    until = fields.AwareDateTime()


class AuditEntrySchema(Schema):
    """One change in the office."""

    id = fields.Integer(required=True)
    at = fields.AwareDateTime(required=True)
    who = fields.String(required=True)
    did = fields.String(required=True)
    subject_type = fields.String(required=True)
    subject_id = fields.String(required=True)
    before = fields.Dict(required=True, allow_none=True)
    after = fields.Dict(required=True, allow_none=True)
    why = fields.String(required=True, allow_none=True)


class JobsArgs(http.PageArgs):
    """Which runs; "stuck" has waited or run too long."""

    state = fields.String(validate=OneOf(queries.STATES))
    name = fields.String(validate=Length(1, 128))


class RunArgs(Schema):
    """Which scheduled job, and why now."""

    name = fields.String(required=True, validate=Length(1, 128))
    why = fields.String(required=True, validate=WHY)


class JobRunSchema(Schema):
    """One run of a background job."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    queue = fields.String(required=True)
    state = fields.String(required=True)
    attempts = fields.Integer(required=True)
    subject = fields.Dict(required=True)
    scheduled_at = fields.AwareDateTime(required=True, allow_none=True)
    last_event_at = fields.AwareDateTime(required=True, allow_none=True)
    stuck = fields.Boolean(required=True)


class JobLineSchema(Schema):
    """One declared job with what became of it in this mall; `cron` is in UTC."""

    name = fields.String(required=True)
    cron = fields.String(required=True, allow_none=True)
    waiting = fields.Integer(required=True)
    running = fields.Integer(required=True)
    failed = fields.Integer(required=True)
    stuck = fields.Integer(required=True)
    last_state = fields.String(required=True, allow_none=True)
    last_at = fields.AwareDateTime(required=True, allow_none=True)


class JobSummarySchema(Schema):
    """Every declared job."""

    jobs = fields.List(fields.Nested(JobLineSchema), required=True)
