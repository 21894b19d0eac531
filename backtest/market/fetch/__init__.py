"""What is fetched from exchanges. `exchange` is the one module that imports ccxt, when called."""

from .client import Client, Patience
from .history import Fetched, fetch_history
from .tiers import fetch_tiers
from .wish import Wish

__all__ = ["Client", "Fetched", "Patience", "Wish", "fetch_history", "fetch_tiers"]
