"""Where every value comes from, for tables and manifests."""

from dataclasses import asdict

from .model import Process, Revision, Rulebook, at


def provenance(rulebook: Rulebook, ts_ms: int) -> list[dict[str, object]]:
    """Every decision in force at a time.

    One mapping per decision with key, value (a process as a list of steps), valid_from
    (milliseconds UTC), source title, where, date, confidence and note.
    """
    return [
        {"key": key, **_described(rulebook, rulebook.at(key, ts_ms))} for key in rulebook.decisions
    ]


def _described(rulebook: Rulebook, revision: Revision) -> dict[str, object]:
    source = rulebook.sources[revision.source]
    value = revision.value
    return {
        "value": asdict(value) if isinstance(value, Process) else value,
        "valid_from": revision.valid_from,
        "source": source.title,
        "where": source.where,
        "date": source.date,
        "confidence": revision.confidence,
        "note": revision.note,
    }


def tier_provenance(rulebook: Rulebook, symbol: str, ts_ms: int) -> dict[str, object]:
    """Source, date, confidence and note of the tier table of a symbol at a time."""
    table = at(rulebook.tiers[symbol], ts_ms)
    source = rulebook.sources[table.source]
    return {
        "key": f"tiers.{symbol}",
        "value": len(table.floors),
        "valid_from": table.valid_from,
        "source": source.title,
        "where": source.where,
        "date": source.date,
        "confidence": table.confidence,
        "note": table.note,
        "complete": table.complete,
    }
