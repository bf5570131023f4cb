"""The syntax of a WARC record header, in bytes, and the deviations that are accepted."""

from __future__ import annotations

import re

HEADER_BYTES_MAX = 64 << 10  # of one record, and of the blank lines behind it

WARC_BEGINS = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?P<warc>WARC/[0-9])"
)  # a byte order mark and blank lines are no matter
VERSION_LINE = re.compile(rb"^[ \t]*WARC/[0-9]+\.[0-9]+[ \t]*\r?\n", re.MULTILINE)
HEADER_END = re.compile(rb"\n[ \t]*\r?\n")
FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|[ \t]+\S")  # a name and a colon, or the continuation of a value
RECORD_FOLLOWS = re.compile(rb"(?:(?<=\n)|\s*\n)[ \t]*WARC/[0-9]+\.[0-9]+[ \t]*\r?\n")
CUT_VERSION_LINE = re.compile(rb"\s*\n(?:W|WA|WAR|WARC|WARC/|WARC/1|WARC/1\.|WARC/1\.[01]\r?)\Z")


def header_fields(header: bytes) -> dict[str, str]:
    r"""Return the fields of a record header by lower-case name. If a name occurs twice, the last counts.

    >>> header_fields(b"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Length:7\r\n\r\n")
    {'warc-type': 'conversion', 'content-length': '7'}
    """
    fields = {}
    for line in header.decode("utf-8", "replace").replace("\r", "\n").split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            fields[name.strip().lower()] = value.strip()
    return fields


def content_length(fields: dict[str, str]) -> int | None:
    """Return the claimed length of the body in bytes, or None if the claim is missing or not a number.

    >>> content_length({"content-length": "7"}), content_length({"content-length": "-7"}), content_length({})
    (7, None, None)
    """
    claim = fields.get("content-length", "")
    return int(claim) if claim.isascii() and claim.isdigit() and len(claim) < 19 else None


def find_record(data: bytes, begin: int) -> int | None:
    r"""Return the start of the next version line with a complete, valid header, or None.

    >>> find_record(b"WARC/1.0 is a version.\nWARC/1.0\nnot a field\n\nWARC/1.1\nWARC-Type: conversion\n\n", 0)
    45
    """
    for version in VERSION_LINE.finditer(data, begin):
        end = HEADER_END.search(data, version.end() - 1, version.start() + HEADER_BYTES_MAX)
        lines = data[version.end() : end.start()].split(b"\n") if end else []
        if all(FIELD.match(line) for line in lines) and any(line[:5].upper() == b"WARC-" for line in lines):
            return version.start()
    return None
