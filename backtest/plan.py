"""What a run consists of: which venue's rules on which venue's prices, over which span."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from numpy.typing import NDArray

from . import venues
from .accounts import Account, Source, make_account
from .config import RunConfig, format_time
from .core.types import InitialRate
from .coverage import refuse_untraded
from .errors import BacktestError, DataError, UsageError
from .market.finer import Finer, find_finer
from .market.store import Store
from .market.stream import SymbolData
from .pricing import schedules, series_of

T = TypeVar("T")


@dataclass(frozen=True)
class Span:
    """Bars with since <= open < until, milliseconds UTC."""

    since: int
    until: int


@dataclass
class Group:
    """Accounts that share one source of prices, and so one pass over its stream.

    `finer` has the bars inside the bars of `data`, if there are any.
    """

    accounts: list[Account]
    data: list[SymbolData]
    span: Span
    finer: Finer | None = None

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
    _first: BacktestError | None = None

    def nobody(self) -> BacktestError:
        """The error once every venue refused: of the kind of the first, as is its exit code."""
        kind = UsageError if isinstance(self._first, UsageError) else DataError
        return kind(f"no venue can take this run; the first says: {self._first}")

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
            self._first = self._first or error
            return None


@dataclass(frozen=True)
class Plan:
    """The groups of a run, and why a venue is left out of it."""

    groups: list[Group]
    left_out: dict[str, str]


def plan_run(config: RunConfig, store: Store, also: Callable[[Account], Any] | None = None) -> Plan:
    """All accounts by their source of prices and over their common span.

    `also` is asked of every account, and raises for one that cannot take the run.
    A venue that cannot take the run is an error, or with `skip_refused` left out; an error too if
    that leaves nobody.
    """
    refusals = Refusals(config.skip_refused, len(config.venues) > 1)
    accounts = plan_accounts(config, store, refusals)
    if also is not None:
        for one in accounts:
            refusals.ask(one.venue, partial(also, one))
        accounts = [a for a in accounts if a.venue not in refusals.left_out]
    series = _series(config, store, accounts, refusals)
    while True:
        accounts = [a for a in accounts if a.venue not in refusals.left_out]
        if not accounts:
            raise refusals.nobody()
        sources = {a.source: series[a.source] for a in accounts}
        span = common_span(config, list(sources.values()))
        for one in accounts:
            refusals.ask(one.venue, partial(_check, config, one, sources[one.source], span))
        if not {a.venue for a in accounts} & set(refusals.left_out):
            parts = {source: [a for a in accounts if a.source == source] for source in sources}
            groups = [
                Group(parts[source], data, span, _finer(config, store, data))
                for source, data in sources.items()
            ]
            left_out = {v: refusals.left_out[v] for v in config.venues if v in refusals.left_out}
            return Plan(groups, left_out)


def _finer(config: RunConfig, store: Store, data: Sequence[SymbolData]) -> Finer | None:
    return find_finer(
        store, data, config.timeframe_detail, missing_funding=config.funding_policy,
        tolerance=config.detail_tolerance,
    )  # fmt: skip


def plan_accounts(config: RunConfig, store: Store, refusals: Refusals) -> list[Account]:
    """One account per venue, in the order the venues were named."""
    books = [venues.load(venue) for venue in config.venues]
    asked = [refusals.ask(b.id, partial(make_account, config, store, b)) for b in books]
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


def _check(config: RunConfig, account: Account, data: list[SymbolData], span: Span) -> None:
    """Refuse a span in which an account's prices or rules are missing."""
    refuse_untraded(data, span.since, span.until)
    account_rules(config, account, span)


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


def _refuse_before_start(config: RunConfig, account: Account, span: Span) -> None:
    """Refuse a date of rules before the venue's first, and its own prices from before them.

    On another venue's prices the first rules serve before their date, as a comparison of rules.
    """
    start, frozen = account.rulebook.begins, config.rules_as_of
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
