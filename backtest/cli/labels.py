"""Symbols as short as a table needs them."""

from collections.abc import Sequence

from .text import shorten

COIN_WIDTH, BREAK = 8, "\n-"


def labels(symbols: Sequence[str]) -> dict[str, str]:
    """A label for each symbol: its coin, with the date of a dated future on a second line.

    Where two would read the same, the pair, and if that does not part them the whole symbol.
    """
    for form in (_coin, _pair, _whole):
        found = {symbol: form(symbol) for symbol in symbols}
        if len(set(found.values())) == len(found):
            break
    return found


def folded(symbol: str) -> str:
    """A symbol whose date stands on a second line: `BTC/USD:BTC` over `-260327`."""
    family, dash, date = symbol.partition("-")
    return f"{family}{BREAK}{date}" if dash else symbol


def _coin(symbol: str) -> str:
    coin, _, rest = symbol.partition("/")
    _, dash, date = rest.partition("-")
    return f"{shorten(coin, COIN_WIDTH)}{BREAK if dash else ''}{date}"


def _pair(symbol: str) -> str:
    pair, _, rest = symbol.partition(":")
    _, dash, date = rest.partition("-")
    return f"{pair}{BREAK if dash else ''}{date}"


def _whole(symbol: str) -> str:
    return folded(symbol)
