"""What is fetched from exchanges. `exchange` is the one module that imports ccxt, when called."""

from .tiers import fetch_tiers

__all__ = ["fetch_tiers"]
