"""HTTP headers of a download: User-Agent, Content-Range, validators, Content-Length, Retry-After."""

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
    """Return the User-Agent: this project, its version, and the contact from ``C4PIPE_CONTACT``, if set."""
    try:
        version = importlib.metadata.version("c4pipe")
    except importlib.metadata.PackageNotFoundError:  # a clone that is not installed
        version = "unknown"
    contact = os.environ.get(CONTACT, f"not given, see {CONTACT}")
    return f"c4pipe/{version} (builds the C4 corpus; contact: {contact})"


def continues(response: http.client.HTTPResponse, here: int) -> bool:
    """True if the response continues the file at byte ``here``."""
    return response.status == PARTIAL and response.headers.get("Content-Range", "").startswith(f"bytes {here}-")


def validator(response: http.client.HTTPResponse) -> str | None:
    """The validator for `If-Range`: a strong ETag, else Last-Modified, else None."""
    etag = response.headers.get("ETag")
    if etag and not etag.startswith("W/"):  # If-Range takes strong ones only
        return etag
    return response.headers.get("Last-Modified")


def length(response: http.client.HTTPResponse) -> int | None:
    """The expected length of the body in bytes, or None if the response does not state it."""
    value = response.headers.get("Content-Length", "")
    chunked = response.headers.get("Transfer-Encoding", "").lower() == "chunked"
    return int(value) if value.isdecimal() and not chunked else None


def retry_after_seconds(value: str | None, now: float | None = None) -> float:
    """The wait in seconds that a Retry-After header asks for; 0 without a readable one.

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
