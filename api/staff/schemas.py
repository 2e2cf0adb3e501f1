"""What goes in and out of the room of staff."""

from __future__ import annotations

from marshmallow import fields
from marshmallow.validate import Length, OneOf, Range, Regexp

from api.kit import http
from api.kit.http import Schema
from api.kit.roles import Role
from api.staff import passwords, queries
from api.staff.states import AccountState

LOGIN = Regexp(r"^[a-zA-Z0-9][a-zA-Z0-9._@-]{1,63}\Z", error="2 to 64 letters, digits or . _ @ -")
PASSWORD = Length(passwords.SHORTEST, passwords.LONGEST)
NAME = [Length(1, 100), Regexp(r"\s*\S", error="must not be blank")]
WHY = [Length(2, 500), Regexp(r"\s*\S", error="must not be blank")]
ID = Range(1, 2**63 - 1)
ROLES = [str(role) for role in Role if role != Role.TABLET]
STATES = [str(state) for state in AccountState]


class SignInArgs(Schema):
    """Who wants in."""

    login = fields.String(required=True, validate=Length(1, 200))
    password = fields.String(required=True, validate=Length(1, passwords.LONGEST))


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
    """A sign-in. `expires_in` is in seconds."""

    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    expires_in = fields.Integer(required=True)
    account = fields.Nested(StaffAccountSchema, required=True)


class RoleSchema(Schema):
    """A role and what it allows; `of_shop`: it belongs to a shop, not to the mall."""

    role = fields.String(required=True)
    of_shop = fields.Boolean(required=True)
    permissions = fields.List(fields.String(), required=True)


class RolesSchema(Schema):
    """Every role."""

    roles = fields.List(fields.Nested(RoleSchema), required=True)


class MeSchema(Schema):
    """Who is asking, and what the role allows."""

    account = fields.Nested(StaffAccountSchema, required=True)
    permissions = fields.List(fields.String(), required=True)


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
    password = fields.String(required=True, validate=PASSWORD)
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


class ResetPasswordArgs(Schema):
    """Somebody's new password, and why."""

    password = fields.String(required=True, validate=PASSWORD)
    why = fields.String(required=True, validate=WHY)


class OwnPasswordArgs(Schema):
    """The present password and the new one."""

    present = fields.String(required=True, validate=Length(1, passwords.LONGEST))
    new = fields.String(required=True, validate=PASSWORD)


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
