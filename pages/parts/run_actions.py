"""What can be done to runs: rename, delete, export, import; each with its refusals in words."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from gammaface.errors import GammaFaceError
from gammaface.keeping.run_archive import check_whole, export_run, import_run
from gammaface.keeping.upkeep import delete_run, is_shipped, rename_run
from gammaface.pictures.downloads import MOST_BYTES
from gammaface.workspace import Run, list_runs

from .red_box import in_words
from .state import stamp_of
from .words import plain

READ_ONLY = "This run ships with the project and is read-only. Export it to work with a copy."


def say(words: str, **choices) -> None:
    """Run the page again with a line of what was done, and another choice where one is needed."""
    st.session_state["said"] = words
    st.session_state["show_next"] = choices
    st.rerun()


def said() -> None:
    """What was done before the page ran again."""
    words = st.session_state.pop("said", None)
    if words:
        st.success(words, icon=":material/check:")


def rename(run: Run) -> None:
    """A new name, and the run's page under it."""
    with st.popover("Rename", icon=":material/edit:", disabled=is_shipped(run.path)), in_words():
        name = st.text_input(
            "New name", value=run.manifest.name, key=f"name-{run.manifest.name}", max_chars=80
        )
        st.caption("Single faces and hand labels that belong to it are renamed with it.")
        if st.button("Rename it", type="primary", key=f"rename-{run.manifest.name}"):
            rename_run(run.path, name)
            say(f"**{plain(run.manifest.name)}** is now called **{plain(name)}**.", of=name)


def delete(path: Path, name: str) -> None:
    """Delete after a second press."""
    with st.popover("Delete", icon=":material/delete:", disabled=is_shipped(path)), in_words():
        st.markdown(f"**Delete {plain(name)}?** Its pictures, tables and settings are lost for good.")
        if st.button("Delete it for good", type="primary", key=f"delete-{name}"):
            delete_run(path)
            left = [run.manifest.name for run in list_runs()]
            say(f"**{plain(name)}** was deleted.", **{"of": left[0]} if left else {})


def export(run: Run) -> None:
    """One zip file: what speaks against it is said first, and it is made when it is saved."""
    checked = (run.manifest.name, stamp_of(run))
    if st.session_state.get("exported") != checked:
        if st.button("Export", icon=":material/archive:", help="Everything of this run as one zip file."):
            check_export(run)
            st.session_state["exported"] = checked
            st.rerun()
        return
    st.download_button(
        "Save the file",
        lambda: packed(run),
        file_name=f"{run.manifest.name}.zip",
        mime="application/zip",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
    )


def check_export(run: Run) -> None:
    """Refuse what a browser cannot be given, or would be given damaged."""
    size = sum(p.stat().st_size for p in run.path.rglob("*") if p.is_file())
    if size > MOST_BYTES:
        raise GammaFaceError(
            f"the run takes {size / 2**20:,.0f} MB, {MOST_BYTES >> 20} are the most for one download",
            fix=f"Use `python -m gammaface runs export {run.manifest.name}`.",
        )
    check_whole(run)


def packed(run: Run) -> bytes:
    """The archive's bytes; none of them is kept."""
    with tempfile.TemporaryDirectory() as folder:
        return export_run(run, Path(folder) / "run.zip").read_bytes()


def take_in() -> None:
    """An exported run from this computer."""
    with st.popover("Import", icon=":material/upload:"), in_words():
        limit = st.get_option("server.maxUploadSize")
        file = st.file_uploader("A run that was exported", type="zip", key="import-file")
        name = st.text_input("Name here", key="import-name", placeholder="the one it had", max_chars=80)
        st.caption(
            f"Up to {limit} MB; larger ones come in by `python -m gammaface runs import FILE`."
            " A file that is not whole, or holds anything but a run, is refused."
        )
        if st.button("Import it", type="primary", disabled=file is None, key="import-go"):
            run = imported(file.getbuffer(), name.strip() or None)
            say(f"**{plain(run.manifest.name)}** was imported.")


def imported(data: memoryview, name: str | None) -> Run:
    """The run in an uploaded archive, taken in by way of a file."""
    try:
        with tempfile.NamedTemporaryFile(suffix=".zip") as kept:
            kept.write(data)
            kept.flush()
            return import_run(kept.name, name=name)
    except OSError as error:
        raise GammaFaceError(
            f"the upload cannot be kept here: {error.strerror or error}",
            fix="Free disk space in the server's folder for temporary files. Nothing was imported.",
        ) from None
