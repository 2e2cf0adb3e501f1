"""/_sim/…: what a phone would do, and the faults. The real Alipay has no such thing."""

from __future__ import annotations

import json
import secrets
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from flask import Blueprint, Response, request

from alipay.aes import encrypt
from alipay.signing import SIGN_TYPE, public_key, sign
from alipay.simulator.failures import Failure
from alipay.simulator.faults import Fault
from alipay.simulator.postman import Letter, Postman, Trouble
from alipay.simulator.settings import Settings
from alipay.simulator.store import CODE_LIFE, PAY_CODE_LIFE, Application, Code, PayCode, Store, Trade
from alipay.simulator.trades import Trades

Answer = dict[str, Any]


def blueprint(store: Store, trades: Trades, postman: Postman, key: RSAPrivateKey, settings: Settings) -> Blueprint:
    """Every control endpoint. A wrong argument is answered 400 with a sentence."""
    sim = Blueprint("control", __name__, url_prefix="/_sim")
    _phones(sim, store, key, settings)
    _money(sim, store, trades, postman, settings)
    _troubles(sim, store, postman)
    _let_pages_ask(sim)

    @sim.errorhandler(KeyError)
    @sim.errorhandler(TypeError)
    @sim.errorhandler(ValueError)
    def wrong(trouble: Exception) -> tuple[Answer, int]:
        return {"error": f"{type(trouble).__name__}: {trouble}"}, 400

    @sim.errorhandler(Failure)
    def refused(refusal: Failure) -> tuple[Answer, int]:
        return refusal.answer, 409

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


def _phones(sim: Blueprint, store: Store, key: RSAPrivateKey, settings: Settings) -> None:
    @sim.post("/users")
    def user() -> Answer:
        """Make or change a person: {person, phone?, app_id?}."""
        said = _said()
        with store.lock:
            person = store.people.named(said["person"])
            person.phone = said.get("phone", person.phone)
            open_id = store.people.open_id(person.name, said.get("app_id", settings.app_id))
            return {"person": person.name, "user_id": person.user_id, "open_id": open_id, "phone": person.phone}

    @sim.post("/auth-code")
    def auth_code() -> Answer:
        """What my.getAuthCode gives: {person, app_id?} → {code}."""
        said = _said()
        with store.lock:
            person = store.people.named(said["person"])
            value = secrets.token_hex(16)
            app_id = str(said.get("app_id", settings.app_id))
            store.codes[value] = Code(app_id, person.name, store.clock() + CODE_LIFE)
            return {"code": value}

    @sim.post("/auth-pay-code")
    def auth_pay_code() -> Answer:
        """What the phone shows to the cashier's scanner: {person, needs_password?, refuse?} → {code}, good for a minute."""
        said = _said()
        with store.lock:
            person = store.people.named(said["person"])
            value = f"{25 + secrets.randbelow(6)}{secrets.randbelow(10**16):016d}"
            expires_at = store.clock() + PAY_CODE_LIFE
            store.pay_codes[value] = PayCode(person.name, expires_at, bool(said.get("needs_password")), str(said.get("refuse", "")))
            return {"code": value}

    @sim.post("/phone-payload")
    def phone_payload() -> Answer:
        """What my.getPhoneNumber gives and the phone posts on: {person, app_id?, refuse?}."""
        said = _said()
        with store.lock:
            app = store.apps[str(said.get("app_id", settings.app_id))]
            person = store.people.named(said["person"])
        if said.get("refuse"):
            return {"response": _PHONE_REFUSAL, "sign_type": SIGN_TYPE, "encrypt_type": "AES", "charset": "UTF-8"}
        plain = json.dumps({"code": "10000", "msg": "Success", "mobile": person.phone}, separators=(",", ":"))
        sealed = encrypt(app.content_key, plain)
        return {
            "response": sealed,
            "sign": sign(key, f'"{sealed}"'),
            "sign_type": SIGN_TYPE,
            "encrypt_type": "AES",
            "charset": "UTF-8",
        }


_PHONE_REFUSAL = json.dumps(
    {
        "code": "40003",
        "msg": "Insufficient Conditions",
        "subCode": "isv.invalid-auth-relations",
        "subMsg": "无效的授权关系",
    },
    ensure_ascii=False,
)


def _money(sim: Blueprint, store: Store, trades: Trades, postman: Postman, settings: Settings) -> None:
    def trade_of(said: Answer) -> Trade:
        return trades.find(store.apps[str(said.get("app_id", settings.app_id))], said)

    @sim.post("/pay")
    def pay() -> Answer:
        """The person pays (my.tradePay): {trade_no | out_trade_no, app_id?, notify?}."""
        said = _said()
        with store.lock:
            trade = trade_of(said)
            trades.pay(trade, notify=bool(said.get("notify", True)))
        return {"trade_no": trade.trade_no, "out_trade_no": trade.out_trade_no}

    @sim.post("/finish")
    def finish() -> Answer:
        """The refund window of a trade ends: {trade_no | out_trade_no, app_id?}."""
        said = _said()
        with store.lock:
            trades.finish(trade_of(said))
        return {}

    @sim.post("/applications")
    def application() -> Answer:
        """A further application, or a change: {app_id, public_key?, content_key?, seller_id?, can_refund?}."""
        said = _said()
        with store.lock:
            app = store.apps.get(str(said["app_id"]))
            if app is None:
                content_key = str(said.get("content_key", store.apps[settings.app_id].content_key))
                seller = str(said.get("seller_id", settings.seller_id))
                app = Application(str(said["app_id"]), public_key(said["public_key"]), content_key, seller)
                store.apps[app.app_id] = app
            app.can_refund = bool(said.get("can_refund", app.can_refund))
        return {"app_id": app.app_id, "seller_id": app.seller_id}

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


def _troubles(sim: Blueprint, store: Store, postman: Postman) -> None:
    @sim.post("/faults")
    def fault() -> Answer:
        """The next calls go wrong: see alipay.simulator.faults.Fault."""
        with store.lock:
            store.faults.append(Fault(**_said()))
        return {"faults": len(store.faults)}

    @sim.post("/troubles")
    def trouble() -> Answer:
        """The next notices go wrong: see alipay.simulator.postman.Trouble."""
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

    @sim.get("/health")
    def health() -> Answer:
        """Alive."""
        return {"ok": True}


def _letter(letter: Letter) -> Answer:
    return {
        "id": letter.id,
        "url": letter.url,
        "fields": letter.fields,
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
