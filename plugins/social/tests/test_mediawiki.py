"""MediaWiki, which OAuthenticator has a class for: the state travels in the callback address."""

from __future__ import annotations

import re
import time
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
import pytest
import responses
from social_core.backends.mediawiki import MediaWiki

from hubauth_core import Redirect
from hubauth_social.kinds import under
from hubauth_social.visit import Done, Visit

WIKI = "https://wiki.test/w/index.php"
BACK = "https://hub.test/hub/auth/mediawiki/callback"
SECRET = "s" * 32


@pytest.fixture
def wiki():
    """A wiki's three answers; what was asked is in `calls`."""

    def answer(request):
        title = parse_qs(urlsplit(request.url).query)["title"][0].lower()
        if title == "special:oauth/initiate":
            return 200, {}, "oauth_token=temporary&oauth_token_secret=one&oauth_callback_confirmed=true"
        if title == "special:oauth/token":
            return 200, {}, "oauth_token=token&oauth_token_secret=two"
        said = request.headers["Authorization"]
        nonce = re.search(r'oauth_nonce="([^"]+)"', said if isinstance(said, str) else said.decode())
        now = int(time.time())
        claims = {"iss": "https://wiki.test", "sub": "42", "aud": "key", "iat": now, "exp": now + 100}
        claims |= {"nonce": nonce[1], "username": "Ada Lovelace", "blocked": False, "groups": ["user"]}
        return 200, {}, jwt.encode(claims, SECRET, algorithm="HS256")

    with responses.RequestsMock() as answers:
        for method in (responses.GET, responses.POST):
            answers.add_callback(method, WIKI, answer)
        yield answers


async def test_somebody_signs_in_and_the_state_comes_back(bridged, wiki):
    bridge = bridged(under("mediawiki", MediaWiki, "oauth1"), KEY="key", SECRET=SECRET, MEDIAWIKI_URL=WIKI)
    step = await bridge.start(Visit(url=BACK, redirect_uri=BACK, state="state-1"))
    assert isinstance(step, Redirect)
    header = wiki.calls[0].request.headers["Authorization"]
    told = re.search(r'oauth_callback="([^"]+)"', header if isinstance(header, str) else header.decode())
    assert unquote(told[1]) == f"{BACK}?redirect_state=state-1"
    brought = {"redirect_state": "state-1", "oauth_token": "temporary", "oauth_verifier": "v"}
    back = Visit(url=BACK, redirect_uri=BACK, state="state-1", query=brought)
    done = await bridge.complete(back, step.memo)
    assert isinstance(done, Done)
    assert (done.uid, done.details["username"]) == ("42", "Ada Lovelace")
