"""An OpenID 2.0 provider: python3-openid's own server, at an https address of the `wide_world`."""

from __future__ import annotations

from openid.extensions import sreg
from openid.server.server import Server
from openid.store.memstore import MemoryStore

from .wide_world import Asked, Said, World

XRDS = """<?xml version="1.0" encoding="UTF-8"?>
<xrds:XRDS xmlns:xrds="xri://$xrds" xmlns="xri://$xrd*($v*2.0)"><XRD><Service priority="0">
<Type>http://specs.openid.net/auth/2.0/{kind}</Type><URI>{endpoint}</URI>
</Service></XRD></xrds:XRDS>"""


class OpenIDServer:
    """Signs in whoever is asked for. `home` is the address that a backend knows it by."""

    def __init__(self, world: World, home: str) -> None:
        self._world = world
        self._endpoint = f"{home.rstrip('/')}/op"
        self._server = Server(MemoryStore(), self._endpoint)
        self._describe(home, "server")
        world.says["POST", self._endpoint] = self._direct

    def sign_in(self, fields: dict[str, str], identity: str, nickname: str) -> str:
        """The address that the browser is sent back to, for what it came with."""
        self._describe(identity, "signon")
        request = self._server.decodeRequest(fields)
        answer = request.answer(True, identity=identity)
        asked = sreg.SRegRequest.fromOpenIDRequest(request)
        answer.addExtension(sreg.SRegResponse.extractResponse(asked, {"nickname": nickname}))
        return str(self._server.encodeResponse(answer).headers["location"])

    def _describe(self, address: str, kind: str) -> None:
        text = XRDS.format(kind=kind, endpoint=self._endpoint)
        self._world.say(
            "GET", address if address.count("/") > 2 else f"{address}/", text, content_type="application/xrds+xml"
        )
        self._world.say("GET", address, text, content_type="application/xrds+xml")

    def _direct(self, asked: Asked) -> Said:
        answer = self._server.encodeResponse(self._server.handleRequest(self._server.decodeRequest(asked.fields)))
        return Said(answer.body, status=answer.code, content_type="text/plain")
