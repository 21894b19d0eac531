"""Golden cases: positions with an exchange's own numbers, recomputed and compared.

rows = verify("cases.json")     # one per case and quantity: expected, computed, verdict
"""

from .compare import Row, verify

__all__ = ["Row", "verify"]
