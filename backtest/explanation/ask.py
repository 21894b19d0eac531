"""`explain`: what a venue would do to one position, in numbers, words and sources."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf
from typing import Any

from ..config import parse_time
from ..errors import UsageError
from ..venues import Instrument, Rulebook, load, override, resolve
from ..venues.symbols import STABLE
from .answer import Explanation, asked_about, explained
from .checks import check_amounts, check_finite, check_leverage, check_size, check_words, size_of
from .figures import number
from .limits import check_money, check_order, check_prices, check_rate, isolated_margin
from .numbers import Pool, Position

CASH = 10_000.0
"""Wallet of a cross pool that settles in a stablecoin, where none is given."""


def explain(
    venue: str,
    symbol: str,
    *,
    side: str,
    entry: float,
    size: float | None = None,
    contracts: float | None = None,
    leverage: float | None = None,
    margin: str = "isolated",
    mark: float | None = None,
    cash: float | None = None,
    extra_margin: float = 0.0,
    funding_rate: float = 0.0,
    date: Any = None,
    rules: Mapping[str, Any] | None = None,
) -> Explanation:
    """Explain a position from `entry`, at a mark (the entry by default).

    `size` is in base units, of inverse contracts in quote value (USD); `contracts` is the other
    way to give it. `leverage` is the venue's setting, and may be left out where the venue has
    none. `margin` is isolated or cross; `cash` is the wallet of a cross pool (one in coin must be
    given), `extra_margin` is added to an isolated position, both in the settle asset.
    `funding_rate` is the one settled last, for venues that require the next payment. `date`
    (text, a date or milliseconds) picks the rules, the latest by default. `rules` replaces values
    by dotted key. Raises UsageError or RulebookError.
    """
    check_words(side, margin)
    check_money(margin, cash, extra_margin)
    setting = inf if leverage is None else leverage
    now = entry if mark is None else mark
    check_amounts(entry=entry, mark=now, **({} if leverage is None else {"leverage": leverage}))
    check_finite(extra_margin=extra_margin, funding_rate=funding_rate)
    check_rate(funding_rate)
    book = override(load(venue), rules or {})
    instrument = book.instrument(book.match(symbol))
    ts = book.latest([instrument.symbol]) if date is None else parse_time(date)
    book.refuse_before(ts)
    record = rules_of(book, instrument, (ts, margin, setting))
    amount = size_of(instrument, size, contracts)
    signed = amount if side == "long" else -amount
    p = Position(instrument.symbol, signed, entry, now, setting, record, None, funding_rate)
    check_position(book, instrument, p)
    check_size(book, instrument, p)
    if margin == "isolated":
        p = replace(p, margin=isolated_margin(instrument, p, extra_margin))
    pool = Pool(wallet_of(instrument, cash)) if margin == "cross" else None
    found = explained(asked_about(book, instrument, (ts, margin), p, pool))
    assumed = [_stands_for(book, symbol, p.symbol)]
    assumed += [assumed_wallet(instrument, cash)] if margin == "cross" else []
    return replace(found, notes=[*filter(None, assumed), *found.notes])


def check_position(book: Rulebook, instrument: Instrument, p: Position) -> None:
    """Refuse a leverage, prices or a size that a venue would not take."""
    check_leverage(book, p)
    check_prices(book, instrument, p)
    check_order(book, instrument, p)


def _stands_for(book: Rulebook, asked: str, symbol: str) -> str:
    """That a contract stands for one of another venue; nothing for a coin alone."""
    same = asked == symbol or ":" not in asked
    return "" if same else f"{book.id} lists no {asked}: {symbol} stands for it"


def rules_of(book: Rulebook, instrument: Instrument, how: tuple[int, str, float]) -> Any:
    """The RULES record of a contract at a date, in a margin mode, at a leverage (inf: none)."""
    ts, mode, leverage = how
    record = resolve(book, instrument.symbol, ts, ts + 1, mode=mode, leverage=leverage)[0]
    rule = book.at("maintenance.tier_rule", ts, instrument.contract, mode).value
    if rule == "over_leverage" and leverage == inf:
        raise UsageError(f"the maintenance rate of {book.id} depends on the leverage; give it.")
    return record


def wallet_of(instrument: Instrument, cash: float | None) -> float:
    """The money of a cross pool; of a coin the default would be a fortune, so none is assumed.

    A stablecoin's default is CASH, which `assumed_wallet` says.
    """
    if cash is not None:
        check_amounts(cash=cash)
        return cash
    if instrument.settle not in STABLE:
        raise UsageError(
            f"a cross position in {instrument.symbol} stands on a wallet in {instrument.settle}; "
            "give its cash (--cash), in that coin."
        )
    return CASH


def assumed_wallet(instrument: Instrument, cash: float | None) -> str:
    """That the wallet is a default; nothing where it was given."""
    if cash is not None:
        return ""
    return f"the wallet is taken as {number(CASH)} {instrument.settle}; give yours (--cash)"
