"""Sign-in by Streamlit's own OpenID Connect, where ``[auth]`` stands in its secrets."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError


def is_asked_for() -> bool:
    """Whether this server wants people to sign in."""
    try:
        return "auth" in st.secrets
    except StreamlitSecretNotFoundError:
        # There are none, or a file that cannot be read: that one may have asked for it.
        return any(Path(file).exists() for file in st.get_option("secrets.files"))


def require() -> None:
    """Show a way to sign in, and nothing else, to whoever has not; does nothing without ``[auth]``."""
    if not is_asked_for() or st.user.get("is_logged_in", False):
        return
    st.markdown("Sign in to see GammaFace.")
    st.button("Sign in", icon=":material/login:", type="primary", on_click=st.login)
    st.stop()
