"""Ask a hub for `/hub/health` again and again, in a process of its own: `python -m benchmarks.health URL SECONDS`.

Prints how long each answer took, in milliseconds, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit

EVERY = 0.01


async def probe(url: str, seconds: float) -> list[float]:
    """One question each hundredth of a second, over one connection; a slow answer delays the next."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    request = f"GET /hub/health HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    taken, end = [], time.perf_counter() + seconds
    while (begun := time.perf_counter()) < end:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        [length] = [line.split(b":")[1] for line in head.split(b"\r\n") if line.startswith(b"content-length")]
        await reader.readexactly(int(length))
        taken.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(max(0.0, begun + EVERY - time.perf_counter()))
    writer.close()
    return taken


if __name__ == "__main__":
    print(json.dumps(asyncio.run(probe(sys.argv[1], float(sys.argv[2])))))
