"""Receipts: a shopper's own, and the office's review queue."""

from __future__ import annotations

from typing import Any

import flask
from flask import request

from api.approvals.errors import AnotherPersonNeeded
from api.kit import http, identity, jobs, limits, pages
from api.kit.once import IdempotencyKeyReused
from api.kit.states import WrongState
from api.kit.storage import FileRemoved, StorageFull
from api.kit.tables import exported
from api.malls.errors import ShopNotFound
from api.receipts import errors, review, schemas, service
from api.receipts import reports as report
from api.receipts.jobs import read
from api.receipts.models import Receipt, ReceiptReview
from api.receipts.reasons import REVIEWER_REASONS, next_action, sentence

LARGEST = service.MAX_PHOTOS * 10 * 1024 * 1024 + 64 * 1024

members = http.Blueprint("receipts", __name__, audience=identity.members, url_prefix="/receipts", description="A photo becomes points")
reviews = http.Blueprint("receipt_reviews", __name__, audience=identity.mall_staff, url_prefix="/receipt-reviews", description="Reviews")
shops = http.Blueprint("shop_receipts", __name__, audience=identity.shop_staff, url_prefix="/receipts", description="A shop's receipts")
reports = http.Blueprint("receipt_reports", __name__, audience=identity.mall_staff, description="What to watch about receipts")

OF_A_PICTURE = (
    errors.PhotoMissing,
    errors.TooManyPhotos,
    errors.PhotoEmpty,
    errors.NotAPicture,
    errors.PhotoTooLarge,
    errors.TooManyPixels,
    errors.PhotoDamaged,
)
OF_A_CASE = (errors.ReviewNotFound, errors.ReviewNotYours, errors.ReviewDecided, errors.OwnReceipt)


@members.post("")
@members.arguments(schemas.PhotosArgs, location="files", content_type="multipart/form-data")
@members.response(202, schemas.ReceiptSchema)
@members.problems(*OF_A_PICTURE, http.BodyTooLarge, errors.ReceiptQueueFull, StorageFull, limits.TooOften, IdempotencyKeyReused)
@members.idempotent
@members.upload(LARGEST, look=lambda files: service.check([file.read() for file in files.getlist("photo")]))
def send_receipt(args: dict[str, Any]) -> Receipt:  # noqa: ARG001 - the pictures were looked at before the transaction
    """Send a receipt: one photo, or up to four of one long receipt

    The answer comes at once; the receipt is read in the background. Poll `poll_url`, or listen at `live_url` (Server-Sent Events).
    """
    me, settings = identity.member(), flask.current_app.extensions["settings"]
    service.spend_limits(me.id, request.headers.get("X-Device-Id", "")[:64] or me.session_id, request.remote_addr or "")
    receipt = service.take_in(me.id, http.looked_at(), device=me.session_id, queue_limit=settings.receipt_queue_limit)
    jobs.later(read, receipt_id=receipt.id)
    return receipt


@members.get("")
@members.arguments(schemas.MyReceiptsArgs, location="query")
@members.response(200, schemas.ReceiptPageSchema)
@members.problems(pages.CursorInvalid)
def list_my_receipts(args: dict[str, Any]) -> pages.Page[Receipt]:
    """List my receipts, newest first"""
    return service.receipts_of(identity.member().id, cursor=args.get("cursor"), limit=args["limit"], show=args["show"])


@members.get("/<int:receipt_id>")
@members.response(200, schemas.ReceiptSchema)
@members.problems(errors.ReceiptNotFound)
def read_my_receipt(receipt_id: int) -> Receipt:
    """Look at one of my receipts"""
    return service.receipt_of(receipt_id, identity.member().id)


@members.delete("/<int:receipt_id>")
@members.response(200, schemas.ReceiptSchema)
@members.problems(errors.ReceiptNotFound, WrongState)
def withdraw_receipt(receipt_id: int) -> Receipt:
    """Withdraw a receipt that is not decided yet"""
    return service.withdraw(receipt_id, identity.member().id)


@members.get("/<int:receipt_id>/photos/<int:position>")
@members.arguments(schemas.CropArgs, location="query")
@members.response(200, {"type": "string", "format": "binary"}, content_type="image/jpeg")
@members.problems(errors.ReceiptNotFound, errors.PhotoNotFound, errors.PhotoDamaged, FileRemoved)
def show_my_photo(args: dict[str, Any], receipt_id: int, position: int) -> flask.Response:
    """Show one of my photos as I sent it; `field` crops to where that was read, or to where the choices of the question stand"""
    me = identity.member().id
    if args["field"]:
        return flask.Response(service.crop_of(receipt_id, me, position, args["field"]), mimetype="image/jpeg")
    data, media_type = service.photo_of(receipt_id, me, position)
    return flask.Response(data, mimetype=media_type)


@members.post("/<int:receipt_id>/answers")
@members.arguments(schemas.AnswerArgs)
@members.response(200, schemas.ReceiptSchema)
@members.problems(errors.ReceiptNotFound, errors.NoQuestionOpen, errors.AnswerNotOffered, IdempotencyKeyReused)
@members.idempotent
def answer_question(args: dict[str, Any], receipt_id: int) -> Receipt:
    """Answer the open question with one of its choices, or with null: none of them"""
    return service.answer(receipt_id, identity.member().id, args["value"])


@members.post("/<int:receipt_id>/corrections")
@members.arguments(schemas.CorrectionArgs)
@members.response(200, schemas.ReceiptSchema)
@members.problems(errors.ReceiptNotFound, errors.CorrectionTooLate, errors.CorrectionUnfit, ShopNotFound, IdempotencyKeyReused)
@members.idempotent
def correct_receipt(args: dict[str, Any], receipt_id: int) -> Receipt:
    """Say what a field should be; a reviewer looks at it"""
    return service.correct(receipt_id, identity.member().id, field=args["field"], value=args["value"], note=args["note"])


@reviews.get("")
@reviews.arguments(schemas.PageArgs, location="query")
@reviews.response(200, schemas.ReviewPageSchema)
@reviews.problems(pages.CursorInvalid)
@reviews.permission("receipts.read")
@exported("reviews", schemas.PageArgs, schemas.ReviewSchema)
def list_receipt_reviews(args: dict[str, Any]) -> pages.Page[ReceiptReview]:
    """List the cases that wait for a person, the oldest promise first"""
    return review.queue(cursor=args.get("cursor"), limit=args["limit"])


@reviews.get("/reasons")
@reviews.response(200, schemas.RefusalReasonsSchema)
@reviews.permission("receipts.read")
def list_refusal_reasons() -> dict[str, Any]:
    """The reasons that a reviewer may refuse with, in the order of the keys 1 to 9, and what the shopper is told"""
    described = [{"reason": str(reason), "sentence": sentence(reason), "next_action": next_action(reason)} for reason in REVIEWER_REASONS]
    return {"reasons": described}


@reviews.post("/next")
@reviews.arguments(schemas.NextArgs, location="query")
@reviews.response(200, schemas.DossierSchema)
@reviews.problems(errors.ReviewQueueEmpty)
@reviews.permission("receipts.review")
def take_next_review(args: dict[str, Any]) -> review.Dossier:
    """Take the next case; it is mine for some minutes. `besides` a case in hand: the one after it, ahead"""
    return review.take_next(identity.staff().id, args["besides"])


@reviews.get("/<int:review_id>")
@reviews.response(200, schemas.DossierSchema)
@reviews.problems(errors.ReviewNotFound)
@reviews.permission("receipts.read")
def read_receipt_review(review_id: int) -> review.Dossier:
    """Look at a case"""
    return review.dossier(review_id)


@reviews.get("/<int:review_id>/history")
@reviews.response(200, schemas.HistorySchema)
@reviews.problems(errors.ReviewNotFound)
@reviews.permission("receipts.read")
def read_review_history(review_id: int) -> report.History:
    """What is known of the case's member and of its shop: ninety days in numbers, and the newest receipts of both"""
    return report.history(review_id)


@reviews.delete("/<int:review_id>/hold")
@reviews.response(200, schemas.ReviewSchema)
@reviews.problems(*OF_A_CASE)
@reviews.permission("receipts.review")
def put_back_review(review_id: int) -> ReceiptReview:
    """Give a case back to the queue"""
    return review.put_back(review_id, identity.staff().id)


@reviews.get("/<int:review_id>/photos/<int:position>")
@reviews.arguments(schemas.CropArgs, location="query")
@reviews.response(200, {"type": "string", "format": "binary"}, content_type="image/jpeg")
@reviews.problems(errors.ReviewNotFound, errors.PhotoNotFound, errors.PhotoDamaged, FileRemoved)
@reviews.permission("receipts.read")
def show_review_photo(args: dict[str, Any], review_id: int, position: int) -> flask.Response:
    """Show a photo of the case, strangers' phone and card digits covered; `field` crops to where it was read"""
    return flask.Response(review.photo(review_id, position, args["field"]), mimetype="image/jpeg")


@reviews.post("/<int:review_id>/corrections")
@reviews.arguments(schemas.ReviewerCorrectionArgs)
@reviews.response(200, schemas.DossierSchema)
@reviews.problems(*OF_A_CASE, errors.CorrectionUnfit, ShopNotFound)
@reviews.permission("receipts.review")
def correct_review(args: dict[str, Any], review_id: int) -> review.Dossier:
    """Set what a field really says"""
    return review.correct(review_id, identity.staff().id, field=args["field"], value=args["value"], why=args["why"])


@reviews.post("/<int:review_id>/approval")
@reviews.arguments(schemas.ApprovalArgs)
@reviews.response(200, schemas.DossierSchema)
@reviews.problems(*OF_A_CASE, errors.FactsIncomplete, errors.SecondReaderNeeded, AnotherPersonNeeded, IdempotencyKeyReused)
@reviews.permission("receipts.review")
@reviews.idempotent
def approve_receipt(args: dict[str, Any], review_id: int) -> review.Dossier:
    """Let the receipt score; from a value on this calls for a second reader"""
    return review.approve(review_id, identity.staff().id, why=args["why"], learn_alias=args["learn_alias"], purchase_id=args["purchase_id"])


@reviews.post("/<int:review_id>/refusal")
@reviews.arguments(schemas.RefusalArgs)
@reviews.response(200, schemas.DossierSchema)
@reviews.problems(*OF_A_CASE, IdempotencyKeyReused)
@reviews.permission("receipts.review")
@reviews.idempotent
def refuse_receipt(args: dict[str, Any], review_id: int) -> review.Dossier:
    """Refuse the receipt with a reason that the shopper is told"""
    return review.refuse(review_id, identity.staff().id, reason=args["reason"], why=args["why"])


@shops.get("")
@shops.arguments(schemas.ShopReceiptsArgs, location="query")
@shops.response(200, schemas.ShopReceiptPageSchema)
@shops.problems(pages.CursorInvalid)
@shops.permission("own_receipts.read")
def list_shop_receipts(args: dict[str, Any]) -> pages.Page[Receipt]:
    """List receipts of my shop's purchases on a day, without whose they are"""
    shop_id = identity.shop().shop_id
    assert shop_id is not None  # the loader lets nobody in as a shop without one
    return report.receipts_of_shop(shop_id, on=args["on"], cursor=args.get("cursor"), limit=args["limit"])


@reports.get("/receipt-reports/today")
@reports.arguments(schemas.DayArgs, location="query")
@reports.response(200, schemas.TodaySchema)
@reports.permission("receipts.report")
def report_today(args: dict[str, Any]) -> report.Today:
    """A day in numbers: the queue and its promises, the automatic share, points given, receipts by hour and outcome"""
    return report.today(args["on"])


@reports.get("/receipts")
@reports.arguments(schemas.ReceiptListArgs, location="query")
@reports.response(200, schemas.OfficeReceiptPageSchema)
@reports.problems(pages.CursorInvalid)
@reports.permission("receipts.read")
def list_receipts(args: dict[str, Any]) -> pages.Page[Receipt]:
    """List receipts of the mall, or of one member, newest first"""
    return service.receipts_of_mall(cursor=args.pop("cursor", None), **args)


@reports.get("/receipt-reports/concentration")
@reports.arguments(schemas.ConcentrationArgs, location="query")
@reports.response(200, schemas.ConcentrationListSchema)
@reports.permission("receipts.report")
def report_concentration(args: dict[str, Any]) -> dict[str, Any]:
    """Cashiers whose scored receipts go to few members"""
    return {"items": review.concentration(args["days"], args["least"])}


@reports.put("/reviewers/<int:staff_id>/members/<int:member_id>")
@reports.arguments(schemas.OwnMemberArgs)
@reports.response(204)
@reports.problems(http.PathUnknown)
@reports.permission("receipts.reviewers")
def name_reviewers_member(args: dict[str, Any], staff_id: int, member_id: int) -> None:
    """Write down which member a reviewer is when shopping"""
    review.name_own_member(staff_id, member_id, by=identity.staff().name, why=args["why"])


@exported("receipts", schemas.OfficeReceiptsArgs, schemas.OfficeReceiptSchema, permission="receipts.read")
def every_receipt(args: dict[str, Any]) -> pages.Page[Receipt]:
    """Everybody's receipts, for an export."""
    return service.receipts_of_mall(cursor=args.pop("cursor", None), **args)
