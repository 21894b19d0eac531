"""What silently ruins a backtest of liquidations, looked for in a store of market data."""

from backtest.market.quality.candles import moment
from backtest.market.quality.checks import CHECKS, Level, allowed
from backtest.market.quality.finding import Finding, Limits, frame_of
from backtest.market.quality.look import Report, check_store

__all__ = [
    "CHECKS", "Finding", "Level", "Limits", "Report", "allowed", "check_store", "frame_of",
    "moment",
]  # fmt: skip
