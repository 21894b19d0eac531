"""What a run consists of: which venue's rules on which venue's prices, over which span."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from numpy.typing import NDArray

from . import venues
from .config import RunConfig, format_time
from .core.state import UNPRICED
from .core.types import InitialRate
from .errors import BacktestError, DataError, UnknownNameError, UsageError
from .market.store import Store
from .market.stream import SymbolData
from .pricing import price_symbol, priced_by, schedules, series_of
from .venues import Rulebook
from .venues.model import ALWAYS

T = TypeVar("T")
Source = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Account:
    """One venue's rules to run: its symbols, and the venue and symbols that give the prices.

    `names` are the symbols as the run names them, `assets` the settle assets, `pools` the
    number of each symbol's settle asset, `priced_by` for each asset the number of the symbol
    whose mark is its price in USD (or IS_USD, UNPRICED).
    """

    rulebook: Rulebook
    names: tuple[str, ...]
    symbols: tuple[str, ...]
    price_venue: str
    price_symbols: tuple[str, ...]
    assets: tuple[str, ...]
    pools: tuple[int, ...]
    priced_by: tuple[int, ...]

    @property
    def venue(self) -> str:
        """ccxt id of the venue whose rules run."""
        return self.rulebook.id

    @property
    def source(self) -> Source:
        """Accounts with the same source share one stream."""
        return self.price_venue, self.price_symbols


@dataclass(frozen=True)
class Span:
    """Bars with since <= open < until, milliseconds UTC."""

    since: int
    until: int


@dataclass
class Group:
    """Accounts that share one source of prices, and so one pass over its stream."""

    accounts: list[Account]
    data: list[SymbolData]
    span: Span

    @property
    def symbols(self) -> list[str]:
        """What strategies and order files call the symbols: as the run names them."""
        return list(self.accounts[0].names)


@dataclass
class Refusals:
    """Venues that cannot take a run, each with its sentence: an error, or left out if asked."""

    skip: bool
    several: bool
    left_out: dict[str, str] = field(default_factory=dict)

    def ask(self, venue: str, question: Callable[[], T]) -> T | None:
        """The answer, or None where the venue refuses and is to be left out."""
        try:
            return question()
        except BacktestError as error:
            if not self.skip or not self.several:
                if self.several:
                    error.args = (f"{error} Or leave {venue} out with --skip-refused.",)
                raise
            self.left_out[venue] = str(error)
            return None


@dataclass(frozen=True)
class Plan:
    """The groups of a run, and why a venue is left out of it."""

    groups: list[Group]
    left_out: dict[str, str]


def plan_run(config: RunConfig, store: Store) -> Plan:
    """All accounts by their source of prices and over their common span.

    A venue that cannot take the run is an error, or with `skip_refused` left out; an error too if
    that leaves nobody.
    """
    refusals = Refusals(config.skip_refused, len(config.venues) > 1)
    accounts = plan_accounts(config, store, refusals)
    series = _series(config, store, accounts, refusals)
    while True:
        accounts = [a for a in accounts if a.venue not in refusals.left_out]
        if not accounts:
            first = next(iter(refusals.left_out.values()))
            raise UsageError(f"no venue can take this run; the first says: {first}")
        sources = {a.source: series[a.source] for a in accounts}
        span = common_span(config, list(sources.values()))
        for one in accounts:
            refusals.ask(one.venue, partial(account_rules, config, one, span))
        if not {a.venue for a in accounts} & set(refusals.left_out):
            parts = {source: [a for a in accounts if a.source == source] for source in sources}
            groups = [Group(parts[source], data, span) for source, data in sources.items()]
            left_out = {v: refusals.left_out[v] for v in config.venues if v in refusals.left_out}
            return Plan(groups, left_out)


def plan_accounts(config: RunConfig, store: Store, refusals: Refusals) -> list[Account]:
    """One account per venue, in the order the venues were named."""
    books = [venues.load(venue) for venue in config.venues]
    asked = [refusals.ask(b.id, partial(_account, config, store, b)) for b in books]
    return [account for account in asked if account is not None]


def _series(
    config: RunConfig, store: Store, accounts: Sequence[Account], refusals: Refusals
) -> dict[Source, list[SymbolData]]:
    """The series of every source, each with bars in the span asked for."""
    found: dict[Source, list[SymbolData]] = {}
    for account in accounts:
        if account.source in found:
            continue
        data = refusals.ask(account.venue, partial(symbol_data, config, store, account))
        if data is not None:
            found[account.source] = data
    return found


def _account(config: RunConfig, store: Store, book: Rulebook) -> Account:
    symbols = tuple(book.match(symbol) for symbol in config.symbols)
    _refuse_same_contract(config.symbols, symbols, book.id)
    _refuse_one_way_venue(config, book)
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
    priced = tuple(price_symbol(store, price_venue, symbol) for symbol in wanted)
    settles = [book.instrument(symbol).settle for symbol in symbols]
    assets = tuple(dict.fromkeys(settles))
    pools = tuple(assets.index(settle) for settle in settles)
    coins = tuple(priced_by(symbols, asset) for asset in assets)
    _refuse_unpriced(config, book.id, dict(zip(assets, coins, strict=True)))
    return Account(book, config.symbols, symbols, price_venue, priced, assets, pools, coins)


def _refuse_same_contract(names: Sequence[str], symbols: Sequence[str], venue: str) -> None:
    for number, symbol in enumerate(symbols):
        if symbol in symbols[:number]:
            first = names[symbols.index(symbol)]
            raise UsageError(
                f"{first} and {names[number]} are both {symbol} on {venue}; name only one of them."
            )


def _refuse_one_way_venue(config: RunConfig, book: Rulebook) -> None:
    if config.hedge and "hedge.legs" not in book.decisions:
        raise UsageError(
            f"{book.id} has no hedge mode: it holds one position per symbol; run it with "
            "--position-mode one_way, or leave it out of --venue."
        )


def _refuse_unpriced(config: RunConfig, venue: str, coins: dict[str, int]) -> None:
    for asset, number in coins.items():
        if number == UNPRICED and config.cash_in == "usd":
            raise UsageError(
                f"{venue} settles in {asset} here and no symbol of the run prices {asset} in USD, "
                f"so cash of {config.cash:g} USD cannot buy it; add {asset} to --symbol, or give "
                f"--cash in {asset} with --cash-in settle."
            )


def symbol_data(config: RunConfig, store: Store, account: Account) -> list[SymbolData]:
    """The series of every symbol of an account's prices.

    Where the data do not say when funding is settled, the venue that gives the prices says it,
    and if that has no rulebook, the account's own.
    """
    data, venue = [], account.price_venue
    for symbol, rule_symbol in zip(account.price_symbols, account.symbols, strict=True):
        if venue in venues.known():
            turns = schedules(venues.load(venue), symbol)
        else:
            turns = schedules(account.rulebook, rule_symbol)
        data.append(series_of(store, venue, symbol, config.timeframe, turns))
    common_span(config, [data])
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
    _refuse_before_start(config, account, span)
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


def rules_begin(book: Rulebook) -> int:
    """The date of a venue's first dated rule, ms; before it the first ones serve."""
    dates = (one.valid_from for history in book.decisions.values() for one in history)
    return min((date for date in dates if date > ALWAYS), default=ALWAYS)


def _refuse_before_start(config: RunConfig, account: Account, span: Span) -> None:
    """Refuse a date of rules before the venue's first, and its own prices from before them.

    On another venue's prices the first rules serve before their date, as a comparison of rules.
    """
    start, frozen = rules_begin(account.rulebook), config.rules_as_of
    own = account.price_venue == account.venue
    if frozen is not None and frozen < start:
        when = f"--rules-as-of is {format_time(frozen)[:10]}"
    elif frozen is None and own and span.until <= start:
        when = f"the run ends on {format_time(span.until)[:10]}"
    else:
        return
    raise UsageError(
        f"the rules of {account.venue} begin on {format_time(start)[:10]}, and {when}; give a "
        "later date."
    )
