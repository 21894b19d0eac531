"""What is asked for, made into series of markets that exist, with a word on what does not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from backtest.errors import UnknownNameError, UsageError
from backtest.market.fetch.apis import CANDLES, EVERYTHING, api_of
from backtest.market.fetch.client import Client
from backtest.market.intake import SeriesName
from backtest.market.layout import FUNDING_NAME, time_text, timeframe_ms
from backtest.values import UNITS
from backtest.venues.symbols import meant, same_base

FINISHED = 5_000
"""An exchange may still change a candle for so long after its end, in ms."""
BEGINNING = 1_483_228_800_000
"""2017-01-01: before the first perpetuals whose history can be fetched."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Symbols (ccxt's, or coins), kinds, a timeframe, and a span in ms; None is all there is."""

    symbols: Sequence[str]
    kinds: Sequence[str] = ("trade", "mark", "funding")
    timeframe: str = "1m"
    since: int | None = None
    until: int | None = None

    def check(self) -> None:
        """Raise UsageError for what cannot be on any exchange."""
        timeframe_ms(self.timeframe)
        for kind in self.kinds:
            if kind not in EVERYTHING:
                raise UnknownNameError("kind of series to fetch", kind, EVERYTHING)
        if not self.symbols or not self.kinds:
            raise UsageError("name at least one symbol and one of --kinds.")
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise UsageError(
                f"--until {time_text(self.until)} is not after --since {time_text(self.since)}."
            )


@dataclass
class Plan:
    """Series to fetch from one exchange: name, market of ccxt, first and stop in ms."""

    series: list[tuple[SeriesName, Any, int, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def plan(client: Client, wish: Wish, elsewhere: Sequence[str] = ()) -> Plan:
    """What an exchange has of a wish; `elsewhere` are symbols that another one has.

    Raises UsageError where a symbol or timeframe is not known.
    """
    found = Plan()
    if wish.timeframe not in client.timeframes and set(wish.kinds) & set(CANDLES):
        raise UnknownNameError(
            "timeframe", wish.timeframe, client.timeframes, f"These are {client.venue}'s."
        )
    now = client.pace.now()
    if wish.since is not None and wish.since >= now:
        raise UsageError(f"--since {time_text(wish.since)} is in the future; give an earlier time.")
    for symbol in wish.symbols:
        market = find(client, symbol)
        if market is None and symbol in elsewhere:
            found.notes.append(f"{client.venue} has no {symbol}")
        elif market is None:
            raise unknown(client, symbol)
        else:
            _add(found, client, wish, market, now)
    if client.pace.ahead:
        ahead = f"{abs(client.pace.ahead) / 1000:,.0f} s"
        side = "ahead of" if client.pace.ahead > 0 else "behind"
        found.notes.append(
            f"the clock here is {ahead} {side} {client.venue}'s, whose time decides which candle "
            "is finished; set it"
        )
    return found


def find(client: Client, symbol: str) -> Any:
    """The market of a symbol or coin; None where there is none."""
    if symbol in client.markets:
        return client.markets[symbol]
    if "/" in symbol:
        return None
    contracts = [
        SimpleNamespace(
            symbol=name, base=m["base"], settle=m["settle"],
            contract="linear" if m.get("linear") else "inverse",
        )
        for name, m in client.markets.items() if m.get("swap")
    ]  # fmt: skip
    settles = [c.settle for c in contracts]
    usual = max(sorted(set(settles)), key=settles.count, default="")
    name = same_base(symbol.upper(), contracts, usual)
    return client.markets[name] if name else None


def unknown(client: Client, symbol: str) -> UsageError:
    """What to say of a symbol that an exchange does not list."""
    names = [name for name, m in client.markets.items() if m.get("contract")]
    near = [n for n in meant(symbol, names) if n != symbol]
    hint = f"did you mean {' or '.join(map(repr, near[:3]))}?" if near else "check its spelling."
    return UsageError(
        f"{client.venue} lists no contract {symbol!r}; {hint} Contracts that were delisted are "
        "only in archives: see `backtest import`."
    )


def _add(found: Plan, client: Client, wish: Wish, market: Any, now: int) -> None:
    venue, symbol = client.venue, market["symbol"]
    if not market.get("contract") or market.get("option"):
        kind = "an option" if market.get("option") else "a spot market"
        other = find(client, market["base"])
        hint = f"; its perpetual is {other['symbol']!r}" if other else ""
        raise UsageError(f"{symbol!r} is {kind} of {venue}, which has no margin to test{hint}.")
    if market.get("active") is False:
        found.notes.append(f"{venue} no longer trades {symbol}; its history is fetched as it is")
    before = len(found.series)
    for kind in dict.fromkeys(wish.kinds):
        _add_kind(found, client, wish, market, kind, now)
    if len(found.series) == before:
        found.notes.append(f"{venue} has nothing of {symbol} that was asked for")


def _add_kind(found: Plan, client: Client, wish: Wish, market: Any, kind: str, now: int) -> None:
    api, venue, symbol = api_of(client.venue), client.venue, market["symbol"]
    since = BEGINNING if wish.since is None else wish.since
    stop = min(now, wish.until or now)
    if kind == "funding":
        if not market.get("swap"):
            found.notes.append(f"{symbol} is no perpetual and has no funding")
            return
        kept = api.settled.kept
        if kept and since < now - kept:
            days = kept // UNITS["d"]
            found.notes.append(
                f"{venue} keeps about {days} days of funding, and no more is fetched"
            )
            since = now - kept
        if since < stop:
            name = SeriesName(venue, symbol, kind, FUNDING_NAME)
            found.series.append((name, market, since, stop))
        return
    if kind not in api.rows:
        hint = f": {api.unmarked}" if kind == "mark" else ""
        found.notes.append(f"{venue} has no history of {kind} candles{hint}")
        return
    step = timeframe_ms(wish.timeframe)
    first, stop = -(-since // step) * step, min(stop, now - FINISHED) // step * step
    oldest = now // step * step - api.kept * step
    if api.kept and first < oldest:
        first = oldest
        found.notes.append(
            f"{venue} keeps its last {api.kept:,} candles: {wish.timeframe} since "
            f"{time_text(first)}"
        )
    if first < stop:
        found.series.append((SeriesName(venue, symbol, kind, wish.timeframe), market, first, stop))
