"""Pictures, tables and label files that are not what they say."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gammaface.audit.book import read_recalls
from gammaface.classifiers.label_maps import read_label_map
from gammaface.datasets import read_faces
from gammaface.datasets.pictures import DataSource, load_images
from gammaface.downstream.labelled import read_labelled
from gammaface.labelling.label_files import read_label_file
from gammaface.workspace import Run, writing
from tests.faults.harness import refused

DEEP = "[" * 200_000


def encoded(kind: str = "PNG", *, side: int = 16, mode: str = "RGB", frames: int = 1) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (frames, side, side, 3), dtype=np.uint8)
    first, *others = (Image.fromarray(frame).convert(mode) for frame in noise)
    more = {"save_all": True, "append_images": others} if others else {}
    first.save(buffer, kind, **more)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, rows: bytes = b"", *, colour: int = 2, depth: int = 8) -> bytes:
    """A PNG that claims a size and holds what it is given."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


def flipped(data: bytes, at: int) -> bytes:
    out = bytearray(data)
    out[at] ^= 0xFF
    return bytes(out)


PICTURES: dict[str, bytes] = {
    "empty": b"",
    "text": b"not a picture",
    "a signature alone": b"\x89PNG\r\n\x1a\n",
    "a page": b"<html><script>alert(1)</script></html>",
    "a drawing": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "a zip": b"PK\x03\x04" + bytes(40),
    "a pickle": b"\x80\x04\x95",
    "random bytes": np.random.default_rng(0).bytes(2000),
    "PNG cut in the header": encoded()[:20],
    "PNG cut in half": encoded()[: len(encoded()) // 2],
    "PNG without rows": png(16, 16),
    "PNG with a damaged header": flipped(encoded(), 18),
    "PNG with damaged rows": flipped(encoded(), len(encoded()) // 2),
    "PNG of no width": png(0, 16),
    "PNG of no height": png(16, 0),
    "PNG of an odd depth": png(16, 16, bytes(784), depth=3),
    "PNG of an odd colour": png(16, 16, bytes(784), colour=5),
    "PNG of 30000 by 30000": png(30_000, 30_000),
    "PNG of 2 billion by 1": png(2**31 - 1, 1),
    "PNG of 60000 by 60000": png(60_000, 60_000, bytes(9)),
    "a bomb of zeros": png(20_000, 20_000, bytes(20_000_000)),
    "PNG of 9000 by 9000": png(9_000, 9_000, bytes(27_001 * 9)),
    "JPEG cut in the header": encoded("JPEG")[:30],
    "JPEG cut in half": encoded("JPEG")[: len(encoded("JPEG")) // 2],
    "JPEG of a marker": b"\xff\xd8\xff\xd9",
    "WebP cut in half": encoded("WEBP", side=64)[:200],
    "TIFF": encoded("TIFF"),
    "BMP": encoded("BMP"),
    "PDF": b"%PDF-1.4\n%%EOF",
    "EPS that runs": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (r) file\n",
    "GIF of many frames": encoded("GIF", frames=20),
    "WebP of many frames": encoded("WEBP", frames=5),
    "PNG of many frames": encoded("PNG", frames=5),
}


@pytest.mark.parametrize("case", PICTURES)
def test_pictures_that_are_none(case, tmp_path):
    (tmp_path / "a.png").write_bytes(PICTURES[case])
    with refused(tmp_path):
        load_images(DataSource(tmp_path), resolution=16)


@pytest.mark.parametrize("text", ["a@1,2,3", "a@1,2,3,x", "a@5,0,5,9", "a@-1,0,9,9", "a@9,9,1,1", "a@,,,"])
def test_crops_that_are_none(text, tmp_path):
    with refused(tmp_path):
        DataSource.parse(text)


def parquet(table: dict | pd.DataFrame) -> Callable[[Path], None]:
    return lambda file: pd.DataFrame(table).to_parquet(file)


def raw(data: bytes) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(data)


def cut_parquet(file: Path) -> None:
    parquet({"image": [{"bytes": encoded(), "path": "a"}]})(file)
    file.write_bytes(file.read_bytes()[:-20])


def flipped_parquet(file: Path) -> None:
    parquet({"image": [{"bytes": encoded(), "path": "a"}] * 3})(file)
    file.write_bytes(flipped(file.read_bytes(), file.stat().st_size - 8))


CELL = {"bytes": encoded(), "path": "a.png"}
PARQUETS: dict[str, Callable[[Path], object]] = {
    "empty": raw(b""),
    "a mark alone": raw(b"PAR1"),
    "two marks": raw(b"PAR1" + bytes(8) + b"PAR1"),
    "text": raw(b"a,b\n1,2\n"),
    "cut off": cut_parquet,
    "a flipped bit in the footer": flipped_parquet,
    "no rows": parquet({"image": pd.Series([], dtype=object)}),
    "no image column": parquet({"picture": [CELL]}),
    "images of numbers": parquet({"image": [1, 2]}),
    "images of words": parquet({"image": ["a.png"]}),
    "images of lists": parquet({"image": [[1, 2, 3]]}),
    "images missing": parquet({"image": [None, None]}),
    "images without bytes": parquet({"image": [{"bytes": None, "path": "nowhere.png"}]}),
    "images of other keys": parquet({"image": [{"data": encoded()}]}),
    "images of bytes alone": parquet({"image": [encoded()]}),
    "bytes that are text": parquet({"image": [{"bytes": "abc", "path": "a"}]}),
    "bytes that are numbers": parquet({"image": [{"bytes": 7, "path": "a"}]}),
    "a broken picture": parquet({"image": [{"bytes": b"\x89PNG", "path": "a"}]}),
    "paths up and away": parquet({"image": [{"bytes": None, "path": "../../../etc/passwd"}]}),
}


@pytest.mark.parametrize("case", PARQUETS)
@pytest.mark.parametrize("read", ["pictures", "faces"])
def test_parquet_files_that_are_none(read, case, tmp_path):
    file = tmp_path / "faces.parquet"
    PARQUETS[case](file)
    with refused(tmp_path):
        if read == "pictures":
            load_images(DataSource(file), resolution=16, split=None)
        else:
            read_faces(file)


LABELS: dict[str, dict] = {
    "unknown word": {"gender": ["robot"] * 3},
    "numbers for words": {"gender": [0, 1, 2]},
    "lists for words": {"gender": [["male"], ["male"], ["male"]]},
    "age of words": {"age": ["old"] * 3},
    "age negative": {"age": [-5.0] * 3},
    "age infinite": {"age": [np.inf] * 3},
    "age of centuries": {"age": [900] * 3},
    "flags of words": {"Male": ["x", "y", "z"], "gender": ["robot"] * 3},
}


@pytest.mark.parametrize("case", LABELS)
def test_labels_that_are_none(case, tmp_path):
    pictures = [{"bytes": encoded(side=16 + i), "path": "a"} for i in range(3)]
    pd.DataFrame({"image": pictures} | LABELS[case]).to_parquet(tmp_path / "faces.parquet")
    with refused(tmp_path):
        read_faces(tmp_path / "faces.parquet", on_problem="refuse")


CSVS: dict[str, bytes] = {
    "empty": b"",
    "a header alone": b"file,gender\n",
    "no file column": b"gender\nmale\n",
    "no such pictures": b"file,gender\nb.png,male\n",
    "no UTF-8": b"file,gender\n\xff\xfe.png,male\n",
    "zero bytes": b"file,gender\n\0\0,male\n",
    "too many cells": b"file,gender\na.png,male,1,2,3\na.png,male\n",
    "an open quote": b'file,gender\n"a.png,male\n',
    "a picture": encoded(),
    "up and away": b"file,gender\n../../../../etc/passwd,male\n",
    "a name beyond length": b"file,gender\n" + b"a" * 5000 + b".png,male\n",
    "unknown words": b"file,gender\na.png,robot\n",
    "a script for a word": b"file,gender\na.png,<script>alert(1)</script>\n",
    "a formula for a word": b"file,gender\na.png,=cmd|' /C calc'!A0\n",
    "an age of words": b"file,age\na.png,ancient\n",
    "an age of NaN and words": b"file,age,gender\na.png,nan,x\n",
    "a column twice": b"file,file,gender\na.png,a.png,robot\n",
}


@pytest.mark.parametrize("case", CSVS)
@pytest.mark.parametrize("read", ["faces", "labels"])
def test_csv_files_that_are_none(read, case, tmp_path):
    (tmp_path / "a.png").write_bytes(encoded())
    (tmp_path / "labels.csv").write_bytes(CSVS[case])
    with refused(tmp_path):
        if read == "faces":
            read_faces(tmp_path / "labels.csv", on_problem="refuse")
        else:
            read_label_file(tmp_path, tmp_path / "labels.csv")


def test_a_picture_labelled_twice_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded())
    (tmp_path / "labels.csv").write_text("file,gender\na.png,male\na.png,female\n")
    with refused(tmp_path):
        read_label_file(tmp_path, tmp_path / "labels.csv")


CELEBA: dict[str, str] = {
    "empty": "",
    "a count alone": "5\n",
    "no names": "1\n\n",
    "words for flags": "1\nMale Young Smiling Eyeglasses Black_Hair Bald\na.png x y z u v w\n",
    "too few attributes": "1\nMale\na.png 1\n",
    "fractions for flags": "1\nMale Young Smiling Eyeglasses Black_Hair Bald\na.png .5 1 1 1 1 1\n",
}
FAIRFACE: dict[str, str] = {
    "empty": "",
    "missing columns": "file,age\na.png,3-9\n",
    "unknown ranges": "file,age,gender,race\na.png,a few,Male,White\n",
    "unknown races": "file,age,gender,race\na.png,3-9,Male,Martian\n",
    "numbers for genders": "file,age,gender,race\na.png,3-9,1,White\n",
}
FFHQ: dict[str, str] = {
    "empty": "",
    "an empty list": "[]",
    "deep": DEEP,
    "no attributes": '[{"faceId": 1}]',
    "attributes of lists": '[{"faceAttributes": []}]',
    "an age of words": '[{"faceAttributes": {"gender": "male", "age": "old", "smile": 0, "glasses": ""}}]',
    "hair of numbers": '[{"faceAttributes": {"gender": "male", "age": 3, "smile": 0, "glasses": "",'
    ' "hair": 3}}]',
    "a gender of numbers": '[{"faceAttributes": {"gender": 1, "age": 3, "smile": 0, "glasses": ""}}]',
}
LAYOUTS = {("celeba", "list_attr_celeba.txt", n): t for n, t in CELEBA.items()}
LAYOUTS |= {("fairface", "fairface_label_val.csv", n): t for n, t in FAIRFACE.items()}
LAYOUTS |= {("ffhq", "00000.json", n): t for n, t in FFHQ.items()}


@pytest.mark.parametrize(("kind", "file", "case"), LAYOUTS)
def test_layouts_that_are_none(kind, file, case, tmp_path):
    for name in ("a.png", "00000.png"):
        (tmp_path / name).write_bytes(encoded())
    (tmp_path / file).write_text(LAYOUTS[kind, file, case])
    with refused(tmp_path):
        read_faces(tmp_path, kind=kind, on_problem="refuse")


HEADS = {"gender": ["female", "male"]}
MAPS: dict[str, object] = {
    "empty": "",
    "a list": [],
    "deep": DEEP,
    "nothing": {},
    "unknown key": {"heads": HEADS, "evil": 1},
    "unknown preset": {"preset": "evil"},
    "a preset of lists": {"preset": ["fairface"]},
    "heads a list": {"heads": ["gender"]},
    "heads of numbers": {"heads": {"gender": 3}},
    "heads null": {"heads": None},
    "one class": {"heads": {"gender": ["female"]}},
    "attributes null": {"heads": HEADS, "attributes": None},
    "attributes of no head": {"heads": HEADS, "attributes": {"g": {"head": "x", "words": {}}}},
    "attributes of other words": {
        "heads": HEADS,
        "attributes": {"g": {"head": "gender", "words": {"x": "y"}}},
    },
    "words a list": {"heads": HEADS, "attributes": {"g": {"head": "gender", "words": [1]}}},
    "words of lists": {"heads": HEADS, "attributes": {"g": {"head": "gender", "words": {"female": []}}}},
    "a head of lists": {"heads": HEADS, "attributes": {"g": {"head": [], "words": {}}}},
    "resolution a word": {"heads": HEADS, "resolution": "big"},
    "resolution negative": {"heads": HEADS, "resolution": -64},
    "resolution a fraction": {"heads": HEADS, "resolution": 64.5},
    "resolution of petabytes": {"heads": HEADS, "resolution": 10**9},
    "mean of words": {"heads": HEADS, "mean": ["a", "b", "c"]},
    "mean of two": {"heads": HEADS, "mean": [0.5, 0.5]},
    "mean NaN": {"heads": HEADS, "mean": [float("nan")] * 3},
    "deviation nothing": {"heads": HEADS, "std": [0, 1, 1]},
    "deviation NaN": {"heads": HEADS, "std": [float("nan")] * 3},
    "deviation infinite": {"heads": HEADS, "std": [float("inf")] * 3},
    "unknown activation": {"heads": HEADS, "activation": "evil"},
    "activation a list": {"heads": HEADS, "activation": []},
    "unknown layout": {"heads": HEADS, "layout": "chw"},
}


@pytest.mark.parametrize("case", MAPS)
def test_label_maps_that_are_none(case, tmp_path):
    content = MAPS[case]
    (tmp_path / "a.json").write_text(content if isinstance(content, str) else json.dumps(content))
    with refused(tmp_path):
        read_label_map(tmp_path / "a.json")


RECALLS: dict[str, str] = {
    "empty": "",
    "a list": "[]",
    "deep": DEEP,
    "words": '{"gender": "high"}',
    "ragged": '{"gender": [[1, 0], [1]]}',
    "an object": '{"gender": {"a": 1}}',
}


@pytest.mark.parametrize("case", RECALLS)
def test_recalls_that_are_none(case, tmp_path):
    (tmp_path / "a.json").write_text(RECALLS[case])
    with refused(tmp_path):
        read_recalls(tmp_path / "a.json")


def labelled(images: object = None, labels: object = None) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        good = np.zeros((3, 3, 8, 8), np.uint8), pd.DataFrame({"gender": ["male"] * 3})
        pictures, table = good[0] if images is None else images, good[1] if labels is None else labels
        if isinstance(pictures, bytes):
            (folder / "images.npy").write_bytes(pictures)
        else:
            np.save(folder / "images.npy", pictures)
        if isinstance(table, bytes):
            (folder / "labels.parquet").write_bytes(table)
        else:
            table.to_parquet(folder / "labels.parquet")

    return make


def npy(shape: str, data: bytes = b"", *, kind: str = "|u1") -> bytes:
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


SETS: dict[str, Callable[[Path], object]] = {
    "nothing": lambda folder: None,
    "empty pictures": labelled(images=b""),
    "cut off pictures": labelled(images=npy("(3, 3, 8, 8)", bytes(9))),
    "pictures of a petabyte": labelled(images=npy("(1000000000, 3, 1000, 1000)")),
    "pictures of negative size": labelled(images=npy("(-1, 3, 8, 8)", bytes(8))),
    "pictures that run": labelled(images=npy("(1,)", b"\x80\x04cos\nsystem\n.", kind="|O")),
    "pictures of code": labelled(images=npy("__import__('os').getcwd()")),
    "floats": labelled(images=np.zeros((3, 3, 8, 8), np.float32)),
    "grey": labelled(images=np.zeros((3, 1, 8, 8), np.uint8)),
    "flat": labelled(images=np.zeros((3, 64), np.uint8)),
    "no pictures": labelled(images=np.zeros((0, 3, 8, 8), np.uint8)),
    "too few labels": labelled(labels=pd.DataFrame({"gender": ["male"]})),
    "empty labels": labelled(labels=b""),
    "labels of text": labelled(labels=b"gender\nmale\n"),
}


@pytest.mark.parametrize("case", SETS)
def test_labelled_sets_that_are_none(case, tmp_path):
    SETS[case](tmp_path)
    with refused(tmp_path):
        read_labelled(tmp_path)


PARTS: dict[str, bytes] = {
    "empty": b"",
    "cut off": npy("(600,)", bytes(9)),
    "of a petabyte": npy("(1000000000000000,)"),
    "of objects": npy("(1,)", b"\x80\x04.", kind="|O"),
    "of code": npy("__import__('os').getcwd()"),
    "no header": b"\x93NUMPY\x09\x00",
    "a header without end": b"\x93NUMPY\x01\x00\xff\xff{",
}


@pytest.mark.parametrize("case", PARTS)
@pytest.mark.parametrize("kind", ["array", "table"])
def test_damaged_parts_of_a_run(kind, case, tmp_path):
    """Also where no checksums are there to tell: a run that was cut off has none."""
    with pytest.raises(KeyboardInterrupt), writing(tmp_path / "run", kind="test", config={}) as run:
        run.write_file({"array": "arrays/a.npy", "table": "tables/a.parquet"}[kind], PARTS[case])
        raise KeyboardInterrupt
    opened = Run.open(tmp_path / "run")
    with refused(tmp_path):
        getattr(opened, kind)("a")


CASES = {
    "picture": PICTURES,
    "parquet": {(read, case): None for read in ("pictures", "faces") for case in PARQUETS},
    "labels": LABELS,
    "csv": {(read, case): None for read in ("faces", "labels") for case in CSVS},
    "layout": LAYOUTS,
    "map": MAPS,
    "recalls": RECALLS,
    "set": SETS,
    "part": {(kind, case): None for kind in ("array", "table") for case in PARTS},
}
