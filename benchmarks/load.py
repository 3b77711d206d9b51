"""A light client: one request again and again over kept connections, so that the server is what is measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit


async def requests_per_second(url: str, headers: Mapping[str, str], number: int, at_once: int = 16) -> float:
    """So many GETs over `at_once` connections. Raises RuntimeError for an answer that is not 200."""
    left = iter(range(number))
    begun = time.perf_counter()
    await asyncio.gather(*(_ask(url, headers, left) for _ in range(at_once)))
    return number / (time.perf_counter() - begun)


async def _ask(url: str, headers: Mapping[str, str], left: Iterator[int]) -> None:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    lines = [f"GET {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{name}: {headers[name]}" for name in headers)]
    request = "\r\n".join([*lines, "", ""]).encode()
    for _ in left:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        status = head.split(b" ", 2)[1]
        [length] = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
        body = await reader.readexactly(int(length))
        if status != b"200":
            raise RuntimeError(f"{url}: {status!r} {body[:200]!r}")
    writer.close()
