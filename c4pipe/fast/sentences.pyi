from collections.abc import Iterable, Mapping

class Punkt:
    def __init__(
        self,
        abbreviations: Iterable[str],
        collocations: Iterable[tuple[str, ...]],
        starters: Iterable[str],
        contexts: Mapping[str, int],
        *,
        whole_words: bool,
    ) -> None: ...
    def count(self, text: str, limit: int) -> int: ...
