"""Every way in which a server can fail once, and what is left when it fails for good."""

from __future__ import annotations

import gzip
import io
import random
import re

import pytest

from c4pipe.fs import download
from c4pipe.fs.download import DownloadError, Patience, gzip_fault
from c4pipe.fs.http_headers import retry_after_seconds
from tests.support.unruly_server import (
    Handler,
    UnrulyServer,
    chunked,
    drop_connection,
    hang,
    redirect,
    reset,
    resumable,
    short,
    status,
    trickle,
    unsized,
    whole,
)

BODY = random.Random(0).randbytes(100_000)
WET = gzip.compress(BODY)
QUICK = Patience(
    attempts=4, first_wait_seconds=0.001, silence_seconds=0.3, slowest_bytes_per_second=1000, longest_wait_seconds=0.01
)


def patience_with(waits: list[float], **limits: float) -> Patience:
    """Real limits, but the waits are noted instead of waited."""
    return Patience(sleep=waits.append, silence_seconds=0.3, **limits)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fault",
    [
        status(503),
        status(500),
        status(403),
        status(429),
        status(408),
        short(BODY, 50_000),
        short(BODY, 0),
        reset(BODY, 50_000),
        chunked(BODY[:50_000], cut=True),
        drop_connection,
        hang,
        trickle,
    ],
    ids=["503", "500", "403", "429", "408", "short", "empty", "reset", "chunked-cut", "no-answer", "hang", "trickle"],
)
def test_a_fault_that_passes_leaves_no_trace(server: UnrulyServer, fault: object) -> None:
    url = server.behave("/file", fault, whole(BODY))  # type: ignore[arg-type]
    assert download.read(url, patience=QUICK) == BODY
    assert server.count("/file") == 2


@pytest.mark.parametrize(
    "good", [whole(BODY), chunked(BODY, cut=False), unsized(BODY)], ids=["sized", "chunked", "unsized"]
)
def test_a_good_answer_is_asked_for_once(server: UnrulyServer, good: object) -> None:
    url = server.behave("/file", good)  # type: ignore[arg-type]
    assert download.read(url, patience=QUICK) == BODY
    assert server.count("/file") == 1


@pytest.mark.parametrize(("failures", "comes"), [(2, True), (3, True), (4, False)])
def test_attempts_is_the_number_of_attempts(server: UnrulyServer, failures: int, comes: bool) -> None:
    url = server.behave("/file", *[status(503)] * failures, whole(BODY))
    if comes:
        assert download.read(url, patience=QUICK) == BODY
    else:
        with pytest.raises(
            DownloadError, match=re.escape(f"{url}: HTTP 503 Service Unavailable (attempt 4)")
        ) as caught:
            download.read(url, patience=QUICK)
        assert caught.value.status == 503
    assert server.count("/file") == min(failures + 1, 4)


@pytest.mark.parametrize("code", [400, 401, 404, 410, 416])
def test_a_fault_that_stays_is_not_asked_for_again(server: UnrulyServer, code: int) -> None:
    url = server.behave("/file", status(code), whole(BODY))
    with pytest.raises(DownloadError, match=f"HTTP {code}") as caught:
        download.read(url, patience=QUICK)
    assert (caught.value.status, server.count("/file")) == (code, 1)


def test_redirects_are_followed(server: UnrulyServer) -> None:
    server.behave("/there", whole(BODY))
    assert download.read(server.behave("/here", redirect("/there")), patience=QUICK) == BODY


def test_a_redirect_in_a_circle_ends(server: UnrulyServer) -> None:
    with pytest.raises(DownloadError, match="302"):
        download.read(server.behave("/here", redirect("/here")), patience=QUICK)


def test_what_was_received_is_not_asked_for_again(server: UnrulyServer) -> None:
    """Forty connections that each bring something are more than ``attempts``, and still no reason to give up."""
    url = server.behave("/file", resumable(BODY, most=2_500))
    waits: list[float] = []
    assert download.read(url, patience=patience_with(waits, attempts=2)) == BODY
    assert [headers["Range"] for headers in server.requests["/file"]] == [
        None,
        *(f"bytes={begin}-" for begin in range(2_500, 100_000, 2_500)),
    ]


def test_a_file_that_changed_is_received_from_its_begin(server: UnrulyServer) -> None:
    old, new = BODY, bytes(reversed(BODY))
    url = server.behave("/file", resumable(old, most=60_000, etag='"old"'), resumable(new, most=200_000, etag='"new"'))
    assert download.read(url, patience=QUICK) == new


def test_a_range_that_is_refused_begins_anew(server: UnrulyServer) -> None:
    url = server.behave("/file", resumable(BODY, most=60_000), status(416), whole(BODY))
    assert download.read(url, patience=QUICK) == BODY
    assert [headers["Range"] for headers in server.requests["/file"]] == [None, "bytes=60000-", None]


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"weak"'}])
def test_without_a_strong_validator_nothing_is_resumed(server: UnrulyServer, headers: dict[str, str]) -> None:
    url = server.behave("/file", short(BODY, 60_000, **headers), whole(BODY))
    assert download.read(url, patience=QUICK) == BODY
    assert [headers["Range"] for headers in server.requests["/file"]] == [None, None]


def test_always_short_at_the_same_byte_ends(server: UnrulyServer) -> None:
    url = server.behave("/file", short(BODY, 99_999))
    with pytest.raises(DownloadError, match="short body: 99999 of 100000 bytes"):
        download.read(url, patience=QUICK)
    assert server.count("/file") == 4


def test_waits_double_with_jitter_to_a_limit(server: UnrulyServer) -> None:
    waits: list[float] = []
    url = server.behave("/file", status(503))
    with pytest.raises(DownloadError):
        download.read(url, patience=patience_with(waits, attempts=8, first_wait_seconds=2, longest_wait_seconds=20))
    assert len(waits) == 7
    for seconds, most in zip(waits, [2, 4, 8, 16, 20, 20, 20], strict=True):
        assert most / 2 <= seconds <= most
    assert len(set(waits[4:])) == 3, "no jitter"


def test_retry_after_is_respected(server: UnrulyServer) -> None:
    waits: list[float] = []
    url = server.behave("/file", status(429, Retry_After="120"), status(503, Retry_After="not a time"), whole(BODY))
    assert download.read(url, patience=patience_with(waits)) == BODY
    assert waits[0] == 120
    assert 2 <= waits[1] <= 4


@pytest.mark.parametrize(("seconds", "waited"), [(3599, True), (3600, True), (3601, False)])
def test_a_server_that_asks_for_too_long_is_left_alone(server: UnrulyServer, seconds: int, waited: bool) -> None:
    waits: list[float] = []
    url = server.behave("/file", status(429, Retry_After=str(seconds)), whole(BODY))
    patience = patience_with(waits, longest_retry_after_seconds=3600)
    if waited:
        assert download.read(url, patience=patience) == BODY
        assert waits == [seconds]
    else:
        with pytest.raises(DownloadError, match="asks to wait 3601 s"):
            download.read(url, patience=patience)
        assert waits == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0.0),
        ("", 0.0),
        ("0", 0.0),
        ("7", 7.0),
        ("-7", 0.0),
        ("soon", 0.0),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 45.0),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0.0),
    ],
)
def test_retry_after_seconds(value: str | None, seconds: float) -> None:
    assert retry_after_seconds(value, now=15.0) == seconds


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (whole(b"<html>Please log in</html>"), r"not gzip: begins with b'<html>Please log in</html>'"),
        (whole(b""), r"not gzip: begins with b''"),
        (unsized(WET[:-1]), "damaged gzip"),
        (unsized(WET[:-9] + b"\0" + WET[-8:]), "damaged gzip"),
    ],
    ids=["a page", "nothing", "cut off", "damaged"],
)
def test_what_is_no_gzip_is_not_taken_for_it(server: UnrulyServer, fault: object, reason: str) -> None:
    url = server.behave("/file.gz", fault, whole(WET))  # type: ignore[arg-type]
    assert download.read(url, patience=QUICK) == WET
    url = server.behave("/file.gz", fault)  # type: ignore[arg-type]
    with pytest.raises(DownloadError, match=reason):
        download.read(url, patience=QUICK)


def test_a_sized_gzip_is_not_read_through() -> None:
    """Its length tells that it is whole; reading it through would cost as much as using it."""
    assert gzip_fault(io.BytesIO(WET[:-1]), through=False) is None
    assert gzip_fault(io.BytesIO(WET[:-1]), through=True) is not None
    assert gzip_fault(io.BytesIO(WET), through=True) is None


def test_says_who_asks(server: UnrulyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    url = server.behave("/file", whole(BODY))
    monkeypatch.delenv("C4PIPE_CONTACT", raising=False)
    download.read(url)
    monkeypatch.setenv("C4PIPE_CONTACT", "someone@example.org")
    download.read(url)
    nobody, someone = (headers["User-Agent"] for headers in server.requests["/file"])
    assert re.fullmatch(r"c4pipe/\S+ \(builds the C4 corpus; contact: not given, see C4PIPE_CONTACT\)", nobody)
    assert re.fullmatch(r"c4pipe/\S+ \(builds the C4 corpus; contact: someone@example.org\)", someone)


def test_progress_tells_bytes_here_and_in_all(server: UnrulyServer) -> None:
    told: list[tuple[int, int | None]] = []
    url = server.behave("/file", resumable(BODY, most=60_000))
    download.into(io.BytesIO(), url, patience=QUICK, progress=lambda here, whole: told.append((here, whole)))
    assert told[-1] == (100_000, 100_000)
    assert (60_000, 100_000) in told
    assert told == sorted(told)


def test_a_full_disk_is_no_fault_of_the_server(server: UnrulyServer) -> None:
    class FullDisk(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    url = server.behave("/file", whole(BODY))
    with pytest.raises(OSError, match="No space left on device"):
        download.into(FullDisk(), url, patience=QUICK)
    assert server.count("/file") == 1


def test_no_server_at_all() -> None:
    with pytest.raises(DownloadError, match=r"http://127.0.0.1:9/file: .*refused.* \(attempt 4\)"):
        download.read("http://127.0.0.1:9/file", patience=QUICK)


def test_a_server_has_no_say_in_the_terminal(server: UnrulyServer, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(handler: Handler) -> None:
        handler.close_connection = True
        handler.send_response(503, "\x1b[2J")
        handler.end_headers()

    with pytest.raises(DownloadError, match=r"HTTP 503 \\x1b\[2J \(attempt 4\)"):
        download.read(server.behave("/file", refuse), patience=QUICK)
    assert "\x1b" not in caplog.text
