"""Risk tools that stand next to a strategy: the same strategy can be run with and without them."""

from .exits import StopLoss, TakeProfit, TrailingStop
from .on_alert import HedgeOnAlert, ReduceOnAlert
from .policies import NAMES, Policies, Policy, describe, parse_policy
from .top_up import TopUp

__all__ = [
    "NAMES",
    "HedgeOnAlert",
    "Policies",
    "Policy",
    "ReduceOnAlert",
    "StopLoss",
    "TakeProfit",
    "TopUp",
    "TrailingStop",
    "describe",
    "parse_policy",
]
