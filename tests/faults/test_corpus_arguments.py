"""Arguments out of their range, at the command line and at the doors behind it."""

from __future__ import annotations

import hashlib
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gammaface import balance, harvest
from gammaface.audit.parsing import parse_aims, parse_attributes, parse_methods, parse_options, parse_shares
from gammaface.commands.chain import parse_range
from gammaface.datasets.schema import CLASSES
from gammaface.downstream.grid import parse_method, parse_percent, parse_seeds
from gammaface.downstream.tasks import parse_tasks
from gammaface.keeping.run_archive import export_run, import_run
from gammaface.runs.manifests import SCHEMA, check_name, parse_manifest
from gammaface.strategies import Target
from gammaface.workspace import find_run, home, writing
from tests.faults.harness import refused, refused_command

LONG = "9" * 5000

COMMANDS: dict[str, list[str]] = {
    "no such command": ["paint"],
    "no such option": ["harvest", "--evil", "1"],
    "n nothing": ["harvest", "--model", "TINY", "-n", "0"],
    "n negative": ["harvest", "--model", "TINY", "-n", "-5"],
    "n a fraction": ["harvest", "--model", "TINY", "-n", "1.5"],
    "n NaN": ["harvest", "--model", "TINY", "-n", "nan"],
    "n beyond the seeds": ["harvest", "--model", "TINY", "-n", "100000001", "--out", "OUT"],
    "n beyond counting": ["harvest", "--model", "TINY", "-n", "1" + "0" * 30, "--out", "OUT"],
    "seed negative": ["harvest", "--model", "TINY", "--seed", "-1"],
    "seed beyond counting": ["harvest", "--model", "TINY", "--seed", "1" + "0" * 30, "--out", "OUT"],
    "t negative": ["harvest", "--model", "TINY", "--t", "-1", "--out", "OUT"],
    "t one too far": ["harvest", "--model", "TINY", "--t", "1000", "--out", "OUT"],
    "t a word": ["harvest", "--model", "TINY", "--t", "late"],
    "unknown space": ["harvest", "--model", "TINY", "--space", "w+", "--out", "OUT"],
    "unknown sampler": ["harvest", "--model", "TINY", "--sampler", "evil", "--out", "OUT"],
    "steps nothing": ["harvest", "--model", "TINY", "--steps", "0"],
    "steps too many": ["harvest", "--model", "TINY", "--steps", "1001", "--out", "OUT"],
    "batch nothing": ["harvest", "--model", "TINY", "--batch-size", "0"],
    "dimensions too many": ["harvest", "--model", "TINY", "-n", "2", "--steps", "2", "--pca", "3"],
    "dimensions negative": ["harvest", "--model", "TINY", "-n", "2", "--steps", "2", "--pca", "-3"],
    "a name up and away": ["harvest", "--model", "TINY", "-n", "2", "--steps", "2", "--out", "OUT/.."],
    "a hidden name": ["harvest", "--model", "TINY", "-n", "2", "--steps", "2", "--out", "OUT/.hidden"],
    "a device's name": ["harvest", "--model", "TINY", "-n", "2", "--steps", "2", "--out", "OUT/con"],
    "a name too long": ["harvest", "--model", "TINY", "-n", "2", "--steps", "2", "--out", "OUT/" + "a" * 300],
    "a name below a file": ["harvest", "--model", "TINY", "-n", "2", "--steps", "2", "--out", "FILE/run"],
    "no run to sweep": ["sweep", "OUT"],
    "a run's name too long": ["table", LONG],
    "a run's name of a zero byte": ["table", "a\0b"],
    "a run's name of separators": ["table", "../../etc"],
    "K of words": ["sweep", "OUT", "--k", "few"],
    "K beyond counting": ["sweep", "OUT", "--k", f"1..{LONG}"],
    "K nothing": ["fit", "OUT", "--k", "0"],
    "no such strategy": ["sample", "--model", "TINY", "--strategy", "evil", "--out", "OUT"],
    "no such injection": ["sample", "--model", "TINY", "--injection", "evil", "--harvest", "OUT"],
    "a target for none": ["sample", "--model", "TINY", "--strategy", "plain", "--target", "gender"],
    "no target": ["sample", "--model", "TINY", "--strategy", "quota", "--out", "OUT"],
    "guidance NaN": ["sample", "--strategy", "distribution-guidance", "--set", "scale=nan"],
    "guidance infinite": ["sample", "--strategy", "distribution-guidance", "--set", "scale=inf"],
    "guidance negative": ["sample", "--strategy", "distribution-guidance", "--set", "scale=-1"],
    "guidance a word": ["sample", "--strategy", "distribution-guidance", "--set", "scale=strong"],
    "no such option of it": ["sample", "--strategy", "distribution-guidance", "--set", "evil=1"],
    "an option twice": ["sample", "--strategy", "quota", "--set", "limit=3", "--set", "limit=4"],
    "an option without value": ["sample", "--strategy", "quota", "--set", "limit"],
    "no such classifier": ["label", "FOLDER", "--out", "OUT/a.csv", "--model", "nobody"],
    "nothing to label": ["label", "OUT/nowhere", "--out", "OUT/a.csv", "--model", "CLASSIFIER"],
    "an empty folder to label": ["label", "FOLDER", "--out", "OUT/a.csv", "--model", "CLASSIFIER"],
    "no data": ["data", "OUT/nowhere"],
    "an empty folder of data": ["data", "FOLDER"],
    "a kind of data": ["data", "FOLDER", "--kind", "evil"],
    "a preset of data": ["audit-folder", "FOLDER", "--labels", "FILE", "--out", "OUT/a", "--preset", "evil"],
    "no predictions": ["metrics", "OUT/nowhere.csv"],
    "predictions of text": ["metrics", "FILE"],
    "predictions of no group": ["metrics", "CSV", "--group", "evil"],
    "a rate's kind": ["metrics", "CSV", "--tpr", "evil"],
    "a difference's kind": ["metrics", "CSV", "--mode", "evil"],
    "resamples negative": ["metrics", "CSV", "--resamples", "-1"],
    "a seed of resamples negative": ["metrics", "CSV", "--seed", "-1"],
    "a format": ["metrics", "CSV", "--format", "evil"],
    "a table to nowhere": ["metrics", "CSV", "--out", "OUT/nowhere/a.csv"],
    "no archive": ["runs", "import", "OUT/nowhere.zip"],
    "an archive of text": ["runs", "import", "FILE"],
    "a folder for an archive": ["runs", "import", "FOLDER"],
    "no run to export": ["runs", "export", "nobody"],
    "no run to delete": ["runs", "delete", "nobody", "--yes"],
    "no run to rename": ["runs", "rename", "nobody", "somebody"],
    "no shipped run": ["record", "nothing"],
    "an audit without a place": ["audit", "--model", "TINY", "--targets", "gender"],
    "an audit of no target": ["audit", "--model", "TINY", "--targets", "evil", "--out", "OUT"],
    "an audit of odd shares": ["audit", "--shares", "gender:female=.7", "--out", "OUT"],
    "an audit of NaN shares": ["audit", "--shares", "gender:female=nan,male=.3", "--out", "OUT"],
    "an audit of negative shares": ["audit", "--shares", "gender:female=-1,male=2", "--out", "OUT"],
    "an audit of no method": ["audit", "--methods", "evil", "--out", "OUT"],
    "an audit without seeds": ["audit", "--seeds", "0", "--out", "OUT"],
    "downstream without data": ["downstream", "--out", "OUT"],
    "downstream of other data": ["downstream", "--data", "evil=FOLDER", "--out", "OUT"],
    "downstream of no share": ["downstream", "--data", "utkface=FOLDER", "--out", "OUT", "--ratios", "0"],
    "downstream of NaN shares": ["downstream", "--data", "utkface=FOLDER", "--out", "OUT", "--ratios", "nan"],
    "downstream of endless seeds": ["downstream", "--data", "utkface=FOLDER", "--out", "OUT"]
    + ["--seeds", f"0..{10**12}"],
    "downstream too sure": ["downstream", "--data", "utkface=FOLDER", "--out", "OUT", "--min-p", "2"],
    "downstream NaN sure": ["downstream", "--data", "utkface=FOLDER", "--out", "OUT", "--min-p", "nan"],
    "training on nothing": ["train", "autoencoder", "--data", "FOLDER", "--out", "OUT"],
    "training of no side": ["train", "autoencoder", "--data", "FOLDER", "--out", "OUT", "--resolution", "0"],
    "training on no picture": ["train", "autoencoder", "--data", "FOLDER", "--out", "OUT", "--images", "0"],
    "a rate of NaN": ["train", "autoencoder", "--data", "PICTURES", "--out", "OUT/ae", "--images", "4"]
    + ["--batch-size", "2", "--learning-rate", "nan"],
    "training without its autoencoder": ["train", "diffusion", "--data", "PICTURES", "--out", "OUT"]
    + ["--autoencoder", "FOLDER"],
}


@pytest.fixture(scope="module")
def places(tmp_path_factory, tiny_folder) -> dict[str, str]:
    from PIL import Image

    from tests.tiny_attributes import write_classifier

    root = tmp_path_factory.mktemp("arguments")
    import torch

    classifier = write_classifier(root / "classifier", torch.rand(4, 3, 32, 32) * 2 - 1)
    (root / "file.csv").write_text("nothing\n")
    rows = {"y": [0, 1] * 8, "p": [0, 1] * 7 + [1, 0], "group": list("aabb") * 4}
    pd.DataFrame(rows).to_csv(root / "p.csv", index=False)
    (root / "empty").mkdir()
    (root / "pictures").mkdir()
    Image.new("RGB", (64, 64)).save(root / "pictures" / "a.png")
    return {
        "TINY": str(tiny_folder),
        "CLASSIFIER": str(classifier),
        "FILE": str(root / "file.csv"),
        "CSV": str(root / "p.csv"),
        "FOLDER": str(root / "empty"),
        "PICTURES": str(root / "pictures"),
    }


@pytest.mark.parametrize("case", COMMANDS)
def test_commands_that_cannot_be_done(case, places, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    words = places | {"OUT": str(tmp_path / "out")}
    arguments = []
    for word in COMMANDS[case]:
        for name, place in words.items():
            word = word.replace(name, place)
        arguments.append(word)
    refused_command(tmp_path, capsys, monkeypatch, *arguments)


NAMES: list[str] = [
    *("", " ", ".", "..", "...", "a/b", "a\\b", "/a", "C:", "a:b", "~", "~root", "$HOME", "a b", "a\tb"),
    *("a\nb", "a\0b", "-a", "_a", ".a", "con", "CON.txt", "nul", "Aux", "prn.x", "com1", "LPT9.log", "jobs"),
    *("Jobs", "jobs.x", "a*", "a?", "a|b", "<a>", '"a"', "a'b", "a;b", "a&b", "%2e%2e", "a" * 81, "é", "ａ"),
    *("а", "a\u200b", "a\u202e", "\ufeffa", "①", "🙂", "a\u0301", "١", "a\x7f", "a\ud800"),
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_of_no_run(name, tmp_path):
    with refused(tmp_path):
        check_name(name)


def calls(parse: Callable, *texts: str) -> dict[str, Callable]:
    return {f"{parse.__name__} {ascii(text[:40])}": lambda text=text: parse(text) for text in texts}


PARSED: dict[str, Callable[[], object]] = {
    **calls(
        parse_range, "", "a", "3..1", "0", "-1..3", "1..", "..3", "1...3", "1..2..3", "1,2", "1.5", "²", LONG
    ),
    **calls(parse_range, LONG, f"1..{10**12}", "inf", "nan", "1..inf", "\0"),
    **calls(parse_seeds, "", "a", "3..1", "-1", "1,-2", "0..", "1,,2", "1.5", "²", LONG, f"0..{10**12}"),
    **calls(parse_percent, "", "0", "-5", "101", "nan", "inf", "-inf", "a", "5%", "1e400", LONG),
    **calls(parse_shares, "", "=", "a", "a=", "=.5", "a=b", "a=.5,", "a=.5,b", ",a=.5", ",,", "a==.5"),
    **calls(parse_attributes, "", ",", "a,", ",a", "+", "a++b", " "),
    "an option alone": lambda: parse_options(["a"]),
    "an option of nothing": lambda: parse_options(["=1"]),
    "an option twice": lambda: parse_options(["a=1", "a=2"]),
    "shares of nobody": lambda: parse_aims("", ["female=.5"]),
    "a method twice": lambda: parse_methods("quota,quota", [], n=4),
    "a method of no name": lambda: parse_methods("=quota", [], n=4),
    "a method of a kept name": lambda: parse_methods("base=quota", [], n=4),
    "a method of separators": lambda: parse_methods("a/b=quota", [], n=4),
    "an option of no method": lambda: parse_methods("quota", ["plain2.limit=3"], n=4),
    "a method's odd n": lambda: parse_methods("quota", ["quota.n=few"], n=4),
    "a method's n of nothing": lambda: parse_methods("quota", ["quota.n=0"], n=4),
    **calls(parse_method, "", "evil", "baseline@a", "baseline:50", "gamma-face:0", "gamma-face:nan"),
    "a task of no data": lambda: parse_tasks(["celeba:gender"], ["utkface"]),
    "a task that is none": lambda: parse_tasks(["evil"], ["utkface"]),
    "a task of nothing": lambda: parse_tasks([""], ["utkface"]),
    "tasks of other data": lambda: parse_tasks([], ["evil"]),
    **calls(find_run, "", ".", "..", "/", "a\0b", LONG, "a\nb"),
}


@pytest.mark.parametrize("case", PARSED)
def test_words_that_mean_nothing(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with refused(tmp_path):
        PARSED[case]()


SHARES: dict[str, list[float]] = {
    "NaN": [float("nan"), 1.0],
    "infinite": [float("inf"), 0.0],
    "negative": [-0.5, 1.5],
    "too few": [1.0],
    "too many": [0.5, 0.25, 0.25],
    "short of one": [0.5, 0.4],
    "over one": [0.9, 0.9],
    "nothing": [0.0, 0.0],
}


@pytest.mark.parametrize("case", SHARES)
def test_shares_that_are_none(case, tmp_path):
    with refused(tmp_path):
        Target.of(("gender",), CLASSES, SHARES[case])


ASKED: dict[str, dict] = {
    "n nothing": {"n": 0},
    "n negative": {"n": -1},
    "n beyond the seeds": {"n": 10**9},
    "seed negative": {"seed": -1},
    "steps nothing": {"steps": 0},
    "steps negative": {"steps": -3},
    "steps too many": {"steps": 2000},
    "batch nothing": {"batch_size": 0},
    "batch negative": {"batch_size": -64},
    "unknown sampler": {"sampler": "evil"},
}
HARVESTED = ASKED | {
    "t negative": {"t": -1},
    "t too far": {"t": 1000},
    "unknown space": {"space": "w"},
    "dimensions too many": {"pca": 9},
}
DRAWN = ASKED | {
    "unknown strategy": {"strategy": "evil"},
    "no mixture": {"strategy": "component-uniform"},
    "unknown option": {"options": {"evil": 1}},
}


@pytest.mark.parametrize("case", HARVESTED)
def test_harvests_that_cannot_be(case, tiny, tmp_path):
    with refused(tmp_path):
        harvest(tiny, **{"n": 2, "steps": 2, "batch_size": 2} | HARVESTED[case])


@pytest.mark.parametrize("case", DRAWN)
def test_draws_that_cannot_be(case, tiny, tmp_path):
    with refused(tmp_path):
        balance(tiny, **{"n": 2, "steps": 2, "batch_size": 2, "strategy": "plain"} | DRAWN[case])


# -- archives ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> dict[str, bytes]:
    """What an exported run holds."""
    folder = tmp_path_factory.mktemp("packed")
    with writing(folder / "even", kind="sample", config={"model": "faces"}) as run:
        run.write_array("a", np.arange(6.0))
        run.write_file("images/00000000.png", b"\x89PNG")
    with zipfile.ZipFile(export_run(run, folder / "even.zip")) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def listed(held: dict[str, bytes], **changes) -> bytes:
    entries = {n: {"size": len(d), "sha256": hashlib.sha256(d).hexdigest()} for n, d in held.items()}
    return json.dumps({"format": 1, "name": "even", "files": entries} | changes).encode()


def with_file(name: str, data: bytes = b"x", *, kind: int = stat.S_IFREG, **odd) -> Callable:
    """One more entry, which the list knows as well."""

    def make(archive: zipfile.ZipFile, files: dict[str, bytes]) -> None:
        info = zipfile.ZipInfo(name)
        info.external_attr = (kind | 0o644) << 16
        for key, value in odd.items():
            setattr(info, key, value)
        archive.writestr(info, data)
        files[name] = data

    return make


def twice(archive: zipfile.ZipFile, files: dict[str, bytes]) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("manifest.json", files["manifest.json"])


def claiming(size: int) -> Callable[[bytes], bytes]:
    """Another unpacked size of the first entry, in the directory that is read."""

    def spoil(data: bytes) -> bytes:
        out, at = bytearray(data), data.index(b"PK\x01\x02")
        struct.pack_into("<I", out, at + 24, size)
        return bytes(out)

    return spoil


BOMB = bytes(50 * 2**20)
ENTRIES: dict[str, Callable] = {
    "up and away": with_file("../evil.json"),
    "deep up and away": with_file("tables/../../../evil.json"),
    "an absolute name": with_file("/etc/evil.json"),
    "a drive": with_file("C:/evil.json"),
    "a share": with_file("\\\\host\\evil.json"),
    "a hidden file": with_file(".bashrc.json"),
    "a script": with_file("evil.py"),
    "a page": with_file("report.html"),
    "a pickle": with_file("weights.pkl"),
    "a link": with_file("tables/a.json", b"/etc/passwd", kind=stat.S_IFLNK),
    "a device": with_file("tables/a.json", kind=stat.S_IFBLK),
    "a socket": with_file("tables/a.json", kind=stat.S_IFSOCK),
    "an odd letter": with_file("tables/\u202e.json"),
    "a full-width dot": with_file("\uff0e\uff0e/a.json"),
    "a name twice": twice,
    "a name in other letters": with_file("MANIFEST.json"),
    "a bomb": with_file("tables/a.json", BOMB, compress_type=zipfile.ZIP_DEFLATED),
    "packed otherwise": with_file("tables/a.json", compress_type=zipfile.ZIP_LZMA),
    "a picture that is none": with_file("images/b.png", b"<script>"),
    "a table that is none": with_file("tables/b.parquet", b"PAR1"),
    "an array that runs": with_file("arrays/b.npy", b"\x93NUMPY\x01\x00\x02\x00{}"),
}
SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "cut off": lambda data: data[:-30],
    "the end alone": lambda data: data[-22:],
    "a claim of 4 GB": claiming(2**32 - 2),
    "a claim of nothing": claiming(0),
    "random": lambda data: np.random.default_rng(0).bytes(len(data)),
    "damaged content": lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
}
LISTS: dict[str, dict] = {
    "a list of 10 GB": {"files": {"manifest.json": {"size": 10 * 2**30, "sha256": "0" * 64}}},
    "a list of nothing": {"files": {}},
    "a list of words": {"files": ["manifest.json"]},
    "a negative size": {"files": {"manifest.json": {"size": -1, "sha256": ""}}},
    "a newer format": {"format": 99},
    "a format of words": {"format": "one"},
    "a name up and away": {"name": "../evil"},
    "a reserved name": {"name": "jobs"},
    "a name of numbers": {"name": 3},
    "an odd key": {"evil": 1},
}


def import_it(file: Path, folder: Path) -> None:
    home().mkdir(parents=True, exist_ok=True)
    with refused(folder):
        import_run(file)


@pytest.mark.parametrize("case", ENTRIES)
def test_archives_with_an_odd_entry(case, packed, tmp_path):
    files = {n: d for n, d in packed.items() if n != "archive.json"}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        ENTRIES[case](archive, files)
        archive.writestr("archive.json", listed(files))
    import_it(tmp_path / "a.zip", tmp_path)


@pytest.mark.parametrize("case", LISTS)
def test_archives_with_an_odd_list(case, packed, tmp_path):
    files = {n: d for n, d in packed.items() if n != "archive.json"}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        archive.writestr("archive.json", listed(files, **LISTS[case]))
    import_it(tmp_path / "a.zip", tmp_path)


@pytest.mark.parametrize("case", SPOILED)
def test_spoiled_archives(case, packed, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, data in packed.items():
            archive.writestr(name, data)
    (tmp_path / "a.zip").write_bytes(SPOILED[case]((tmp_path / "a.zip").read_bytes()))
    import_it(tmp_path / "a.zip", tmp_path)


BASE = {"name": "run", "kind": "test", "config": {}, "schema": SCHEMA}
MANIFESTS: dict[str, dict] = {
    "no name": {"name": None},
    "a kind of numbers": {"kind": 3},
    "a config of words": {"config": "x"},
    "weights of numbers": {"weights": {"a": 1}},
    "an unknown state": {"state": "sleeping"},
    "an unknown field": {"evil": 1},
    "a schema from far away": {"schema": 10**6},
    "a schema of NaN": {"schema": float("nan")},
    "timings of words": {"timings": {"a": "b"}},
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_manifests_that_are_none(case, tmp_path):
    with refused(tmp_path):
        parse_manifest(json.dumps(BASE | MANIFESTS[case]).encode(), where="run")


CASES = {
    "command": COMMANDS,
    "name": dict.fromkeys(NAMES),
    "parsed": PARSED,
    "shares": SHARES,
    "harvest": HARVESTED,
    "draw": DRAWN,
    "entry": ENTRIES,
    "list": LISTS,
    "archive": SPOILED,
    "manifest": MANIFESTS,
}
