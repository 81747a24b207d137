"""What goes wrong on a page, as one red box that says what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.errors import FragmentHandledException

from gammaface.errors import GammaFaceError
from gammaface.workspace import Run

from .words import blame, plain

UNFORESEEN = "Something here cannot be shown"
CHECK = (
    "Choose another run, or open this one under Runs and check its files: compute it again if they are"
    " damaged. The server's log tells more."
)
log = logging.getLogger(__name__)


@contextmanager
def in_words() -> Iterator[None]:
    """Show what went wrong as one red box; the page, fragment or dialog ends there."""
    try:
        yield
    except GammaFaceError as error:
        st.error(blame(error.what, error.fix), icon=":material/error:")
    except FragmentHandledException:
        raise  # said by the fragment
    except Exception as error:
        log.exception("something on a page could not be drawn")
        st.error(blame(f"{UNFORESEEN} ({type(error).__name__})", CHECK), icon=":material/error:")


@contextmanager
def reading(run: Run) -> Iterator[None]:
    """What nobody foresaw while a run is read or shown is put down to that run.

    Raises
    ------
    GammaFaceError
        In its place, naming the run.
    """
    try:
        yield
    except (GammaFaceError, FragmentHandledException):
        raise
    except Exception as error:
        log.exception("the run %s could not be shown", run.path)
        raise GammaFaceError(
            f"the run '{run.manifest.name}' is damaged, or not what this page takes it for"
            f" ({type(error).__name__})",
            where=run.path,
            fix=CHECK,
        ) from None


def told(runs: Iterable[Run], words: Callable[[Run], str]) -> dict[str, str]:
    """Words for each run by its name; runs whose settings give none are left out, and named."""
    found, odd = {}, []
    for run in runs:
        try:
            found[run.manifest.name] = words(run)
        except Exception:  # a run may come from anywhere: it must not hide the others
            odd.append(run.manifest.name)
    if odd:
        st.caption(plain(f"Left out, for their settings cannot be read: {', '.join(odd)}."))
    return found
