"""Shows the progress of several downloads: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import TextIO

from tqdm import tqdm

LINE_EVERY_SECONDS = 30.0


class Meter:
    """Counts files and bytes. Its methods may be called from several threads."""

    def __init__(self, files: int, talk: TextIO, line_every_seconds: float = LINE_EVERY_SECONDS) -> None:
        self.files = files
        self.talk = talk
        self.line_every_seconds = line_every_seconds
        self.done = 0
        self.here: dict[str, int] = {}  # file -> bytes received
        self.whole: dict[str, int] = {}  # file -> total bytes, where known
        self.begin = self.last_line = time.monotonic()
        self.lock = threading.Lock()
        self.bar = tqdm(unit="B", unit_scale=True, file=talk, desc=self.state()) if files and talk.isatty() else None

    def __enter__(self) -> Meter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()
        elif self.files:
            self._line()

    def received(self, file: str, here: int, whole: int | None) -> None:
        """Note that ``here`` bytes of the file have arrived, of ``whole`` if that is known."""
        with self.lock:
            self.here[file] = here
            if whole is not None:
                self.whole[file] = whole
            self._show()

    def finished(self, file: str) -> None:
        """Note that the file is complete."""
        with self.lock:
            self.done += 1
            self.whole[file] = self.here.setdefault(file, 0)
            self._show()

    def state(self) -> str:
        """Return the number of complete files, of all."""
        return f"{self.done}/{self.files} files"

    def expected_bytes(self) -> int | None:
        """Return the expected bytes of all files; an unknown size counts as the mean. None if no size is known."""
        return round(sum(self.whole.values()) / len(self.whole) * self.files) if self.whole else None

    def _show(self) -> None:
        if self.bar is not None:
            self.bar.total = self.expected_bytes()
            self.bar.set_description(self.state(), refresh=False)
            self.bar.update(sum(self.here.values()) - self.bar.n)
        elif time.monotonic() - self.last_line >= self.line_every_seconds:
            self._line()

    def _line(self) -> None:
        self.last_line = time.monotonic()
        megabytes = sum(self.here.values()) / 1e6
        speed = megabytes / max(self.last_line - self.begin, 1e-3)
        print(f"{self.state()}, {megabytes:.1f} MB, {speed:.1f} MB/s", file=self.talk, flush=True)
