"""Whoever has to sign in and has not sees nothing; without ``[auth]`` nothing changes."""

from __future__ import annotations

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.parts import sign_in
from tests.app.driving import ROOT, SECONDS

AUTH = {"redirect_uri": "http://localhost:8501/oauth2callback", "cookie_secret": "x", "client_id": "a"}


def page() -> None:
    import streamlit as st

    from pages.parts import sign_in

    sign_in.require()
    st.title("Faces")


def test_the_app_shows_nothing_before_sign_in():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
    app.secrets["auth"] = AUTH
    app.run()
    assert not app.exception and not app.title and not app.sidebar.selectbox
    assert [m.value for m in app.markdown] == ["Sign in to see GammaFace."]
    assert [b.label for b in app.button] == ["Sign in"]


def test_whoever_has_signed_in_sees_the_page(monkeypatch):
    monkeypatch.setattr(st, "user", {"is_logged_in": True})
    app = AppTest.from_function(page, default_timeout=SECONDS)
    app.secrets["auth"] = AUTH
    assert [t.value for t in app.run().title] == ["Faces"]


def test_without_auth_nobody_is_asked():
    app = AppTest.from_function(page, default_timeout=SECONDS).run()
    assert [t.value for t in app.title] == ["Faces"] and not app.button


@pytest.mark.parametrize("there", [True, False])
def test_secrets_that_cannot_be_read_let_nobody_in(there, tmp_path, monkeypatch):
    class Unreadable:
        def __contains__(self, key):
            raise sign_in.StreamlitSecretNotFoundError("Error parsing secrets file")

    file = tmp_path / "secrets.toml"
    if there:
        file.write_text("[auth")
    monkeypatch.setattr(st, "secrets", Unreadable())
    monkeypatch.setattr(st, "get_option", lambda name: [str(file)])
    assert sign_in.is_asked_for() == there
