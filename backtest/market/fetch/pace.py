"""How fast an exchange may be asked, shared by all that ask it, and what its clock says."""

import threading
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from backtest.errors import DataError

LONGEST_PAUSE = 300.0
"""Seconds of a ban that are waited for; a longer one ends the fetch."""
CLOCK_OFF = 60_000
"""A clock that differs by more, in ms, is worth a word."""


class StoppedError(DataError):
    """Whoever waits here is asked to end."""


class BannedError(DataError):
    """The exchange wants to be left alone for longer than is waited."""


@dataclass
class Pace:
    """Times at which requests may go out, in seconds of the monotonic clock."""

    venue: str
    limited: bool = True
    stop: threading.Event = field(default_factory=threading.Event)
    ahead: int = 0
    """How far, in ms, this machine's clock is ahead of the exchange's."""
    requests: int = 0
    _free: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, cost_ms: float) -> None:
        """Return when the next request may go out; it uses up `cost_ms`."""
        with self._lock:
            self.requests += 1
            now = time.monotonic()
            due = max(self._free, now)
            self._free = due + (cost_ms / 1000 if self.limited else 0.0)
        self.sleep(due - now)

    def sleep(self, seconds: float) -> None:
        """Wait, unless asked to end. Raises StoppedError."""
        if self.stop.is_set() or (seconds > 0 and self.stop.wait(seconds)):
            raise StoppedError(f"stopped asking {self.venue}.")

    def pause(self, seconds: float) -> None:
        """Nobody asks again before so many seconds. Raises BannedError for more than is waited."""
        if seconds > LONGEST_PAUSE:
            raise BannedError(
                f"{self.venue} takes no requests from here for {seconds / 60:,.0f} minutes; "
                "go on after that with the same command."
            )
        with self._lock:
            self._free = max(self._free, time.monotonic() + seconds)

    def heard(self, date: str | None) -> None:
        """Note the time that an answer says it was sent at."""
        try:
            sent = parsedate_to_datetime(date or "").timestamp() * 1000
        except ValueError:
            return
        off = round(time.time() * 1000 - sent)
        self.ahead = off if abs(off) > CLOCK_OFF else 0

    def now(self) -> int:
        """The exchange's time in ms: this machine's where the two agree within a minute."""
        return round(time.time() * 1000) - self.ahead
