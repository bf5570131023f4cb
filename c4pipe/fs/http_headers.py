"""What the headers of a request and of its answer say: who asks, what comes, and when to ask again."""

from __future__ import annotations

import email.utils
import http.client
import importlib.metadata
import os
import re
import time

PARTIAL = 206
CONTACT = "C4PIPE_CONTACT"


def user_agent() -> str:
    """Who asks: this project, its version, and whom to write to, if the user says so in ``C4PIPE_CONTACT``."""
    try:
        version = importlib.metadata.version("c4pipe")
    except importlib.metadata.PackageNotFoundError:  # a clone that is not installed
        version = "unknown"
    contact = os.environ.get(CONTACT, f"not given, see {CONTACT}")
    return f"c4pipe/{version} (builds the C4 corpus; contact: {contact})"


def continues(response: http.client.HTTPResponse, here: int) -> bool:
    """The answer is what is lacking, from the byte ``here`` on."""
    return response.status == PARTIAL and response.headers.get("Content-Range", "").startswith(f"bytes {here}-")


def validator(response: http.client.HTTPResponse) -> str | None:
    """By what the server knows the file, to say later whether the rest is of the same; None if by nothing."""
    etag = response.headers.get("ETag")
    if etag and not etag.startswith("W/"):  # If-Range takes strong ones only
        return etag
    return response.headers.get("Last-Modified")


def length(response: http.client.HTTPResponse) -> int | None:
    """How many bytes the body should have, None if that is not told."""
    value = response.headers.get("Content-Length", "")
    chunked = response.headers.get("Transfer-Encoding", "").lower() == "chunked"
    return int(value) if value.isdecimal() and not chunked else None


def retry_after_seconds(value: str | None, now: float | None = None) -> float:
    """The wait that a Retry-After header asks for, in seconds or as a date; 0 if none or not readable.

    >>> retry_after_seconds("120"), retry_after_seconds("Thu, 01 Jan 1970 00:01:00 GMT", now=15.0)
    (120.0, 45.0)
    """
    if not value:
        return 0.0
    if re.fullmatch(r"\d+", value.strip()):
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value).timestamp()
    except ValueError:
        return 0.0
    return max(0.0, moment - (time.time() if now is None else now))
