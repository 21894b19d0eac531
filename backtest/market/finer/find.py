"""Which finer series a store has for the symbols of a run."""

from collections.abc import Sequence

from backtest.config import DETAIL_TOLERANCE as TOLERANCE
from backtest.errors import DataError, UsageError
from backtest.market.feed import SymbolData
from backtest.market.finer.agreement import Agreement
from backtest.market.finer.finer import Finer
from backtest.market.finer.symbol import FinerSymbol
from backtest.market.finer.window import Window
from backtest.market.funding import FundingPolicy
from backtest.market.layout import timeframe_ms
from backtest.market.store import Store

OFF = "off"
"""The word that stands for no finer series at all."""


def find_finer(
    store: Store,
    data: Sequence[SymbolData],
    detail: str | None = None,
    *,
    missing_funding: FundingPolicy = "zero",
    tolerance: float = TOLERANCE,
) -> Finer | None:
    """The finer series of symbols that have one timeframe; None where there is none, or `OFF`.

    Used are all timeframes that divide the run's, or `detail` alone. `missing_funding` is that of
    the run's stream. Finer candles may part from the bar they make up by the fraction `tolerance`.
    Raises UsageError for a detail that is no part of a bar or a tolerance outside [0, 1), DataError
    where no symbol has trade candles of the detail asked for, or a file is broken.
    """
    if not 0.0 <= tolerance < 1.0:
        raise UsageError(
            f"the tolerance of finer data is {tolerance}; give a fraction from 0 to below 1, "
            "such as 0.001 for 0.1 %."
        )
    if detail == OFF:
        return None
    bar = data[0].trade.timeframe
    lengths = _lengths(store, data, detail)
    if not lengths:
        return None
    found = [
        FinerSymbol(
            one, _windows(store, one, "trade", lengths), _windows(store, one, "mark", lengths),
            missing_funding,
        ) for one in data
    ]  # fmt: skip
    return Finer(found, {timeframe_ms(bar): bar, **lengths}, Agreement(tolerance))


def _lengths(store: Store, data: Sequence[SymbolData], detail: str | None) -> dict[int, str]:
    """The timeframes to use that some symbol has trade candles of, by their length in ms."""
    bar = data[0].trade.timeframe
    if detail is not None and not _divides(detail, bar):
        raise UsageError(
            f"--timeframe-detail {detail} is no part of the run's bars ({bar}); give a shorter "
            f"timeframe that divides {bar}, or {OFF}."
        )
    names = {n for one in data for n in _names(store, one) if _divides(n, bar)}
    if detail is not None and detail not in names:
        raise _missing(store, data, detail, sorted(names, key=timeframe_ms))
    chosen = names if detail is None else {detail}
    return {timeframe_ms(name): name for name in sorted(chosen)}


def _names(store: Store, one: SymbolData) -> list[str]:
    return store.timeframes(one.trade.venue, one.symbol, "trade")


def _divides(finer: str, bar: str) -> bool:
    length, whole = timeframe_ms(finer), timeframe_ms(bar)
    return length < whole and whole % length == 0


def _windows(
    store: Store, one: SymbolData, kind: str, lengths: dict[int, str]
) -> dict[int, Window]:
    """The windows of one kind; a mark that the run does not have is not read finer either."""
    bar_ms = timeframe_ms(one.trade.timeframe)
    if kind == "mark" and one.mark_for(bar_ms) is None:
        return {}
    found = {ms: store.find(one.trade.venue, one.symbol, kind, n) for ms, n in lengths.items()}
    return {ms: Window(s, ms, volume=kind == "trade") for ms, s in found.items() if s is not None}


def _missing(store: Store, data: Sequence[SymbolData], detail: str, names: list[str]) -> DataError:
    symbols, venue = ", ".join(one.symbol for one in data), data[0].trade.venue
    there = f"there are {', '.join(names)}: name one of these" if names else "there are none finer"
    return DataError(
        f"no {detail} trade candles of {symbols} on {venue} in {str(store.root)!r} for "
        f"--timeframe-detail; {there}, add the file, or give {OFF}."
    )
