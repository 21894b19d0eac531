"""History fetched from exchanges into a store: several at once, several series at a time."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from backtest.errors import BacktestError
from backtest.market.fetch.client import Client
from backtest.market.fetch.download import Download
from backtest.market.fetch.exchange import AbroadError
from backtest.market.fetch.pace import BannedError, StoppedError
from backtest.market.fetch.wish import Wish, find, plan
from backtest.market.intake import Written, summed

Progress = Callable[[int, int], None]
"""Told how many bars are done, of how many."""
REDRAW = 0.2
AT_ONCE = 4
"""Series of one exchange that are fetched side by side."""


@dataclass
class Fetched:
    """What a fetch did: its series, what there is to say of them, and what failed."""

    series: list[Written] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    requests: int = 0


def fetch_history(
    root: Path, clients: Sequence[Client], wish: Wish, *, progress: Progress | None = None
) -> Fetched:
    """Bring what a store under `root` lacks of a wish into it, and nothing that it has.

    May be ended at any time and begun again: what has come stays. A series that fails leaves the
    others alone and is named in `failures`. Raises UsageError for a wish that no exchange can
    fulfil, DataError where none can be reached or the store cannot be written.
    """
    wish.check()
    for client in clients:
        client.load()
    shared = [s for s in wish.symbols if any(find(c, s) is not None for c in clients)]
    plans = [(client, plan(client, wish, shared)) for client in clients]
    result = Fetched(notes=[note for _, p in plans for note in dict.fromkeys(p.notes)])
    counter = _Counter(progress)
    downloads = [
        Download(root, client, market, of, first, stop, counter.tell)
        for client, found in plans for of, market, first, stop in found.series
    ]  # fmt: skip
    _run(clients, downloads, result, counter)
    result.series = summed([w for d in downloads for w in d.written])
    for one in downloads:
        if one.left_out:
            result.notes.append(f"{one.left_out:,} rows of {_name(one)} had no value; left out")
    result.requests = sum(client.pace.requests for client in clients)
    return result


def _run(
    clients: Sequence[Client], downloads: Sequence[Download], result: Fetched, counter: "_Counter"
) -> None:
    """Run downloads, so many of an exchange at a time; a store that cannot be written ends all."""
    pools = {c.venue: ThreadPoolExecutor(AT_ONCE, f"fetch-{c.venue}") for c in clients}
    jobs = {pools[d.of.venue].submit(d.run): d for d in downloads}
    left = set(jobs)
    try:
        while left:
            done, left = wait(left, return_when=FIRST_COMPLETED, timeout=REDRAW)
            counter.show()
            for job in done:
                _settle(job.exception(), jobs[job], result)
    finally:
        if left:
            for client in clients:
                client.pace.stop.set()
        for pool in pools.values():
            pool.shutdown(wait=True, cancel_futures=True)


def _settle(error: BaseException | None, download: Download, result: Fetched) -> None:
    """Note what failed; what one exchange refuses altogether is not asked for again."""
    if error is None or isinstance(error, StoppedError):
        return
    if not isinstance(error, BacktestError) or isinstance(error.__cause__, OSError):
        raise error
    if isinstance(error, AbroadError | BannedError):
        download.client.pace.stop.set()
    text = str(error)
    if text not in result.failures:
        result.failures.append(text)


def _name(one: Download) -> str:
    return f"{one.of.kind} of {one.of.symbol} on {one.of.venue}"


@dataclass
class _Counter:
    """Counts bars of all threads; shown by one."""

    progress: Progress | None
    done: int = 0
    due: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, done: int, due: int) -> None:
        with self._lock:
            self.done += done
            self.due += due

    def show(self) -> None:
        if self.progress is not None and self.due:
            self.progress(self.done, self.due)
