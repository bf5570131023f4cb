"""Downloads one file over HTTP: with backoff and jitter, resumed where the server can, never cut short."""

from __future__ import annotations

import gzip
import http.client
import io
import logging
import os
import random
import ssl
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from c4pipe.fs import http_headers
from c4pipe.terminal import visible

CHUNK_BYTES = 256 * 1024
PASSING_STATUS = frozenset({403, 408, 425, 429})  # and 5xx; Common Crawl answers 403 to clients that ask too often
RANGE_REFUSED = 416

log = logging.getLogger(__name__)
Progress = Callable[[int, int | None], None]  # bytes received, bytes in total if known


@dataclass(frozen=True, slots=True)
class Patience:
    """The limits of a download. It ends after ``attempts`` in a row without new bytes."""

    attempts: int = 10
    first_wait_seconds: float = 2.0  # doubles with each attempt
    longest_wait_seconds: float = 300.0
    longest_retry_after_seconds: float = 3600.0  # if a server asks for more, the download ends
    silence_seconds: float = 60.0  # before a connection without a byte is given up
    slowest_bytes_per_second: float = 1000.0  # least average, after silence_seconds
    sleep: Callable[[float], None] = time.sleep

    def wait_seconds(self, failures: int) -> float:
        """Return the wait after so many failures: it doubles each time, times a random factor of 0.5 to 1."""
        doubled = self.first_wait_seconds * 2.0 ** min(failures - 1, 60)
        return min(doubled, self.longest_wait_seconds) * random.uniform(0.5, 1.0)


class DownloadError(RuntimeError):
    """A file cannot be downloaded. ``status`` is the HTTP status, if there was one."""

    def __init__(self, url: str, reason: str, status: int | None = None) -> None:
        super().__init__(f"{url}: {reason}")
        self.url, self.reason, self.status = url, reason, status

    def __reduce__(self) -> tuple[type[DownloadError], tuple[str, str, int | None]]:
        return type(self), (self.url, self.reason, self.status)


class _Passing(Exception):
    """A fault that may pass with another attempt."""

    def __init__(self, reason: str, status: int | None = None, retry_after_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.status = status
        self.retry_after_seconds = retry_after_seconds


def read(url: str, *, patience: Patience | None = None) -> bytes:
    """Return the bytes of the file."""
    stream = io.BytesIO()
    into(stream, url, patience=patience)
    return stream.getvalue()


def into(stream: BinaryIO, url: str, *, patience: Patience | None = None, progress: Progress | None = None) -> None:
    """Write the file into an empty stream that can seek.

    What was received stays over a retry if the server gave a validator and honours ``Range`` and ``If-Range``.
    """
    patience = patience or Patience()
    file = _Incoming(stream, url, patience, progress or (lambda received, total: None))
    failures, furthest = 0, 0
    while True:
        try:
            file.attempt()
            return
        except _Passing as fault:
            here = stream.seek(0, os.SEEK_END)
            failures = 1 if here > furthest else failures + 1
            furthest = max(furthest, here)
            asked = fault.retry_after_seconds
            if failures >= patience.attempts or asked > patience.longest_retry_after_seconds:
                waits = f", and asks to wait {asked:.0f} s" if asked else ""
                raise DownloadError(url, f"{fault}{waits} (attempt {failures})", fault.status) from fault
            seconds = max(asked, patience.wait_seconds(failures))
            log.warning("%s: %s; attempt %d of %d in %.1f s", url, fault, failures + 1, patience.attempts, seconds)
            patience.sleep(seconds)


@dataclass(slots=True)
class _Incoming:
    """A download in progress: the bytes received, and the validator that ties the rest to them."""

    stream: BinaryIO
    url: str
    patience: Patience
    progress: Progress
    validator: str | None = None

    def attempt(self) -> None:
        """Receive the missing bytes. On a passing fault, keep the received ones and raise ``_Passing``."""
        here = self.stream.seek(0, os.SEEK_END) if self.validator else 0
        headers = {"User-Agent": http_headers.user_agent(), "Accept-Encoding": "identity"}
        if here and self.validator:
            headers |= {"Range": f"bytes={here}-", "If-Range": self.validator}
        with self.answer(headers) as response:
            begin = here if http_headers.continues(response, here) else 0
            self.stream.seek(begin)
            self.stream.truncate()
            self.validator = http_headers.validator(response)
            length = http_headers.length(response)
            total = None if length is None else begin + length
            received = begin
            for chunk in _chunks(response, length, self.patience):
                self.stream.write(chunk)
                received += len(chunk)
                self.progress(received, total)
        if self.url.endswith(".gz") and (fault := gzip_fault(self.stream, through=total is None)):
            self.validator = None  # begin anew
            raise _Passing(fault)

    def answer(self, headers: dict[str, str]) -> http.client.HTTPResponse:
        """Send the request, follow redirects, and separate passing faults from final ones."""
        try:
            request = urllib.request.Request(self.url, headers=headers)
            response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=self.patience.silence_seconds)
            return response
        except urllib.error.HTTPError as error:
            error.close()
            reason = f"HTTP {error.code} {visible(error.reason)}"
            if error.code == RANGE_REFUSED and self.validator:
                self.validator = None
            elif error.code not in PASSING_STATUS and error.code < 500:
                raise DownloadError(self.url, reason, error.code) from error
            wait_seconds = http_headers.retry_after_seconds(error.headers.get("Retry-After"))
            raise _Passing(reason, error.code, wait_seconds) from error
        except (OSError, http.client.HTTPException) as error:
            reason = str(getattr(error, "reason", "") or error) or type(error).__name__
            if isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError):
                raise DownloadError(self.url, reason) from error
            raise _Passing(reason) from error


def _chunks(response: http.client.HTTPResponse, length: int | None, patience: Patience) -> Iterator[bytes]:
    begin, received = time.monotonic(), 0
    while length is None or received < length:
        try:
            chunk = response.read1(CHUNK_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise _Passing(f"cut off after {received} bytes: {str(error) or type(error).__name__}") from error
        if not chunk:
            break
        received += len(chunk)
        yield chunk
        seconds = time.monotonic() - begin
        if seconds > patience.silence_seconds and received < seconds * patience.slowest_bytes_per_second:
            raise _Passing(f"too slow: {received} bytes in {seconds:.0f} s")
    if length is not None and received < length:
        raise _Passing(f"short body: {received} of {length} bytes")


def gzip_fault(stream: BinaryIO, *, through: bool) -> str | None:
    """Return the fault of a gzip file, judged by its first bytes or in full, or None if it is sound."""
    stream.seek(0)
    start = stream.read(64)
    if not start.startswith(b"\x1f\x8b"):
        return f"not gzip: begins with {start!r}"
    if not through:
        return None
    stream.seek(0)
    try:
        with gzip.GzipFile(fileobj=stream) as whole:
            while whole.read(CHUNK_BYTES):
                pass
    except (EOFError, OSError, zlib.error) as error:
        return f"damaged gzip: {error}"
    return None
