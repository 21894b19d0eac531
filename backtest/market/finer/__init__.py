"""The bars inside a bar: finer series of the same symbols, read only where they are asked for."""

from backtest.config import DETAIL_TOLERANCE as TOLERANCE
from backtest.market.finer.agreement import Difference
from backtest.market.finer.find import OFF, find_finer
from backtest.market.finer.finer import Finer

__all__ = ["OFF", "TOLERANCE", "Difference", "Finer", "find_finer"]
