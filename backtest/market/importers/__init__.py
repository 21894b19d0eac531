"""Bulk archives and files of other programs, brought into a store."""

from backtest.market.importers.binance_vision import import_binance_vision, vision_urls
from backtest.market.importers.csvfile import Reading, import_csv
from backtest.market.importers.freqtrade import import_freqtrade
from backtest.market.importers.hyperliquid import import_hyperliquid

__all__ = [
    "Reading", "import_binance_vision", "import_csv", "import_freqtrade", "import_hyperliquid",
    "vision_urls",
]  # fmt: skip
