"""One seed is one world: a mall, its shops, shoppers with points and cards, both gateways, and chance that replays by its number."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import requests

from api.checkout.service import payers
from api.checkout.service.payers import Who
from api.kit import clock, db, jobs
from api.kit.db import session
from api.malls import service as malls
from api.members.models import MemberIdentity
from api.payments import service as payments
from api.plates import service as plates
from api.points import service as points
from api.purchases.baskets import Basket, Line, Seller
from api.settings import Settings
from api.staff.service import second_person
from api.wallet import service as wallet
from deploy import embedded
from tests.conftest import bearer
from tests.factories import lay_points_rules, make_mall, make_member, make_shop, make_staff
from tests.payments.conftest import DEMO, key_files
from tests.simulation import dying
from tests.simulation.lines import MALL, Lines, Side
from tests.wallet.conftest import make_package

BEGINS = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # noon of a Monday in Shanghai
SHOP_MERCHANT = "1900000201"
QUIET_STEPS = [10] * 6 + [60] * 15 + [600] * 12 + [3600] * 40


@dataclass
class Someone:
    """A shopper, a cashier, somebody of the office."""

    name: str
    token: Callable[[], dict[str, str]]
    member_id: int | None = None
    payer_id: int | None = None
    person: str = ""
    number: int = 0  # of the account, of staff

    @property
    def who(self) -> Who:
        return Who(self.name, self.member_id, self.payer_id)


@dataclass
class Sent:
    """A request whose answer did not come: the phone sends it again, with its key."""

    who: Someone
    verb: str
    path: str
    body: Any
    key: str


@dataclass
class World:
    """Everything of one seed. What went wrong is in `violations`; `story` says what happened."""

    seed: int
    app: Any
    settings: Settings
    lines: Lines
    sides: dict[str, Side]
    past: psycopg.Connection[Any]
    violations: list[str] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    unanswered: list[Sent] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    lost_letters: set[str] = field(default_factory=set)
    attempts: dict[int, int] = field(default_factory=dict)
    claims: list[tuple[str, str]] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    now: datetime = BEGINS
    skew: timedelta = timedelta()
    calm: bool = False
    depth: int = 0
    keys: int = 0
    error: BaseException | None = None
    crashes: int = 0

    # --- building

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        for side in self.sides.values():
            side.forget()
            side.store.dice.seed(f"simulation {self.seed}")
        self.tick()
        with db.unit_of_work():
            self.mall = make_mall().id
        with db.unit_of_work(self.mall):
            self._build()
        self.tick(3_600)  # keys and rules are older than anybody's clock is wrong
        self.lines.carry = self.carry

    def _build(self) -> None:
        chance = self.chance
        lay_points_rules()
        policy = {
            "return_window_days": chance.choice([0, 0, 0, 1]), "plate_excluded": True, "order_minutes": chance.choice([2, 5, 10]),
            "value_order": chance.choice(["principal_first", "bonus_first", "proportional"]), "pin_above_fen": 10_000_000,
            "points_pay_share_bp": chance.choice([5000, 10_000, 3333]), "earn_on_bonus": chance.random() < 0.5,
            "earn_on_points": chance.random() < 0.2, "refund_limit_fen": chance.choice([100_000, 2_000]),
        }  # fmt: skip
        malls.change_policy(policy, by="simulation", why="a world")
        self.mall_code = malls.mall_info().code
        self.shops = [make_shop().id for _ in range(2)]
        self.plates = [self._plate(shop_id) for shop_id in self.shops]
        self._accounts()
        self.packages = [
            make_package(bonus_bearer=chance.choice([0, self.shops[0]])).id,
            make_package(pays_fen=10_000, bonus_fen=chance.choice([0, 1_000, 3_333]), member_limit=1).id,
        ]
        self.members = [self._member(f"p{self.seed}-{number}") for number in range(2)]
        self.guest = self._guest()
        self.clerks = [self._staff("shop_manager", shop_id=shop_id) for shop_id in self.shops]
        self.office = [self._staff("finance"), self._staff("administrator")]
        # An administrator who wants value, and the account of finance that this person opened for it.
        self.insider, self.puppet = self._staff("administrator"), self._staff("finance")
        second_person.tie(int(self.puppet.number), "opened", by=f"staff:{self.insider.number}")

    def _plate(self, shop_id: int) -> str:
        batch = plates.issue(1, note="simulation", by="simulation")
        plate = plates.plates(batch_id=batch.id, cursor=None, limit=1).items[0]
        plates.bind(plate.id, shop_id, by="simulation")
        return str(plate.code)

    def _accounts(self) -> None:
        for side in self.sides.values():
            self._account(side)
        self.direct = self.chance.random() < 0.4
        if self.direct:  # the second shop collects for itself, and perhaps passes a part on
            side, share = self.sides["wechat"], self.chance.choice([0, 1000, 333])
            certificate = (side.keys / "merchant_cert.pem").read_text()
            side.sim("merchants", mchid=SHOP_MERCHANT, certificate_pem=certificate, appids=[DEMO["wechat"]["app_id"]])
            shared = {"profit_share_bp": share, "share_receiver_no": DEMO["wechat"]["merchant_no"]} if share else {}
            self._account(side, merchant_no=SHOP_MERCHANT, shop_id=self.shops[1], collects="shop", **shared)

    def _account(self, side: Side, **given: Any) -> int:
        opened = {"channel": side.channel, "name": "测试商户", **DEMO[side.channel], **given}
        made = payments.open_account(by="simulation", **opened)
        for kind, file, more in key_files(side):  # type: ignore[arg-type]
            payments.add_key(made.id, kind=kind, text=(side.keys / file).read_text(), by="simulation", **more)
        return made.id

    def _member(self, person: str) -> Someone:
        chance, member_id = self.chance, make_member().id
        for side in self.sides.values():
            subject = side.sim("users", person=person)
            identity = {"app_id": DEMO[side.channel]["app_id"], "subject": subject.get("openid") or subject["open_id"]}
            session.add(MemberIdentity(member_id=member_id, channel=side.channel, first_seen_at=clock.now(), **identity))
        if chance.random() < 0.8:
            points.grant(member_id, chance.randint(1, 6_000), cause_type="simulation", cause_id=member_id)
        for number in range(chance.choice([0, 1, 1, 2])):
            order_id, bonus = 10**9 + member_id * 10 + number, chance.choice([0, 777, 3_000])
            wallet.recharge(order_id, member_id, principal_fen=chance.randint(1, 20_000), bonus_fen=bonus, gateway_account_id=None)
        return Someone(f"member:{member_id}", lambda: bearer("member", member_id, self.mall), member_id, person=person)

    def _guest(self) -> Someone:
        person = f"g{self.seed}"
        openid = self.sides["wechat"].sim("users", person=person)["openid"]
        payer_id = payers.remember_payer("wechat", DEMO["wechat"]["app_id"], openid)
        return Someone(f"payer:{payer_id}", lambda: bearer("payer", payer_id, self.mall), payer_id=payer_id, person=person)

    def _staff(self, role: str, **given: Any) -> Someone:
        made = make_staff(role, **given)
        kind = "shop" if made.shop_id else "staff"
        return Someone(role, lambda: bearer(kind, made.id, self.mall, made.shop_id), number=made.id)

    # --- time, chance, and what may go wrong

    def tick(self, seconds: float = 0) -> None:
        """Time goes on, for the mall and for both gateways; the mall's clock may be wrong by `skew`."""
        self.now += timedelta(seconds=seconds)
        clock.fix(self.now + self.skew)
        for side in self.sides.values():
            side.store.clock.stop(self.now)

    def tell(self, *words: object) -> None:
        self.story.append(f"{self.now:%d %H:%M:%S} {'  ' * self.depth}" + " ".join(map(str, words)))

    def wrong(self, *words: object) -> None:
        """Something that must never be."""
        self.tell("WRONG:", *words)
        self.violations.append(" ".join(map(str, words)))

    def carry(self, host: str, request: requests.PreparedRequest, through: Callable[[], requests.Response]) -> requests.Response:
        """How a request fares on the line."""
        if self.calm:
            return through()
        fate = self.chance.random()
        if host == MALL:  # a notice: it may come, and our answer be lost
            answer = through()
            if fate < 0.1:
                raise requests.ConnectionError("the answer was lost")
            return answer
        name = f"{host} {request.method} {(request.url or '').split('?')[0].rpartition('/')[2]}"
        dying.reach("before call")
        if fate < 0.06:
            self.tell(name, "lost")
            raise requests.ConnectionError("lost")
        if fate < 0.30:
            self.meanwhile(f"while {name} is on its way")
        answer = through()
        if fate > 0.76:
            self.meanwhile(f"while {name} is being answered")
        dying.reach("after call")
        if 0.30 < fate < 0.38:
            self.tell(name, "done, and the answer lost")
            raise requests.ReadTimeout("no answer")
        return answer

    def meanwhile(self, when: str) -> None:
        """Something else happens while one of us waits for a gateway: in a thread of its own, which we wait for."""
        if self.depth:
            return
        self.tell(when)
        self.depth += 1
        caught: list[BaseException] = []

        def work() -> None:
            try:
                self.happen()
            except BaseException as error:
                caught.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        self.depth -= 1
        if caught:
            raise caught[0]

    def event(self) -> None:
        """One thing happens; now and then whoever does it dies in the middle."""
        plan = None
        if not self.calm and self.chance.random() < 0.12:
            place = self.chance.choice(dying.PLACES)
            many = {"statement": 60, "commit": 3, "call": 2}[place.rpartition(" ")[2]]
            plan = dying.Plan(place, self.chance.randint(1, many))
        with dying.planned(plan):
            self.happen()
        if plan is not None and plan.struck:
            self.crashes += 1
            self.tell("… and died", plan.place, plan.nth)

    def happen(self) -> None:
        from tests.simulation import verbs

        verb = self.chance.choices(verbs.VERBS, verbs.WEIGHTS)[0]
        verb(self)

    # --- asking the mall

    def send(self, who: Someone, verb: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """A request, as a phone sends it; None when no answer came."""
        if key is None:
            self.keys += 1
            key = f"simulation-{self.seed}-{self.keys}"
        sent = Sent(who, verb, path, body, key)
        self.unanswered.append(sent)
        answer = getattr(self.app.test_client(), verb)(path, json=body, headers=who.token() | {"Idempotency-Key": key})
        self.unanswered.remove(sent)
        said = answer.json or {}
        self.tell(who.name, verb, path, body or "", "→", answer.status_code, said.get("type", said.get("state", "")))
        if answer.status_code >= 500 and answer.status_code not in (502,):
            self.wrong("answered", answer.status_code, verb, path, said)
        return answer

    def rows(self, sql: str, *arguments: Any) -> list[Any]:
        """Look past the wall; `%s` is the mall, then what is given."""
        return self.past.execute(sql, (self.mall, *arguments)).fetchall()  # type: ignore[arg-type]

    def pick(self, sql: str, *arguments: Any) -> Any:
        """One of the rows, or None."""
        found = self.rows(sql, *arguments)
        return self.chance.choice(found) if found else None

    def by(self, order: Any) -> Someone | None:
        """Who placed an order (member_id, payer_id)."""
        member_id, payer_id = order
        people = [*self.members, self.guest]
        return next((one for one in people if (one.member_id, one.payer_id) == (member_id, payer_id)), None)

    # --- the worker

    def due(self) -> list[Any]:
        at = self.now + self.skew
        return self.rows(
            "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo' AND (args->>'mall_id')::bigint = %s "
            "AND (scheduled_at IS NULL OR scheduled_at <= %s) ORDER BY id", at,
        )  # fmt: skip

    def work(self, row: Any) -> None:
        """Do one job as the worker would: a failure is tried again later, a death leaves it to the next worker."""
        job_id, name, arguments = row
        taken = self.past.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s AND status = 'todo'", (job_id,))
        if taken.rowcount == 0:
            return
        try:
            jobs.app.tasks[name].func(**arguments)
        except dying.Crash:
            self.past.execute("UPDATE procrastinate_jobs SET status = 'todo' WHERE id = %s", (job_id,))
            raise
        except Exception as error:
            tried = self.attempts[job_id] = self.attempts.get(job_id, 0) + 1
            self.tell("job", name, arguments, "failed", f"{type(error).__name__}: {error}"[:300])
            if tried >= jobs.MAX_ATTEMPTS:
                self.wrong("a job failed for good:", name, arguments, f"{type(error).__name__}: {error}"[:300])
                self.past.execute("DELETE FROM procrastinate_jobs WHERE id = %s", (job_id,))
            else:
                again = self.now + self.skew + timedelta(seconds=2 * 4**tried)
                self.past.execute("UPDATE procrastinate_jobs SET status = 'todo', scheduled_at = %s WHERE id = %s", (again, job_id))
        else:
            self.tell("job", name, arguments)
            self.past.execute("DELETE FROM procrastinate_jobs WHERE id = %s", (job_id,))

    def sweep(self) -> None:
        """What is done each minute."""
        for name in ("checkout.sweep", "payments.sweep"):
            db.in_mall(self.mall, jobs.JOBS[name].run)

    def letters(self) -> list[tuple[Side, Any]]:
        """Notices that a gateway still wants to deliver."""
        return [(side, letter) for side in self.sides.values() for letter in side.notice_sender.notices if not letter.acknowledged]

    # --- until nothing moves any more

    def quieten(self) -> None:
        """Fair weather: every phone asks again, every letter comes, every job is done, until nothing is open."""
        self.calm, self.skew = True, timedelta()
        for side in self.sides.values():
            for account in (side.store.merchants if side.channel == "wechat" else side.store.apps).values():
                account.can_refund = True
        self.tell("— calm —")
        for sent in list(self.unanswered):
            self.unanswered.remove(sent)
            self.send(sent.who, sent.verb, sent.path, sent.body, key=sent.key)
        for seconds in QUIET_STEPS:
            self.tick(seconds)
            self.step()
            if seconds >= 60 and self.is_quiet():
                break
        else:
            self.wrong("it never became quiet:", self.open_things())
        self.late_letters()

    def step(self) -> None:
        """Everything that is due now."""
        for side in self.sides.values():
            with side.store.lock:
                side.notice_sender.do_what_is_due()
        for side, letter in self.letters():
            if letter.id not in self.lost_letters and not side.notice_sender.deliver(letter):
                self.wrong("a notice was not acknowledged:", letter.attempts[-1], letter)
        self.sweep()
        for _ in range(5_000):
            found = self.due()
            if not found:
                break
            self.work(found[0])
        else:
            self.wrong("jobs without end:", self.due()[:3])
        with db.unit_of_work(self.mall):
            for (refund_id,) in self.rows("SELECT id FROM payment_refunds WHERE mall_id = %s AND state = 'stuck'"):
                payments.send_again(refund_id, by="staff:simulation")
            for (share_id,) in self.rows("SELECT id FROM payment_shares WHERE mall_id = %s AND state = 'stuck'"):
                payments.send_share_again(share_id, by="staff:simulation")

    def open_things(self) -> list[Any]:
        return [
            *self.rows("SELECT 'order', id, state FROM orders WHERE mall_id = %s AND state = 'held'"),
            *self.rows(
                "SELECT 'payment', id, state, trouble FROM payments WHERE mall_id = %s AND state IN ('created', 'placed', 'paying')"
            ),
            *self.rows(
                "SELECT 'refund', id, state, trouble FROM payment_refunds WHERE mall_id = %s AND state IN ('requested', 'accepted', 'stuck')"  # noqa: E501
            ),
            *self.rows(
                "SELECT 'share', id, state, trouble FROM payment_shares WHERE mall_id = %s AND state IN ('planned', 'sent', 'arrived', 'stuck')"  # noqa: E501
            ),
            *self.rows("SELECT 'notice', id, state, trouble FROM payment_notices WHERE mall_id = %s AND state IN ('received', 'error')"),
        ]

    def is_quiet(self) -> bool:
        return not self.open_things() and not self.due()

    def late_letters(self) -> None:
        """Every notice once more, a day later, and whatever follows from it: nothing may."""
        self.tick(86_400)
        for side in self.sides.values():
            for letter in side.notice_sender.notices:
                if letter.id not in self.lost_letters:
                    side.notice_sender.deliver(letter)
        self.step()
        if left := self.open_things():
            self.wrong("late copies of notices opened something:", left)

    def basket_of_both(self) -> Basket:
        """A purchase of several lines at both shops, and sometimes of the mall itself, as the emall will have."""
        lines = []
        for number in range(self.chance.randint(2, 5)):
            seller = Seller() if self.chance.random() < 0.2 else Seller(self.shops[number % 2])
            takes_part = self.chance.random() < 0.8
            lines.append(Line(f"货 {number}", self.chance.randint(1, 9_999), seller, "百货", takes_part, takes_part))
        return Basket("plate", {"plate_id": 0, "plate_number": "simulation"}, "两家店", tuple(lines))


def past_the_wall(settings: Settings) -> psycopg.Connection[Any]:
    """A connection of the superuser, for what no test may ask of the product."""
    made = psycopg.connect(settings.owner_url.replace(embedded.OWNER, "postgres"), autocommit=True)
    made.execute("SET session_replication_role = replica")
    return made
