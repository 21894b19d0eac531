"""A liquidation process as text, a line per step."""

from math import inf

from .model import Process, Step

EXITS = {
    "bankruptcy": "bankruptcy price",
    "zero_equity": "market, not beyond the bankruptcy price",
    "fillable": "a limit between mark and bankruptcy price",
}
FEES = {
    "none": "no fee",
    "taker": "taker fee",
    "clearance": "clearance fee",
    "taker_and_clearance": "taker and clearance fee",
    "equity_share": "the closed part's equity, at most the clearance fee",
}


def process_text(process: Process) -> str:
    """The steps in their order, a line each, and when they end."""
    lines = [f"{i}. {step_text(step)}" for i, step in enumerate(process.steps, 1)]
    return "\n".join([*lines, f"until {_end(process)}"])


def _end(process: Process) -> str:
    if process.healthy_ratio == 0.0:
        return "nothing is left open"
    return f"MM/equity <= {process.healthy_ratio:g}"


def step_text(step: Step) -> str:
    """One step: its name, how much, where, for which fee, under which conditions."""
    fee = FEES[step.fee] + (" to the fund" if step.fee_to_fund else "")
    parts = [f"{step.name}: {_size(step)}", f"at {EXITS.get(step.exit, step.exit)}", fee]
    return ", ".join([*parts, *_conditions(step)])


def left_over(process: Process) -> str:
    """What the steps that close everything leave to the trader."""
    whole = [step for step in process.steps if step.size == "all"]
    taken = [step.name for step in whole if step.exit == "bankruptcy"]
    if len(taken) == len(whole):
        return "none: left at the bankruptcy price"
    return "the trader's" + (f", none after {' and '.join(taken)}" if taken else "")


def _size(step: Step) -> str:
    if step.size == "cure":
        return f"what brings MM/equity to {step.amount:g}"
    if step.size == "tiers_down":
        return f"down {step.amount:g} tier{'s' if step.amount > 1 else ''}"
    if step.size == "fraction":
        return f"{100 * step.amount:g}%{_bounds(step)}"
    return "the two legs of a symbol against each other" if step.size == "net_legs" else "all"


def _bounds(step: Step) -> str:
    """The least and the most value that a fraction closes."""
    if not step.at_least and step.at_most == inf:
        return ""
    most = "" if step.at_most == inf else f" to {step.at_most:,.0f}"
    return f" (worth {step.at_least:,.0f}{most})"


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
