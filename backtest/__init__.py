"""Would this leveraged strategy have been liquidated?

import backtest as bt
result = bt.run("strategies/sma_cross.py", venues=["binanceusdm"], exposure=5, leverage=20)
print(result)                # the verdict
result.liquidations          # every step, as a Polars frame
"""

from importlib import import_module
from typing import Any

_PUBLIC = {
    "run": "backtest.api",
    "open_result": "backtest.result",
    "Result": "backtest.result",
    "RunConfig": "backtest.config",
    "Order": "backtest.strategy",
    "explain": "backtest.api",
    "verify": "backtest.api",
    "load_venue": "backtest.api",
    "BacktestError": "backtest.errors",
    "DataError": "backtest.errors",
    "StrategyError": "backtest.errors",
    "ResultError": "backtest.errors",
    "UsageError": "backtest.errors",
    "RulebookError": "backtest.errors",
}
__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Public names, imported when first used: `import backtest` itself loads nothing."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'backtest' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
