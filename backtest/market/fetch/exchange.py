"""The one place that imports ccxt: an exchange, live or on recorded answers."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from ...errors import DataError, UnknownNameError
from ...venues.model import Instrument, Rulebook
from .answers import Answers, NoAnswerError
from .pace import Pace

KEYS = {"apiKey": "API_KEY", "secret": "API_SECRET", "password": "API_PASSWORD"}
MARKET_TYPES = {
    "okx": ["swap", "future"],
    "bybit": ["linear", "inverse"],
    "gate": ["swap"],
    "bitget": ["swap"],
}
"""Kinds of markets to load, where ccxt would load spot and options too."""
SHARED = ("markets", "markets_by_id", "symbols", "ids", "currencies", "currencies_by_id", "options")
"""What an exchange with loaded markets gives to another of the same venue."""
TIMEOUT = 15_000
"""How long an answer may take to begin, in ms."""
ERRORS, FORBIDDEN, UNAVAILABLE = 300, 403, 451
ABROAD = ("country", "region", "location", "jurisdiction", "geo")
"""Words of a refusal that is about where the request comes from."""
SHOWN = 160


class TransientError(DataError):
    """An exchange did not answer as it should; the same request may succeed later."""


class AbroadError(DataError):
    """An exchange does not serve the place that the request comes from."""


def open_exchange(venue: str, book: Rulebook, answers: Answers | None = None) -> Any:
    """ccxt's exchange of a venue with its markets loaded.

    With `answers` nothing is sent: they are looked up instead, and markets that were not recorded
    are those of the rulebook. Keys for signed answers are read from VENUE_API_KEY and
    VENUE_API_SECRET (and VENUE_API_PASSWORD).
    """
    exchange = _create(venue, {"enableRateLimit": answers is None, **_keys(venue, answers)})
    if answers is None:
        _only(exchange, MARKET_TYPES.get(venue, []))
        with asking(venue, "its markets"):
            exchange.load_markets()
    else:
        exchange.fetch = answers.fetch
        exchange.set_markets(_recorded_markets(exchange, book))
    return exchange


def public_exchange(venue: str, pace: Pace, url: str = "", like: Any = None) -> Any:
    """ccxt's exchange of a venue without keys, which asks at a pace shared with others.

    `url` is asked in place of the venue's own addresses. Markets are those of the exchange `like`;
    without one they have yet to be loaded.
    """
    exchange = _create(venue, {"enableRateLimit": True, "timeout": TIMEOUT})
    _only(exchange, MARKET_TYPES.get(venue, []))
    if url:
        exchange.urls["api"] = _moved(exchange, exchange.urls["api"], f"{url.rstrip('/')}/{venue}")
    exchange.throttle = lambda cost=None: pace.wait(exchange.rateLimit * (cost or 1))
    exchange.milliseconds = pace.now
    exchange.seconds = lambda: pace.now() // 1000
    exchange.on_rest_response = partial(_look, pace)
    exchange.on_json_response = partial(_parse, venue, exchange.on_json_response)
    for name in SHARED if like is not None else ():
        setattr(exchange, name, getattr(like, name))
    return exchange


def _create(venue: str, settings: Mapping[str, Any]) -> Any:
    import ccxt

    if venue not in ccxt.exchanges:
        raise UnknownNameError("exchange of ccxt", venue, ccxt.exchanges, "Import a file instead.")
    exchange = getattr(ccxt, venue)(dict(settings))
    exchange.has["fetchCurrencies"] = False
    return exchange


def _moved(exchange: Any, urls: Any, base: str) -> Any:
    """Addresses with their paths under another server."""
    if isinstance(urls, Mapping):
        return {name: _moved(exchange, one, base) for name, one in urls.items()}
    return base + urlsplit(urls.replace("{hostname}", "host")).path if urls else urls


def _look(pace: Pace, code: int, reason: str, *answer: Any) -> str:
    """Look at an answer before ccxt does: its date, how long to wait, whether it is whole."""
    _, _, headers, text, *_ = answer
    pace.heard(headers.get("Date"))
    if code == UNAVAILABLE or (code == FORBIDDEN and any(w in text.lower() for w in ABROAD)):
        raise AbroadError(
            f"{pace.venue} does not serve requests from this place (HTTP {code}); fetch from "
            "another or bring an archive in with `backtest import`."
        )
    wait = headers.get("Retry-After", "")
    if wait.isdigit():
        pace.pause(float(wait))
    if code < ERRORS and text.lstrip()[:1] not in ("[", "{"):
        raise TransientError(f"{pace.venue} gave an answer that is no JSON; try again later.")
    return str(text)


def _parse(venue: str, parse: Callable[[str], Any], text: str) -> Any:
    """An answer as ccxt reads it; ccxt itself would go on with the text of one that is broken."""
    try:
        return parse(text)
    except json.JSONDecodeError as error:
        raise TransientError(f"{venue} gave an answer that is cut off; try again later.") from error


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
    except ccxt.BadSymbol as error:
        raise DataError(
            f"{venue} does not know a market it was asked for ({_short(error)})."
        ) from error
    except ccxt.BaseError as error:
        reason = f"{venue} did not give {what} ({type(error).__name__}: {_short(error)})"
        if isinstance(error, ccxt.NetworkError) or isinstance(error.__cause__, OSError):
            raise TransientError(f"{reason}; try again later.") from error
        raise DataError(f"{reason}; check what was asked for, or try again later.") from error
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise TransientError(
            f"{venue} gave {what} in a form that ccxt {version()} cannot read "
            f"({type(error).__name__}); try again later or install a newer ccxt."
        ) from error


def _short(error: Exception) -> str:
    """The first line of an error without the values of keys, which an address may hold."""
    text = (str(error).splitlines() or [""])[0]
    for name, value in os.environ.items():
        if value and name.endswith(tuple(KEYS.values())):
            text = text.replace(value, "***")
    return text[:SHOWN]


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
