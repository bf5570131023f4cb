"""A real HTTP server on loopback that misbehaves as it is told, request by request."""

from __future__ import annotations

import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    server: UnrulyServer

    def do_GET(self) -> None:
        behaviour = self.server.next_behaviour(self.path, self.headers)
        try:
            behaviour(self)
        except ConnectionError:  # the client left first
            pass
        finally:
            self.server.leave()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.close_connection = True
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


class UnrulyServer(ThreadingHTTPServer):
    """``behave`` sets what each path does: once each in turn, the last one for ever. Other paths answer 404."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.behaviours: dict[str, list[Behaviour]] = {}
        self.requests: dict[str, list[Message]] = defaultdict(list)
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.inside = self.most_at_once = 0

    def behave(self, path: str, *behaviours: Behaviour) -> str:
        self.behaviours[path] = list(behaviours)
        return self.url + path

    def next_behaviour(self, path: str, headers: Message) -> Behaviour:
        with self.lock:
            self.inside += 1
            self.most_at_once = max(self.most_at_once, self.inside)
            self.requests[path].append(headers)
            todo = self.behaviours.get(path, [status(404)])
            return todo.pop(0) if len(todo) > 1 else todo[0]

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1

    def count(self, path: str) -> int:
        return len(self.requests[path])

    def stop(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


def whole(body: bytes, **headers: str) -> Behaviour:
    def behave(handler: Handler) -> None:
        handler.begin(200, {"Content-Length": str(len(body)), **headers})
        handler.wfile.write(body)

    return behave


def unsized(body: bytes) -> Behaviour:
    """The end of the connection is the end of the body, as in HTTP/1.0."""

    def behave(handler: Handler) -> None:
        handler.begin(200, {})
        handler.wfile.write(body)

    return behave


def status(code: int, **headers: str) -> Behaviour:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.begin(code, {"Content-Length": "0", **named})


def redirect(to: str) -> Behaviour:
    return status(302, Location=to)


def short(body: bytes, sent: int, **headers: str) -> Behaviour:
    """Promise the whole body, send the first bytes, close in good order."""
    return lambda handler: whole(body[:sent], **{**headers, "Content-Length": str(len(body))})(handler)


def reset(body: bytes, sent: int) -> Behaviour:
    """Promise the whole body, send the first bytes, reset the connection."""

    def behave(handler: Handler) -> None:
        short(body, sent)(handler)
        handler.wfile.flush()
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()

    return behave


def chunked(body: bytes, *, cut: bool) -> Behaviour:
    """Send the body as one chunk; cut off, the chunk that says that it was the last is missing."""

    def behave(handler: Handler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.begin(200, {"Transfer-Encoding": "chunked"})
        handler.wfile.write(f"{len(body):x}\r\n".encode() + body + b"\r\n" + (b"" if cut else b"0\r\n\r\n"))

    return behave


def hang(handler: Handler) -> None:
    """Promise a body and never send it."""
    handler.begin(200, {"Content-Length": "100"})
    handler.wfile.flush()
    handler.server.closing.wait(30)


def trickle(handler: Handler) -> None:
    """Send a byte now and then, so that no silence is long."""
    handler.begin(200, {"Content-Length": "1000"})
    for _ in range(1000):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        if handler.server.closing.wait(0.02):
            return


def drop_connection(handler: Handler) -> None:
    """Close without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def resumable(body: bytes, *, most: int, etag: str = '"one"') -> Behaviour:
    """Send at most so many bytes a connection, and go on where Range asks for it if If-Range still holds."""

    def behave(handler: Handler) -> None:
        asked = handler.headers.get("Range")
        held = handler.headers.get("If-Range") == etag
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and held else 0
        headers = {"Content-Length": str(len(body) - begin), "ETag": etag}
        if begin:
            headers["Content-Range"] = f"bytes {begin}-{len(body) - 1}/{len(body)}"
        handler.begin(206 if begin else 200, headers)
        handler.wfile.write(body[begin : begin + most])

    return behave
