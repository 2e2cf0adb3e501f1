"""HTTP: one request is one unit of work, a refusal is problem+json, a blueprint must name its audience."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

import flask
import flask_smorest
import marshmallow as ma
import structlog
from flask import Flask, Response, g, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolEmpty
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from api.kit import clock, db, identity, logs, membership, once, pages
from api.kit.errors import BadRequest, NotFound, Problem, TooLarge, Unprocessable, WrongKind
from api.kit.money import MAX_FEN

log = logs.get(__name__)

View = TypeVar("View", bound=Callable[..., Any])

MAX_BODY = 1024 * 1024  # bytes; an upload route says more itself
PROBLEM_JSON = "application/problem+json"
METHOD, MEANT_METHOD = "REQUEST_METHOD", "HTTP_X_HTTP_METHOD_OVERRIDE"  # in WSGI's words

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_NOTHING = object()
_WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_PARTS = re.compile(r"<(?:\w+:)?(\w+)>")  # what an address names: <int:member_id>


class BodyUnreadable(BadRequest):
    """The request could not be read as JSON."""


class ShapeWrong(Unprocessable):
    """Some fields are missing or not of the right shape; `errors` says which."""

    suspicious = True


class PathUnknown(NotFound):
    """There is nothing at this address."""


class BodyTooLarge(TooLarge):
    """The request is larger than this address accepts."""


class KindUnknown(WrongKind):
    """This address does not accept that kind of content."""


class MallNotFound(NotFound):
    """There is no such mall."""


class InternalError(Problem):
    """Something went wrong on our side; it has been written down and we will look into it."""


class Schema(ma.Schema):
    """What comes in and goes out. Unknown fields are refused, and what only looks like a number or cannot be stored as text."""

    class Meta:
        unknown = ma.RAISE

    @ma.pre_load
    def _refuse_odd_values(self, data: Any, **_: Any) -> Any:
        if isinstance(data, Mapping):
            fields = {field.data_key or name: field for name, field in self.load_fields.items()}
            odd = [name for name, value in data.items() if _is_unstorable(fields.get(name), value)]
            if odd:
                # A value no field accepts takes its place, so that the answer names every wrong field at once.
                return {name: _NOTHING if name in odd else value for name, value in data.items()}
        return data


def _is_unstorable(field: Any, value: Any) -> bool:
    """Whether a value must not reach its field: PostgreSQL stores no NUL, UTF-8 no half of a surrogate pair, and 1.5 is no integer."""
    if isinstance(value, (list, tuple)):
        return any(_is_unstorable(getattr(field, "inner", None), inner) for inner in value)
    if isinstance(value, dict) and not isinstance(field, ma.fields.Nested):
        return any(_is_unstorable(None, inner) for pair in value.items() for inner in pair)
    if isinstance(value, str) and _UNSTORABLE.search(value):
        return True
    if not isinstance(field, ma.fields.Integer):
        return False
    return isinstance(value, (bool, float)) or (isinstance(value, str) and not _WHOLE.fullmatch(value))


def fen(least: int = 1, **more: Any) -> ma.fields.Integer:
    """An amount of money in whole fen, from `least` to the most that the mall handles."""
    return ma.fields.Integer(validate=ma.validate.Range(least, MAX_FEN), **more)


class Discriminated(ma.fields.Field[Any]):
    """An object whose `kind` says which of several schemas it has; it loads to a dict that keeps the kind.

    `variants` gives kind → schema; it is asked at each load, so that what is declared later is known too.
    """

    def __init__(self, variants: Callable[[], Mapping[str, type[ma.Schema]]], **more: Any) -> None:
        super().__init__(**more)
        self.variants = variants

    def schemas(self) -> dict[str, type[ma.Schema]]:
        """kind → its schema with the field `kind`."""
        return {kind: _of_kind(kind, schema) for kind, schema in self.variants().items()}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ma.ValidationError("Not an object.")
        schemas, kind = self.schemas(), value.get("kind")
        if not isinstance(kind, str) or kind not in schemas:
            raise ma.ValidationError({"kind": [f"Must be one of: {', '.join(schemas)}."]})
        loaded: dict[str, Any] = schemas[kind]().load(value)
        return loaded


@functools.cache
def _of_kind(kind: str, schema: type[ma.Schema]) -> type[ma.Schema]:
    field = ma.fields.String(required=True, validate=ma.validate.OneOf([kind]))
    return type(schema.__name__, (schema,), {"kind": field, "__doc__": schema.__doc__})


def _document_variants(converter: Any, field: Any, **_: Any) -> dict[str, Any]:
    """OpenAPI of a discriminated field: one of its schemas, told apart by `kind`."""
    if not isinstance(field, Discriminated):
        return {}
    references = {kind: converter.resolve_nested_schema(schema) for kind, schema in field.schemas().items()}
    mapping = {kind: reference["$ref"] for kind, reference in references.items()}
    return {"type": "object", "oneOf": list(references.values()), "discriminator": {"propertyName": "kind", "mapping": mapping}}


class Parser(FlaskParser):
    """Reads a JSON body; a body of another kind is 415, one nested beyond reason is 400."""

    def _raw_load_json(self, req: flask.Request) -> Any:
        if not req.is_json and req.get_data(cache=True):
            raise KindUnknown()
        try:
            return super()._raw_load_json(req)
        except RecursionError as error:
            raise json.JSONDecodeError("nested too deeply", "[", 0) from error
        except json.JSONDecodeError:
            raise
        except ValueError as error:  # Python converts no number of more than 4,300 digits
            raise json.JSONDecodeError("a number is too long", "0", 0) from error


class PageArgs(Schema):
    """Which page of a list."""

    class Meta:
        unknown = ma.EXCLUDE

    cursor = ma.fields.String(validate=ma.validate.Length(max=500), metadata={"description": "next_cursor of the page before"})
    limit = ma.fields.Integer(
        load_default=pages.DEFAULT_LIMIT,
        validate=ma.validate.Range(1, pages.MAX_LIMIT),
        metadata={"description": "rows a page"},
    )


def page_of(item: type[ma.Schema]) -> type[ma.Schema]:
    """The schema of one page of items: {items, next_cursor}."""
    fields: dict[str, ma.fields.Field[Any]] = {
        "items": ma.fields.List(ma.fields.Nested(item), required=True),
        "next_cursor": ma.fields.String(allow_none=True, required=True),
    }
    return Schema.from_dict(fields, name=item.__name__.removesuffix("Schema") + "PageSchema")


class Precondition(NamedTuple):
    """What every route of a blueprint checks first, inside its transaction, with the values of the address; and how that can refuse."""

    check: Callable[[dict[str, Any]], None]
    refusals: tuple[type[Problem], ...]


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A room's routes for one audience."""

    ARGUMENTS_PARSER = Parser()

    def __init__(
        self,
        name: str,
        import_name: str,
        *,
        audience: identity.Audience,
        url_prefix: str = "",
        precondition: Precondition | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, import_name, url_prefix=audience.prefix + url_prefix, **kwargs)
        self.audience, self.precondition = audience, precondition
        self._prepare_doc_cbks.append(self._document_records)
        self._prepare_doc_cbks.append(_document_problems)
        self._prepare_doc_cbks.append(_document_access)
        self._prepare_doc_cbks.append(_document_second_person)
        self._prepare_doc_cbks.append(self._document_audience)

    def add_url_rule(self, rule: str, endpoint: str | None = None, view_func: Any = None, *args: Any, **kwargs: Any) -> None:
        """Register a route; its documentation knows what its address names."""
        _mark(named=frozenset(_PARTS.findall(f"{self.url_prefix}{rule}")))(view_func)
        super().add_url_rule(rule, endpoint, view_func, *args, **kwargs)

    def _document_records(self, doc: dict[str, Any], doc_info: dict[str, Any], *, method: str, **_: Any) -> dict[str, Any]:
        """What can read one member's record alone is refused where it was not opened."""
        if self.audience is identity.mall_staff and method == "get" and not self.precondition and not doc_info.get("opens_record"):
            filters = [part["schema"] for part in doc_info.get("arguments", {}).get("parameters", ()) if part.get("in") == "query"]
            if membership.may_name_one({*doc_info["named"], *(name for schema in filters for name in schema._declared_fields)}):
                doc_info["more_problems"] = (*doc_info.get("more_problems", ()), membership.RecordNotOpened)
        return doc

    def _document_audience(self, doc: dict[str, Any], doc_info: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: ARG002
        doc["x-audience"] = self.audience.name
        if self.audience.kinds:
            doc["security"] = [{"bearer": []}]
        return doc

    def problems(self, *refusals: type[Problem]) -> Callable[[View], View]:
        """List how a route can refuse, beside the precondition of its blueprint; each becomes a worked example in the contract."""
        return _mark(problems=(*(self.precondition.refusals if self.precondition else ()), *refusals))

    def dialect(self, content_type: str) -> Callable[[View], View]:
        """Callers of this route are refused in a format of their own."""
        return _mark(dialect=content_type)

    def opens_record(self, view: View) -> View:
        """This route is how a member's record is opened; it asks for the reason itself."""
        return _mark(opens_record=True)(view)

    def permission(self, name: str) -> Callable[[View], View]:
        """What the caller's role must hold; roles hold permissions by a table in the room of staff."""
        return _mark(permission=name)

    def idempotent(self, view: View) -> View:
        """The route needs an Idempotency-Key and answers a repeated one with the first answer."""
        return _mark(idempotent=True)(view)

    def raw(self, largest: int) -> Callable[[View], View]:
        """The route reads its body itself, at most so many bytes; it is read before the transaction begins."""
        return _mark(raw=largest)

    def upload(self, largest: int, look: Callable[[MultiDict[str, FileStorage]], Any] | None = None) -> Callable[[View], View]:
        """The route takes files as multipart/form-data, at most so many bytes in all.

        `look` looks at them before the transaction begins; the route takes what it gave, or its refusal, from `looked_at`.
        """
        return _mark(upload=largest, look=look)


def _read_upload(largest: int, look: Callable[[MultiDict[str, FileStorage]], Any] | None) -> None:
    # Before the transaction: a slow phone must not hold a database connection, and a stranger must not fill the disk.
    identity.bearer()
    request.max_content_length = largest
    files = request.files
    if look is not None:
        try:
            g.looked_at = look(files)
        except Problem as refusal:
            g.looked_at = refusal
        for _, file in files.items(multi=True):
            file.stream.seek(0)


def looked_at() -> Any:
    """What the route's `look` gave for the files of this request; raises its refusal, after all that refuses before."""
    if isinstance(g.looked_at, Problem):
        raise g.looked_at
    return g.looked_at


def _read_raw_body(largest: int) -> None:
    request.max_content_length = largest
    try:
        request.get_data(cache=True)
    except HTTPException as refusal:
        log.warning("security: a body was refused", path=request.url_rule.rule if request.url_rule else "", status_code=refusal.code)
        raise


def _hashed_body() -> bytes:
    """What makes two bodies the same: the bytes, or of a form with files its fields and the files' contents."""
    if not request.files:
        return request.get_data(cache=True)
    parts = [f"{name}={value}" for name, value in request.form.items(multi=True)]
    for name, file in request.files.items(multi=True):
        parts.append(f"{name}:{hashlib.file_digest(file.stream, 'sha256').hexdigest()}")  # type: ignore[arg-type]
        file.stream.seek(0)
    return "\0".join(parts).encode()


def _mark(**facts: Any) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.__dict__["_apidoc"] = {**getattr(view, "_apidoc", {}), **facts}
        return view

    return mark


def _document_problems(doc: dict[str, Any], doc_info: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Every refusal is problem+json: those that the route names with an example, any other by the default answer."""
    responses = doc.setdefault("responses", {})
    for status in [status for status in responses if str(status)[0] in "45"]:
        # Not Python's own phrases: they changed in 3.13, and the contract is one for every Python.
        responses[status] = {"description": HTTP_STATUS_CODES[int(status)], "content": {PROBLEM_JSON: {"schema": _PROBLEM_SCHEMA}}}
    refusals: Iterable[type[Problem]] = (*doc_info.get("problems", ()), *doc_info.get("more_problems", ()))
    for refusal in refusals:
        response = responses.setdefault(str(refusal.status), {"description": HTTP_STATUS_CODES[refusal.status]})
        content = response.setdefault("content", {}).setdefault(PROBLEM_JSON, {"schema": _PROBLEM_SCHEMA})
        content.setdefault("examples", {})[refusal.slug()] = {"value": refusal().body()}
    responses["default"] = {"description": "Any other refusal", "content": {PROBLEM_JSON: {"schema": _PROBLEM_SCHEMA}}}
    if dialect := doc_info.get("dialect"):
        responses["default"]["content"][dialect] = {"schema": {"type": "object" if dialect.endswith("json") else "string"}}
    return doc


_PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Problem"}


def _document_access(doc: dict[str, Any], doc_info: dict[str, Any], **_: Any) -> dict[str, Any]:
    if permission := doc_info.get("permission"):
        doc["x-permission"] = permission
    if doc_info.get("idempotent"):
        doc.setdefault("parameters", []).append(
            {
                "in": "header",
                "name": "Idempotency-Key",
                "required": True,
                "schema": {"type": "string", "minLength": 8, "maxLength": once.KEY_LENGTH, "pattern": "^[!-~]+$"},
            }
        )
    return doc


def _document_second_person(doc: dict[str, Any], doc_info: dict[str, Any], **_: Any) -> dict[str, Any]:
    """An act that takes two people: 202 with what waits, beside or instead of the answer of the act itself."""
    if (waiting := doc_info.get("accepted")) is None:
        return doc
    responses = doc.setdefault("responses", {})
    if doc_info["only_accepted"]:
        for status in ("200", "201", "204"):
            responses.pop(status, None)
    content = {"application/json": {"schema": waiting}}
    responses["202"] = {"description": "It waits for a second person", "content": content}
    doc["x-second-person"] = doc_info["approver"]
    return doc


class App(Flask):
    """Flask, with one unit of work around each request."""

    def wsgi_app(self, environ: Any, start_response: Any) -> Any:
        """wx.request knows no PATCH: a mini-program sends it as a POST that says so in X-HTTP-Method-Override."""
        if environ[METHOD] == "POST" and environ.get(MEANT_METHOD) == "PATCH":
            environ = environ | {METHOD: "PATCH"}
        return super().wsgi_app(environ, start_response)

    def dispatch_request(self) -> Any:
        """Run the matched route inside its mall, in one transaction, again when the database asks for it."""
        if request.routing_exception is not None:
            self.raise_routing_exception(request)
        view = self.view_functions[request.url_rule.endpoint] if request.url_rule else None
        if not request.blueprint or request.blueprint not in self.extensions.get("audiences", {}):
            return super().dispatch_request()
        if largest := marked(view, "upload", request.method):
            _read_upload(largest, marked(view, "look", request.method))
        if largest := marked(view, "raw", request.method):
            _read_raw_body(largest)
        for attempt in range(1, db.MAX_TRIES + 1):
            try:
                with db.unit_of_work():
                    return self._in_transaction(view)
            except DBAPIError as error:
                if attempt == db.MAX_TRIES or not db.may_retry(error):
                    raise
            except Problem as refusal:
                self._keep_refusal(refusal)
                raise
        raise AssertionError("unreachable")

    def _keep_refusal(self, refusal: Problem) -> None:
        """A refusal after part of the work became durable is the answer of its Idempotency-Key: the same request again gets it again."""
        if (claimed := g.pop("once", None)) is None or not refusal.__dict__.get("partly_committed"):
            return
        mall_id, who, key = claimed
        with db.unit_of_work(mall_id):
            once.finish(who, key, refusal.status, json.dumps(refusal.body()).encode())

    def _in_transaction(self, view: Any) -> Any:
        audience: identity.Audience = self.extensions["audiences"][request.blueprint]
        self._admit(view, audience)
        key = request.headers.get("Idempotency-Key")
        if not marked(view, "idempotent", request.method):
            return self._respond()
        if key is None:
            raise once.IdempotencyKeyMissing()
        who = identity.principal().name
        answer = once.begin(who, key, once.request_hash(request.method, request.full_path, _hashed_body()))
        if answer is not None:
            response = flask.jsonify(answer.body)
            response.status_code = answer.status
            response.headers["Idempotent-Replay"] = "true"
            if answer.status >= HTTPStatus.BAD_REQUEST:
                response.content_type = PROBLEM_JSON
            return response
        g.once = (db.mall(), who, key)
        response = self._respond()
        once.finish(who, key, response.status_code, response.get_data())
        return response

    def _respond(self) -> Response:
        return self.make_response(super().dispatch_request())

    def _admit(self, view: Any, audience: identity.Audience) -> None:
        if audience.kinds:
            who = identity.bearer()
            structlog.contextvars.bind_contextvars(principal=who.name, mall_id=who.mall_id)
            identity.admit(who, audience, marked(view, "permission", request.method))
            if precondition := getattr(self.blueprints.get(request.blueprint or ""), "precondition", None):
                precondition.check(request.view_args or {})
            elif audience is identity.mall_staff and request.method == "GET" and not marked(view, "opens_record", "GET"):
                for member_id in membership.named_in([*(request.view_args or {}).items(), *request.args.items(multi=True)]):
                    membership.refuse_unopened(identity.principal(), member_id)
        elif (code := (request.view_args or {}).pop("mall_code", None)) and not db.enter_by_code(code):
            raise MallNotFound()


def marked(view: Any, name: str, method: str) -> Any:
    """What a decorator of Blueprint noted of a route: problems, permission, idempotent."""
    verb = getattr(getattr(view, "view_class", None), method.lower(), None)
    return getattr(verb or view, "_apidoc", {}).get(name)


class Api(flask_smorest.Api):  # type: ignore[misc]
    """Refusals as problem+json, and the contract."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _init_spec(self, **options: Any) -> None:
        self._unwritten: list[Any] = []
        self._writing = threading.Lock()
        super()._init_spec(**options)
        self.ma_plugin.converter.add_attribute_function(_document_variants)

    def register_blueprint(self, blp: Any, **_: Any) -> None:
        """Register a room; its audience is remembered by name. Its part of the contract is written when somebody asks for the contract.

        Most processes are never asked, and writing it would be a third of their start.
        """
        self._app.extensions.setdefault("audiences", {})[blp.name] = blp.audience
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blp.name] = self
        self._app.register_blueprint(blp)
        self._unwritten.append(blp)

    def _openapi_json(self) -> Response:
        with self._writing:
            while self._unwritten:
                blueprint = self._unwritten.pop(0)
                blueprint.register_views_in_doc(self, self._app, self.spec, name=blueprint.name, parameters=None)
                self.spec.tag({"name": blueprint.name, "description": blueprint.description})
        answer: Response = super()._openapi_json()
        return answer

    def _register_error_handlers(self) -> None:
        self._app.register_error_handler(HTTPException, self.handle_http_exception)

    def handle_http_exception(self, error: HTTPException) -> Response:
        """Framework errors in our own words."""
        return problem_response(_translate(error))


def _translate(error: HTTPException) -> Problem:
    data = getattr(error, "data", None) or {}
    if error.code == 422:
        return ShapeWrong(errors=_by_field(data.get("messages", {})))
    if error.code == 400:
        return BodyUnreadable()
    if error.code == 404:
        return PathUnknown()
    if error.code == 413:
        return BodyTooLarge()
    if error.code == 415:
        return KindUnknown()
    if error.code == 405:
        return MethodUnknown()
    known = type(
        error.name.replace(" ", ""),
        (Problem,),
        {"status": error.code or 500, "__doc__": error.description or error.name},
    )
    return known()  # type: ignore[no-any-return]


class MethodUnknown(Problem):
    """This address does not accept that method."""

    status = 405


def _by_field(messages: Any) -> Any:
    """{"json": {"amount_fen": ["…"]}} → {"amount_fen": ["…"]}."""
    if not isinstance(messages, dict):
        return {"body": messages}
    merged: dict[str, Any] = {}
    for place, fields in messages.items():
        if place in {"json", "query", "headers", "form", "files", "json_or_form"} and isinstance(fields, dict):
            merged.update({str(name): notes for name, notes in fields.items()})
        else:
            merged[str(place)] = fields
    return merged


def problem_response(problem: Problem) -> Response:
    """A refusal on the wire."""
    if problem.suspicious:
        path = request.url_rule.rule if request.url_rule else ""
        log.warning("security: a request was refused", problem=problem.slug(), path=path, status_code=problem.status)
    response = flask.jsonify(problem.body())
    response.status_code = problem.status
    response.mimetype = PROBLEM_JSON
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def install(app: App) -> None:
    """Error handling, request ids, request log and limits of size for an app."""
    app.config["MAX_CONTENT_LENGTH"] = app.config.get("MAX_CONTENT_LENGTH") or MAX_BODY
    app.before_request(_begin)
    app.after_request(_end)
    app.register_error_handler(Problem, problem_response)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(PoolEmpty, _no_connection_left)
    app.register_error_handler(Exception, _internal_error)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if 8 <= len(given) <= 64 and given.replace("-", "").isalnum() else uuid.uuid4().hex
    g.began = clock.monotonic()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Cache-Control", "no-store")
    seconds = clock.monotonic() - g.get("began", clock.monotonic())
    rule = request.url_rule.rule if request.url_rule else "(none)"
    flask.current_app.extensions["observe"](request.method, rule, response.status_code, seconds)
    log.info("request", method=request.method, path=rule, status_code=response.status_code, ms=round(seconds * 1000, 1))
    return response


def _database_error(error: DBAPIError) -> Response:
    problem = db.as_problem(error)
    if problem is None:
        return _internal_error(error)
    cause = getattr(error.orig, "diag", None)
    log.warning("the database refused", error_type=type(error.orig).__name__, constraint=getattr(cause, "constraint_name", None))
    return problem_response(problem)


def _no_connection_left(_error: PoolEmpty) -> Response:
    log.warning("every database connection is in use")
    return problem_response(db.DatabaseAway())


def _internal_error(error: Exception) -> Response:
    log.error("unexpected error", error_type=type(error).__name__, exc_info=error)
    return problem_response(InternalError())


def problem_schema() -> dict[str, Any]:
    """The Problem component of the contract (RFC 9457)."""
    return {
        "type": "object",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string", "description": "a stable name to branch on"},
            "title": {"type": "string", "description": "a sentence for people"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "errors": {"type": "object", "description": "by field, only with 422", "additionalProperties": True},
        },
        "additionalProperties": True,
    }
