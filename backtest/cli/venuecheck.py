"""What `backtest venues check` found in a rulebook file."""

from typing import Any

import click

from .tierviews import say

SHOWN = 8
"""Symbols that a check names."""


def facts_of(found: Any) -> dict[str, Any]:
    """What a rulebook file holds, as JSON has it."""
    from backtest.config import format_time

    book = found.book
    return {
        "id": book.id,
        "name": book.name,
        "contracts": book.contracts,
        "modes": book.modes,
        "checked_until": format_time(book.checked_until)[:10],
        "stated": found.stated,
        "defaults": found.defaults,
        "instruments": len(book.instruments),
        "tables": found.tables,
        "symbols": book.symbols(),
        "sources": len(book.sources) - 1,
        "confidences": found.confidences,
        "hash": book.hash,
        "in_use": found.in_use,
    }


def print_findings(found: Any) -> None:
    """What a rulebook file holds, in lines."""
    facts = facts_of(found)
    sure = ", ".join(f"{count} {word}" for word, count in found.confidences.items())
    names = facts["symbols"]
    rest = f" … and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    kinds = f"{', '.join(facts['contracts'])} contracts, {' and '.join(facts['modes'])} margin"
    say(f"{facts['name']} ({facts['id']}), {kinds}, checked until {facts['checked_until']}")
    say(f"  values of rules: {facts['stated']} stated, {facts['defaults']} left to the default")
    say(f"  contracts: {facts['instruments']}, tier tables: {facts['tables']}")
    say(f"  symbols that can be run: {', '.join(names[:SHOWN])}{rest}")
    say(f"  sources: {facts['sources']}; all values by confidence: {sure}")
    end = "is in use" if found.in_use else "is where to put it, to use it"
    click.echo(f"it is right; {found.installed} {end}")
