"""`static/`: style and scripts of our pages."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tornado.web import StaticFileHandler

from hubauth_core import Page

STATIC: Final = Path(__file__).parents[1] / "static"


class StaticFiles(StaticFileHandler):
    """Files that are the same for everybody."""


PAGES: Final = (Page(pattern="static/(.*)", handler=StaticFiles, options={"path": str(STATIC)}),)
