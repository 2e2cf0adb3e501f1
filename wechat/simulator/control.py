"""/_sim/…: what a phone would do, and the faults. The real WeChat has no such thing."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from wechat.aead import api_v3_key
from wechat.signing import certificate_serial
from wechat.simulator.faults import Fault
from wechat.simulator.pay import Till
from wechat.simulator.postman import Letter, Postman, Trouble
from wechat.simulator.settings import Settings
from wechat.simulator.store import CODE_LIFE, Code, MerchantAccount, Store
from wechat.simulator.wire import PayError, Signer, json_answer, public_key_of

Answer = dict[str, Any]


def blueprint(store: Store, signer: Signer, postman: Postman, settings: Settings) -> Blueprint:
    """Every control endpoint. A wrong argument is answered 400 with a sentence."""
    sim = Blueprint("control", __name__, url_prefix="/_sim")
    _phones(sim, store, settings)
    _money(sim, store, postman, settings)
    _troubles(sim, store, signer, postman)
    _let_pages_ask(sim)

    @sim.errorhandler(KeyError)
    @sim.errorhandler(TypeError)
    @sim.errorhandler(ValueError)
    def wrong(trouble: Exception) -> tuple[Answer, int]:
        return {"error": f"{type(trouble).__name__}: {trouble}"}, 400

    @sim.errorhandler(PayError)
    def refused(refusal: PayError) -> Response:
        return json_answer(refusal.body, refusal.status)

    return sim


def _let_pages_ask(sim: Blueprint) -> None:
    """The mall's pages in a browser of this machine play the phone: only pages of this machine may ask across origins."""

    @sim.after_request
    def allow(answer: Response) -> Response:
        origin = request.headers.get("Origin", "")
        if urlsplit(origin).hostname in {"127.0.0.1", "localhost", urlsplit(request.host_url).hostname}:
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Access-Control-Allow-Headers"] = "Content-Type"
            answer.headers["Access-Control-Allow-Methods"] = "GET, POST, DELETE"
            answer.headers["Vary"] = "Origin"
        return answer


def _phones(sim: Blueprint, store: Store, settings: Settings) -> None:
    @sim.post("/users")
    def user() -> Answer:
        """Make or change a person: {person, phone?, blocked?, appid?}."""
        said = _said()
        with store.lock:
            person = store.people.named(said["person"])
            person.phone = said.get("phone", person.phone)
            person.blocked = said.get("blocked", person.blocked)
            openid = store.people.openid(person.name, said.get("appid", settings.appid))
            return {"person": person.name, "openid": openid, "unionid": person.unionid, "phone": person.phone}

    @sim.post("/login-code")
    def login_code() -> Answer:
        """What wx.login gives: {person, appid?} → {js_code}."""
        return {"js_code": _new_code(store, settings, "login")}

    @sim.post("/phone-code")
    def phone_code() -> Answer:
        """What the phone button gives: {person, appid?} → {code}."""
        return {"code": _new_code(store, settings, "phone")}

    @sim.post("/consents")
    def consent() -> Answer:
        """The person agrees to a subscribe message: {person, template_id, times?, appid?}."""
        said = _said()
        with store.lock:
            openid = store.people.openid(said["person"], said.get("appid", settings.appid))
            key = (openid, str(said["template_id"]))
            store.consents[key] = store.consents.get(key, 0) + int(said.get("times", 1))
            return {"openid": openid, "left": store.consents[key]}

    @sim.post("/templates")
    def template() -> Answer:
        """A message template: {template_id, keys: [thing1, …]}."""
        said = _said()
        store.templates[str(said["template_id"])] = tuple(map(str, said["keys"]))
        return {"templates": sorted(store.templates)}

    @sim.get("/messages")
    def messages() -> Answer:
        """Every subscribe message that was sent."""
        return {"messages": list(store.messages)}

    @sim.post("/apps")
    def app() -> Answer:
        """A further mini-program: {appid, secret}."""
        said = _said()
        store.apps[str(said["appid"])] = str(said["secret"])
        return {"apps": sorted(store.apps)}

    @sim.delete("/tokens")
    def tokens() -> Answer:
        """Make every access token invalid, as a forced refresh elsewhere does."""
        with store.lock:
            store.tokens.clear()
            store.current_token.clear()
        return {}


def _money(sim: Blueprint, store: Store, postman: Postman, settings: Settings) -> None:
    till = Till(store, postman, settings.refund_seconds)

    @sim.post("/pay")
    def pay() -> Answer:
        """The person pays: {prepay_id | out_trade_no, mchid?, person?, notify?}, or wx.requestPayment's arguments."""
        said = _said()
        with store.lock:
            order = till.order_at_phone(said, settings.mchid)
            till.charge(order, notify=bool(said.get("notify", True)))
            return {"transaction_id": order.transaction_id, "out_trade_no": order.out_trade_no}

    @sim.post("/refunds/<out_refund_no>")
    def refund(out_refund_no: str) -> Answer:
        """Decide a refund now: {status: SUCCESS | ABNORMAL | CLOSED, mchid?}."""
        said = _said()
        with store.lock:
            found = store.refunds[str(said.get("mchid", settings.mchid)), out_refund_no]
            till.decide(found, str(said["status"]))
        return {"status": found.status}

    @sim.post("/merchants")
    def merchant() -> Answer:
        """A further merchant or certificate: {mchid, certificate_pem?, api_v3_key?, appids?, can_refund?}."""
        said = _said()
        with store.lock:
            account = _merchant(store, said, settings)
            account.appids |= set(said.get("appids", ()))
            account.can_refund = bool(said.get("can_refund", account.can_refund))
            return {"mchid": account.mchid, "serials": sorted(account.certificates), "appids": sorted(account.appids)}

    @sim.get("/notices")
    def notices() -> Answer:
        """Every notice with every attempt to deliver it."""
        return {"notices": [_letter(letter) for letter in list(postman.letters)]}

    @sim.post("/notices/<letter_id>/again")
    def again(letter_id: str) -> Answer:
        """Deliver a notice again: {copies?} at once."""
        letter = next(letter for letter in postman.letters if letter.id == letter_id)
        postman.again(letter, int(_said().get("copies", 1)))
        return {}

    @sim.post("/notices/release")
    def release() -> Answer:
        """Send the held notices, the youngest first."""
        return {"released": postman.release()}


def _troubles(sim: Blueprint, store: Store, signer: Signer, postman: Postman) -> None:
    @sim.post("/faults")
    def fault() -> Answer:
        """The next calls go wrong: see wechat.simulator.faults.Fault."""
        with store.lock:
            store.faults.append(Fault(**_said()))
        return {"faults": len(store.faults)}

    @sim.post("/troubles")
    def trouble() -> Answer:
        """The next notices go wrong: see wechat.simulator.postman.Trouble."""
        postman.troubles.append(Trouble(**_said()))
        return {"troubles": len(postman.troubles)}

    @sim.delete("/faults")
    def heal() -> Answer:
        """No fault and no trouble from now on."""
        store.faults.clear()
        postman.troubles.clear()
        return {}

    @sim.post("/clock")
    def clock() -> Answer:
        """Move the simulator's clock: {advance: seconds}."""
        store.clock.advance(float(_said()["advance"]))
        postman.wake()
        return {"now": store.clock().isoformat()}

    @sim.post("/sign-mode")
    def sign_mode() -> Answer:
        """Which key signs from now on: {mode: public_key | certificate | mixed}."""
        mode = _said()["mode"]
        if mode not in ("public_key", "certificate", "mixed"):
            raise ValueError("mode is public_key, certificate or mixed")
        signer.mode = mode
        return {"mode": mode}

    @sim.get("/health")
    def health() -> Answer:
        """Alive."""
        return {"ok": True}


def _new_code(store: Store, settings: Settings, kind: str) -> str:
    said = _said()
    with store.lock:
        person = store.people.named(said["person"])
        value = secrets.token_hex(16)
        appid = str(said.get("appid", settings.appid))
        store.codes[value] = Code(kind, appid, person.name, store.clock() + CODE_LIFE)
        return value


def _merchant(store: Store, said: Answer, settings: Settings) -> MerchantAccount:
    account = store.merchants.get(str(said["mchid"]))
    if account is None:
        demo = store.merchants[settings.mchid]
        key = api_v3_key(said["api_v3_key"]) if "api_v3_key" in said else demo.api_v3_key
        account = MerchantAccount(str(said["mchid"]), key)
        store.merchants[account.mchid] = account
    if pem := said.get("certificate_pem"):
        account.certificates[certificate_serial(pem)] = public_key_of(pem)
    return account


def _letter(letter: Letter) -> Answer:
    return {
        "id": letter.id,
        "event_type": letter.event_type,
        "url": letter.url,
        "content": letter.content,
        "acknowledged": letter.acknowledged,
        "attempts": letter.attempts,
    }


def _said() -> Answer:
    said = request.get_json(force=True, silent=True)
    if said is None and not request.get_data():
        return {}
    if not isinstance(said, dict):
        raise ValueError("the body is a JSON object")
    if "person" in said and not (isinstance(said["person"], str) and said["person"]):
        raise ValueError("person is a name")
    return said
