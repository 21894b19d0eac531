"""What a long wait is for: a notice before the first compilation, and a progress bar for work that
takes longer than two seconds. Silent off a terminal."""

import sys
import time
from types import TracebackType
from typing import Any

PATIENCE = 2.0
FIRST_RUN = "compiling the core, once for this version: about a minute …"
EVERY_RUN = (
    "compiling the core, about a minute in every run, as {} cannot be written: "
    "BACKTEST_CACHE_DIR names another folder …"
)


class Progress:
    """Call it with (done, total); it starts to draw after two seconds, on standard error."""

    def __init__(self, compiles: bool = True, of: str = "bars") -> None:
        self._compiles, self._of = compiles, of
        self._start = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> "Progress":
        """Nothing is drawn yet, but a first run says why it seems to stand still."""
        if self._compiles and sys.stderr.isatty():
            from backtest.core.jit import cache_root, can_be_kept, is_compiled

            if not is_compiled():
                notice = FIRST_RUN if can_be_kept() else EVERY_RUN.format(cache_root())
                print(notice, file=sys.stderr, flush=True)
        return self

    def __call__(self, done: int, total: int) -> None:
        """Tell how far the work is."""
        if not sys.stderr.isatty() or time.monotonic() - self._start < PATIENCE:
            return
        if self._bar is None:
            self._begin(done, total)
        self._bar.update(self._task, completed=done, total=total)

    def _begin(self, done: int, total: int) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            ProgressColumn,
            Task,
            TimeRemainingColumn,
        )
        from rich.text import Text

        class Rate(ProgressColumn):
            def render(self, task: Task) -> Text:
                return Text(f"{task.speed or 0:,.0f}/s")

        columns = (self._of, BarColumn(20), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(self._of, completed=done, total=total)
        self._bar.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
