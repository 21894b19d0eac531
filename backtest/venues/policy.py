"""A rulebook's decisions as short texts, to be read next to another venue's."""

from collections.abc import Mapping

from .model import Process, Rulebook, Step

NAMES = {
    "tier key": "maintenance.tier_key",
    "tier rule": "maintenance.tier_rule",
    "MM valued at": "maintenance.valued_at",
    "closing fee in MM": "maintenance.close_fee",
    "cross IM valued at": "initial.valued_at",
    "isolated IM at": "initial.valued_at",
    "isolated margin": "initial.isolated_open",
    "trigger price": "trigger.price",
    "liquidated when equity": "trigger.compare",
    "funding from": "funding.from",
    "funding price": "funding.price",
    "funding hours": "funding.interval_hours",
}
MODES = {"isolated IM at": "isolated"}
"""Names whose value is that of one margin mode, where it has an own one."""
FEES = {"maker fee": "fees.maker", "taker fee": "fees.taker", "clearance fee": "fees.clearance"}
WORDS = {"at_or_below": "<= MM", "below": "< MM"}


def policy(book: Rulebook, ts_ms: int) -> Mapping[str, str]:
    """Name and text of every decision in force at a date, in one order for all venues."""
    rows = {
        name: _word(book.at(key, ts_ms, *([MODES[name]] if name in MODES else [])).value)
        for name, key in NAMES.items()
    }
    rows |= {name: _percent(book.at(key, ts_ms).value) for name, key in FEES.items()}
    for mode in ("isolated", "cross"):
        process = book.process(mode, ts_ms)
        rows[f"{mode}: healthy at"] = f"MM/equity <= {process.healthy_ratio:g}"
        for number in range(3):
            rows[f"{mode}: step {number + 1}"] = _step(process, number)
    return rows


def _word(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return WORDS.get(str(value), str(value).replace("_", " "))


def _percent(value: object) -> str:
    return f"{100 * float(str(value)):.5g}%"


def _step(process: Process, number: int) -> str:
    if number >= len(process.steps):
        return "-"
    step = process.steps[number]
    parts = [f"{step.name}: {_size(step)}", f"at {_exit(step)}", f"fee {step.fee}"]
    return ", ".join([*parts, *_conditions(step)])


def _size(step: Step) -> str:
    if step.size == "cure":
        return f"what brings MM/equity to {step.amount:g}"
    if step.size == "tiers_down":
        return f"down {step.amount:g} tier{'s' if step.amount > 1 else ''}"
    if step.size == "fraction":
        return f"{100 * step.amount:g}%"
    return "all"


def _exit(step: Step) -> str:
    return "bankruptcy price" if step.exit == "bankruptcy" else step.exit


def _conditions(step: Step) -> list[str]:
    found = []
    if step.min_tier > 1:
        found.append(f"from tier {step.min_tier}")
    if step.min_notional:
        found.append(f"over {step.min_notional:,.0f}")
    if step.min_margin_ratio:
        found.append(f"if MM/equity > {step.min_margin_ratio:g}")
    if step.must_cure:
        found.append("if it cures")
    if step.covers_first_tier:
        found.append("if equity covers tier 1")
    if step.wait_seconds:
        found.append(f"not again in {step.wait_seconds:g} s")
    return found
