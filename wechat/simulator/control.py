"""/_sim/…: what a phone would do, and the faults. The real WeChat has no such thing."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from wechat.aead import api_v3_key
from wechat.records import instant
from wechat.signing import certificate_serial
from wechat.simulator.circle import Circles
from wechat.simulator.complaints import ComplaintDesk
from wechat.simulator.faults import KINDS, Fault
from wechat.simulator.notice_sender import TROUBLES, Notice, NoticeSender, Trouble
from wechat.simulator.settings import Settings
from wechat.simulator.store import CODE_LIFE, PAY_CODE_LIFE, BillDifference, Code, Complaint, MerchantAccount, PayCode, Store
from wechat.simulator.till import CODE_REFUSALS, Till
from wechat.simulator.wire import PayError, Signer, json_answer, public_key_of

Answer = dict[str, Any]


def blueprint(till: Till, signer: Signer, circles: Circles, desk: ComplaintDesk, settings: Settings) -> Blueprint:
    """Every control endpoint. A wrong argument is answered 400 with a sentence."""
    sim = Blueprint("control", __name__, url_prefix="/_sim")
    _phones(sim, till.store, settings)
    _wallet(sim, till, settings)
    _money(sim, till, settings)
    _mall(sim, till, circles, settings)
    _complaints(sim, till.store, desk, settings)
    _troubles(sim, till.store, signer, till.notice_sender)
    _chance(sim, till.store)
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
        body = _body()
        with store.lock:
            person = store.people.named(body["person"])
            person.phone = body.get("phone", person.phone)
            person.blocked = body.get("blocked", person.blocked)
            openid = store.people.openid(person.name, body.get("appid", settings.appid))
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
        body = _body()
        with store.lock:
            openid = store.people.openid(body["person"], body.get("appid", settings.appid))
            key = (openid, str(body["template_id"]))
            store.consents[key] = store.consents.get(key, 0) + int(body.get("times", 1))
            return {"openid": openid, "left": store.consents[key]}

    @sim.post("/templates")
    def template() -> Answer:
        """A message template: {template_id, keys: [thing1, …]}."""
        body = _body()
        store.templates[str(body["template_id"])] = tuple(map(str, body["keys"]))
        return {"templates": sorted(store.templates)}

    @sim.get("/messages")
    def messages() -> Answer:
        """Every subscribe message that was sent."""
        return {"messages": list(store.messages)}

    @sim.post("/pages")
    def pages() -> Answer:
        """The pages of the published mini-program: {pages: […]}; while none is named, any page will do."""
        store.pages = set(map(str, _body()["pages"]))
        return {"pages": sorted(store.pages)}

    @sim.post("/words")
    def word() -> Answer:
        """A word that content checks find: {word, suggest: review | risky, label?}."""
        body = _body()
        store.words[str(body["word"])] = (str(body["suggest"]), int(body.get("label", 20006)))
        return {"words": sorted(store.words)}

    @sim.get("/mini-program")
    def told() -> Answer:
        """Which codes were made, which payments were reported as fulfilled, and how often a token was asked for."""
        tokens = {"asked": store.tokens_asked, "issued": store.tokens_issued}
        return {"codes": list(store.codes_made), "shipped": dict(store.shipped), "tokens": tokens}

    @sim.post("/apps")
    def app() -> Answer:
        """A further mini-program: {appid, secret}."""
        body = _body()
        store.apps[str(body["appid"])] = str(body["secret"])
        return {"apps": sorted(store.apps)}

    @sim.delete("/tokens")
    def tokens() -> Answer:
        """Make every access token invalid, as a forced refresh elsewhere does."""
        with store.lock:
            store.tokens.clear()
            store.current_token.clear()
        return {}


def _wallet(sim: Blueprint, till: Till, settings: Settings) -> None:
    store = till.store

    @sim.post("/auth-pay-code")
    @sim.post("/auth-pay-code/<person>")
    def auth_pay_code(person: str = "") -> Answer:
        """The code of the wallet that a cashier scans: {person, needs_password?, refuse?} → {auth_code}."""
        body = _body()
        refuse = str(body.get("refuse", ""))
        if refuse and refuse not in CODE_REFUSALS:
            raise ValueError(f"refuse is one of {', '.join(CODE_REFUSALS)}")
        with store.lock:
            named = store.people.named(person or body["person"]).name
            value = f"1{int(store.dice.digits(6, 'pay code', named)) % 6}{store.dice.digits(16, 'pay code', named)}"
            ends = store.clock() + PAY_CODE_LIFE
            store.pay_codes[value] = PayCode(named, ends, bool(body.get("needs_password")), refuse)
            return {"auth_code": value}

    @sim.post("/pay")
    def pay() -> Answer:
        """The person pays: {prepay_id | out_trade_no, mchid?, person?, notify?, late?}, or wx.requestPayment's arguments."""
        body = _body()
        with store.lock:
            order = till.order_at_phone(body, settings.mchid)
            till.charge(order, notify=bool(body.get("notify", True)), late=bool(body.get("late")))
            numbers = [part.transaction_id for part in order.parts]
            return {"transaction_id": numbers[0], "transaction_ids": numbers, "out_trade_no": order.out_trade_no}

    @sim.post("/cancel")
    def cancel() -> Answer:
        """The person does not type the password: {out_trade_no, mchid?}."""
        with store.lock:
            order = till.order_at_phone(_body(), settings.mchid)
            till.cancel(order)
            return {"trade_state": order.state}


def _money(sim: Blueprint, till: Till, settings: Settings) -> None:
    store, notice_sender = till.store, till.notice_sender

    @sim.post("/refunds/<out_refund_no>")
    def refund(out_refund_no: str) -> Answer:
        """Decide a refund now: {status: SUCCESS | ABNORMAL | CLOSED, mchid?}."""
        body = _body()
        with store.lock:
            refund = store.refunds[str(body.get("mchid", settings.mchid)), out_refund_no]
            till.decide(refund, str(body["status"]))
        return {"status": refund.status}

    @sim.post("/merchants")
    def merchant() -> Answer:
        """A further merchant or certificate: {mchid, certificate_pem?, api_v3_key?, appids?, subs?, can_refund?, share_bp?}."""
        body = _body()
        with store.lock:
            account = _merchant(store, body, settings)
            account.appids |= set(body.get("appids", ()))
            account.subs |= set(body.get("subs", ()))
            account.share_bp = int(body.get("share_bp", account.share_bp))
            account.can_refund = bool(body.get("can_refund", account.can_refund))
            return {"mchid": account.mchid, "serials": sorted(account.certificates), "appids": sorted(account.appids)}

    @sim.post("/bill-differences")
    def difference() -> Answer:
        """The bill says otherwise: {kind: missing | extra | amount | status, out_trade_no | out_refund_no, fen?, status?, at?}."""
        body = {"mchid": settings.mchid, **_body()}
        body["number"] = str(body.pop("out_refund_no", None) or body.pop("out_trade_no"))
        at = instant(str(body.pop("at"))) if "at" in body else store.clock()
        with store.lock:
            store.bill_differences.append(BillDifference(**body, at=at))
        return {"differences": len(store.bill_differences)}

    @sim.delete("/bill-differences")
    def truth() -> Answer:
        """The bill says what happened again."""
        store.bill_differences.clear()
        return {}

    @sim.post("/share-accounts")
    def share_account() -> Answer:
        """An account that no part reaches, or gives back: {account, fail_reason}; an empty reason heals it."""
        body = _body()
        with store.lock:
            store.bad_accounts.pop(str(body["account"]), None)
            if body.get("fail_reason"):
                store.bad_accounts[str(body["account"])] = str(body["fail_reason"])
        return {"bad": dict(store.bad_accounts)}

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

    @sim.post("/notices/settle")
    def settle() -> Answer:
        """Wait until every notice that is due has been delivered: {seconds?} at most."""
        return {"settled": notice_sender.wait_until_idle(float(_body().get("seconds", 10)))}


def _mall(sim: Blueprint, till: Till, circles: Circles, settings: Settings) -> None:
    store = till.store

    def mchid(body: Answer) -> str:
        return str(body.get("mchid", settings.mchid))

    def openid(body: Answer) -> str:
        return store.people.openid(body["person"], str(body.get("appid", settings.appid)))

    @sim.post("/circle")
    def circle() -> Answer:
        """Where a business circle's notices go: {notify_url?, auth_url?, mchid?}; answers what it reported to us."""
        body = _body()
        with store.lock:
            known = circles.of(mchid(body))
            known.notify_url = str(body.get("notify_url", known.notify_url))
            known.auth_url = str(body.get("auth_url", known.auth_url))
            reported = {number: bought.reported for number, bought in known.purchases.items() if bought.reported}
            return {"reported": reported, "parkings": list(known.parkings)}

    @sim.post("/circle/join")
    def join() -> Answer:
        """A person lets purchases be reported: {person, code, auth_type?, mchid?}."""
        body = _body()
        with store.lock:
            return {"told": circles.join(store.merchants[mchid(body)], body, openid(body))}

    @sim.post("/circle/leave")
    def leave() -> Answer:
        """A person takes it back: {person, mchid?}."""
        body = _body()
        with store.lock:
            circles.leave(mchid(body), openid(body))
        return {}

    @sim.post("/circle/pay")
    def mall_pay() -> Answer:
        """A purchase: {person, amount, shop_name, shop_number, merchant_name?, commit_tag?, mchid?}."""
        body = _body()
        with store.lock:
            appid = str(body.get("appid", settings.appid))
            number, is_notified = circles.buy(store.merchants[mchid(body)], body, openid(body), appid)
            return {"transaction_id": number, "told": is_notified}

    @sim.post("/circle/refund")
    def mall_refund() -> Answer:
        """Money back: {transaction_id, amount, mchid?}; notified only after its points were reported."""
        body = _body()
        with store.lock:
            number, is_notified = circles.give_back(store.merchants[mchid(body)], body)
            return {"refund_id": number, "told": is_notified}


def _complaints(sim: Blueprint, store: Store, desk: ComplaintDesk, settings: Settings) -> None:
    @sim.post("/complaints")
    def complain() -> Answer:
        """A payer complains: {out_trade_no, text?, problem_type?, apply_refund_amount?, person?, phone?, mchid?}.

        Of an order that is not known here: {amount, sub_mchid?} besides.
        """
        body = _body()
        with store.lock:
            return _complaint(desk.raise_complaint(str(body.get("mchid", settings.mchid)), body))

    @sim.get("/complaints")
    def complaints() -> Answer:
        """Every complaint with what was said, and where the notices of them go."""
        with store.lock:
            return {"complaints": [_complaint(made) for made in store.complaints.values()], "urls": dict(store.complaint_urls)}

    @sim.post("/complaints/<complaint_id>/continue")
    def complain_again(complaint_id: str) -> Answer:
        """The payer complains once more: {text?}."""
        with store.lock:
            desk.continue_complaint(store.complaints[complaint_id], _body())
            return _complaint(store.complaints[complaint_id])

    @sim.post("/complaints/<complaint_id>/words")
    def payer_word(complaint_id: str) -> Answer:
        """The payer adds a word: {text?}."""
        with store.lock:
            desk.add_word(store.complaints[complaint_id], _body())
            return _complaint(store.complaints[complaint_id])


def _complaint(made: Complaint) -> Answer:
    named = {"complaint_id": made.complaint_id, "out_trade_no": made.out_trade_no, "accused": made.accused}
    return {**named, "state": made.state, "times": made.times, "said": list(made.words)}


def _troubles(sim: Blueprint, store: Store, signer: Signer, notice_sender: NoticeSender) -> None:
    @sim.post("/faults")
    def fault() -> Answer:
        """The next calls go wrong: see wechat.simulator.faults.Fault."""
        with store.lock:
            store.faults.append(Fault(**_body()))
        return {"faults": len(store.faults)}

    @sim.post("/troubles")
    def trouble() -> Answer:
        """The next notices go wrong: see wechat.simulator.notice_sender.Trouble."""
        notice_sender.troubles.append(Trouble(**_body()))
        return {"troubles": len(notice_sender.troubles)}

    @sim.delete("/faults")
    def clear_faults() -> Answer:
        """No fault, no trouble, no quota used up and no random failure from now on."""
        store.people.forget_logins()
        store.faults.clear()
        notice_sender.troubles.clear()
        store.failure_rates.calls, store.failure_rates.notices = {}, {}
        return {}

    @sim.post("/clock")
    def clock() -> Answer:
        """Move the simulator's clock: {advance: seconds}; or {stop: instant}, or {start: true}."""
        body = _body()
        if "stop" in body:
            store.clock.stop(instant(str(body["stop"])))
        elif body.get("start"):
            store.clock.start()
        else:
            store.clock.advance(float(body["advance"]))
        notice_sender.wake()
        return {"now": store.clock().isoformat()}

    @sim.post("/sign-mode")
    def sign_mode() -> Answer:
        """Which key signs from now on: {mode: public_key | certificate | mixed}."""
        mode = _body()["mode"]
        if mode not in ("public_key", "certificate", "mixed"):
            raise ValueError("mode is public_key, certificate or mixed")
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


def _new_code(store: Store, settings: Settings, kind: str) -> str:
    body = _body()
    with store.lock:
        person = store.people.named(body["person"])
        value = store.dice.hex(32, kind, person.name)
        appid = str(body.get("appid", settings.appid))
        store.codes[value] = Code(kind, appid, person.name, store.clock() + CODE_LIFE)
        return value


def _merchant(store: Store, body: Answer, settings: Settings) -> MerchantAccount:
    account = store.merchants.get(str(body["mchid"]))
    if account is None:
        demo = store.merchants[settings.mchid]
        key = api_v3_key(body["api_v3_key"]) if "api_v3_key" in body else demo.api_v3_key
        account = MerchantAccount(str(body["mchid"]), key)
        store.merchants[account.mchid] = account
    if pem := body.get("certificate_pem"):
        account.certificates[certificate_serial(pem)] = public_key_of(pem)
    return account


def _notice_view(notice: Notice) -> Answer:
    return {
        "id": notice.id,
        "event_type": notice.event_type,
        "url": notice.url,
        "content": notice.content,
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
