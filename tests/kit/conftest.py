import pytest

from tests.kit.small import small_app


@pytest.fixture(scope="session")
def things_app(app, settings):
    """The app of the tests' own room."""
    return small_app(settings)


@pytest.fixture
def things(things_app):
    """A client of it that nobody is signed in with."""
    return things_app.test_client()
