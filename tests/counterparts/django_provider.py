"""An OpenID provider made of Django and django-oauth-toolkit (both PyPI), settings and all, in one file.

    python django_provider.py PORT DIR        prints "ready <issuer>"; DIR gets the key and a new sqlite database

The issuer has a path: http://127.0.0.1:PORT/o. Users: alice / alice-pw-123456 in group staff, bob / bob-pw-123456.
`sub` is the row's number, and there is no consent page. Used refresh tokens end their family.
REDIRECT_URI and POST_LOGOUT set the client's addresses, AT_TTL the access token's lifetime in seconds.
Test control: PUT /_test/redirect_uris ["..."] adds to the client's.
"""

import json
import os
import sys
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

import django
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from jwcrypto.jwk import JWK

PORT, DIR = int(sys.argv[1]), Path(sys.argv[2]).resolve()
REDIRECT_URI = os.environ.get("REDIRECT_URI", "http://127.0.0.1:8000/hub/auth/oidc/callback")
POST_LOGOUT = os.environ.get("POST_LOGOUT", "http://127.0.0.1:8000/hub/login")
LOGIN_PAGE = '<form method="post">{% csrf_token %}{{ form }}<button>Log in</button></form>'


def signing_key():
    """The RSA key of this folder, made at the first start."""
    file = DIR / "key.pem"
    if not file.exists():
        file.write_bytes(JWK.generate(kty="RSA", size=2048).export_to_pem(private_key=True, password=None))
    return file.read_text()


DIR.mkdir(parents=True, exist_ok=True)
database = DIR / "idp.sqlite3"
database.unlink(missing_ok=True)
settings.configure(
    DEBUG=True,
    SECRET_KEY="test-only-" * 5,
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    LOGIN_URL="/login/",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "oauth2_provider",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {
                "context_processors": ["django.template.context_processors.request"],
                "loaders": [
                    ("django.template.loaders.locmem.Loader", {"registration/login.html": LOGIN_PAGE}),
                    "django.template.loaders.app_directories.Loader",
                ],
            },
        }
    ],
    OAUTH2_PROVIDER={
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": signing_key(),
        "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
        "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False,
        "PKCE_REQUIRED": True,
        "ROTATE_REFRESH_TOKEN": True,
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
        "ACCESS_TOKEN_EXPIRE_SECONDS": int(os.environ.get("AT_TTL", "300")),
        "OAUTH2_VALIDATOR_CLASS": f"{__name__}.Claims",
        "SCOPES": {"openid": "identity", "profile": "name", "email": "address", "groups": "groups"},
    },
)
django.setup()

# Django must be set up before these can be imported, hence E402.
from django.contrib.auth.models import Group, User  # noqa: E402
from django.contrib.auth.views import LoginView  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402
from oauth2_provider.oauth2_validators import OAuth2Validator  # noqa: E402


@csrf_exempt
def redirect_uris(request: HttpRequest) -> JsonResponse:
    """Hubs choose their ports when they start, so callbacks are added while the provider runs."""
    hub = Application.objects.get(client_id="hub")
    known = sorted({*hub.redirect_uris.split(), *json.loads(request.body)})
    hub.redirect_uris = " ".join(known)
    hub.save()
    return JsonResponse(known, safe=False)


urlpatterns = [
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("login/", LoginView.as_view()),
    path("_test/redirect_uris", redirect_uris),
]


class Claims(OAuth2Validator):
    oidc_claim_scope = None

    def get_additional_claims(self):
        return {
            "preferred_username": lambda request: request.user.username,
            "email": lambda request: request.user.email,
            "groups": lambda request: list(request.user.groups.values_list("name", flat=True)),
        }


class ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def seed():
    call_command("migrate", verbosity=0)
    alice = User.objects.create_user("alice", "alice@example.test", "alice-pw-123456")
    alice.groups.add(Group.objects.create(name="staff"))
    User.objects.create_user("bob", "bob@example.test", "bob-pw-123456")
    Application.objects.create(
        name="hub",
        client_id="hub",
        client_secret="hub-secret-hub-secret-hub-secret-00",
        client_type="confidential",
        authorization_grant_type="authorization-code",
        algorithm="RS256",
        redirect_uris=REDIRECT_URI,
        post_logout_redirect_uris=POST_LOGOUT,
        skip_authorization=True,
    )


if __name__ == "__main__":
    seed()
    server = make_server("127.0.0.1", PORT, get_wsgi_application(), server_class=ThreadingServer)
    print(f"ready http://127.0.0.1:{PORT}/o", flush=True)
    server.serve_forever()
