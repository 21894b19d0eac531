"""One position explained in a venue's own arithmetic, with the sources of every rule used."""

from .ask import Explanation, explain

__all__ = ["Explanation", "explain"]
