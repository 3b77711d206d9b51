"""`metadata.xml`: what the sources of SAML need to know of this hub. SAML 2.0 Metadata, section 2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tornado import web

from hubauth_core import HubAuthError, Page, ProviderError

from ..visit import Visit
from .page import SocialPage

if TYPE_CHECKING:
    from ..provider import SocialProvider

PATH: Final = "metadata.xml"


class MetadataPage(SocialPage):
    """The document, for everybody: it holds the hub's address, its certificate and its contacts."""

    async def get(self) -> None:
        if self.social.described.kind != "saml":
            raise web.HTTPError(404)
        address = self.callback_url(self.social)
        visit = Visit(url=address, redirect_uri=address, state="")
        try:
            document = await self.social.bridge.ask(_made, visit)
        except HubAuthError as error:
            await self.say(error, self.social)
            return
        self.set_header("Content-Type", "application/samlmetadata+xml")
        self.finish(document)


def _made(backend: Any) -> bytes:
    metadata, errors = backend.generate_metadata_xml()
    if errors:
        raise ProviderError("The settings of SAML are not complete.", code="backend_misconfigured")
    document: bytes = metadata if isinstance(metadata, bytes) else metadata.encode()
    return document


def pages(provider: SocialProvider) -> list[Page]:
    """The page of this file, for one provider."""
    return [Page(pattern=r"metadata\.xml", handler=MetadataPage, options={"provider": provider})]
