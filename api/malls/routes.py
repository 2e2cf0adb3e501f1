"""The mall and its shops, for anyone and for the office."""

from __future__ import annotations

from api.kit import http, identity
from api.malls import service
from api.malls.schemas import MallSchema

public = http.Blueprint("malls", __name__, audience=identity.anyone, url_prefix="/malls/<mall_code>")


@public.get("")
@public.response(200, MallSchema)
@public.problems(http.MallNotFound)
def show_mall() -> service.MallInfo:
    """The mall"""
    return service.mall_info()
