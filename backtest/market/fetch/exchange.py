"""The one place that imports ccxt: an exchange, live or on recorded answers."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ...errors import DataError, UnknownNameError
from ...venues.model import Instrument, Rulebook
from .answers import Answers, NoAnswerError

KEYS = {"apiKey": "API_KEY", "secret": "API_SECRET", "password": "API_PASSWORD"}
MARKET_TYPES = {
    "okx": ["swap", "future"],
    "bybit": ["linear", "inverse"],
    "gate": ["swap"],
    "bitget": ["swap"],
}
"""Kinds of markets to load, where ccxt would load spot and options too."""


def open_exchange(venue: str, book: Rulebook, answers: Answers | None = None) -> Any:
    """ccxt's exchange of a venue with its markets loaded.

    With `answers` nothing is sent: they are looked up instead, and markets that were not recorded
    are those of the rulebook. Keys for signed answers are read from VENUE_API_KEY and
    VENUE_API_SECRET (and VENUE_API_PASSWORD).
    """
    import ccxt

    if venue not in ccxt.exchanges:
        raise UnknownNameError("exchange of ccxt", venue, ccxt.exchanges, "Import a file instead.")
    exchange = getattr(ccxt, venue)({"enableRateLimit": answers is None, **_keys(venue, answers)})
    exchange.has["fetchCurrencies"] = False
    if answers is None:
        _only(exchange, MARKET_TYPES.get(venue, []))
        with asking(venue, "its markets"):
            exchange.load_markets()
    else:
        exchange.fetch = answers.fetch
        exchange.set_markets(_recorded_markets(exchange, book))
    return exchange


def version() -> str:
    """ccxt's version."""
    import ccxt

    return str(ccxt.__version__)


@contextmanager
def asking(venue: str, what: str) -> Iterator[None]:
    """Turn ccxt's errors into one sentence about what was asked."""
    import ccxt

    try:
        yield
    except ccxt.AuthenticationError as error:
        name = venue.upper()
        raise DataError(
            f"{venue} gives {what} to signed requests only; set {name}_API_KEY and "
            f"{name}_API_SECRET (a key that may only read is enough) or import a recorded file."
        ) from error
    except ccxt.NotSupported as error:
        raise DataError(f"ccxt has no {what} for {venue}; import a table instead.") from error
    except ccxt.BaseError as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise DataError(
            f"{venue} did not give {what} ({type(error).__name__}: {reason}); try again later."
        ) from error


def _keys(venue: str, answers: Answers | None) -> dict[str, str]:
    if answers is not None:
        return dict.fromkeys(KEYS, "recorded")
    found = {key: os.environ.get(f"{venue.upper()}_{name}") for key, name in KEYS.items()}
    return {key: value for key, value in found.items() if value}


def _only(exchange: Any, kinds: list[str]) -> None:
    if kinds:
        exchange.options["fetchMarkets"] = {"types": kinds}


def _recorded_markets(exchange: Any, book: Rulebook) -> list[Any]:
    """The markets that were recorded, kind by kind; without any the rulebook's perpetuals."""
    found: list[Any] = []
    for kind in MARKET_TYPES.get(exchange.id, [""]):
        _only(exchange, [kind] if kind else [])
        with suppress(NoAnswerError), asking(exchange.id, "its markets"):
            found += exchange.fetch_markets()
    perpetuals = [i for i in book.instruments.values() if "-" not in i.symbol]
    return found or [_market(exchange.safe_market_structure, i) for i in perpetuals]


def _market(structure: Callable[[dict[str, Any]], Any], one: Instrument) -> Any:
    """A market of ccxt's for a perpetual that the rulebook knows."""
    quote = one.symbol.partition("/")[2].partition(":")[0]
    return structure(
        {
            "id": one.id,
            "symbol": one.symbol,
            "base": one.base,
            "quote": quote,
            "settle": one.settle,
            "baseId": one.base,
            "quoteId": quote,
            "settleId": one.settle.lower(),
            "type": "swap",
            "contract": True,
            "spot": False,
            "swap": True,
            "linear": one.contract == "linear",
            "inverse": one.contract == "inverse",
            "active": True,
            "info": {"instFamily": one.id.removesuffix("-SWAP")},
        }
    )
