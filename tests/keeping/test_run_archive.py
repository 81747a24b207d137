"""A run as one file: it comes back as it was, and nothing else comes in."""

import hashlib
import io
import json
import os
import stat
import struct
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from gammaface import GammaFaceError
from gammaface.cli import app
from gammaface.keeping import run_archive as archives
from gammaface.keeping.archive_entries import ARCHIVE, Limits, check_entry_name
from gammaface.workspace import Run, home, writing

REFUSED = "Nothing was imported"


def picture(side: int = 4) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side)).save(buffer, "PNG")
    return buffer.getvalue()


def make_run(path):
    with writing(path, kind="sample", config={"model": "faces", "seed": 3}, weights={"faces": "ab"}) as run:
        run.write_array("a", np.arange(6.0))
        run.write_table("images", pd.DataFrame({"seed": [0], "component": [1]}))
        run.write_file("images/00000000.png", picture())
        run.write_file("report.html", "<script>alert(1)</script>")
        with writing(run.path / "plain", kind="sample", config={}) as plain:
            plain.write_table("images", pd.DataFrame({"seed": [0]}))
    return Run.open(path)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """The bytes of an exported run."""
    folder = tmp_path_factory.mktemp("packed")
    return archives.export_run(make_run(folder / "even"), folder / "even.zip").read_bytes()


def content_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def listing(files: dict[str, bytes], name: str = "even") -> bytes:
    entries = {
        n: {"size": len(d), "sha256": hashlib.sha256(d).hexdigest()} for n, d in files.items() if n != ARCHIVE
    }
    return json.dumps({"format": 1, "name": name, "files": entries}).encode()


def pack(tmp_path, files: dict[str, bytes] | list, *, relist: bool = True, method=zipfile.ZIP_STORED):
    """A zip file of entries, (name or ZipInfo, bytes); its list says what it holds."""
    pairs = list(files.items()) if isinstance(files, dict) else files
    if relist:
        held = {(n.filename if isinstance(n, zipfile.ZipInfo) else n): d for n, d in pairs}
        pairs = [(n, listing(held) if n == ARCHIVE else d) for n, d in pairs]
    out = tmp_path / "in.zip"
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in pairs:
            archive.writestr(name, data)
    return out


def refuse(file, match: str, **options) -> None:
    """It is refused with one error, and the workspace is as it was."""
    before = sorted(home().rglob("*")) if home().exists() else None
    with pytest.raises(GammaFaceError, match=match):
        archives.import_run(file, **options)
    assert (sorted(home().rglob("*")) if home().exists() else None) == before or not list(home().iterdir())


def test_a_run_comes_back_as_it_was(tmp_path):
    run = make_run(tmp_path / "even")
    file = archives.export_run(run, tmp_path / "even.zip")
    back = archives.import_run(file)
    assert back.path == home() / "even" and back.manifest == run.manifest
    assert back.array("a").tolist() == run.array("a").tolist() and back.damaged() == []
    for path in ("tables/images.parquet", "images/00000000.png", "plain/tables/images.parquet"):
        assert (back.path / path).read_bytes() == (run.path / path).read_bytes()
    assert not (back.path / "report.html").exists()  # script is not carried from one to another
    assert [p.name for p in home().iterdir()] == ["even"]


def test_a_taken_name_is_refused_and_another_can_be_given(tmp_path, packed):
    (tmp_path / "even.zip").write_bytes(packed)
    archives.import_run(tmp_path / "even.zip")
    refuse(tmp_path / "even.zip", "there is a run 'even' already")
    other = archives.import_run(tmp_path / "even.zip", name="other")
    assert other.manifest.name == "other" and other.damaged() == []
    refuse(tmp_path / "even.zip", "is not a run name", name="../out")


def test_damaged_and_unfinished_runs_are_not_exported(tmp_path):
    run = make_run(tmp_path / "even")
    (run.path / "plain" / "tables" / "images.parquet").write_bytes(b"PAR1")
    with pytest.raises(GammaFaceError, match="1 files of the run are damaged"):
        archives.export_run(run, tmp_path / "even.zip")
    with (
        writing(tmp_path / "busy", kind="sample", config={}) as busy,
        pytest.raises(GammaFaceError, match="is being written"),
    ):
        archives.export_run(busy, tmp_path / "busy.zip")
    (tmp_path / "even.zip").write_text("mine")
    with pytest.raises(GammaFaceError, match="a file here already"):
        archives.export_run(run, tmp_path / "even.zip")
    assert sorted(p.name for p in tmp_path.glob("*.zip")) == ["even.zip"]


def test_foreign_files_in_a_run_are_named_when_it_is_exported(tmp_path):
    run = make_run(tmp_path / "even")
    (run.path / "weights.pkl").write_bytes(b"")
    with pytest.raises(GammaFaceError, match="of a kind that no run has.*weights.pkl"):
        archives.export_run(run, tmp_path / "even.zip")


BAD_NAMES = {
    "/etc/cron.d/job.txt": "absolute",
    "C:/a.txt": "absolute",
    "\\\\host\\a.txt": "absolute",
    "../a.txt": "leads out",
    "tables/../../a.txt": "leads out",
    "tables\\..\\a.txt": "no run has",
    "./a.txt": "no run has",
    "a//b.txt": "no run has",
    ".lock.txt": "no run has",
    "tables/": "no run has",
    "a\x07.txt": "no run has",
    "naïve.txt": "no run has",
    "a" * 200 + ".txt": "no run has",
    "a/" * 9 + "b.txt": "no run has",
    "run.sh": "kind of file",
    "model.pkl": "kind of file",
    "report.html": "kind of file",
    "noending": "kind of file",
}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_lead_elsewhere_are_refused(name, tmp_path, packed):
    refuse(pack(tmp_path, content_of(packed) | {name: b"x"}), BAD_NAMES[name])


@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from(["..", ".", "a", "b.txt", "/", "\\", "C:", "~", ""])).map("/".join)
)
@example("a.txt\x00.png")
@example("con.txt ")
def test_no_accepted_name_leads_out_of_the_run(name):
    try:
        check_entry_name(name)
    except GammaFaceError as error:
        assert REFUSED in str(error)
        return
    place = os.path.normpath(os.path.join("/home/run", name))
    assert place == f"/home/run/{name}" and "\\" not in name and name.isprintable()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFDIR])
def test_links_and_devices_are_refused(kind, tmp_path, packed):
    info = zipfile.ZipInfo("tables/link.txt")
    info.external_attr = (kind | 0o777) << 16
    refuse(pack(tmp_path, [*content_of(packed).items(), (info, b"/etc/passwd")]), "link or a device")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["manifest.json", "Manifest.JSON".lower(), "TABLES/images.parquet"])
def test_a_name_twice_is_refused(name, tmp_path, packed):
    refuse(pack(tmp_path, [*content_of(packed).items(), (name, b"{}")]), "a name twice")


def test_a_file_that_is_a_folder_as_well_is_refused(tmp_path, packed):
    files = content_of(packed) | {"a.txt": b"", "a.txt/b.txt": b""}
    refuse(pack(tmp_path, files), "a folder as well")


def claim(data: bytes, name: str, size: int) -> bytes:
    """The archive with another unpacked size of one entry in its directory."""
    out = bytearray(data)
    at = data.rindex(name.encode()) - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    struct.pack_into("<I", out, at + 24, size)
    return bytes(out)


def test_a_claim_of_ten_gigabytes_is_refused_before_anything_is_written(tmp_path, packed):
    files = content_of(packed)
    four = 4 * 2**30 - 2
    data = pack(tmp_path, files | {"a.txt": b"", "b.txt": b"", "c.txt": b""}).read_bytes()
    for name in ("a.txt", "b.txt", "c.txt"):
        data = claim(data, name, four)
    (tmp_path / "in.zip").write_bytes(data)
    refuse(tmp_path / "in.zip", "more than 100 times")
    refuse(tmp_path / "in.zip", "unpacks to 12,288 MB", limits=Limits(ratio=1e12))


def test_a_bomb_is_refused(tmp_path, packed):
    files = content_of(packed) | {"zeros.txt": bytes(20 * 2**20)}
    refuse(pack(tmp_path, files, method=zipfile.ZIP_DEFLATED), "more than 100 times")


def test_too_many_entries_are_refused(tmp_path, packed):
    files = content_of(packed) | {f"{i}.txt": b"" for i in range(40)}
    few = Limits(entries=20)
    refuse(pack(tmp_path, files), "announces", limits=few)


def test_an_archive_over_the_limit_is_refused(tmp_path, packed):
    (tmp_path / "in.zip").write_bytes(packed)
    refuse(tmp_path / "in.zip", "MB are accepted", limits=Limits(total=1000))


def test_more_bytes_than_declared_are_refused(tmp_path, packed):
    data = pack(tmp_path, content_of(packed) | {"a.txt": b"x" * 5000}, method=zipfile.ZIP_DEFLATED)
    data.write_bytes(claim(data.read_bytes(), "a.txt", 10))
    refuse(data, "not what its list says")


def test_a_list_that_lies_is_refused(tmp_path, packed):
    files = content_of(packed)
    true = json.loads(files[ARCHIVE])
    for change, match in (
        (lambda e: e["tables/images.parquet"].update(sha256="0" * 64), "a file of the archive is damaged"),
        (lambda e: e["tables/images.parquet"].update(size=3), "not what its list says"),
        (lambda e: e.pop("tables/images.parquet"), "not what its list says"),
        (lambda e: e.update({"tables/x.parquet": {"size": 1, "sha256": ""}}), "not what its list says"),
        (lambda e: e.update({"tables/x.parquet": 3}), "list cannot be read"),
    ):
        lies = json.loads(json.dumps(true))
        change(lies["files"])
        refuse(pack(tmp_path, files | {ARCHIVE: json.dumps(lies).encode()}, relist=False), match)
    for head in (b"", b"[]", b"[" * 100_000, b'{"format": 1}', b"\xff"):
        refuse(pack(tmp_path, files | {ARCHIVE: head}, relist=False), "list cannot be read")
    new = json.dumps(true | {"format": 2}).encode()
    refuse(pack(tmp_path, files | {ARCHIVE: new}, relist=False), "format 2, this version knows 1")
    named = json.dumps(true | {"name": "../../x"}).encode()
    refuse(pack(tmp_path, files | {ARCHIVE: named}, relist=False), "is not a run name")


@pytest.mark.parametrize("where", ["manifest.json", "plain/manifest.json"])
@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"schema": 99}, "newer GammaFace"),
        ({"state": "running"}, "was being written"),
        ({"config": []}, "manifest is damaged"),
        ({"surprise": 1}, "manifest is damaged"),
        ({"checksums": "0" * 64}, "list of checksums is damaged"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(where, change, match, tmp_path, packed):
    files = content_of(packed)
    files[where] = json.dumps(json.loads(files[where]) | change).encode()
    refuse(pack(tmp_path, files), match)


def test_files_that_the_run_s_own_list_does_not_know_so_are_refused(tmp_path, packed):
    refuse(pack(tmp_path, content_of(packed) | {"images/00000000.png": picture(5)}), "the run is damaged")


def huge_table() -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    column = pa.array(np.zeros(2_000_000, dtype=bool))
    pq.write_table(pa.table({f"c{i}": column for i in range(51)}), buffer)
    return buffer.getvalue()


def huge_array() -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    return buffer.getvalue()


def objects() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def huge_picture() -> bytes:
    data = bytearray(picture())
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    import zlib

    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("arrays/x.npy", huge_array),
        ("arrays/x.npy", objects),
        ("tables/x.parquet", huge_table),
        ("tables/x.parquet", lambda: b"PAR1" + b"x" * 99),
        ("images/x.png", huge_picture),
        ("images/x.png", lambda: b"<svg onload='alert(1)'/>"),
    ],
)
def test_files_that_claim_too_much_are_refused(name, make, tmp_path, packed):
    refuse(pack(tmp_path, content_of(packed) | {name: make()}), "not what it says")


def test_what_is_no_zip_is_refused(tmp_path, packed):
    for data in (b"", b"PK\x05\x06", b"x" * 5000, packed[:-1], packed + b"!", packed[: len(packed) // 2]):
        (tmp_path / "in.zip").write_bytes(data)
        refuse(tmp_path / "in.zip", "no plain zip file")
    for path in (tmp_path, tmp_path / "nothing.zip"):
        with pytest.raises(GammaFaceError, match="this is no file|cannot be read"):
            archives.import_run(path)
    long = bytearray(packed)
    struct.pack_into("<I", long, len(long) - 10, 2**31)  # a directory of two gigabytes
    (tmp_path / "in.zip").write_bytes(long)
    refuse(tmp_path / "in.zip", "announces")


def test_encrypted_and_unusually_packed_archives_are_refused(tmp_path, packed):
    refuse(pack(tmp_path, content_of(packed), method=zipfile.ZIP_BZIP2), "unknown way")
    data = bytearray(pack(tmp_path, content_of(packed)).read_bytes())
    at = bytes(data).rindex(b"PK\x01\x02")
    data[at + 8] |= 1
    (tmp_path / "in.zip").write_bytes(data)
    refuse(tmp_path / "in.zip", "encrypted")


def test_a_full_disk_is_foreseen(tmp_path, packed, monkeypatch):
    (tmp_path / "in.zip").write_bytes(packed)
    monkeypatch.setattr(archives, "ROOM", 2**60)
    refuse(tmp_path / "in.zip", "MB are free")


def test_a_write_that_fails_leaves_nothing(tmp_path, packed, monkeypatch):
    (tmp_path / "in.zip").write_bytes(packed)

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archives.os, "rename", fail)
    refuse(tmp_path / "in.zip", "No space left on device")


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_damaged_archive_is_refused_or_comes_in_whole(data, packed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzzed")
    place = data.draw(st.integers(0, len(packed) - 1))
    byte = data.draw(st.integers(1, 255))
    broken = bytearray(packed)
    broken[place] ^= byte
    (folder / "in.zip").write_bytes(broken)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAMMAFACE_HOME", str(folder / "home"))
        try:
            run = archives.import_run(folder / "in.zip")
        except GammaFaceError:
            assert not (folder / "home").exists() or not list((folder / "home").iterdir())
        else:
            assert run.damaged() == [] and len(run.table("images")) == 1


def test_the_commands(tmp_path, monkeypatch):
    def call(*arguments, code=0):
        result = CliRunner().invoke(app, [str(a) for a in arguments])
        assert result.exit_code == code, result.output
        return result.stdout

    monkeypatch.chdir(tmp_path)
    make_run(home() / "even")
    assert "even.zip" in call("runs", "export", "even")
    call("runs", "import", "even.zip", "--name", "copy")
    call("runs", "rename", "copy", "mine")
    names = {run["name"] for run in json.loads(call("runs", "--json"))}
    assert {"even", "mine"} <= names and "copy" not in names and "mine " in call("runs")
    assert "kept" in CliRunner().invoke(app, ["runs", "delete", "mine"], input="n\n").stdout
    assert (home() / "mine").exists()
    call("runs", "delete", "mine", "--yes")
    assert not (home() / "mine").exists()
