"""Which series price an account, when funding is settled, and what prices a coin in USD."""

from collections.abc import Sequence
from dataclasses import replace

from . import venues
from .config import HOUR
from .core.state import IS_USD, UNPRICED
from .errors import DataError, instead
from .market.funding import Schedule
from .market.store import Store
from .market.stream import SymbolData
from .venues import Rulebook
from .venues.model import ALWAYS
from .venues.symbols import STABLE, dated


def price_symbol(store: Store, venue: str, symbol: str) -> str:
    """The series of a venue that prices a symbol: its own, or a perpetual of the same coin.

    Of those the venue's main one comes first, then linear ones before inverse ones. A dated future
    has only its own: its price is not that of the perpetual.
    """
    known = store.symbols(venue)
    if symbol in known:
        return symbol
    coin = symbol.partition("/")[0]
    same = [s for s in known if s.partition("/")[0] == coin and not dated(s)[0]]
    if not same or dated(symbol)[0]:
        raise DataError(
            f"there are no prices of {symbol} of {venue} in {store.root}; "
            f"{instead(symbol, known)} Add the files, or name another venue with --prices."
        )
    main = _main(venue, coin)
    return min(same, key=lambda s: (s != main, *_rank(s), s))


def _main(venue: str, coin: str) -> str:
    book = venues.load(venue) if venue in venues.known() else None
    if book is None or not any(one.base == coin for one in book.instruments.values()):
        return ""
    return book.match(coin)


def _rank(symbol: str) -> tuple[bool, int]:
    """Contracts that settle in dollars first, by the order of STABLE."""
    settle = symbol.rpartition(":")[2]
    return settle not in STABLE, STABLE.index(settle) if settle in STABLE else 0


def series_of(
    store: Store, venue: str, symbol: str, timeframe: str, schedules: tuple[Schedule, ...]
) -> SymbolData:
    """The series of one symbol; a dated future has no funding."""
    data = SymbolData(
        store.series(venue, symbol, "trade", timeframe),
        store.find(venue, symbol, "mark", timeframe),
        store.find(venue, symbol, "funding"),
        schedules,
    )
    return replace(data, funding=None, schedules=()) if dated(symbol)[0] else data


def schedules(book: Rulebook, symbol: str) -> tuple[Schedule, ...]:
    """When a venue settles funding, date by date, by its rulebook."""
    instrument = book.instruments.get(symbol)
    own = instrument.sizes.get("funding_interval_hours") if instrument else None
    intervals = own or book.history("funding.interval_hours")
    histories = (intervals, book.history("funding.phase_hours"))
    dates = sorted({one.valid_from for history in histories for one in history} - {ALWAYS})
    found = []
    for date in dates or [0]:
        interval = book.funding_interval_hours(symbol, date)
        phase = book.at("funding.phase_hours", date).number % interval
        found.append(Schedule(date, int(interval * HOUR), int(phase * HOUR)))
    return tuple(found)


def priced_by(symbols: Sequence[str], asset: str) -> int:
    """The number of the symbol whose mark is an asset's price in USD; IS_USD for a stablecoin.

    UNPRICED if no symbol of the run is on that coin against dollars.
    """
    if asset in STABLE:
        return int(IS_USD)
    for number, symbol in enumerate(symbols):
        base, _, rest = symbol.partition("/")
        if base == asset and rest.partition(":")[0] in STABLE:
            return number
    return int(UNPRICED)
