"""How many of the golden cases the program reproduces, as a page and as a line of totals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .compare import OFF, OK, Row, rows_of
from .read import Case, read_cases

KINDS = ("payload", "doc", "code", "secondary")
KIND_WORDS = {"payload": "payload", "doc": "document", "code": "code", "secondary": "secondary"}
START, END = "<!-- accuracy:start -->", "<!-- accuracy:end -->"


@dataclass(frozen=True)
class Scored:
    """A case with its rows."""

    case: Case
    rows: Sequence[Row]

    @property
    def kind(self) -> str:
        """Where the case's numbers are from."""
        return str(self.case["source"].get("kind", "secondary"))

    @property
    def due(self) -> bool:
        """Whether the program is expected to reproduce it: ordinary margin, and consistent."""
        ordinary = self.case.get("scope", "standard") == "standard"
        return ordinary and self.case.get("agrees") is True and self.has_rulebook

    @property
    def has_rulebook(self) -> bool:
        """Whether its venue has a rulebook here."""
        return not any(row.reason.startswith("no rulebook") for row in self.rows)

    @property
    def verdict(self) -> str:
        """`ok` if every number is, `off` if one is, else `unsupported`."""
        verdicts = {row.verdict for row in self.rows}
        return OFF if OFF in verdicts else OK if verdicts <= {OK} else "unsupported"


def score(paths: Iterable[Path]) -> list[Scored]:
    """All cases of some files, computed."""
    cases = read_cases(*sorted(paths))
    return [Scored(case, list(rows_of(case))) for case in cases]


def totals(scored: Sequence[Scored]) -> str:
    """One sentence: how many cases and numbers that are due come out."""
    due = [s for s in scored if s.due]
    numbers = [row for s in due for row in s.rows]
    good = sum(row.verdict == OK for row in numbers)
    cases = sum(s.verdict == OK for s in due)
    off = sum(row.verdict == OFF for s in scored for row in s.rows)
    return (
        f"{good} of {len(numbers)} numbers in {len(due)} worked positions of "
        f"{len({s.case['venue'] for s in due})} venues are reproduced within their tolerance "
        f"({cases} positions in full), {off} are off; the others lack an input."
    )


def page(scored: Sequence[Scored]) -> str:
    """The whole page in Markdown."""
    due = [s for s in scored if s.due]
    lines = [
        "# Accuracy",
        "",
        "Worked positions with an exchange's own numbers (golden cases), recomputed. Written by",
        "`backtest verify tests/goldens/*.json --accuracy docs/accuracy.md --readme README.md`.",
        "",
        totals(scored),
        "",
        "A *payload* is a real answer of the exchange's API, a *document* its official text,",
        "*code* an independent program. The worst error is relative, among the numbers that are",
        "reproduced; it is bounded by the digits that the case itself prints.",
        "",
        *_table(due),
        "",
        "## Not reproduced",
        "",
        *_missing(due),
        "",
        "## Counted apart",
        "",
        *_apart(scored),
    ]
    return "\n".join(lines) + "\n"


def _table(due: Sequence[Scored]) -> list[str]:
    lines = [
        "| venue | kind | cases | in full | numbers | reproduced | worst error |",
        "|---|---|---|---|---|---|---|",
    ]
    for venue in sorted({str(s.case["venue"]) for s in due}):
        for kind in KINDS:
            mine = [s for s in due if s.case["venue"] == venue and s.kind == kind]
            if mine:
                lines.append(_line(venue, kind, mine))
    return lines


def _line(venue: str, kind: str, mine: Sequence[Scored]) -> str:
    numbers = [row for s in mine for row in s.rows]
    good = [row for row in numbers if row.verdict == OK]
    worst = max((row.rel_error or 0.0 for row in good), default=0.0)
    full = sum(s.verdict == OK for s in mine)
    cells = (venue, KIND_WORDS[kind], len(mine), full, len(numbers), len(good), f"{worst:.0e}")
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _missing(due: Sequence[Scored]) -> list[str]:
    rows = [row for s in due for row in s.rows if row.verdict != OK]
    lines = [f"- `{r.case}` {r.quantity}: {r.reason or 'off its tolerance'}" for r in rows]
    return lines or ["Nothing."]


def _apart(scored: Sequence[Scored]) -> list[str]:
    """Cases that are not due, by why."""
    reasons: dict[str, int] = {}
    for s in scored:
        if not s.due:
            reason = _why_apart(s)
            reasons[reason] = reasons.get(reason, 0) + 1
    return [f"- {count} cases: {reason}" for reason, count in sorted(reasons.items())]


def _why_apart(s: Scored) -> str:
    scope = s.case.get("scope", "standard")
    if not s.has_rulebook:
        return f"no rulebook for {s.case['venue']}"
    if scope != "standard":
        return f"scope {scope.replace('_', ' ')} of {s.case['venue']} is not in this version"
    if s.case.get("agrees") is None:
        return f"parameter snapshots of {s.case['venue']}, nothing to compute"
    return f"the case of {s.case['venue']} disagrees with the documented formula itself"


def into(text: str, line: str) -> str:
    """A text with what stands between the accuracy marks replaced; ValueError without them."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{START} and {END} are missing")
    return f"{before}{START}\n{line}\n{END}{after}"
