"""What a run was made of and how it came out.

Everything but the part `local` is the same for two people who run the same thing: files are
named relative to the data folder, strategies and order files by name and hash. `inputs_hash`
covers what was asked, `result_hash` the records.
"""

import json
import platform
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from . import venues
from .accounts import Account
from .config import RunConfig, format_time
from .life import Life
from .market.series import file_hash
from .money import totals
from .result import FORMAT
from .session import Session
from .strategy import Strategy
from .venues.model import ALWAYS, FOREVER
from .venues.provenance import finite

PACKAGES = ("liquidation-backtest", "numba", "numpy", "polars", "pyarrow")
LOCAL = ("data", "strategy", "orders")
"""Settings that are paths on the machine of the run."""
TERMS = ("lot", "min_size", "min_notional", "tick", "maker_fee", "taker_fee", "clearance_fee")
TIERS = ("floor", "rate", "deduction", "max_leverage")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def strategy_entry(config: RunConfig, strategy: Strategy | None) -> dict[str, Any]:
    """The strategy, or the file of orders, by name and hash."""
    if strategy is None:
        path = Path(str(config.orders))
        digest = file_hash(path) if path.is_file() else ""
        return {"name": path.name, "kind": "orders", "hash": digest, "params": {}}
    params = {name: _plain(value) for name, value in strategy.params.items()}
    kind, digest = strategy.kind, strategy.hash
    return {"name": strategy.name, "kind": kind, "hash": digest, "params": params}


def build_manifest(
    config: RunConfig,
    strategy: Mapping[str, Any],
    sessions: Sequence[Session],
    files: Mapping[str, str],
) -> dict[str, Any]:
    """The manifest of a finished run, but for what the recorder knows."""
    settings = config.to_dict()
    local = {name: settings.pop(name) for name in LOCAL}
    accounts = [_account(config, session) for session in sessions]
    inputs = {
        "strategy": dict(strategy),
        "config": {**settings, "rules": {k: _plain(v) for k, v in config.rules.items()}},
        "rules": {account["venue"]: account["rules_hash"] for account in accounts},
        "files": dict(files),
    }
    inputs["config"]["params"] = {k: _plain(v) for k, v in config.params.items()}
    return {
        "format": FORMAT,
        "inputs_hash": _digest(inputs),
        "result_hash": "",
        "seed": config.seed,
        "versions": versions(),
        **inputs,
        "accounts": accounts,
        "local": local,
    }


def _account(config: RunConfig, session: Session) -> dict[str, Any]:
    account, bars = session.account, max(session.bars, 1)
    rules = {
        symbol: [_period(record) for record in periods]
        for symbol, periods in zip(account.symbols, session.rules, strict=True)
    }
    decisions = _decisions(config, session)
    return {
        "venue": account.venue,
        "symbols": list(account.symbols),
        "price_venue": account.price_venue,
        "price_symbols": list(account.price_symbols),
        "since": format_time(session.first or 0),
        **_end(config, account, session.worst),
        "optimistic": _end(config, account, session.lives[1]) if session.lives[1:] else None,
        "bars": session.bars,
        "proxy_share": session.proxy_bars / bars,
        "extrapolated_share": session.extrapolated_bars / bars,
        "funding_events": session.funding_events,
        "assumed_funding_events": session.assumed_funding_events,
        "inside": _inside(session),
        "rules_begin": _date(account.rulebook.begins) or "",
        "rulebook_hash": account.rulebook.hash,
        "rules_hash": _digest([rules, decisions]),
        "decisions": decisions,
        "rules": rules,
    }


def _end(config: RunConfig, account: Account, life: Life) -> dict[str, Any]:
    """When and with what money a life ended."""
    return {
        "until": format_time(life.engine.last_ts + config.timeframe_ms),
        "stopped": life.engine.stopped,
        "totals": totals(life.engine, account, life.flows),
    }


def _inside(session: Session) -> dict[str, Any]:
    """Bars whose order of events mattered to any life, and what finer candles said of them."""
    tallies = [life.tally for life in session.lives]
    finer = session.finer
    # without finer bars to look into, a life is asked for its first such bar only
    unsure = [life.tally.unsure if finer else life.engine.parted for life in session.lives]
    return {
        "unsure_bars": max(unsure),
        "drilled_bars": max(tally.drilled for tally in tallies),
        "resolved_bars": max(tally.resolved for tally in tallies),
        "timeframes": list(finer.timeframes.values())[1:] if finer else [],
        "differences": [one._asdict() for one in finer.agreement.differences] if finer else [],
    }


def _decisions(config: RunConfig, session: Session) -> list[dict[str, Any]]:
    """Every decision in force at some time of the run, the user's own values in place."""
    book = venues.override(session.account.rulebook, config.rules)
    starts = {int(start) for periods in session.rules for start in periods["valid_from"]}
    since, frozen = session.first or 0, config.rules_as_of
    moments = {max(start, since) for start in starts} if frozen is None else {frozen}
    found = {}
    for moment in sorted(moments):
        for decision in book.provenance(moment):
            found[decision["key"], decision["valid_from"]] = decision
    return [
        {**decision, "value": finite(decision["value"]), "valid_from": _date(_ms(decision))}
        for _, decision in sorted(found.items(), key=lambda item: str(item[0]))
    ]


def _period(record: Any) -> dict[str, Any]:
    """One symbol's terms and tiers between two dates, as the core ran them."""
    rows = range(int(record["n_tiers"]))
    cap = float(record["cap"])
    return {
        "valid_from": _date(int(record["valid_from"])),
        "valid_to": _date(int(record["valid_to"])),
        "extrapolated": bool(record["extrapolated"]),
        **{name: float(record[name]) for name in TERMS},
        "cap": cap if cap < float("inf") else None,
        "tiers_complete": bool(record["tiers_complete"]),
        "tiers": [{name: float(record[name][row]) for name in TIERS} for row in rows],
    }


def _date(ms: int) -> str | None:
    """A date as text; none for the ends of time."""
    return format_time(ms) if ALWAYS < ms < FOREVER else None


def _ms(decision: Mapping[str, Any]) -> int:
    return int(decision["valid_from"])


def _plain(value: Any) -> Any:
    """A value that JSON can hold."""
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _digest(content: Any) -> str:
    return sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
