"""Pages of docs/ whose commands, outputs and tables are compared with what the program says."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = "../shared/market-data"


@dataclass(frozen=True)
class Page:
    """One page: fenced blocks and tables stand under a comment that names them."""

    name: str

    @property
    def text(self):
        """The whole page."""
        return (ROOT / "docs" / self.name).read_text("utf-8")

    def block(self, name):
        """The fenced block under a comment."""
        return self.text.split(f"<!-- {name} -->\n```\n")[1].split("\n```")[0]

    def table(self, name):
        """The cells of each row of the table under a comment, without its heading."""
        rows = self.text.split(f"<!-- {name} -->\n")[1].split("\n\n")[0].splitlines()[2:]
        return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]

    def commands(self):
        """Names of the blocks that have an output."""
        return re.findall(r"<!-- (.+) output -->", self.text)

    def words(self, name, folders, out):
        """A command as arguments; `folders` stand for those that the page names with --data."""
        words = shlex.split(self.block(name).replace("\\\n", ""))[1:]
        for flag, value in (("--data", folders.get), ("--out", lambda _: out)):
            if flag in words:
                at = words.index(flag) + 1
                words[at] = str(value(words[at]))
        return words

    def numbers(self):
        """Prices and amounts in the text between blocks and tables: four digits, or a fraction."""
        text = re.sub(r"```[^`]*```|`[^`]*`|^\|.*$|\]\([^)]*\)", "", self.text, flags=re.M)
        text = re.sub(r"\d{4}-\d\d-\d\d|\d\d:\d\d|\b(?:19|20)\d\d\b", "", text)
        found = re.findall(r"\d[\d,]*(?:\.\d+)?", text)
        return [number for number in found if "." in number or "," in number or len(number) > 3]
