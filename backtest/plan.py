"""What a run consists of: which venue's rules on which venue's prices, over which span."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from . import venues
from .config import HOUR, RunConfig, format_time
from .core.types import InitialRate
from .errors import DataError, UnknownNameError, UsageError
from .market.store import Store
from .market.stream import SymbolData
from .venues import Rulebook
from .venues.symbols import STABLE, twin


@dataclass(frozen=True)
class Account:
    """One venue's rules to run: its symbols, and the venue and symbols that give the prices.

    `names` are the symbols as the run names them, `assets` the settle assets, `pools` the
    number of each symbol's settle asset.
    """

    rulebook: Rulebook
    names: tuple[str, ...]
    symbols: tuple[str, ...]
    price_venue: str
    price_symbols: tuple[str, ...]
    assets: tuple[str, ...]
    pools: tuple[int, ...]

    @property
    def venue(self) -> str:
        """ccxt id of the venue whose rules run."""
        return self.rulebook.id

    @property
    def source(self) -> tuple[str, tuple[str, ...]]:
        """Accounts with the same source share one stream."""
        return self.price_venue, self.price_symbols


@dataclass(frozen=True)
class Span:
    """Bars with since <= open < until, milliseconds UTC."""

    since: int
    until: int


def plan_accounts(config: RunConfig, store: Store) -> list[Account]:
    """One account per venue, in the order the venues were named."""
    books = [venues.load(venue) for venue in config.venues]
    return [_account(config, store, book) for book in books]


def _account(config: RunConfig, store: Store, book: Rulebook) -> Account:
    symbols = tuple(book.match(symbol) for symbol in config.symbols)
    _refuse_same_contract(config.symbols, symbols, book.id)
    price_venue = config.prices or book.id
    if not store.venues():
        raise DataError(
            f"there is no venue folder in {store.root}; give a folder laid out as "
            "VENUE/SYMBOL/KIND/1h.parquet with --data."
        )
    if price_venue not in store.venues():
        raise UnknownNameError(
            f"price venue in {store.root}", price_venue, store.venues(), "Name one with --prices."
        )
    wanted = config.symbols if config.prices else symbols
    priced = tuple(_price_symbol(store, price_venue, symbol) for symbol in wanted)
    settles = [book.instrument(symbol).settle for symbol in symbols]
    assets = tuple(dict.fromkeys(settles))
    pools = tuple(assets.index(settle) for settle in settles)
    return Account(book, config.symbols, symbols, price_venue, priced, assets, pools)


def _refuse_same_contract(names: Sequence[str], symbols: Sequence[str], venue: str) -> None:
    for number, symbol in enumerate(symbols):
        if symbol in symbols[:number]:
            first = names[symbols.index(symbol)]
            raise UsageError(
                f"{first} and {names[number]} are both {symbol} on {venue}; name only one of them."
            )


def _price_symbol(store: Store, venue: str, symbol: str) -> str:
    known = store.symbols(venue)
    for name in (symbol, *(twin(symbol, settle) for settle in STABLE)):
        if name in known:
            return str(name)
    raise UnknownNameError(f"symbol of {venue} in {store.root}", symbol, known)


def symbol_data(config: RunConfig, store: Store, account: Account) -> list[SymbolData]:
    """The series of every symbol of an account's prices.

    Where the data do not say how often funding is settled, the venue that gives the prices
    says it, and if that has no rulebook, the account's own.
    """
    data = []
    for symbol, rule_symbol in zip(account.price_symbols, account.symbols, strict=True):
        venue = account.price_venue
        one = SymbolData(
            store.series(venue, symbol, "trade", config.timeframe),
            store.find(venue, symbol, "mark", config.timeframe),
            store.find(venue, symbol, "funding"),
        )
        if venue in venues.known():
            hours = venues.load(venue).funding_interval_hours(symbol)
        else:
            hours = account.rulebook.funding_interval_hours(rule_symbol)
        data.append(replace(one, funding_interval_ms=int(hours * HOUR)))
    return data


def common_span(config: RunConfig, sources: Sequence[Sequence[SymbolData]]) -> Span:
    """The bars that every source has, cut to what was asked for."""
    bar = config.timeframe_ms
    starts = [min(d.trade.first for d in data) for data in sources]
    ends = [max(d.trade.last for d in data) + bar for data in sources]
    since, until = max(starts), min(ends)
    if config.since is not None:
        since = max(since, config.since)
    if config.until is not None:
        until = min(until, config.until)
    if since < until:
        return Span(since, until)
    have = "; ".join(
        f"{data[0].trade.venue} {format_time(a)} to {format_time(b)}"
        for data, a, b in zip(sources, starts, ends, strict=True)
    )
    if len(sources) == 1:
        raise DataError(
            f"there are no bars of {config.timeframe} in the span asked for ({have}); "
            "change --since and --until."
        )
    raise DataError(
        f"no bars of {config.timeframe} are common to all venues in the span asked for ({have}); "
        "change --since and --until, or run all rules on one venue's prices with --prices."
    )


def account_rules(config: RunConfig, account: Account, span: Span) -> list[NDArray[Any]]:
    """Each symbol's rules over the span; refuses a leverage the venue never allowed in it."""
    rules = []
    for symbol in account.symbols:
        one = venues.resolve(
            account.rulebook, symbol, span.since, span.until, mode=config.margin,
            leverage=config.leverage, overrides=config.rules, strict=config.strict_rules,
            as_of=config.rules_as_of,
        )  # fmt: skip
        highest = float(one["max_leverage"][:, 0].max())
        chosen = (one["initial_rate"] != InitialRate.TABLE).any()
        if chosen and config.leverage > highest + 1e-9:
            raise UsageError(
                f"leverage {config.leverage:g} is over the maximum of {highest:g} for {symbol} "
                f"on {account.venue}; lower --leverage."
            )
        rules.append(one)
    return rules
