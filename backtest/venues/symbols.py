"""ccxt symbols: which of them are linear perpetuals, and what a mistyped one may have meant."""

import re
from collections.abc import Iterable

STABLE = ("USDT", "USDC")
"""Settle assets whose linear perpetuals of one base stand for each other on another venue."""
_PERPETUAL = re.compile(r"([^/:\-\s]+)/([^/:\-\s]+):([^/:\-\s]+)")


def twin(symbol: str, settle: str) -> str | None:
    """The linear perpetual of the same base in another stablecoin; None for any other symbol."""
    found = _PERPETUAL.fullmatch(symbol)
    if found is None or found[2] != found[3] or found[2] not in STABLE or settle not in STABLE:
        return None
    return f"{found[1]}/{settle}:{settle}"


def is_other_contract(symbol: str) -> bool:
    """Whether a symbol is well formed and names no linear perpetual: inverse, dated, an option."""
    base, slash, rest = symbol.partition("/")
    if not (base and slash and ":" in rest):
        return False
    return re.fullmatch(r"([^:\-]+):\1", rest) is None


def meant(symbol: str, known: Iterable[str]) -> list[str]:
    """Known symbols that another spelling may stand for: `BTCUSDT`, `btc`, `BTC-USDT-SWAP`."""
    letters = re.sub(r"[^A-Z0-9]", "", symbol.upper())
    pairs = {name: name.partition(":")[0].replace("/", "").upper() for name in known}
    close = [name for name, pair in pairs.items() if letters.startswith(pair)]
    return close or [name for name in pairs if name.partition("/")[0].upper() == letters]
