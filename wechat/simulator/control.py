"""/_sim/…: what a phone would do, and the faults. The real WeChat has no such thing."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from wechat.aead import api_v3_key
from wechat.records import instant
from wechat.signing import certificate_serial
from wechat.simulator.circle import Circles
from wechat.simulator.complaints import Desk
from wechat.simulator.faults import KINDS, Fault
from wechat.simulator.postman import TROUBLES, Letter, Postman, Trouble
from wechat.simulator.settings import Settings
from wechat.simulator.store import CODE_LIFE, PAY_CODE_LIFE, BillDifference, Code, Complaint, MerchantAccount, PayCode, Store
from wechat.simulator.till import CODE_REFUSALS, Till
from wechat.simulator.wire import PayError, Signer, json_answer, public_key_of

Answer = dict[str, Any]


def blueprint(till: Till, signer: Signer, circles: Circles, desk: Desk, settings: Settings) -> Blueprint:
    """Every control endpoint. A wrong argument is answered 400 with a sentence."""
    sim = Blueprint("control", __name__, url_prefix="/_sim")
    _phones(sim, till.store, settings)
    _wallet(sim, till, settings)
    _money(sim, till, settings)
    _mall(sim, till, circles, settings)
    _complaints(sim, till.store, desk, settings)
    _troubles(sim, till.store, signer, till.postman)
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

    @sim.post("/pages")
    def pages() -> Answer:
        """The pages of the published mini-program: {pages: […]}; while none is named, any page will do."""
        store.pages = set(map(str, _said()["pages"]))
        return {"pages": sorted(store.pages)}

    @sim.post("/words")
    def word() -> Answer:
        """A word that content checks find: {word, suggest: review | risky, label?}."""
        said = _said()
        store.words[str(said["word"])] = (str(said["suggest"]), int(said.get("label", 20006)))
        return {"words": sorted(store.words)}

    @sim.get("/mini-program")
    def told() -> Answer:
        """Which codes were made, which payments were reported as fulfilled, and how often a token was asked for."""
        tokens = {"asked": store.tokens_asked, "issued": store.tokens_issued}
        return {"codes": list(store.codes_made), "shipped": dict(store.shipped), "tokens": tokens}

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


def _wallet(sim: Blueprint, till: Till, settings: Settings) -> None:
    store = till.store

    @sim.post("/auth-pay-code")
    @sim.post("/auth-pay-code/<person>")
    def auth_pay_code(person: str = "") -> Answer:
        """The code of the wallet that a cashier scans: {person, needs_password?, refuse?} → {auth_code}."""
        said = _said()
        refuse = str(said.get("refuse", ""))
        if refuse and refuse not in CODE_REFUSALS:
            raise ValueError(f"refuse is one of {', '.join(CODE_REFUSALS)}")
        with store.lock:
            named = store.people.named(person or said["person"]).name
            value = f"1{int(store.dice.digits(6, 'pay code', named)) % 6}{store.dice.digits(16, 'pay code', named)}"
            ends = store.clock() + PAY_CODE_LIFE
            store.pay_codes[value] = PayCode(named, ends, bool(said.get("needs_password")), refuse)
            return {"auth_code": value}

    @sim.post("/pay")
    def pay() -> Answer:
        """The person pays: {prepay_id | out_trade_no, mchid?, person?, notify?, late?}, or wx.requestPayment's arguments."""
        said = _said()
        with store.lock:
            order = till.order_at_phone(said, settings.mchid)
            till.charge(order, notify=bool(said.get("notify", True)), late=bool(said.get("late")))
            numbers = [part.transaction_id for part in order.parts]
            return {"transaction_id": numbers[0], "transaction_ids": numbers, "out_trade_no": order.out_trade_no}

    @sim.post("/cancel")
    def cancel() -> Answer:
        """The person does not type the password: {out_trade_no, mchid?}."""
        with store.lock:
            order = till.order_at_phone(_said(), settings.mchid)
            till.cancel(order)
            return {"trade_state": order.state}


def _money(sim: Blueprint, till: Till, settings: Settings) -> None:
    store, postman = till.store, till.postman

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
        """A further merchant or certificate: {mchid, certificate_pem?, api_v3_key?, appids?, subs?, can_refund?, share_bp?}."""
        said = _said()
        with store.lock:
            account = _merchant(store, said, settings)
            account.appids |= set(said.get("appids", ()))
            account.subs |= set(said.get("subs", ()))
            account.share_bp = int(said.get("share_bp", account.share_bp))
            account.can_refund = bool(said.get("can_refund", account.can_refund))
            return {"mchid": account.mchid, "serials": sorted(account.certificates), "appids": sorted(account.appids)}

    @sim.post("/bill-differences")
    def difference() -> Answer:
        """The bill says otherwise: {kind: missing | extra | amount | status, out_trade_no | out_refund_no, fen?, status?, at?}."""
        said = {"mchid": settings.mchid, **_said()}
        said["number"] = str(said.pop("out_refund_no", None) or said.pop("out_trade_no"))
        at = instant(str(said.pop("at"))) if "at" in said else store.clock()
        with store.lock:
            store.bill_differences.append(BillDifference(**said, at=at))
        return {"differences": len(store.bill_differences)}

    @sim.delete("/bill-differences")
    def truth() -> Answer:
        """The bill says what happened again."""
        store.bill_differences.clear()
        return {}

    @sim.post("/share-accounts")
    def share_account() -> Answer:
        """An account that no part reaches, or gives back: {account, fail_reason}; an empty reason heals it."""
        said = _said()
        with store.lock:
            store.bad_accounts.pop(str(said["account"]), None)
            if said.get("fail_reason"):
                store.bad_accounts[str(said["account"])] = str(said["fail_reason"])
        return {"bad": dict(store.bad_accounts)}

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

    @sim.delete("/notices")
    def forget() -> Answer:
        """Send nothing of what still waits, and leave the refunds under way where they are."""
        return {"forgotten": postman.forget()}

    @sim.post("/notices/settle")
    def settle() -> Answer:
        """Wait until every notice that is due has been delivered: {seconds?} at most."""
        return {"settled": postman.settle(float(_said().get("seconds", 10)))}


def _mall(sim: Blueprint, till: Till, circles: Circles, settings: Settings) -> None:
    store = till.store

    def mchid(said: Answer) -> str:
        return str(said.get("mchid", settings.mchid))

    def openid(said: Answer) -> str:
        return store.people.openid(said["person"], str(said.get("appid", settings.appid)))

    @sim.post("/circle")
    def circle() -> Answer:
        """Where a business circle is told: {notify_url?, auth_url?, mchid?}; what it told us comes back."""
        said = _said()
        with store.lock:
            known = circles.of(mchid(said))
            known.notify_url = str(said.get("notify_url", known.notify_url))
            known.auth_url = str(said.get("auth_url", known.auth_url))
            reported = {number: bought.reported for number, bought in known.purchases.items() if bought.reported}
            return {"reported": reported, "parkings": list(known.parkings)}

    @sim.post("/circle/join")
    def join() -> Answer:
        """A person lets purchases be told: {person, code, auth_type?, mchid?}."""
        said = _said()
        with store.lock:
            return {"told": circles.join(store.merchants[mchid(said)], said, openid(said))}

    @sim.post("/circle/leave")
    def leave() -> Answer:
        """A person takes it back: {person, mchid?}."""
        said = _said()
        with store.lock:
            circles.leave(mchid(said), openid(said))
        return {}

    @sim.post("/circle/pay")
    def mall_pay() -> Answer:
        """A purchase: {person, amount, shop_name, shop_number, merchant_name?, commit_tag?, mchid?}."""
        said = _said()
        with store.lock:
            appid = str(said.get("appid", settings.appid))
            number, told = circles.buy(store.merchants[mchid(said)], said, openid(said), appid)
            return {"transaction_id": number, "told": told}

    @sim.post("/circle/refund")
    def mall_refund() -> Answer:
        """Money back: {transaction_id, amount, mchid?}; told only after its points were."""
        said = _said()
        with store.lock:
            number, told = circles.give_back(store.merchants[mchid(said)], said)
            return {"refund_id": number, "told": told}


def _complaints(sim: Blueprint, store: Store, desk: Desk, settings: Settings) -> None:
    @sim.post("/complaints")
    def complain() -> Answer:
        """A payer complains: {out_trade_no, text?, problem_type?, apply_refund_amount?, person?, phone?, mchid?}.

        Of an order that is not known here: {amount, sub_mchid?} besides.
        """
        said = _said()
        with store.lock:
            return _complaint(desk.raise_one(str(said.get("mchid", settings.mchid)), said))

    @sim.get("/complaints")
    def complaints() -> Answer:
        """Every complaint with what was said, and where merchants are told of them."""
        with store.lock:
            return {"complaints": [_complaint(made) for made in store.complaints.values()], "urls": dict(store.complaint_urls)}

    @sim.post("/complaints/<complaint_id>/continue")
    def complain_again(complaint_id: str) -> Answer:
        """The payer complains once more: {text?}."""
        with store.lock:
            desk.go_on(store.complaints[complaint_id], _said())
            return _complaint(store.complaints[complaint_id])

    @sim.post("/complaints/<complaint_id>/words")
    def payer_word(complaint_id: str) -> Answer:
        """The payer adds a word: {text?}."""
        with store.lock:
            desk.speak(store.complaints[complaint_id], _said())
            return _complaint(store.complaints[complaint_id])


def _complaint(made: Complaint) -> Answer:
    named = {"complaint_id": made.complaint_id, "out_trade_no": made.out_trade_no, "accused": made.accused}
    return {**named, "state": made.state, "times": made.times, "said": list(made.said)}


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
        """No fault, no trouble, no quota used up and fair weather from now on."""
        store.people.forget_logins()
        store.faults.clear()
        postman.troubles.clear()
        store.weather.calls, store.weather.notices = {}, {}
        return {}

    @sim.post("/clock")
    def clock() -> Answer:
        """Move the simulator's clock: {advance: seconds}; or {stop: instant}, or {start: true}."""
        said = _said()
        if "stop" in said:
            store.clock.stop(instant(str(said["stop"])))
        elif said.get("start"):
            store.clock.start()
        else:
            store.clock.advance(float(said["advance"]))
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


def _chance(sim: Blueprint, store: Store) -> None:
    @sim.post("/dice")
    def dice() -> Answer:
        """The same seed is the same replay: {seed}; null is real chance."""
        seed = _said().get("seed")
        store.dice.seed(None if seed is None else str(seed))
        return {"seed": seed}

    @sim.post("/weather")
    def weather() -> Answer:
        """Chances of trouble, thrown with the dice: {calls: {kind: chance}, notices: {kind: chance}, seconds?}."""
        said = _said()
        calls, notices = _chances(said.get("calls", {}), KINDS), _chances(said.get("notices", {}), TROUBLES)
        store.weather.calls, store.weather.notices = calls, notices
        store.weather.seconds = float(said.get("seconds", store.weather.seconds))
        return {"calls": calls, "notices": notices}


def _chances(said: Answer, kinds: tuple[str, ...]) -> dict[str, float]:
    chances = {str(kind): float(chance) for kind, chance in said.items()}
    if not set(chances) <= set(kinds) or not 0 <= sum(chances.values()) <= 1 or min(chances.values(), default=0) < 0:
        raise ValueError(f"chances of {', '.join(kinds)}, one at most together")
    return chances


def _new_code(store: Store, settings: Settings, kind: str) -> str:
    said = _said()
    with store.lock:
        person = store.people.named(said["person"])
        value = store.dice.hex(32, kind, person.name)
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
