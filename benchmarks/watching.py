"""Whoever holds a hub's event loop: text for its configuration that writes each callback of more than 5 ms to a file.

`wall`: milliseconds from its begin to its end; `cpu`: what it worked of them, the rest being waits for a disk or for a
processor; `ours`: whether a line of hubauth's was being worked at.
"""

from __future__ import annotations

WATCH = """
import asyncio, json, sys, threading, time

_loop_thread = threading.main_thread().ident
_running = [0.0, False]
_kept = open("held.jsonl", "a", buffering=1)
_run = asyncio.events.Handle._run

def _sample():
    while True:
        time.sleep(0.004)
        if _running[0] and time.perf_counter() - _running[0] > 0.004:
            frame = sys._current_frames().get(_loop_thread)
            while frame is not None:
                if "hubauth" in frame.f_code.co_filename:
                    _running[1] = True
                frame = frame.f_back

def _timed(self):
    begun, worked = time.perf_counter(), time.thread_time()
    _running[:] = [begun, False]
    _run(self)
    wall = time.perf_counter() - begun
    _running[0] = 0.0
    if wall > 0.005:
        row = {"wall": wall * 1000, "cpu": (time.thread_time() - worked) * 1000, "ours": _running[1]}
        _kept.write(json.dumps({**row, "at": time.time()}) + "\\n")

asyncio.events.Handle._run = _timed
threading.Thread(target=_sample, daemon=True).start()
"""
