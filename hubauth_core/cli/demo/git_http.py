"""Git's own server program behind tornado: whom it lets in is said elsewhere, all the rest is git's.

https://git-scm.com/docs/git-http-backend, https://www.rfc-editor.org/rfc/rfc3875 (CGI)
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import IO, Any, Final

from tornado import web
from tornado.httputil import HTTPHeaders
from tornado.iostream import StreamClosedError

from ...testing.idp import credentials_of

GIT: Final = "git"
LARGEST_PUSH: Final = 32 * 1024 * 1024
"""Bytes of a request."""
CHUNK: Final = 65536


class NotAdmitted(Exception):
    """Somebody may not do this: `status` is 401, 403 or 404, the message a sentence for them."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@web.stream_request_body
class GitHandler(web.RequestHandler):
    """Smart HTTP for the bare repositories in `root`.

    `admit(token, repository)` names who comes with a token, or raises NotAdmitted. The token is the password of HTTP
    Basic (RFC 7617); the user name may be anything.
    """

    def initialize(self, root: Path, admit: Callable[[str, str], str]) -> None:
        self.root = root
        self.admit = admit
        self.body: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # on_finish closes it

    def prepare(self) -> None:
        """Before anything of the body is read. What a refusal says git shows to the person."""
        connection: Any = self.request.connection
        connection.set_max_body_size(LARGEST_PUSH)
        try:
            self.person = self.admit(_password(self.request.headers), self.path_args[0])
        except NotAdmitted as refusal:
            self.set_status(refusal.status)
            if refusal.status == 401:
                self.set_header("WWW-Authenticate", 'Basic realm="Code Forge", charset="UTF-8"')
            self.set_header("Content-Type", "text/plain; charset=UTF-8")
            self.finish(f"{refusal}\n")

    def data_received(self, chunk: bytes) -> None:
        self.body.write(chunk)

    async def get(self, repository: str, action: str) -> None:
        """What git answers. It reads from a file, so that it may answer before it has read everything."""
        length = self.body.tell()
        self.body.seek(0)
        with contextlib.suppress(StreamClosedError):  # whoever asked has gone
            async with _backend(self.body, self._environment(f"/{repository}/{action}", length)) as output:
                await self._relay(output)

    post = get

    def on_finish(self) -> None:
        self.body.close()

    def _environment(self, path: str, length: int) -> dict[str, str]:
        """The request as section 4.1 of RFC 3875 has it, without the credential; git unpacks the body itself."""
        headers = self.request.headers
        return git_environment() | {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": headers.get("Git-Protocol", ""),
            "GATEWAY_INTERFACE": "CGI/1.1",
            "SERVER_PROTOCOL": self.request.version,
            "REQUEST_METHOD": str(self.request.method),
            "PATH_INFO": path,
            "QUERY_STRING": self.request.query,
            "CONTENT_TYPE": headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(length),
            "HTTP_CONTENT_ENCODING": headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": str(self.request.remote_ip),
            "REMOTE_USER": self.person,
        }

    async def _relay(self, output: asyncio.StreamReader) -> None:
        """Section 6 of RFC 3875: headers, one of which is the status, an empty line, the body."""
        headers = HTTPHeaders.parse((await output.readuntil(b"\r\n\r\n")).decode("latin-1"))
        self.set_status(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.get_all():
            self.set_header(name, value)
        while chunk := await output.read(CHUNK):
            self.write(chunk)
            await self.flush()


def git_environment() -> dict[str, str]:
    """What git sees of this process: nothing of the settings of whoever started it."""
    return {"PATH": os.environ.get("PATH", os.defpath), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


@contextlib.asynccontextmanager
async def _backend(body: IO[bytes], environment: Mapping[str, str]) -> AsyncIterator[asyncio.StreamReader]:
    """What `git http-backend` says. It does not outlive the context."""
    process = await asyncio.create_subprocess_exec(
        *(GIT, "http-backend"),
        stdin=body,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
    )
    assert process.stdout is not None  # noqa: S101  # it is a pipe
    try:
        yield process.stdout
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    finally:
        await process.wait()


def _password(headers: Mapping[str, str]) -> str:
    """The password of HTTP Basic; "" where there is none that can be read."""
    try:
        said = base64.b64decode(credentials_of(headers, "Basic"), validate=True).decode()
    except ValueError:
        return ""
    return said.partition(":")[2]
