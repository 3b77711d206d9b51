"""One call in BinderHub's configuration."""

from __future__ import annotations

import binderhub.app
import pytest
from binderhub.build import KubernetesBuildExecutor
from binderhub.build_local import LocalRepo2dockerBuild
from binderhub.repoproviders import GistRepoProvider, GitHubRepoProvider, GitLabRepoProvider
from traitlets.config import Config

from hubauth_binderhub.builds import OneHost
from hubauth_binderhub.configure import configure
from hubauth_binderhub.handler import VisitorsBuildHandler
from hubauth_binderhub.providers import GitHubProvider, GitLabProvider, GitProvider


class Lab(GitLabRepoProvider):
    """A provider of the administrator's own."""


def configured(**settings: object) -> Config:
    c = Config(BinderHub=settings)
    configure(c)
    return c.BinderHub


@pytest.fixture(autouse=True)
def _put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binderhub.app, "BuildHandler", binderhub.app.BuildHandler)


def test_binderhub_as_it_comes() -> None:
    binder = configured()
    ours = {"gh": GitHubProvider, "gl": GitLabProvider, "git": GitProvider, "gist": GistRepoProvider}
    assert {prefix: binder.repo_providers[prefix] for prefix in ours} == ours
    assert issubclass(binder.build_class, OneHost)
    assert issubclass(binder.build_class, KubernetesBuildExecutor)
    assert binderhub.app.BuildHandler is VisitorsBuildHandler


def test_what_is_configured_stays() -> None:
    binder = configured(repo_providers={"hub": GitHubRepoProvider, "lab": Lab}, build_class=LocalRepo2dockerBuild)
    assert binder.repo_providers == {"hub": GitHubProvider, "lab": Lab}
    assert issubclass(binder.build_class, LocalRepo2dockerBuild)


def test_a_build_class_by_its_name() -> None:
    binder = configured(build_class="binderhub.build_local.LocalRepo2dockerBuild")
    assert issubclass(binder.build_class, OneHost)
    assert issubclass(binder.build_class, LocalRepo2dockerBuild)
