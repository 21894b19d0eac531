"""The story of one liquidation of a finished run."""

from .story import Story, why

__all__ = ["Story", "why"]
