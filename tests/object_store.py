"""A small S3 server on loopback: put, get, list, delete and multipart uploads, kept in memory."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: str
    objects: dict[str, bytes]
    parts: dict[str, dict[int, bytes]]
    before_get: Callable[[str, str], int]

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _request(self) -> tuple[str, str, dict[str, list[str]], bytes]:
        url = urlsplit(self.path)
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        body = self._body()
        if "aws-chunked" in (self.headers.get("Content-Encoding") or "") or self.headers.get(
            "x-amz-decoded-content-length"
        ):
            body = _unchunked(body)
        return bucket, key, parse_qs(url.query, keep_blank_values=True), body

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def do_HEAD(self) -> None:
        bucket, key, _, _ = self._request()
        if not key:
            return self._answer(200 if bucket == self.bucket else 404)
        data = self.objects.get(f"{bucket}/{key}")
        if data is None:
            return self._answer(404)
        self._answer(200, Content_Length=str(len(data)), Last_Modified="Sat, 21 Nov 2026 00:00:00 GMT", ETag='"x"')

    def do_GET(self) -> None:
        bucket, key, query, _ = self._request()
        status = type(self).before_get(key, self.headers.get("Range", ""))
        if status:
            return self._answer(status, f"<Error><Code>{status}</Code></Error>".encode())
        if "list-type" in query:
            return self._list(bucket, query["prefix"][0] if "prefix" in query else "", "delimiter" in query)
        data = self.objects.get(f"{bucket}/{key}")
        if data is None:
            return self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        wanted = self.headers.get("Range")
        if wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            part = data[int(first) : int(last) + 1]
            return self._answer(206, part, Content_Range=f"bytes {first}-{last}/{len(data)}")
        self._answer(200, data, ETag='"x"')

    def _list(self, bucket: str, prefix: str, flat: bool) -> None:
        keys = sorted(name.partition("/")[2] for name in self.objects if name.startswith(f"{bucket}/{prefix}"))
        files = [key for key in keys if not flat or "/" not in key.removeprefix(prefix)]
        folders = sorted({prefix + key.removeprefix(prefix).partition("/")[0] + "/" for key in keys} - set(files))
        folders = [name for name in folders if flat and any(k.startswith(name) for k in keys)]
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.objects[f'{bucket}/{key}'])}</Size>"
            "<LastModified>2026-11-21T00:00:00.000Z</LastModified><ETag>x</ETag></Contents>"
            for key in files
        )
        prefixes = "".join(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders)
        body = (
            f"<ListBucketResult><Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(files)}</KeyCount>"
            f"<MaxKeys>100000</MaxKeys><IsTruncated>false</IsTruncated>{contents}{prefixes}</ListBucketResult>"
        )
        self._answer(200, body.encode(), Content_Type="application/xml")

    def do_PUT(self) -> None:
        bucket, key, query, body = self._request()
        if "partNumber" in query:
            self.parts[query["uploadId"][0]][int(query["partNumber"][0])] = body
        elif key:
            self.objects[f"{bucket}/{key}"] = body
        self._answer(200, ETag=f'"{hashlib.md5(body).hexdigest()}"')

    def do_POST(self) -> None:
        bucket, key, query, _ = self._request()
        if "uploads" in query:
            upload = f"upload-{len(self.parts)}"
            self.parts[upload] = {}
            body = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            return self._answer(200, body.encode())
        parts = self.parts.pop(query["uploadId"][0])
        self.objects[f"{bucket}/{key}"] = b"".join(parts[number] for number in sorted(parts))
        self._answer(200, b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")

    def do_DELETE(self) -> None:
        bucket, key, _, _ = self._request()
        self.objects.pop(f"{bucket}/{key}", None)
        self._answer(204)


def _unchunked(body: bytes) -> bytes:
    """The payload of an aws-chunked body."""
    out = b""
    while body:
        head, _, body = body.partition(b"\r\n")
        size = int(head.partition(b";")[0] or b"0", 16)
        if size == 0:
            break
        out, body = out + body[:size], body[size + 2 :]
    return out


@contextmanager
def object_store(
    bucket: str = "bucket", before_get: Callable[[str, str], int] = lambda key, extent: 0
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Serves an empty bucket; yields the uri of a folder in it and what it holds by bucket/key.

    before_get: called with key and Range of each GET; an HTTP status other than 0 is answered instead.
    The caller sets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to anything.
    """
    handler = type(
        "Handler", (_Handler,), {"bucket": bucket, "objects": {}, "parts": {}, "before_get": staticmethod(before_get)}
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        place = f"scheme=http&endpoint_override=127.0.0.1:{server.server_port}&region=us-east-1"
        yield f"s3://{bucket}/banks?{place}", handler.objects
    finally:
        server.shutdown()
        server.server_close()
