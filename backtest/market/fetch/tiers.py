"""Leverage tiers asked from an exchange, or from its recorded answers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...errors import DataError, UsageError
from ...venues import load
from ...venues.draft import Draft
from ...venues.model import Rulebook, Source
from ..tiers.structures import Look, drafts_of
from ..tiers.traps import TRAPS
from .answers import Answers
from .exchange import asking, open_exchange, version

WHAT = "leverage tiers"
TICK_SIZE = 4
"""ccxt's mode in which a precision is a step, not a number of digits."""


def fetch_tiers(
    venue: str,
    symbols: Sequence[str] = (),
    *,
    mode: str = "",
    recorded: Path | None = None,
    date: datetime | None = None,
) -> list[Draft]:
    """A venue's tiers of today, or those of a recording made on `date`.

    `mode` asks for one margin mode, where the venue has a table for each. Symbols are ccxt's;
    none means all, or all that the rulebook has where a venue answers for one at a time.
    """
    book = load(venue)
    if venue not in TRAPS:
        raise DataError(f"ccxt has no {WHAT} for {venue}; import a table instead.")
    if recorded is not None and date is None:
        raise UsageError(f"{recorded} does not say of which day it is; give --date.")
    if TRAPS[venue].mode not in ("", mode or TRAPS[venue].mode):
        raise UsageError(f"{venue} gives {TRAPS[venue].mode} tiers only; change --margin.")
    exchange = open_exchange(venue, book, Answers(recorded) if recorded else None)
    look = _look(exchange, recorded, date or datetime.now(UTC), mode)
    modes = book.modes if TRAPS[venue].by_mode and not mode else (mode,)
    drafts = []
    for one in modes:
        found = _ask(exchange, book, list(symbols), one)
        name = recorded.name if recorded else venue
        drafts += drafts_of(book, name, found, replace(look, mode=one))
    if not drafts:
        raise DataError(f"{venue} gave no {WHAT} of the symbols asked for; check --symbol.")
    return _shared(drafts, len(modes))


def _shared(drafts: list[Draft], modes: int) -> list[Draft]:
    """One draft for all modes where they have the same tiers."""
    found: dict[tuple[object, ...], list[Draft]] = {}
    for draft in drafts:
        found.setdefault((draft.symbol, draft.tiers), []).append(draft)
    same = {key: len(group) == modes > 1 for key, group in found.items()}
    return [
        draft
        for key, group in found.items()
        for draft in ([replace(group[0], mode="")] if same[key] else group)
    ]


def _ask(exchange: Any, book: Rulebook, symbols: list[str], mode: str) -> dict[str, Any]:
    """ccxt's tiers by symbol: market by market where all at once would be wrong or impossible."""
    params = {"marginMode": mode} if mode else {}
    for symbol in symbols:
        if symbol not in exchange.markets:
            raise UsageError(
                f"{exchange.id} has no market {symbol!r}; ccxt symbols are like BTC/USDT:USDT."
            )
    with asking(exchange.id, WHAT):
        if not TRAPS[book.id].single:
            found = exchange.fetch_leverage_tiers(symbols or None, params)
            return {s: rows for s, rows in found.items() if not symbols or s in symbols}
        wanted = symbols or [s for s in book.symbols() if s in exchange.markets]
        return {s: exchange.fetch_market_leverage_tiers(s, params) for s in wanted}


def _look(exchange: Any, recorded: Path | None, date: datetime, mode: str) -> Look:
    title = f"{exchange.id} {WHAT}, ccxt {version()}"
    where = f"recorded in {recorded.name}" if recorded else f"asked on {date:%Y-%m-%d %H:%M} UTC"
    markets = {s: sizes(exchange, m) for s, m in exchange.markets.items() if m.get("contract")}
    return Look(date, Source(title, where, f"{date:%Y-%m-%d}"), mode, markets)


def sizes(exchange: Any, market: Mapping[str, Any]) -> dict[str, float | str]:
    """Contract size, lot, tick and smallest order of a market, in units of the instrument."""
    contract = float(market.get("contractSize") or 0.0)
    lot, tick = (_step(exchange, market, name) for name in ("amount", "price"))
    limits = market.get("limits") or {}
    least, cost = (_least(limits, name) for name in ("amount", "cost"))
    if not (contract and lot and tick):
        return {}
    found = {
        "contract_size": contract,
        "lot": lot * contract,
        "tick": tick,
        "min_size": (least or lot) * contract,
        "min_notional": cost or 0.0,
    }
    return {"id": str(market["id"]), **found}


def _step(exchange: Any, market: Mapping[str, Any], name: str) -> float | None:
    value = (market.get("precision") or {}).get(name)
    if value is None:
        return None
    return float(value) if exchange.precisionMode == TICK_SIZE else float(10.0 ** -int(value))


def _least(limits: Mapping[str, Any], name: str) -> float | None:
    value = (limits.get(name) or {}).get("min")
    return None if value is None else float(value)
