"""/_sim/…: what a phone would do, and the faults. The real Alipay has no such thing."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from alipay.aes import encrypt
from alipay.signing import SIGN_TYPE, public_key
from alipay.simulator.failures import Failure
from alipay.simulator.faults import KINDS, Fault
from alipay.simulator.notice_sender import TROUBLES, Notice, NoticeSender, Trouble
from alipay.simulator.settings import Settings
from alipay.simulator.signer import MODES, Signer
from alipay.simulator.store import CODE_LIFE, PAY_CODE_LIFE, Application, Code, Difference, PayCode, Store, Trade
from alipay.simulator.trades import Trades
from alipay.trust import certificate_number, certificate_of

Answer = dict[str, Any]


def blueprint(store: Store, trades: Trades, notice_sender: NoticeSender, signer: Signer, settings: Settings) -> Blueprint:
    """Every control endpoint. A wrong argument is answered 400 with a sentence."""
    sim = Blueprint("control", __name__, url_prefix="/_sim")
    _phones(sim, store, signer, settings)
    _money(sim, store, trades, notice_sender, settings)
    _troubles(sim, store, notice_sender, signer)
    _chance(sim, store)
    _bills(sim, store)
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


def _phones(sim: Blueprint, store: Store, signer: Signer, settings: Settings) -> None:
    @sim.post("/users")
    def user() -> Answer:
        """Make or change a person: {person, phone?, app_id?}."""
        body = _body()
        with store.lock:
            person = store.people.named(body["person"])
            person.phone = body.get("phone", person.phone)
            open_id = store.people.open_id(person.name, body.get("app_id", settings.app_id))
            return {"person": person.name, "user_id": person.user_id, "open_id": open_id, "phone": person.phone}

    @sim.post("/auth-code")
    def auth_code() -> Answer:
        """What my.getAuthCode gives: {person, app_id?} → {code}."""
        body = _body()
        with store.lock:
            person = store.people.named(body["person"])
            value = secrets.token_hex(16)
            app_id = str(body.get("app_id", settings.app_id))
            store.codes[value] = Code(app_id, person.name, store.clock() + CODE_LIFE)
            return {"code": value}

    @sim.post("/auth-pay-code")
    @sim.post("/auth-pay-code/<person>")
    def auth_pay_code(person: str = "") -> Answer:
        """What the phone shows to the cashier's scanner: {person, needs_password?, refuse?} → {auth_code}."""
        body = _body()
        with store.lock:
            name = store.people.named(person or body["person"]).name
            value = f"{25 + int(store.dice.digits(6, 'pay code', name)) % 6}{store.dice.digits(16, 'pay code', name)}"
            expires_at = store.clock() + PAY_CODE_LIFE
            store.pay_codes[value] = PayCode(name, expires_at, bool(body.get("needs_password")), str(body.get("refuse", "")))
            return {"auth_code": value}

    @sim.post("/phone-payload")
    def phone_payload() -> Answer:
        """What my.getPhoneNumber gives and the phone posts on: {person, app_id?, refuse?}."""
        body = _body()
        with store.lock:
            app = store.apps[str(body.get("app_id", settings.app_id))]
            person = store.people.named(body["person"])
        if body.get("refuse"):
            return {"response": _PHONE_REFUSAL, "sign_type": SIGN_TYPE, "encrypt_type": "AES", "charset": "UTF-8"}
        plain = json.dumps({"code": "10000", "msg": "Success", "mobile": person.phone}, separators=(",", ":"))
        sealed = encrypt(app.content_key, plain)
        return {
            "response": sealed,
            "sign": signer.sign(f'"{sealed}"')[0],
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


def _money(sim: Blueprint, store: Store, trades: Trades, notice_sender: NoticeSender, settings: Settings) -> None:
    def trade_of(body: Answer) -> Trade:
        return trades.find(store.apps[str(body.get("app_id", settings.app_id))], body)

    @sim.post("/pay")
    def pay() -> Answer:
        """The person pays (my.tradePay, or the password): {trade_no | out_trade_no, app_id?, notify?, late?}."""
        body = _body()
        with store.lock:
            trade = trade_of(body)
            trades.pay(trade, notify=bool(body.get("notify", True)), late=bool(body.get("late")))
        return {"trade_no": trade.trade_no, "out_trade_no": trade.out_trade_no}

    @sim.post("/cancel")
    def cancel() -> Answer:
        """The person does not enter the password: {trade_no | out_trade_no, app_id?}."""
        body = _body()
        with store.lock:
            trades.give_up(trade_of(body))
        return {}

    @sim.post("/finish")
    def finish() -> Answer:
        """The refund window of a trade ends: {trade_no | out_trade_no, app_id?}."""
        body = _body()
        with store.lock:
            trades.finish(trade_of(body))
        return {}

    @sim.post("/applications")
    def application() -> Answer:
        """A further application, or a change: {app_id, public_key?, content_key?, seller_id?, can_refund?, mode?, certificate_pem?}."""
        body = _body()
        with store.lock:
            app = store.apps.get(str(body["app_id"]))
            if app is None:
                content_key = str(body.get("content_key", store.apps[settings.app_id].content_key))
                seller = str(body.get("seller_id", settings.seller_id))
                app = Application(str(body["app_id"]), public_key(body["public_key"]), content_key, seller)
                store.apps[app.app_id] = app
            app.can_refund = bool(body.get("can_refund", app.can_refund))
            app.mode = str(body.get("mode", app.mode))
            if "certificate_pem" in body:
                app.certificate = certificate_number(certificate_of(body["certificate_pem"]))
        return {"app_id": app.app_id, "seller_id": app.seller_id}

    @sim.get("/notices")
    def notices() -> Answer:
        """Every notice with every attempt to deliver it."""
        return {"notices": [_notice_view(notice) for notice in list(notice_sender.notices)]}

    @sim.post("/notices/<letter_id>/again")
    def again(letter_id: str) -> Answer:
        """Deliver a notice again: {copies?} at once."""
        notice = next(notice for notice in notice_sender.notices if notice.id == letter_id)
        notice_sender.redeliver(notice, int(_body().get("copies", 1)))
        return {}

    @sim.post("/notices/release")
    def release() -> Answer:
        """Send the held notices, the newest first."""
        return {"released": notice_sender.release()}

    @sim.delete("/notices")
    def forget() -> Answer:
        """Send nothing of what still waits, and leave the refunds under way where they are."""
        return {"forgotten": notice_sender.drop_waiting()}


def _troubles(sim: Blueprint, store: Store, notice_sender: NoticeSender, signer: Signer) -> None:
    @sim.post("/faults")
    def fault() -> Answer:
        """The next calls go wrong: see alipay.simulator.faults.Fault."""
        with store.lock:
            store.faults.append(Fault(**_body()))
        return {"faults": len(store.faults)}

    @sim.post("/troubles")
    def trouble() -> Answer:
        """The next notices go wrong: see alipay.simulator.notice_sender.Trouble."""
        notice_sender.troubles.append(Trouble(**_body()))
        return {"troubles": len(notice_sender.troubles)}

    @sim.delete("/faults")
    def clear_faults() -> Answer:
        """No fault, no trouble and no random failure from now on, and the present key."""
        store.faults.clear()
        notice_sender.troubles.clear()
        store.failure_rates.calls, store.failure_rates.notices = {}, {}
        signer.mode = "present"
        return {}

    @sim.post("/clock")
    def clock() -> Answer:
        """Move the simulator's clock: {advance: seconds}; or {stop: instant}, or {start: true}."""
        body = _body()
        if "stop" in body:
            store.clock.stop(_instant(str(body["stop"])))
        elif body.get("start"):
            store.clock.start()
        else:
            store.clock.advance(float(body["advance"]))
        notice_sender.wake()
        return {"now": store.clock().isoformat()}

    @sim.post("/sign-mode")
    def sign_mode() -> Answer:
        """Which key signs from now on: {mode: present | next | mixed}."""
        mode = _body()["mode"]
        if mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}")
        signer.mode = mode
        return {"mode": mode}

    @sim.get("/health")
    def health() -> Answer:
        """Alive."""
        return {"ok": True}


def _chance(sim: Blueprint, store: Store) -> None:
    @sim.post("/dice")
    def dice() -> Answer:
        """The same seed is the same replay: {seed}; null is real chance."""
        seed = _body().get("seed")
        store.dice.seed(None if seed is None else str(seed))
        return {"seed": seed}

    @sim.post("/weather")
    def failure_rates() -> Answer:
        """Chances of trouble, thrown with the dice: {calls: {kind: chance}, notices: {kind: chance}, seconds?}."""
        body = _body()
        calls, notices = _chances(body.get("calls", {}), KINDS), _chances(body.get("notices", {}), TROUBLES)
        store.failure_rates.calls, store.failure_rates.notices = calls, notices
        store.failure_rates.seconds = float(body.get("seconds", store.failure_rates.seconds))
        return {"calls": calls, "notices": notices}


def _chances(body: Answer, kinds: tuple[str, ...]) -> dict[str, float]:
    chances = {str(kind): float(chance) for kind, chance in body.items()}
    if not set(chances) <= set(kinds) or not 0 <= sum(chances.values()) <= 1 or min(chances.values(), default=0) < 0:
        raise ValueError(f"chances of {', '.join(kinds)}, one at most together")
    return chances


def _bills(sim: Blueprint, store: Store) -> None:
    @sim.post("/bill-differences")
    def differ() -> Answer:
        """Bills made from now on say it otherwise: see alipay.simulator.store.Difference."""
        with store.lock:
            store.differences.append(Difference(**_body()))
        return {"differences": len(store.differences)}

    @sim.delete("/bill-differences")
    def agree() -> Answer:
        """Bills made from now on are right."""
        store.differences.clear()
        return {}


def _instant(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError("a time without an offset")
    return read


def _notice_view(notice: Notice) -> Answer:
    return {
        "id": notice.id,
        "url": notice.url,
        "fields": notice.fields,
        "acknowledged": notice.acknowledged,
        "attempts": notice.attempts,
    }


def _body() -> Answer:
    body = request.get_json(force=True, silent=True)
    if body is None and not request.get_data():
        return {}
    if not isinstance(body, dict):
        raise ValueError("the body is a JSON object")
    if "person" in body and not (isinstance(body["person"], str) and body["person"]):
        raise ValueError("person is a name")
    return body
