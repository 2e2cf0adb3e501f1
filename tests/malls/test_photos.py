"""A shop's photo: what is taken, what is kept of it, how it is shown."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from api.kit import db, storage
from api.kit.db import session
from api.malls import photos
from api.malls.errors import ShopPhotoTooLarge, ShopPhotoUnreadable
from api.malls.models import Shop
from tests.conftest import owner_rows
from tests.factories import make_mall, make_shop


@pytest.fixture
def shop_id(mall) -> int:
    """A shop without a photo."""
    with db.unit_of_work(mall):
        return int(make_shop().id)


def picture(kind: str = "JPEG", size: tuple[int, int] = (640, 480), **how: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **how)
    return out.getvalue()


def give(client, headers, shop_id: int, data: bytes, name: str = "x.jpg"):
    return client.put(f"/v1/office/shops/{shop_id}/photo", headers=headers, data={"photo": (io.BytesIO(data), name)})


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_of_each_kind_is_taken_and_shown_as_a_jpeg(client, code, office, shop_id, kind) -> None:
    answer = give(client, office("floor_manager"), shop_id, picture(kind))
    assert answer.status_code == 200
    version = answer.json["photo"]
    shown = client.get(f"/v1/malls/{code}/shops/{shop_id}/photo?v={version}")
    assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
    assert shown.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert Image.open(io.BytesIO(shown.data)).size == (640, 480)
    assert client.get(f"/v1/malls/{code}/shops/{shop_id}").json["photo"] == version


def test_without_its_version_a_photo_is_kept_a_while_and_asked_for_by_tag(client, code, office, shop_id) -> None:
    give(client, office(), shop_id, picture())
    shown = client.get(f"/v1/malls/{code}/shops/{shop_id}/photo")
    assert shown.headers["Cache-Control"] == "public, max-age=300"
    again = client.get(f"/v1/malls/{code}/shops/{shop_id}/photo", headers={"If-None-Match": shown.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_new_photo_takes_the_place_of_the_old_one_and_its_file(client, code, office, shop_id, settings) -> None:
    headers = office()
    first = give(client, headers, shop_id, picture()).json["photo"]
    [(key,)] = owner_rows(settings, "SELECT photo_key FROM shops WHERE id = %s", shop_id)
    second = give(client, headers, shop_id, picture("PNG")).json["photo"]
    assert first != second
    with pytest.raises(storage.FileRemoved):
        storage.read(key)
    stale = client.get(f"/v1/malls/{code}/shops/{shop_id}/photo?v={first}")
    assert (stale.status_code, stale.headers["Cache-Control"]) == (200, "public, max-age=300")
    did = owner_rows(settings, "SELECT did, before, after FROM audit_entries WHERE subject_type = 'shop' ORDER BY id DESC LIMIT 1")
    assert did == [("gave the shop a photo", {"photo": first}, {"photo": second})]


def test_a_photo_is_kept_upright_small_and_without_what_the_camera_wrote() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "A camera"  # turned to the right; its maker
    exif.get_ifd(0x8825)[1] = "N"
    kept = photos.processed(picture(size=(3000, 2000), exif=exif))
    with Image.open(io.BytesIO(kept)) as image:
        assert image.size == (853, 1280)
        assert dict(image.getexif()) == {}
    assert b"A camera" not in kept


def test_a_transparent_logo_stands_on_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (100, 100), (255, 0, 0, 0)).save(out, "PNG")
    with Image.open(io.BytesIO(photos.processed(out.getvalue()))) as image:
        assert min(image.getpixel((50, 50))) > 250


def _bomb() -> bytes:
    """A PNG of a few bytes that claims 60,000 × 60,000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", ShopPhotoUnreadable),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", ShopPhotoUnreadable),
        (b"%PDF-1.7", ShopPhotoUnreadable),
        (picture("GIF"), ShopPhotoUnreadable),
        (picture("BMP"), ShopPhotoUnreadable),
        (picture("TIFF"), ShopPhotoUnreadable),
        (picture()[:300], ShopPhotoUnreadable),
        (picture() + b"\xff\xda" * 70, ShopPhotoUnreadable),
        (_bomb(), ShopPhotoTooLarge),
        (b"\xff\xd8" + b"\0" * photos.MAX_BYTES, ShopPhotoTooLarge),
    ],
)
def test_what_is_no_photo_is_refused_by_name(data, refusal) -> None:
    with pytest.raises(refusal):
        photos.processed(data)


def test_a_refused_photo_leaves_the_old_one(client, code, office, shop_id) -> None:
    headers = office()
    version = give(client, headers, shop_id, picture()).json["photo"]
    refused = give(client, headers, shop_id, b"no picture")
    assert (refused.status_code, refused.json["type"]) == (415, "/problems/shop-photo-unreadable")
    assert give(client, headers, shop_id, b"\0" * (11 * 1024 * 1024)).status_code == 413
    assert client.get(f"/v1/malls/{code}/shops/{shop_id}").json["photo"] == version


def test_a_shop_without_a_photo_and_a_shop_of_another_mall_have_none(client, code, office, shop_id) -> None:
    none = client.get(f"/v1/malls/{code}/shops/{shop_id}/photo")
    assert (none.status_code, none.json["type"]) == (404, "/problems/shop-photo-not-found")
    give(client, office(), shop_id, picture())
    with db.unit_of_work():
        other = make_mall(code="elsewhere").id
    assert client.get(f"/v1/malls/elsewhere/shops/{shop_id}/photo").json["type"] == "/problems/shop-not-found"
    with db.unit_of_work(other):
        assert session.get(Shop, shop_id) is None


def test_only_who_keeps_shops_gives_photos(client, office, shop_id) -> None:
    assert give(client, office("finance"), shop_id, picture()).status_code == 403
