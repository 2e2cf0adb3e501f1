import pytest

from api.kit import db
from api.kit.policy import Policy
from api.malls import service
from api.receipts.policy import ReceiptRules
from tests.factories import make_mall, make_rule, make_shop, make_staff


def test_a_mall_knows_its_default_policy(inside: int) -> None:
    assert service.policy(ReceiptRules).submission_days == 7
    assert service.mall_info().id == inside


def test_shops_for_matching_cost_no_statement_until_one_changes(app, mall: int, statements) -> None:
    with db.unit_of_work(mall):
        shop_id = make_shop(name="海底撈火鍋（雲錦天地店）").id
    with db.unit_of_work(mall):
        assert service.shops_for_matching()[0].names == ("海底捞火锅",)
    with db.unit_of_work(mall):
        with statements() as seen:
            service.shops_for_matching()
            service.policy(ReceiptRules)
        assert len(seen) == 0  # the mall's row came with entering it
        assert service.learn_alias(shop_id, "HAIDILAO HOTPOT", "receipt:1")
        assert not service.learn_alias(shop_id, "Haidilao Hot-pot", "receipt:2")
    with db.unit_of_work(mall):
        assert service.shops_for_matching()[0].aliases == ("haidilaohotpot",)


def test_what_is_remembered_is_read_again_when_the_settings_changed_and_not_before(app, mall: int, statements) -> None:
    asked: list[int] = []

    def read() -> int:
        asked.append(len(asked))
        return asked[-1]

    for _ in range(2):
        with db.unit_of_work(mall):
            assert service.cached("test", read) == 0
    with db.unit_of_work(mall):
        make_rule("base", "standard", points=1, per_fen=100)  # one of the settings of which the database counts the changes
        assert service.cached("test", read) == 1  # seen at once by who changed it
    with db.unit_of_work(mall), statements() as seen:
        assert (service.cached("test", read), service.cached("test", read)) == (2, 2)
    assert not seen


def test_a_change_that_was_undone_is_remembered_by_nobody(app, mall: int) -> None:
    with db.unit_of_work(mall):
        assert service.cached("test", lambda: "true") == "true"

    def undone() -> None:
        with db.unit_of_work(mall):
            make_rule("base", "standard", points=1, per_fen=100)
            assert service.cached("test", lambda: "never") == "never"
            raise RuntimeError("not committed")

    with pytest.raises(RuntimeError, match="not committed"):
        undone()
    with db.unit_of_work(mall):
        assert service.cached("test", lambda: "fresh") == "true"


def test_one_mall_remembers_nothing_of_another(app) -> None:
    with db.unit_of_work():
        mine, other = make_mall().id, make_mall().id
    for mall_id in (mine, other, mine):
        with db.unit_of_work(mall_id):
            assert service.cached("test", lambda mall_id=mall_id: mall_id) == mall_id


def test_the_factories_make_every_role(inside: int) -> None:
    from api.kit.roles import Role

    assert {make_staff(str(role)).role for role in Role} == {str(role) for role in Role}


def test_a_search_in_two_thousand_shops_reads_them_once(app, mall: int) -> None:
    from sqlalchemy import insert

    from api.kit.db import session
    from api.malls import names
    from api.malls.models import Shop
    from tests.conftest import text

    with db.unit_of_work(mall):
        one = make_shop(name="海底捞火锅")
        rows = [
            {
                "code": f"B-{n}",
                "site_id": one.site_id,
                "floor_id": one.floor_id,
                "unit": f"L1-{n}",
                "name": f"门店{n}",
                "search_text": names.search_text([f"门店{n}"], f"L1-{n}", ""),
            }
            for n in range(2000)
        ]
        session.execute(insert(Shop), rows)
        plan = session.execute(text("EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM shops WHERE search_text LIKE '%hdl%'")).scalar_one()
        assert plan[0]["Execution Time"] < 50  # ms; a scan of 2,000 rows takes about 1
        assert [shop.name for shop in service.shops(q="hdl").items] == ["海底捞火锅"]


def test_a_rolled_back_change_is_never_shown_to_other_requests(app, mall: int) -> None:
    with db.unit_of_work(mall):
        shop_id = make_shop().id
    try:
        with db.unit_of_work(mall):
            service.learn_alias(shop_id, "WILL BE UNDONE", "receipt:1")
            assert service.shops_for_matching()[0].aliases == ("willbeundone",)
            raise RuntimeError
    except RuntimeError:
        pass
    with db.unit_of_work(mall):
        service.learn_alias(shop_id, "STAYS", "receipt:2")
    with db.unit_of_work(mall):
        assert service.shops_for_matching()[0].aliases == ("stays",)


def test_a_stored_rule_that_is_out_of_range_gives_way_to_the_default() -> None:
    kept = Policy({"submission_days": 9999, "minimum_spend_fen": 500, "gone_rule": 1})
    rules = kept.of(ReceiptRules)
    assert (rules.submission_days, rules.minimum_spend_fen) == (7, 500)
    assert kept.differs() == {"minimum_spend_fen": 500}
    assert Policy({}).contradictions() == []


def test_rules_that_cannot_hold_together_are_named() -> None:
    wrong = {"answer_limit_fen": 400_000, "plate_min_fen": 200, "plate_max_fen": 100, "points_pay_step": 7, "points_a_yuan": 3}
    assert Policy(wrong).contradictions() == [
        "answer_limit_fen", "auto_limit_fen", "points_pay_step", "points_a_yuan", "plate_min_fen", "plate_max_fen",
    ]  # fmt: skip


def test_work_goes_on_in_a_mall_that_is_held(app, mall: int) -> None:
    import threading

    held, done, made = threading.Event(), threading.Event(), []

    def hold() -> None:
        with db.unit_of_work(mall):
            service.lock_mall()
            held.set()
            done.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(5)
    from tests.factories import make_site

    with db.unit_of_work(mall):
        made.append(make_site().id)  # its foreign key looks at the held row
    done.set()
    holder.join(10)
    assert made
