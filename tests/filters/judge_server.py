"""A chat-completions server on loopback that misbehaves as it is told."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SUITS = "Collage: no\nScreenshot: no\nDrawing: no\nHeavy text: no\nWatermark: no\nBorder: no"


@dataclass(frozen=True)
class Reply:
    """status, headers, body: as sent. wait: seconds before. sent: bytes of the body after which the line is cut.

    reset: the connection is reset without a reply. drip: seconds between single bytes of the body.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    sent: int | None = None
    reset: bool = False
    drip: float = 0.0


def says(text: str | None, finish: str = "stop", **options: Any) -> Reply:
    """A chat completion with `text`."""
    message = {"role": "assistant", "content": text}
    completion = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "judge",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    return Reply(json.dumps(completion).encode(), **options)


def fails(status: int, told: str = "no", **headers: str) -> Reply:
    """An error as such servers report it."""
    return Reply(
        json.dumps({"error": {"message": told}}).encode(), status, {k.replace("_", "-"): v for k, v in headers.items()}
    )


def right(request: dict[str, Any]) -> Reply:
    """The best answer to either question."""
    return says(SUITS if "Collage" in request["messages"][0]["content"][1]["text"] else "Degradation Score: 4")


class JudgeServer:
    """url: of its API. behave: gives the reply to the body of a request; requests: all bodies, in order of arrival.

    arrived: when, in seconds. headers: of each, names in lower case. most_at_once: requests under way together.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.behave: Callable[[dict[str, Any]], Reply] = right
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.arrived: list[float] = []
        self.most_at_once = 0
        self._under_way = 0
        self._lock = threading.Lock()

    def script(self, *replies: Reply) -> None:
        """Gives these replies in order, the last one for ever."""
        left = list(replies)
        self.behave = lambda request: left.pop(0) if len(left) > 1 else left[0]

    def reply(self, body: bytes, headers: dict[str, str]) -> Reply:
        request = json.loads(body)
        with self._lock:
            self.requests.append(request)
            self.headers.append(headers)
            self.arrived.append(time.monotonic())
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
            reply = self.behave(request)
        time.sleep(reply.wait)
        with self._lock:
            self._under_way -= 1
        return reply


@contextmanager
def serving() -> Iterator[JudgeServer]:
    """A server on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None: ...

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path != "/v1/chat/completions":
                self.send_error(404)
                return
            send(self, server.reply(body, {name.lower(): value for name, value in self.headers.items()}))

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        listener.block_on_close = False
        server = JudgeServer(f"http://127.0.0.1:{listener.server_port}/v1")
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


def send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    """Sends `reply`; a client that has gone away is no concern of it."""
    handler.close_connection = reply.reset or reply.sent is not None
    if reply.reset:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, handler.connection.fileno())  # takes the socket from its last holder
        os.close(nothing)
        return
    try:
        handler.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        for start in range(0, len(reply.body), 1 if reply.drip else max(1, len(reply.body))):
            time.sleep(reply.drip)
            handler.wfile.write(reply.body[start : start + 1] if reply.drip else reply.body[: reply.sent])
    except OSError:
        handler.close_connection = True


def dead_url() -> str:
    """A url of loopback at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"
