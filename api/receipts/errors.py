"""How the room of receipts refuses."""

from __future__ import annotations

from api.kit.errors import Conflict, Forbidden, NotFound, TooLarge, Unavailable, Unprocessable, WrongKind


class ReceiptNotFound(NotFound):
    """There is no such receipt of yours."""


class PhotoNotFound(NotFound):
    """This receipt has no such photo."""


class PhotoMissing(Unprocessable):
    """Send one to four pictures in the form field "photo"."""


class TooManyPhotos(Unprocessable):
    """A long receipt may be sent as at most four photos."""


class PhotoEmpty(Unprocessable):
    """This file is empty."""


class NotAPicture(WrongKind):
    """This file is not a JPEG, PNG, WebP or HEIC picture."""


class PhotoTooLarge(TooLarge):
    """This file is larger than 10 MB."""


class TooManyPixels(TooLarge):
    """This picture has more than 40 megapixels."""


class PhotoDamaged(Unprocessable):
    """This picture is damaged and cannot be opened."""


class ReceiptQueueFull(Unavailable):
    """Very many receipts are waiting just now, please send yours again in a minute."""

    retry_after = 60


class NoQuestionOpen(Conflict):
    """No question about this receipt is open."""


class AnswerNotOffered(Unprocessable):
    """Answer with one of the choices, or say that none of them is right."""


class CorrectionTooLate(Conflict):
    """This receipt can no longer be corrected."""


class CorrectionUnfit(Unprocessable):
    """This value does not fit the field that is corrected."""


class ReviewNotFound(NotFound):
    """There is no such case in the review queue."""


class ReviewQueueEmpty(NotFound):
    """No case is waiting for you."""


class ReviewNotYours(Conflict):
    """Take this case first; it is with nobody or with another reviewer."""


class ReviewDecided(Conflict):
    """This case has been decided already."""


class OwnReceipt(Forbidden):
    """Nobody decides on a receipt of their own."""


class SecondReaderNeeded(Forbidden):
    """A case of this value needs a second, different reviewer."""


class FactsIncomplete(Conflict):
    """Shop, amount and time must be known before this receipt can be approved."""
