"""Python reads this first when its folder is on PYTHONPATH: this server's own clock is then SKEW_SECONDS off."""

import datetime
import os
import time

_seconds = float(os.environ["SKEW_SECONDS"])
_real = datetime.datetime
_time = time.time


class _Meta(type(_real)):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _real)


class _Skewed(_real, metaclass=_Meta):
    @classmethod
    def now(cls, tz=None):
        return _real.now(tz) + datetime.timedelta(seconds=_seconds)

    @classmethod
    def utcnow(cls):
        return cls.now(datetime.UTC).replace(tzinfo=None)


_Skewed.__module__, _Skewed.__qualname__, _Skewed.__name__ = "datetime", "datetime", "datetime"
datetime.datetime = _Skewed
time.time = lambda: _time() + _seconds
