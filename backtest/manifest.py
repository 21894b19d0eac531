"""What a run was made of and how it came out, for the manifest."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from .config import RunConfig, format_time
from .records import Recorder
from .result import FORMAT
from .strategy import Strategy

PACKAGES = ("liquidation-backtest", "numba", "numpy", "polars", "pyarrow")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def build_manifest(
    config: RunConfig,
    strategy: Strategy | None,
    sessions: list[Any],
    sources: Mapping[Any, list[Any]],
    recorder: Recorder,
) -> dict[str, Any]:
    """The manifest of a finished run; closes the record files."""
    series = [s for data in sources.values() for d in data for s in (d.trade, d.mark, d.funding)]
    files: dict[str, str] = {}
    for one in series:
        if one is not None:
            files.update(one.hashes)
    return {
        "format": FORMAT,
        "synthetic": any(d.trade.synthetic for data in sources.values() for d in data),
        "strategy": strategy.name if strategy else "orders",
        "params": {name: str(value) for name, value in strategy.params.items()} if strategy else {},
        "config": config.to_dict(),
        "accounts": [_account(session) for session in sessions],
        "files": files,
        "versions": versions(),
        "seed": config.seed,
        "result_hash": recorder.close(),
        "rows": recorder.rows,
    }


def _account(session: Any) -> dict[str, Any]:
    account, statistics = session.account, session.statistics
    bars = sum(s.bars for s in statistics)
    firsts = [s.first for s in statistics if s.first is not None]
    first = min(firsts)
    return {
        "venue": account.venue,
        "symbols": list(account.symbols),
        "price_venue": account.price_venue,
        "price_symbols": list(account.price_symbols),
        "since": format_time(first),
        "until": format_time(session.engine.last_ts),
        "stopped": session.engine.stopped,
        "bars": session.bars,
        "proxy_share": sum(s.proxy_bars for s in statistics) / max(bars, 1),
        "extrapolated_share": session.extrapolated / max(session.bars, 1),
        "funding_events": sum(s.funding_events for s in statistics),
        "assumed_funding_events": sum(s.assumed_funding_events for s in statistics),
        "totals": _totals(session.engine),
        "rulebook_hash": account.rulebook.hash,
        "rulebook": account.rulebook.provenance(session.engine.last_ts),
    }


def _totals(engine: Any) -> dict[str, float]:
    pools = engine.pools
    names = ("deposits", "realized", "fees", "funding", "liquidation_fees", "forfeited")
    totals = {name: float(pools[name].sum()) for name in (*names, "shortfall", "equity", "cash")}
    totals["unrealized"] = engine.unrealized()
    return totals
