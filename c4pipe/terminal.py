"""Text of pages on a terminal: nothing in it moves the cursor, rings, colours or hides what follows."""

from __future__ import annotations

import sys
import unicodedata
from typing import TextIO

# Control and format characters (among them those that turn the writing direction), halves of a pair, line and
# paragraph separators: what a terminal would obey or swallow instead of showing it.
OBEYED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
SHOWN_MAX = 200  # characters of a line, unless it is asked for whole


def visible(text: str) -> str:
    r"""The text with every character that is obeyed rather than shown as its escape.

    >>> visible("red \x1b[31m, tab\t, Grüße")
    'red \\x1b[31m, tab\\t, Grüße'
    """
    return "".join(ascii(c)[1:-1] if unicodedata.category(c) in OBEYED else c for c in text)


def shortened(text: str, characters: int = SHOWN_MAX) -> str:
    """``visible`` text, cut after so many characters of the original, and how many are left out.

    >>> shortened("twelve chars", characters=6)
    'twelve [and 6 characters more]'
    """
    rest = len(text) - characters
    return visible(text) if rest <= 0 else f"{visible(text[:characters])} [and {rest:,} characters more]"


def counted(number: int, one: str) -> str:
    """So many of what is named.

    >>> counted(1, "part"), counted(2000, "document")
    ('1 part', '2,000 documents')
    """
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def say(text: str, out: TextIO | None = None) -> None:
    """Print a text of which nothing is obeyed but the ends of its lines; what the encoding lacks is escaped too."""
    stream = out or sys.stdout
    encoding = stream.encoding or "utf-8"
    shown = "\n".join(map(visible, text.split("\n")))
    print(shown.encode(encoding, "backslashreplace").decode(encoding), file=stream)
