"""Risk tools that stand next to a strategy: the same strategy can be run with and without them."""

from .policies import NAMES, Policies, Policy, parse_policy

__all__ = ["NAMES", "Policies", "Policy", "parse_policy"]
