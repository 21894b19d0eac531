"""Venues as data: rulebooks read from TOML, resolved into the records the core reads.

Dated facts with sources, no arithmetic: a venue is `NAME.toml` with `instruments/NAME.toml` and
`tiers/NAME.toml`.
"""

from .load import known, load, load_file
from .model import Instrument, Process, Revision, Rulebook, Source, Step, TierTable, at
from .override import override
from .provenance import effective, provenance, tier_provenance
from .resolve import resolve, rules_at
from .tables import deductions

__all__ = [
    "Instrument",
    "Process",
    "Revision",
    "Rulebook",
    "Source",
    "Step",
    "TierTable",
    "at",
    "deductions",
    "effective",
    "known",
    "load",
    "load_file",
    "override",
    "provenance",
    "resolve",
    "rules_at",
    "tier_provenance",
]
