"""Photos of shops: a shopper compares the photo with the shop before paying."""

from __future__ import annotations

import contextlib

from api.kit import audit, db, storage
from api.kit.db import session
from api.malls import photos
from api.malls.errors import ShopPhotoNotFound
from api.malls.models import Shop
from api.malls.service.shops import shop, shop_in_view


def give_photo(shop_id: int, data: bytes, *, by: str) -> Shop:
    """Give a shop its photo in place of the one before. ShopNotFound, ShopPhotoTooLarge, ShopPhotoUnreadable, StorageFull."""
    kept, pictured = photos.processed(data), shop_in_view(shop_id)
    before, version = pictured.photo_key, pictured.photo
    pictured.photo_key = storage.new_key(db.mall(), "shops", "jpeg")
    session.flush()
    audit.record(by, "gave the shop a photo", "shop", shop_id, before={"photo": version}, after={"photo": pictured.photo})
    session.flush()
    # Last, when the database has accepted all; the old file goes when the new one is sure to stay.
    storage.put(pictured.photo_key, kept)
    if before is not None:
        db.after_commit(lambda: _remove(before))
    return pictured


def _remove(key: str) -> None:
    with contextlib.suppress(OSError):
        storage.remove(key)


def shop_photo(shop_id: int) -> tuple[str, bytes]:
    """Which photo a shop has, and the photo as a JPEG. ShopNotFound, ShopPhotoNotFound, FileRemoved."""
    pictured = shop(shop_id)
    if pictured.photo_key is None or pictured.photo is None:
        raise ShopPhotoNotFound()
    return pictured.photo, storage.read(pictured.photo_key)
