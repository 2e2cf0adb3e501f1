from api.kit import db
from api.malls import service
from tests.factories import make_shop, make_staff


def test_a_mall_knows_its_default_policy(inside: int) -> None:
    assert service.policy().submission_days == 7
    assert service.mall_info().id == inside


def test_shops_for_matching_cost_one_statement_until_one_changes(app, mall: int, statements) -> None:
    with db.unit_of_work(mall):
        shop_id = make_shop(name="海底撈火鍋（雲錦天地店）").id
    with db.unit_of_work(mall):
        assert service.shops_for_matching()[0].names == ("海底捞火锅",)
    with db.unit_of_work(mall):
        with statements() as seen:
            service.shops_for_matching()
            service.policy()
        assert len(seen) == 1
        assert service.learn_alias(shop_id, "HAIDILAO HOTPOT", "receipt:1")
        assert not service.learn_alias(shop_id, "Haidilao Hot-pot", "receipt:2")
    with db.unit_of_work(mall):
        assert service.shops_for_matching()[0].aliases == ("haidilaohotpot",)


def test_the_factories_make_every_role(inside: int) -> None:
    from api.staff.permissions import Role

    assert {make_staff(str(role)).role for role in Role} == {str(role) for role in Role}
