"""Cash at the desk: nothing is sold for cash that two people do not count."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from api.exports import jobs as export_jobs
from api.kit import audit, clock, db
from api.kit.db import session
from api.staff.models import AccountTie
from api.wallet.errors import CashHandInNeeded, CashShiftNeeded, CashShiftOpen, SaleReferenceUsed
from api.wallet.models import Card, CardSale, CashShift
from api.wallet.service import balance_report, card_stock, cash_shifts, products
from api.wallet.service.cash_shifts import Count
from tests.conftest import bearer
from tests.factories import make_cash_shift, make_mall, make_staff
from tests.ledger.test_service import together
from tests.points.conftest import set_policy
from tests.races import meeting
from tests.trials import trials
from tests.wallet.test_routes import Caller

pytestmark = pytest.mark.attack

PLASTIC: dict[str, Any] = {
    "code": "gift", "title_zh": "礼品卡", "title_en": "Gift card", "form": "physical", "named": False, "limit_fen": 100_000,
    "valid_years": 3, "bonus_most_bp": 10_000, "shop_ids": None, "invoice": "at_use",
}  # fmt: skip
SALES, SHIFTS, HAND_INS = "/office/card-sales", "/office/cash-shifts", "/office/cash-hand-ins"


class Person(Caller):
    """Somebody of the desk or of finance."""

    def __init__(self, client: FlaskClient, mall: int, role: str, **given: Any) -> None:
        with db.unit_of_work(mall):
            self.id = make_staff(role, **given).id
        super().__init__(client, bearer("staff", self.id, mall))

    @property
    def name(self) -> str:
        return f"staff:{self.id}"

    def opens(self, float_fen: int = 50_000, desk: str = "一楼服务台") -> int:
        """Open a shift; returns it."""
        opened = self("POST", SHIFTS, {"desk": desk, "total_fen": float_fen})
        assert opened.status_code == 201, opened.json
        return int(opened.json["id"])

    def sells(self, number: str, fen: int = 100_000, **given: Any) -> Any:
        """Sell one card, for cash."""
        return self("POST", SALES, {"lines": [{"number": number, "principal_fen": fen}], "paid_by": "cash"} | given)

    def hands_in(self, shift_id: int, fen: int) -> Any:
        return self("POST", f"{SHIFTS}/{shift_id}/hand-ins", {"amount_fen": fen})

    def takes(self, hand_in_id: int, fen: int) -> Any:
        return self("PUT", f"{HAND_INS}/{hand_in_id}/taking", {"amount_fen": fen})

    def counts(self, shift_id: int, fen: int) -> Any:
        return self("PUT", f"{SHIFTS}/{shift_id}/count", {"total_fen": fen})

    def recounts(self, shift_id: int, fen: int) -> Any:
        return self("PUT", f"{SHIFTS}/{shift_id}/recount", {"total_fen": fen})


@pytest.fixture
def desk(client: FlaskClient, mall: int) -> Person:
    return Person(client, mall, "service_desk")


@pytest.fixture
def colleague(client: FlaskClient, mall: int) -> Person:
    return Person(client, mall, "service_desk")


@pytest.fixture
def finance(client: FlaskClient, mall: int) -> Person:
    return Person(client, mall, "finance")


@pytest.fixture
def cards(app: Any, mall: int) -> list[str]:
    """Numbers of blank cards, ¥1,000 at most each."""
    with db.unit_of_work(mall):
        batch = card_stock.issue(products.make_product(by="staff:1", **PLASTIC).id, 20, note="a test", by="staff:901")
        return [line.number for line in card_stock.print_part(batch.id, by="staff:902").lines]


def card_sale(number: str, reference: str | None = None, *, fen: int = 1_000, by: str = "staff:1") -> CardSale:
    """Sell one card: by a terminal where there is a slip, else for cash."""
    line, paid_by = card_stock.SaleLine(number, fen), "bank_card" if reference else "cash"
    return card_stock.sell([line], paid_by=paid_by, reference=reference, buyer_kind="person", buyer=None, by=by)


def slug(answer: Any) -> tuple[int, str]:
    """How a request was refused."""
    return answer.status_code, answer.json["type"].removeprefix("/problems/")


def test_three_cards_are_not_sold_for_cash_by_one_person_whom_nobody_counts(desk: Person, cards: list[str]) -> None:
    assert slug(desk.sells(cards[0])) == (409, "cash-shift-needed")
    shift_id = desk.opens()
    assert desk.sells(cards[0]).json["shift_id"] == shift_id
    refused = desk.sells(cards[1])
    assert (slug(refused), refused.json["limit_fen"]) == ((409, "cash-hand-in-needed"), 200_000)
    assert "hand cash in" in refused.json["title"]
    handed = desk.hands_in(shift_id, 100_000).json
    assert slug(desk.takes(handed["id"], 100_000)) == (403, "another-person-needed")
    assert slug(desk.sells(cards[1])) == (409, "cash-hand-in-needed")  # it lies there until somebody else has it
    assert desk("PUT", f"{HAND_INS}/{handed['id']}/withdrawal", {"why": "alone"}).json["state"] == "withdrawn"
    assert desk.counts(shift_id, 150_000).json["state"] == "counted"
    assert slug(desk.recounts(shift_id, 150_000)) == (403, "another-person-needed")
    assert slug(desk("POST", SHIFTS, {"desk": "二楼服务台", "total_fen": 0})) == (409, "cash-shift-open")
    assert [sale["total_fen"] for sale in desk("GET", SALES).json["items"]] == [100_000]


def test_what_should_lie_in_a_shift_is_shown_when_two_have_counted(desk: Person, finance: Person, cards: list[str]) -> None:
    shift_id = desk.opens()
    desk.sells(cards[0], 80_000)
    for shown in (desk("GET", f"{SHIFTS}/mine").json["shift"], finance("GET", SHIFTS).json["items"][0]):
        assert (shown["sold_fen"], shown["expected_fen"], shown["state"]) == (None, None, "open")
    counted = desk.counts(shift_id, 130_000).json
    assert (counted["counted_fen"], counted["expected_fen"], counted["counted_by"]) == (None, None, desk.name)
    assert finance("GET", f"{SHIFTS}/{shift_id}").json["counted_fen"] is None
    closed = finance.recounts(shift_id, 130_000).json
    assert (closed["state"], closed["closed_by"], closed["difference_fen"]) == ("closed", finance.name, 0)
    assert (closed["float_fen"], closed["sold_fen"], closed["expected_fen"], closed["counted_fen"]) == (50_000, 80_000, 130_000, 130_000)
    assert desk("GET", f"{SHIFTS}/mine").json == {"shift": None}
    assert slug(finance("GET", f"{SHIFTS}/404")) == (404, "cash-shift-not-found")


def test_nothing_in_the_audit_log_or_in_the_answers_tells_the_first_count_to_who_counts_next(
    desk: Person, finance: Person, mall: int, cards: list[str]
) -> None:
    shift_id = desk.opens(7_100)
    desk.sells(cards[0], 31_300)
    answers = [desk.counts(shift_id, 38_477), finance("GET", f"{SHIFTS}/{shift_id}"), finance("GET", SHIFTS)]
    with db.unit_of_work(mall):
        log = [entry.after for entry in audit.entries(subject_type="cash_shift").items]
    assert not any(figure in json.dumps([answer.json for answer in answers] + log) for figure in ("38477", "38400"))


def test_cash_is_counted_by_notes_and_coins_or_in_one_sum(desk: Person, colleague: Person) -> None:
    pieces = [{"face_fen": 10_000, "pieces": 4}, {"face_fen": 500, "pieces": 3}, {"face_fen": 10, "pieces": 7}]
    both = desk("POST", SHIFTS, {"desk": "一楼", "total_fen": 1, "pieces": pieces})
    assert (slug(both), list(both.json["errors"])) == ((422, "cash-count-wrong"), ["total_fen"])
    assert slug(desk("POST", SHIFTS, {"desk": "一楼"})) == (422, "cash-count-wrong")
    assert slug(desk("POST", SHIFTS, {"desk": "一楼", "pieces": pieces[:1] * 2})) == (422, "cash-count-wrong")
    assert desk("POST", SHIFTS, {"desk": "一楼", "pieces": [{"face_fen": 3, "pieces": 1}]}).status_code == 422
    opened = desk("POST", SHIFTS, {"desk": " 一楼  服务台 ", "pieces": pieces}).json
    assert (opened["float_fen"], opened["desk"]) == (41_570, "一楼 服务台")
    desk("PUT", f"{SHIFTS}/{opened['id']}/count", {"pieces": pieces})
    closed = colleague.recounts(opened["id"], 41_570).json
    assert closed["state"] == "closed"
    assert closed["pieces"] == {"float": {"10000": 4, "500": 3, "10": 7}, "counted": {"10000": 4, "500": 3, "10": 7}, "recounted": {}}


def test_a_person_has_one_shift_and_a_desk_has_one(desk: Person, colleague: Person, mall: int) -> None:
    shift_id = desk.opens()
    assert slug(desk("POST", SHIFTS, {"desk": "二楼", "total_fen": 0})) == (409, "cash-shift-open")
    assert slug(colleague("POST", SHIFTS, {"desk": "一楼服务台", "total_fen": 0})) == (409, "cash-shift-open")
    too_much = colleague("POST", SHIFTS, {"desk": "二楼", "total_fen": 200_001})
    assert (slug(too_much), too_much.json["limit_fen"]) == ((409, "cash-float-too-large"), 200_000)
    desk.counts(shift_id, 50_000)
    assert slug(colleague("POST", SHIFTS, {"desk": "一楼服务台", "total_fen": 0})) == (409, "cash-shift-open")
    colleague.recounts(shift_id, 50_000)
    assert colleague.opens() > shift_id


def test_cash_is_handed_in_by_one_and_taken_by_another(desk: Person, colleague: Person, finance: Person, cards: list[str]) -> None:
    shift_id = desk.opens()
    desk.sells(cards[0])
    assert slug(colleague.hands_in(shift_id, 100_000)) == (403, "cash-shift-of-another")
    handed = desk.hands_in(shift_id, 100_000).json
    assert slug(desk.hands_in(shift_id, 100)) == (409, "cash-hand-in-waits")
    assert slug(desk.counts(shift_id, 50_000)) == (409, "cash-hand-in-waits")
    assert slug(colleague.takes(handed["id"], 90_000)) == (409, "cash-hand-in-differs")
    assert slug(colleague("PUT", f"{HAND_INS}/{handed['id']}/withdrawal", {"why": "not mine"})) == (403, "cash-shift-of-another")
    taken = colleague.takes(handed["id"], 100_000).json
    assert (taken["state"], taken["handed_by"], taken["taken_by"]) == ("taken", desk.name, colleague.name)
    assert slug(colleague.takes(handed["id"], 100_000)) == (409, "wrong-state")
    assert desk.sells(cards[1]).status_code == 201
    desk.counts(shift_id, 150_000)
    closed = finance.recounts(shift_id, 150_000).json
    assert (closed["state"], closed["handed_in_fen"], closed["expected_fen"]) == ("closed", 100_000, 150_000)
    assert slug(desk.hands_in(shift_id, 1)) == (409, "wrong-state")
    assert [one["state"] for one in finance("GET", f"{HAND_INS}?shift_id={shift_id}").json["items"]] == ["taken"]
    assert slug(finance.takes(404, 1)) == (404, "cash-hand-in-not-found")


@pytest.mark.parametrize(
    ("counted", "recounted", "difference"), [(129_000, 129_000, -1_000), (130_000, 131_000, 1_000), (129_000, 130_000, 0)]
)
def test_a_difference_is_written_down_and_explained_by_somebody_else(
    desk: Person, colleague: Person, finance: Person, mall: int, cards: list[str], counted: int, recounted: int, difference: int
) -> None:
    shift_id = desk.opens()
    desk.sells(cards[0], 80_000)
    desk.counts(shift_id, counted)
    closed = colleague.recounts(shift_id, recounted).json
    assert (closed["state"], closed["difference_fen"]) == ("differs", difference)
    path, why = f"{SHIFTS}/{shift_id}/explanation", {"why": "¥10 too much change was given"}
    assert slug(desk("PUT", path, why)) == (403, "permission-missing")
    assert [one["id"] for one in finance("GET", f"{SHIFTS}?state=differs").json["items"]] == [shift_id]
    explained = finance("PUT", path, why).json
    assert (explained["state"], explained["explained_by"], explained["why"]) == ("explained", finance.name, why["why"])
    assert slug(finance("PUT", path, why)) == (409, "wrong-state")
    with db.unit_of_work(mall):
        deeds = [entry.did for entry in audit.entries(subject_type="cash_shift").items]
        balance_report.record_report(clock.today("Asia/Shanghai"))
    assert deeds == ["cash difference explained", "cash shift closed", "cash shift counted", "cash shift opened"]
    report = finance("GET", "/office/card-balance-reports").json["items"][0]
    assert report["figures"]["card_sales"] == {"cash": {"sales": 1, "total_fen": 80_000}}
    assert report["figures"]["cash_shifts"] == {
        "closed": 1, "differs": 1, "uncounted": 0, "float_fen": 50_000, "sold_fen": 80_000, "handed_in_fen": 0,
        "recounted_fen": recounted, "difference_fen": difference,
    }  # fmt: skip
    assert report["differences"] == []


def test_an_administrator_does_not_explain_his_own_difference(client: FlaskClient, mall: int, finance: Person) -> None:
    administrator = Person(client, mall, "administrator")
    shift_id = administrator.opens()
    administrator.counts(shift_id, 1)
    finance.recounts(shift_id, 1)
    refused = administrator("PUT", f"{SHIFTS}/{shift_id}/explanation", {"why": "I know why"})
    assert slug(refused) == (403, "another-person-needed")


def test_who_made_the_account_of_the_other_does_not_count_with_them(desk: Person, finance: Person, mall: int) -> None:
    shift_id = desk.opens()
    handed = desk.hands_in(shift_id, 1_000).json
    with db.unit_of_work(mall):
        session.add(AccountTie(account_id=desk.id, by=finance.name, did="account opened", at=clock.now() - timedelta(days=3)))
    assert slug(finance.takes(handed["id"], 1_000)) == (403, "another-person-needed")
    desk("PUT", f"{HAND_INS}/{handed['id']}/withdrawal", {"why": "nobody there"})
    desk.counts(shift_id, 50_000)
    assert slug(finance.recounts(shift_id, 50_000)) == (403, "another-person-needed")


def test_where_its_person_is_away_finance_counts_a_shift_and_another_person_again(desk: Person, colleague: Person, finance: Person) -> None:
    shift_id = desk.opens()
    assert slug(colleague.counts(shift_id, 50_000)) == (403, "cash-shift-of-another")
    assert finance.counts(shift_id, 50_000).json["counted_by"] == finance.name
    assert slug(finance.recounts(shift_id, 50_000)) == (403, "another-person-needed")
    assert colleague.recounts(shift_id, 50_000).json["state"] == "closed"


def test_money_that_is_not_cash_names_its_slip_once_for_ever(desk: Person, finance: Person, cards: list[str], mall: int) -> None:
    missing = desk.sells(cards[0], paid_by="bank_card")
    assert (slug(missing), list(missing.json["errors"])) == ((422, "card-sale-wrong"), ["reference"])
    assert slug(desk.sells(cards[0], reference="SLIP-0001")) == (422, "card-sale-wrong")
    assert desk.sells(cards[0], paid_by="bank_card", reference="slip 1").status_code == 422
    sold = desk.sells(cards[0], paid_by="bank_card", reference="SLIP-0001").json
    assert (sold["reference"], sold["shift_id"]) == ("SLIP-0001", None)
    assert slug(desk.sells(cards[1], paid_by="bank_card", reference="SLIP-0001")) == (409, "sale-reference-used")
    assert slug(desk.sells(cards[1], paid_by="bank_transfer", reference="SLIP--00-01")) == (409, "sale-reference-used")
    today = sold["sold_on"]
    listed = finance("GET", f"{SALES}?paid_by=bank_card&sold_on={today}").json["items"]
    assert [one["reference"] for one in listed] == ["SLIP-0001"]
    clock.fix(clock.now() + timedelta(days=1))
    with db.unit_of_work(mall):
        with pytest.raises(SaleReferenceUsed):
            card_sale(cards[2], "S-LIP0001")
        assert card_sale(cards[2], "SLIP-0002").sold_on.isoformat() > today


def test_a_slip_counts_once_when_two_sell_at_once(mall: int, cards: list[str]) -> None:
    with meeting("INSERT INTO card_sales") as place:
        results = together(mall, 2, lambda n: card_sale(cards[n], "SLIP-0001").id)
    assert place.met == 1
    assert sorted(type(result).__name__ for result in results) == ["IntegrityError", "int"]


def test_two_who_close_at_once_close_once(desk: Person, colleague: Person, finance: Person, mall: int) -> None:
    shift_id = desk.opens()
    desk.counts(shift_id, 50_000)
    closers = (colleague.name, finance.name)
    with meeting("FOR UPDATE") as place:
        results = together(mall, 2, lambda n: cash_shifts.close_shift(shift_id, Count(50_000 + n), by=closers[n]).id)
    assert place.met == 1
    assert sorted(type(result).__name__ for result in results) == ["WrongState", "int"]
    with db.unit_of_work(mall):
        closed = cash_shifts.shift(shift_id)
        winner = 0 if isinstance(results[0], int) else 1
        assert (closed.closed_by, closed.recounted_fen, closed.moves) == (closers[winner], 50_000 + winner, 2)


def test_a_sale_that_races_the_count_is_in_it_or_refused(desk: Person, colleague: Person, mall: int, figure: Callable[[str], None]) -> None:
    with db.unit_of_work(mall):
        batch = card_stock.issue(products.make_product(by="staff:1", **PLASTIC).id, trials(200), note="a test", by="staff:901")
        numbers = session.scalars(select(Card.number).where(Card.batch_id == batch.id).order_by(Card.id)).all()
    sold = met = 0
    for number in numbers:
        sale_id, in_time = _race(desk, colleague, mall, number)
        sold, met = sold + bool(sale_id), met + in_time
        with db.unit_of_work(mall):
            in_shifts = session.execute(select(func.count(), func.sum(CashShift.sold_fen)).select_from(CashShift)).one()
            assert session.scalar(select(func.count()).select_from(CardSale)) == sold
            assert in_shifts[1] == sold * 30_000
    assert met == len(numbers)
    figure(f"{len(numbers)} sales met a count: {sold} in it, {len(numbers) - sold} refused, 0 in a closed shift")


def _race(desk: Person, colleague: Person, mall: int, number: str) -> tuple[int | None, int]:
    """A shift in which a sale and the first count meet; the sale, or None when it was refused, and how often they met."""
    shift_id = desk.opens()
    acts = (
        lambda: card_sale(number, fen=30_000, by=desk.name).id,
        lambda: cash_shifts.count_shift(shift_id, Count(50_000), by=desk.name, of_another=False).id,
    )
    with meeting("cash_shifts") as place:
        sale, count = together(mall, 2, lambda n: acts[n]())
    assert count == shift_id
    assert isinstance(sale, int | CashShiftNeeded)
    closed = colleague.recounts(shift_id, 50_000).json
    assert closed["expected_fen"] == 50_000 + (30_000 if isinstance(sale, int) else 0)
    assert closed["state"] == ("differs" if isinstance(sale, int) else "closed")
    return (sale if isinstance(sale, int) else None), place.met


def test_sales_at_once_do_not_pass_the_limit_together(desk: Person, mall: int, cards: list[str]) -> None:
    shift_id = desk.opens(0)
    results = together(mall, 6, lambda n: card_sale(cards[n], fen=50_000, by=desk.name).id)
    assert sum(isinstance(result, int) for result in results) == 4
    assert sum(isinstance(result, CashHandInNeeded) for result in results) == 2
    with db.unit_of_work(mall):
        assert cash_shifts.shift(shift_id).sold_fen == 200_000


def test_a_hand_in_is_taken_once_when_two_take_it_at_once(desk: Person, colleague: Person, finance: Person, mall: int) -> None:
    shift_id = desk.opens()
    handed = desk.hands_in(shift_id, 20_000).json
    takers = (colleague.name, finance.name)
    results = together(mall, 2, lambda n: cash_shifts.take_hand_in(handed["id"], 20_000, by=takers[n]).id)
    assert sorted(type(result).__name__ for result in results) == ["WrongState", "int"]
    with db.unit_of_work(mall):
        assert cash_shifts.shift(shift_id).handed_in_fen == 20_000


def test_a_person_opens_one_shift_however_often_at_once(mall: int) -> None:
    desks = itertools.count()
    results = together(mall, 4, lambda _: cash_shifts.open_shift(f"desk {next(desks)}", Count(0), by="staff:1").id)
    assert sum(isinstance(result, int) for result in results) == 1
    assert sum(isinstance(result, CashShiftOpen) for result in results) == 3


def test_the_database_itself_refuses_cash_without_a_shift_and_a_shift_closed_by_one(mall: int) -> None:
    sale = (
        "INSERT INTO card_sales (total_fen, cards, paid_by, buyer_kind, invoice, sold_by, sold_at, sold_on, reference) "
        "VALUES (100, 1, '{}', 'person', 'at_use', 'staff:1', now(), '2026-01-01', {})"
    )
    alone = "counted_by = 'staff:1', closed_by = 'staff:1'"
    with db.unit_of_work(mall):
        shift_id = make_cash_shift("staff:1").id
    for statement in (
        sale.format("cash", "NULL"),
        sale.format("bank_card", "NULL"),
        f"UPDATE cash_shifts SET state = 'closed', counted_fen = 1, recounted_fen = 1, {alone} WHERE id = {shift_id}",
    ):
        with pytest.raises(IntegrityError), db.unit_of_work(mall):
            session.execute(text(statement))


def test_a_cash_sale_takes_no_more_statements_than_another(desk: Person, mall: int, cards: list[str], statements: Any) -> None:
    desk.opens()
    counts = []
    for number, reference in ((cards[0], "SLIP-0001"), (cards[1], None)):
        with db.unit_of_work(mall), statements() as seen:
            card_sale(number, reference, by=desk.name)
        counts.append(len(seen))
    assert counts[1] <= counts[0]


def test_another_malls_shift_is_not_there(client: FlaskClient, mall: int, desk: Person) -> None:
    shift_id = desk.opens()
    handed = desk.hands_in(shift_id, 100).json
    with db.unit_of_work():
        elsewhere = make_mall().id
    stranger = Person(client, elsewhere, "finance")
    assert stranger("GET", f"{SHIFTS}/{shift_id}").status_code == 404
    assert stranger.counts(shift_id, 1).status_code == 404
    assert stranger.takes(handed["id"], 100).status_code == 404
    assert stranger("GET", SHIFTS).json["items"] == stranger("GET", HAND_INS).json["items"] == []


def test_finance_exports_shifts_with_what_they_differ_by(desk: Person, finance: Person, mall: int) -> None:
    shift_id = desk.opens()
    desk.counts(shift_id, 49_000)
    finance.recounts(shift_id, 49_000)
    columns = [{"name": name} for name in ("desk", "expected_fen", "difference_fen", "state")]
    made = finance("POST", "/office/exports", {"table": "cash_shifts", "filters": {"state": "differs"}, "columns": columns})
    export_jobs.write.run(mall_id=mall, export_id=made.json["id"])
    lines = finance("GET", f"/office/exports/{made.json['id']}/file").data.decode("utf-8-sig").splitlines()
    assert lines[1] == "一楼服务台,500.00,-10.00,differs"


def test_a_shift_whose_sales_are_not_its_sum_is_named_by_the_report(desk: Person, finance: Person, mall: int, cards: list[str]) -> None:
    shift_id = desk.opens()
    desk.sells(cards[0], 30_000)
    with db.unit_of_work(mall):
        session.get_one(CashShift, shift_id).sold_fen += 1
    desk.counts(shift_id, 80_000)
    finance.recounts(shift_id, 80_000)
    with db.unit_of_work(mall):
        findings = balance_report.record_report(clock.today("Asia/Shanghai"))
    assert findings.differences == [{"what": "shift", "subject": f"cash shift {shift_id}", "expected": 30_000, "found": 30_001}]


def test_the_policy_says_how_much_cash_may_lie_in_a_shift(desk: Person, mall: int, cards: list[str]) -> None:
    with db.unit_of_work(mall):
        set_policy(cash_in_shift_fen=60_000)
    desk.opens(50_000)
    assert desk.sells(cards[0], 10_000).status_code == 201
    assert slug(desk.sells(cards[1], 1)) == (409, "cash-hand-in-needed")


def test_much_other_money_than_cash_is_seen_by_another_person_before_the_cards_can_be_used(
    client: FlaskClient, desk: Person, finance: Person, cards: list[str], mall: int
) -> None:
    assert desk.sells(cards[0], paid_by="bank_transfer", reference="TRANSFER-1").status_code == 201
    assert desk.sells(cards[1], paid_by="bank_card", reference="TERMINAL-1").status_code == 201
    asked = desk.sells(cards[2], paid_by="bank_transfer", reference="TRANSFER-2")
    assert (asked.status_code, asked.json["act"]) == (202, "card-sale.make")
    seen = asked.json["asked"]
    assert (seen["total_fen"], seen["reference"], seen["lines"]["zh"], seen["paid_by"]["en"]) == (
        100_000,
        "TRANSFER-2",
        "1 张卡",
        "bank transfer",
    )
    with db.unit_of_work(mall):
        assert session.scalar(select(Card.state).where(Card.number == cards[2])) == "made"
    decide = f"/office/approvals/{asked.json['id']}/approval"
    assert slug(desk("PUT", decide)) in {(403, "another-person-needed"), (404, "approval-not-found")}
    assert finance("PUT", decide).status_code == 200
    with db.unit_of_work(mall):
        sale = session.scalar(select(CardSale).where(CardSale.reference == "TRANSFER-2"))
        assert sale is not None and (sale.sold_by, sale.total_fen) == (desk.name, 100_000)
    assert desk.opens() and desk.sells(cards[3]).status_code == 201  # cash is counted by two already


def test_small_sales_at_once_do_not_pass_what_one_person_sells_unseen(desk: Person, cards: list[str], mall: int) -> None:
    def alone(number: int) -> bool:
        return card_stock.use_alone_limit(100_000, "bank_card", cause=f"race-{number}", by=desk.name)

    with meeting("use_value") as place:
        results = together(mall, 3, alone)
    assert place.met == 1
    assert sorted(results) == [False, True, True]
