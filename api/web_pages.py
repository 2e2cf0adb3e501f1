"""The pages over HTTP: the shopper's h5 at /m/<mall>/, the tablet at /shop/<mall>/, the desk at /office/<mall>/, a code plate at /q/<code>.

`deploy/web_pages.py` builds them into a folder; here they are only served. In production nginx may do the same (deploy/nginx.conf).
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from pathlib import Path
from urllib.parse import urlsplit

import flask
from flask import Blueprint, Response, request
from werkzeug.security import safe_join

from api.kit import db
from api.kit.http import MallNotFound
from api.malls import service as malls
from api.plates import service as plates
from api.plates.errors import PlateBlank, PlateRetired, PlateShopClosed, PlateUnknown
from api.settings import Settings

FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
A_WHILE = "public, max-age=300"
RETRY_AFTER = 3  # seconds between two reloads while the pages are built

#: Given here and not taken from the system's own list: with nosniff a wrong type is a page that does not work.
KINDS = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".woff": "font/woff",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
    ".mp3": "audio/mpeg",
    ".webmanifest": "application/manifest+json",
}
COMPRESSED = (("br", ".br"), ("gzip", ".gz"))  # the better first

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
}
POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}

_STYLE = (
    "body{font:18px/1.6 system-ui,sans-serif;max-width:34em;margin:12vh auto;padding:0 24px;color:#1d2129;background:#fff}"
    "a{color:#0958d9}@media(prefers-color-scheme:dark){body{color:#e6e8eb;background:#16181d}a{color:#79a9ff}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_PLAIN_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

#: How a wallet's own browser names itself. QQ's says MicroMessenger too at times, and is none.
WALLETS = (("wechat", re.compile(r"MicroMessenger/")), ("alipay", re.compile(r"AlipayClient/")))
NO_WALLET = re.compile(r"\bM?QQ/")
#: The name of a file by which a wallet checks a domain; nothing in it can lead out of the folder.
_PROOF = re.compile(r"[A-Za-z0-9_-]{1,80}\.txt", re.ASCII)
PROOF_BYTES = 4096
_REFUSED_PLATES = {
    PlateUnknown: ("这不是本商场的码牌 · Not a plate of ours", "请不要付款，并告诉店员。", "Please do not pay by it, and tell the shop."),
    PlateBlank: ("码牌还没有启用 · Not in use yet", "请向店员询问。", "Please ask at the shop."),
    PlateRetired: ("码牌已停用 · No longer in use", "请向店员询问新的码牌。", "Please ask the shop for its new one."),
    PlateShopClosed: ("门店暂不收款 · Not taking payments now", "请向店员询问。", "Please ask at the shop."),
}

blp = Blueprint("web_pages", __name__)
_known_malls: set[str] = set()
_MALL_CODE = re.compile(r"[a-z0-9-]{2,40}", re.ASCII)


def install(app: flask.Flask, settings: Settings) -> None:
    """Add the pages to an app."""
    app.extensions["pages_policy"] = policy(settings)
    app.register_blueprint(blp)


def policy(settings: Settings) -> str:
    """The Content-Security-Policy of the pages. They listen to the live stream; in development they may also ask the simulators."""
    connect = " ".join([POLICY["connect-src"], *filter(None, [live_origin(settings)]), *simulators(settings).values()])
    return "; ".join(f"{name} {value}" for name, value in {**POLICY, "connect-src": connect}.items())


def simulators(settings: Settings) -> dict[str, str]:
    """The origins of the simulators that stand in for the wallets, by wallet; none in production."""
    if settings.production:
        return {}
    given = {"wechat": settings.wechat_api, "alipay": settings.alipay_gateway}
    return {name: _origin(url) for name, url in given.items() if not _origin(url).endswith((".qq.com", ".alipay.com"))}


def live_origin(settings: Settings) -> str:
    """Where the live stream is, if it is not where the pages are; else empty."""
    if not settings.live_url or _origin(settings.live_url) == _origin(settings.public_url):
        return ""
    return _origin(settings.live_url)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@blp.after_request
def _protect(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", flask.current_app.extensions["pages_policy"])
    return response


@blp.get("/")
def development_index() -> Response:
    """In development: what is where. In production this address is the proxy's to decide."""
    if _settings().production:
        return _plain(404, "没有这个页面 · Nothing here", "请使用商场给您的链接。", "Please use the link that your mall gave you.")
    links = [
        ("/m/demo/", "会员 · shopper"),
        ("/shop/demo/", "门店 · shop tablet"),
        ("/office/demo/", "商场 · mall office"),
        ("/docs", "API"),
        ("/readyz", "状态 · readiness"),
    ]
    return _plain(200, "Mallbridge", *(f'<a href="{path}">{path}</a> — {what}' for path, what in links), markup=True)


@blp.get("/m/<mall_code>/", defaults={"rest": ""})
@blp.get("/m/<mall_code>/<path:rest>")
def shopper(mall_code: str, rest: str) -> Response:  # noqa: ARG001 - the page itself reads its address
    """The shopper's pages."""
    return _page("h5", mall_code)


@blp.get("/m/<mall_code>/settings.json")
def shopper_settings(mall_code: str) -> Response:
    """What the shopper's pages must know before they can sign in."""
    if not _mall_exists(mall_code):
        raise MallNotFound()
    settings = _settings()
    page_settings: dict[str, object] = {"mall": mall_code, "mode": "production" if settings.production else "development"}
    if simulator_urls := simulators(settings):
        page_settings["simulators"] = simulator_urls
    return _settings_response(page_settings | _live_settings())


@blp.get("/shop/<mall_code>/settings.json")
def tablet_settings(mall_code: str) -> Response:
    """Where a shop's tablet listens to the live stream, if not where its pages are."""
    if not _mall_exists(mall_code):
        raise MallNotFound()
    return _settings_response({"mall": mall_code, **_live_settings()})


def _live_settings() -> dict[str, object]:
    origin = live_origin(_settings())
    return {"live": origin} if origin else {}


def _settings_response(values: dict[str, object]) -> Response:
    response = flask.jsonify(values)
    response.headers["Cache-Control"] = ASK_AGAIN
    return response


@blp.get("/office/<mall_code>/", defaults={"rest": ""})
@blp.get("/office/<mall_code>/<path:rest>")
def office(mall_code: str, rest: str) -> Response:  # noqa: ARG001 - the page itself reads its address
    """The pages of the mall's staff."""
    return _page("console", mall_code)


@blp.get("/shop/<mall_code>/", defaults={"rest": ""})
@blp.get("/shop/<mall_code>/<path:rest>")
def shop(mall_code: str, rest: str) -> Response:  # noqa: ARG001 - the page itself reads its address
    """The pages of a shop's tablet."""
    return _page("console", mall_code)


@blp.get("/m/assets/<path:name>")
def shopper_part(name: str) -> Response:
    """A part of the shopper's pages; its name changes with its content."""
    return _part("h5", f"assets/{name}", FOREVER)


@blp.get("/m/static/<path:name>")
def shopper_picture(name: str) -> Response:
    """A picture of the shopper's pages under a name that stays."""
    return _part("h5", f"static/{name}", A_WHILE)


@blp.get("/console/assets/<path:name>")
def staff_part(name: str) -> Response:
    """A part of the staff's pages; its name changes with its content."""
    return _part("console", f"assets/{name}", FOREVER)


@blp.get("/q/<code>")
def plate(code: str) -> Response:
    """What any scanner that knows no mini-program opens: the shopper's page of the plate, with the wallet whose browser it is."""
    if _PROOF.fullmatch(code):
        return domain_proof(code)
    try:
        with db.unit_of_work():
            plates.enter(code)
            plates.resolve(code)
            mall_code = malls.mall_info().code
    except tuple(_REFUSED_PLATES) as refusal:
        return _plain(refusal.status, *_REFUSED_PLATES[type(refusal)])
    known = wallet(request.headers.get("User-Agent", ""))
    response = flask.redirect(f"/m/{mall_code}/#/pages/plate/plate?code={code}" + (f"&wallet={known}" if known else ""))
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "User-Agent"
    assert isinstance(response, Response)
    return response


def wallet(agent: str) -> str | None:
    """Which wallet's browser this is, by its User-Agent; None: some other scanner."""
    if NO_WALLET.search(agent):
        return None
    return next((name for name, pattern in WALLETS if pattern.search(agent)), None)


@blp.get("/<name>.txt")
def domain_file(name: str) -> Response:
    """A file by which Alipay checks that the domain is ours."""
    return domain_proof(f"{name}.txt")


def domain_proof(name: str) -> Response:
    """A file of the folder DOMAIN_FILES by its exact name, and nothing else; straight, for a wallet follows no redirect."""
    folder = _settings().domain_files
    known = {path.name: path for path in folder.iterdir()} if _PROOF.fullmatch(name) and folder.is_dir() else {}
    path = known.get(name)
    if path is None or path.is_symlink() or not path.is_file() or path.stat().st_size > PROOF_BYTES:
        return _plain(404, "没有这个文件 · No such file", "请检查链接。", "Please check the link.")
    response = Response(path.read_bytes(), mimetype="text/plain")
    response.headers["Cache-Control"] = ASK_AGAIN
    return response


def _settings() -> Settings:
    settings: Settings = flask.current_app.extensions["settings"]
    return settings


def _page(app: str, mall_code: str) -> Response:
    if not _mall_exists(mall_code):
        return _no_such_mall()
    index = _settings().web_pages / app / "index.html"
    if index.is_file():
        return _send(index, ASK_AGAIN)
    failure = _settings().web_pages / f"{app}.failed"
    return _failed(failure.read_text()) if failure.is_file() else _being_built()


def _no_such_mall() -> Response:
    advice = ("请检查链接，或重新扫描商场的二维码。", "Please check the link, or scan the mall's code again.")
    return _plain(404, "没有这个商场 · No such mall", *advice)


def _mall_exists(code: str) -> bool:
    # A mall is never deleted, so each process looks it up once.
    if code in _known_malls:
        return True
    if not _MALL_CODE.fullmatch(code):
        return False
    with db.unit_of_work():
        if not db.enter_by_code(code):
            return False
    _known_malls.add(code)
    return True


def _part(app: str, name: str, cache: str) -> Response:
    path = safe_join(str(_settings().web_pages / app), name)
    odd = any(not piece or piece.startswith(".") for piece in name.split("/"))
    if path is None or odd or not Path(path).is_file():
        return _plain(404, "没有这个文件 · No such file", "请重新打开页面。", "Please open the page again.")
    return _send(Path(path), cache)


def _send(path: Path, cache: str) -> Response:
    encoding, body = _smallest(path)
    kind = KINDS.get(path.suffix.lower(), "application/octet-stream")
    response = flask.send_file(body, mimetype=kind, conditional=True, etag=True, max_age=None)
    response.headers.pop("Content-Disposition", None)
    if encoding:
        response.headers["Content-Encoding"] = encoding
    response.headers["Cache-Control"] = cache
    response.headers.add("Vary", "Accept-Encoding")
    return response


def _smallest(path: Path) -> tuple[str | None, Path]:
    """The form of a file that the client accepts and that is the smallest: (content encoding, file)."""
    for encoding, suffix in COMPRESSED:
        compressed = path.with_name(path.name + suffix)
        if request.accept_encodings[encoding] > 0 and compressed.is_file():
            return encoding, compressed
    return None, path


def _being_built() -> Response:
    response = _plain(
        503,
        "页面正在准备 · The pages are being made",
        "通常不超过一分钟，准备好后会自动打开。",
        "This takes about a minute; the page opens by itself.",
        refresh=True,
    )
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def _failed(reason: str) -> Response:
    advice = reason if not _settings().production else "请联系商场的技术人员。"
    response = _plain(503, "页面没有准备好 · The pages could not be made", advice, "The API is running.", refresh=True)
    response.headers["Retry-After"] = str(RETRY_AFTER * 10)
    return response


def _plain(status: int, title: str, *lines: str, refresh: bool = False, markup: bool = False) -> Response:
    """A page of a title and some lines, without script; with `refresh` it reloads by itself."""
    again = f'<meta http-equiv="refresh" content="{RETRY_AFTER}">' if refresh else ""
    body = "".join(f"<p>{line if markup else html.escape(line)}</p>" for line in lines)
    page = (
        f'<!doctype html><html lang="zh"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'{again}<link rel="icon" href="data:,"><title>{html.escape(title)}</title><style>{_STYLE}</style></head>'
        f"<body><main><h1>{html.escape(title)}</h1>{body}</main></body></html>"
    )
    response = Response(page, status, mimetype="text/html")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = _PLAIN_POLICY
    return response
