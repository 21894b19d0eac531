"""What is said of a symbol that a rulebook does not have: what was meant, or what there is."""

from collections.abc import Sequence

from ..errors import RulebookError
from .symbols import is_other_contract, meant

SHOWN = 6
"""Symbols that a refusal names."""


def unknown_symbol(venue: str, symbol: str, known: Sequence[str]) -> RulebookError:
    """The refusal of a symbol, with a few of those that the venue has."""
    command = f"`backtest venues --venue {venue} --symbols`"
    if is_other_contract(symbol):
        return RulebookError(
            f"{venue} lists no {symbol!r}, and no other contract stands for it; "
            f"{_known(_of_its_coin(symbol, known) or known, len(known), command)}. "
            "A coin alone, like BTC, means the venue's main perpetual of it."
        )
    near = meant(symbol, known)[:SHOWN]
    if near:
        return RulebookError(
            f"{venue} has no symbol {symbol!r}; did you mean {' or '.join(map(repr, near))}? "
            f"{command} lists all {len(known)}; `backtest tiers import {venue}` may bring more."
        )
    return RulebookError(
        f"{venue} has no tiers for {symbol!r}; {_known(known, len(known), command)}. "
        f"Import them with `backtest tiers import {venue}`, or add it as [[instruments]] in "
        f"venues/instruments/{venue}.toml and [[tiers]] in venues/tiers/{venue}.toml, each value "
        "with its source."
    )


def _known(names: Sequence[str], count: int, command: str) -> str:
    shown = ", ".join(names[:SHOWN])
    if count <= SHOWN:
        return f"known: {shown}"
    return f"known: {shown} … ({count} in all, listed by {command})"


def _of_its_coin(symbol: str, known: Sequence[str]) -> list[str]:
    coin = symbol.partition("/")[0].upper()
    return [name for name in known if name.partition("/")[0].upper() == coin]
