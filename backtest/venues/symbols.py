"""ccxt symbols: contracts that stand for each other, dates, and what a mistyped one may mean."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

STABLE = ("USDT", "USDC", "USD")
"""Settle assets whose linear perpetuals of one base stand for each other on another venue."""
ORDER = ("linear", "inverse", "quanto")
"""Which of a venue's perpetuals a coin alone means."""
_PERPETUAL = re.compile(r"([^/:\-\s]+)/([^/:\-\s]+):([^/:\-\s]+)")
_DATED = re.compile(r"(.+:[^:\-]+)-(\d{6})")


def linear_base(symbol: str) -> str | None:
    """The base of a linear perpetual in a stablecoin; None for any other symbol."""
    found = _PERPETUAL.fullmatch(symbol)
    if found is None or found[2] not in STABLE or found[3] not in STABLE:
        return None
    return found[1]


def dated(symbol: str) -> tuple[str, int]:
    """(family, midnight of the last day in ms) of a dated future; ("", 0) for other symbols."""
    found = _DATED.fullmatch(symbol)
    if found is None:
        return "", 0
    try:
        day = datetime.strptime(found[2], "%y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return "", 0
    return f"{found[1]}-*", int(day.timestamp() * 1000)


def same_base(symbol: str, contracts: Iterable[Any], settle: str) -> str | None:
    """The perpetual that a symbol stands for among a venue's contracts; None if there is none.

    A linear perpetual stands for one, in the venue's own `settle` asset first; a coin alone for
    the venue's main perpetual of it.
    """
    base = linear_base(symbol)
    kinds = ("linear",) if base else ORDER
    coin = base or symbol
    found = [c for c in contracts if c.base == coin and c.contract in kinds and "-" not in c.symbol]
    found.sort(key=lambda c: (ORDER.index(c.contract), c.settle != settle, c.symbol))
    return str(found[0].symbol) if found else None


def is_other_contract(symbol: str) -> bool:
    """Whether a symbol is well formed and names no linear perpetual: inverse, dated, an option."""
    base, slash, rest = symbol.partition("/")
    return bool(base and slash and ":" in rest) and linear_base(symbol.upper()) is None


def meant(symbol: str, known: Iterable[str]) -> list[str]:
    """Known symbols that another spelling may stand for: `BTCUSDT`, `btc`, `BTC-USDT-SWAP`, `BTCC`.

    A pair wins over a coin, a coin over one that is spelled much like it.
    """
    letters = re.sub(r"[^A-Z0-9]", "", symbol.upper())
    pairs = {name: name.partition(":")[0].replace("/", "").upper() for name in known}
    close = [name for name, pair in pairs.items() if letters.startswith(pair)]
    longest = max((len(pairs[name]) for name in close), default=0)
    if close:
        return [name for name in close if len(pairs[name]) == longest]
    return _of_coin(symbol, sorted(pairs))


def _of_coin(symbol: str, known: list[str]) -> list[str]:
    """The coin that a coin alone may mean, or the symbols of the coin that another one begins with.

    Coins of three letters are too many to be near misses of each other.
    """
    coins = {name.partition("/")[0].upper(): name.partition("/")[0] for name in known}
    coin = _coin(symbol)
    same = [coin] if coin in coins else get_close_matches(coin, sorted(coins), n=2, cutoff=0.7)
    if coin == symbol.upper():
        return [coins[one] for one in same]
    found = [name for name in known if name.partition("/")[0].upper() in same]
    linear = [name for name in found if linear_base(name)]
    return linear if linear and linear_base(symbol.upper()) else found


def _coin(symbol: str) -> str:
    """The coin that a spelling begins with: what is before a separator or a stablecoin."""
    first = re.split(r"[^A-Z0-9]", symbol.upper().strip())[0]
    ends = [end for end in STABLE if first.endswith(end) and first != end]
    return first.removesuffix(ends[0]) if ends else first
