"""The nearest changes that would have saved an account, each found by running it again.

What is reported was run with just that value.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ..core.state import TriggerBy
from .judge import Judge
from .pick import Key
from .search import Edge, Verdict, digits, edge, edge_near, reach, ticks
from .slips import more_margin, stop_at

STOP_LOSS = "stop_loss"
LEAST_STOP, MOST_STOP = 0.0001, 0.99
"""Distances of a stop from the entry price."""
FIRST_TOP_UP, MOST_TOP_UP = 0.05, 1000.0
"""Amounts that are tried, as shares of the requirement at the liquidation: the most of them is a
few times what the position was worth."""


@dataclass(frozen=True)
class Remedy:
    """A change that saves; `value` is None where none was found, for `reason`.

    `kind` is margin (`value` is paid in when the bucket is complete), stop (a price), stop_loss (a
    policy of the whole run, a fraction), leverage or exposure (settings of the whole run, which
    were `was`), both (a leverage, and an exposure as many times smaller, `exposure`) or size (a
    share of every order). `fails` is the nearest value that was run and did not save, `refused` one
    with which the position was not there. `worth` is the money of the account's pool when the story
    ends, less what was paid in since the bucket was complete.
    """

    kind: str
    was: float | None = None
    value: float | None = None
    fails: float | None = None
    worth: float | None = None
    position: Key | None = None
    by: str = ""
    exposure: float | None = None
    refused: float | None = None
    reason: str = ""


def remedy(judge: Judge, kind: str, was: float | None, found: Edge) -> Remedy:
    """The end of a search as a remedy."""
    if found.saves is None or judge.last is None:
        reason = "never" if found.refused is None else "refused"
        return Remedy(kind, was, None, found.fails, refused=found.refused, reason=reason)
    return Remedy(kind, was, found.saves, found.fails, judge.worth(judge.last))


def all_remedies(judge: Judge) -> Iterator[Remedy]:
    """Every remedy, found or not."""
    from .smaller import smaller

    yield margin(judge)
    prices = list(stops(judge))
    yield from prices
    yield from stop_losses(judge, prices[0].value)
    yield from smaller(judge)


def margin(judge: Judge) -> Remedy:
    """More money behind the bucket from when it was complete."""
    judge.last, fall = None, judge.fall
    if judge.too_late:
        return Remedy("margin", reason="same bar")

    def test(amount: float) -> Verdict:
        return judge.slipped(more_margin(fall.key, judge.change_at, amount, fall.cross))

    needed = max(judge.new.maintenance, abs(judge.new.equity))
    enough = reach(test, digits(FIRST_TOP_UP * needed), MOST_TOP_UP * needed)
    if enough is None:
        return Remedy("margin", reason="never")
    top = remedy(judge, "margin", 0.0, Edge(enough, 0.0))
    found = edge(test, enough, 0.0, digits)
    if found.saves is None:
        return replace(top, fails=found.fails)
    return remedy(judge, "margin", 0.0, found)


def stops(judge: Judge) -> Iterator[Remedy]:
    """A stop for the position that lost most, from when it was open: by last price, by mark."""
    key = judge.loser
    if judge.too_late:
        yield Remedy("stop", position=key, reason="same bar")
        return
    for by in TriggerBy:
        found = remedy(judge, "stop", None, _stop(judge, key, by))
        yield replace(found, position=key, by=by.name.lower())


def _stop(judge: Judge, key: Key, by: TriggerBy) -> Edge:
    """The stop nearest to the mark at which the bucket fell."""
    fell_at = judge.new.positions[key].mark
    sign = 1.0 if judge.new.positions[key].size > 0.0 else -1.0
    snap = ticks(judge.tick(key), sign)
    judge.last, test = None, _stop_test(judge, key, sign, by)
    if test(snap(fell_at)) == "saved":
        return Edge(snap(fell_at), fell_at)
    return edge(test, judge.price_at_opening(key), snap(fell_at), snap)


def stop_losses(judge: Judge, price: float | None) -> Iterator[Remedy]:
    """A stop-loss policy over the whole run, in the last price; none beside one that there is.

    `price` is where a stop of the one position saves: the search begins there, as policies take
    long on many bars.
    """
    config, held = judge.replay.config, judge.new.positions[judge.loser]
    if any(str(one).startswith(STOP_LOSS) for one in config.policies):
        return
    judge.last = None

    def test(fraction: float) -> Verdict:
        policies = (*config.policies, f"{STOP_LOSS}:{fraction:.6g}")
        return judge.changed(replace(config, policies=policies))

    far = abs((price or held.mark) / held.entry - 1.0)
    far = min(max(far, LEAST_STOP), MOST_STOP)
    yield remedy(judge, STOP_LOSS, None, edge_near(test, LEAST_STOP, far, MOST_STOP))


def _stop_test(judge: Judge, key: Key, sign: float, by: TriggerBy) -> Callable[[float], Verdict]:
    return lambda price: judge.slipped(stop_at(key, judge.change_at, price, sign, by))
