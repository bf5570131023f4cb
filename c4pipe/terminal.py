"""Makes text of pages safe for a terminal: nothing in it moves the cursor, rings, colours or hides text."""

from __future__ import annotations

import sys
import unicodedata
from typing import TextIO

# Control and format characters (with those that turn the writing direction), lone surrogates, line and paragraph
# separators: a terminal obeys or swallows them instead of showing them.
OBEYED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
SHOWN_MAX = 200  # most characters of a line, by default


def visible(text: str) -> str:
    r"""Return the text with an escape for each character that a terminal would obey.

    >>> visible("red \x1b[31m, tab\t, Grüße")
    'red \\x1b[31m, tab\\t, Grüße'
    """
    return "".join(ascii(c)[1:-1] if unicodedata.category(c) in OBEYED else c for c in text)


def shortened(text: str, characters: int = SHOWN_MAX) -> str:
    """Return ``visible`` text, cut after some characters of the original, with the number of those left out.

    >>> shortened("twelve chars", characters=6)
    'twelve [and 6 characters more]'
    """
    rest = len(text) - characters
    return visible(text) if rest <= 0 else f"{visible(text[:characters])} [and {rest:,} characters more]"


def counted(number: int, one: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "part"), counted(2000, "document")
    ('1 part', '2,000 documents')
    """
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def say(text: str, out: TextIO | None = None) -> None:
    """Print text. A terminal obeys only its line ends; characters outside the encoding are escaped, too."""
    stream = out or sys.stdout
    encoding = stream.encoding or "utf-8"
    shown = "\n".join(map(visible, text.split("\n")))
    print(shown.encode(encoding, "backslashreplace").decode(encoding), file=stream)
