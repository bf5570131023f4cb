from collections.abc import Sequence

WORD_MAX: int

class Words:
    def __init__(self, words: Sequence[str], *, whole: bool, any_character: str | None = None) -> None: ...
    def __call__(self, text: str) -> bool: ...
