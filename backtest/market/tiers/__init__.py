"""Import of tier tables from files; `market.fetch` asks the exchanges themselves."""

from .keep import Outcome, keep
from .structures import read_structures
from .table import read_table_file

__all__ = ["Outcome", "keep", "read_structures", "read_table_file"]
