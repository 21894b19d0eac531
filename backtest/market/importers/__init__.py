"""Bulk archives and files of other programs, brought into a store."""

from backtest.market.importers.binance_vision import import_binance_vision, vision_urls
from backtest.market.importers.freqtrade import import_freqtrade

__all__ = ["import_binance_vision", "import_freqtrade", "vision_urls"]
