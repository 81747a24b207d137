"""Parsers under random input: a value or a `GammaFaceError`, and nothing else."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from gammaface import GammaFaceError
from gammaface.audit.parsing import parse_aims, parse_attributes, parse_methods, parse_options, parse_shares
from gammaface.classifiers.label_maps import LabelMap, read_label_map
from gammaface.commands.chain import parse_range
from gammaface.datasets.pictures import DataSource, decode_image, is_whole
from gammaface.downstream.grid import parse_method, parse_percent, parse_seeds
from gammaface.downstream.tasks import parse_tasks
from gammaface.keeping.archive_entries import Limits, check_end, check_entries
from gammaface.models.model_index import check_index
from gammaface.models.names import HUB_ID, take_apart
from gammaface.models.schedules import read_schedule
from gammaface.runs.manifests import Manifest, check_name, parse_manifest

FAST = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def value_or_refusal(parse: Callable, *arguments):
    """What was parsed; None where it was refused in words."""
    try:
        return parse(*arguments)
    except GammaFaceError as error:
        assert error.what.strip() and error.fix.strip()
        return None


# Words that look like what the parsers read, put together at random.
PIECES = ["1", "0", "-1", "..", ".", ",", "=", ":", "+", "@", "#", "/", "\\", " ", "%", "nan", "inf", "1e9"]
PIECES += [
    "gender",
    "female",
    "male",
    "race",
    "plain",
    "quota",
    "limit",
    "gamma-face",
    "owner",
    "²",
    "\0",
    "é",
]
TEXT = st.text(max_size=30) | st.lists(st.sampled_from(PIECES), max_size=9).map("".join)


@FAST
@given(TEXT)
@example("9" * 5000)
@example("0.." + "9" * 30)
def test_ranges_seeds_and_percents(text):
    ks = value_or_refusal(parse_range, text)
    assert ks is None or 1 <= ks[0] <= ks[-1] <= 1000
    seeds = value_or_refusal(parse_seeds, text)
    assert seeds is None or min(seeds) >= 0
    share = value_or_refusal(parse_percent, text)
    assert share is None or 0 < share <= 1


@FAST
@given(TEXT)
def test_targets_shares_and_options(text):
    for name in value_or_refusal(parse_attributes, text) or ():
        assert name.strip() == name != ""
    for name, share in value_or_refusal(parse_shares, text) or ():
        assert name and isinstance(share, float)
    value_or_refusal(parse_options, [text])
    value_or_refusal(parse_aims, text, [])
    value_or_refusal(parse_aims, "", [text])
    value_or_refusal(lambda: parse_methods(text, [], n=4))
    value_or_refusal(lambda: parse_methods("quota", [text], n=4))
    value_or_refusal(parse_method, text)
    value_or_refusal(parse_tasks, [text], ["utkface"])
    value_or_refusal(DataSource.parse, text)


@FAST
@given(TEXT)
@example("a\n")
def test_names_of_runs_and_models(text):
    name = value_or_refusal(check_name, text)
    if name is not None:
        assert name.isascii() and Path("/home/runs", name).name == name and not name.startswith(".")
    found = value_or_refusal(take_apart, text)
    if found is not None and HUB_ID.fullmatch(found.base):
        owner, model = found.base.split("/")
        assert ".." not in (owner, model) and found.base.isascii()
    assert found is None or found.label is None or 0 <= found.label < 10**9


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def objects(*keys: str) -> st.SearchStrategy[dict]:
    """Objects with some of the keys that a reader knows, and any values."""
    return st.dictionaries(st.sampled_from(keys) | st.text(max_size=6), JSON, max_size=5)


@FAST
@given(objects(*Manifest.__dataclass_fields__))
def test_manifests(stored):
    good = {"name": "run", "kind": "test", "config": {}}
    found = value_or_refusal(lambda: parse_manifest(json.dumps(good | stored).encode(), where="run"))
    assert found is None or isinstance(found, Manifest)


@FAST
@given(objects(*LabelMap.__dataclass_fields__, "preset"))
def test_label_maps(tmp_path_factory, stored):
    file = tmp_path_factory.getbasetemp() / "map.json"
    file.write_text(json.dumps({"heads": {"gender": ["female", "male"]}} | stored))
    found = value_or_refusal(read_label_map, file)
    assert found is None or isinstance(found.classes, dict)


PARTS = ("_class_name", "unet", "vae", "vqvae", "transformer", "text_encoder", "mel")


@FAST
@given(objects(*PARTS))
def test_model_indexes(stored):
    value_or_refusal(check_index, {"unet": ["diffusers", "UNet2DModel"]} | stored, "here")
    value_or_refusal(check_index, stored, "here")


FIELDS = ("_class_name", "beta_start", "beta_end", "beta_schedule", "trained_betas", "num_train_timesteps")
FIELDS += ("prediction_type", "clip_sample", "clip_sample_range", "rescale_betas_zero_snr", "sigma_min")


@FAST
@given(objects(*FIELDS), st.sampled_from(["DDPMScheduler", "ScoreSdeVeScheduler"]))
@example({"trained_betas": [], "rescale_betas_zero_snr": True}, "DDPMScheduler")
def test_schedules(stored, kind):
    plain = {"_class_name": kind, "beta_start": 1e-4, "num_train_timesteps": 10}
    found = value_or_refusal(read_schedule, plain | stored, Path("here"))
    if found is not None:
        assert np.isfinite(found.alphas).all() and (found.alphas > 0).all() and found.alphas.max() <= 1


ENTRY = st.text(max_size=20) | st.lists(st.sampled_from(["a", "..", "/", ".json", "C:", "\\", "\0"])).map(
    "".join
)


@FAST
@given(
    st.lists(st.tuples(ENTRY, st.binary(max_size=20)), max_size=4), st.integers(0, 255), st.integers(0, 400)
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zip_entries(tmp_path_factory, entries, flip, at):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries:
            archive.writestr(name.replace("\0", "") or "a", data)
    data = bytearray(buffer.getvalue())
    data[at % len(data)] ^= flip
    file = tmp_path_factory.getbasetemp() / "fuzz.zip"
    file.write_bytes(data)

    def judge():
        check_end(file, Limits())
        try:
            archive = zipfile.ZipFile(file)
        except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
            raise GammaFaceError("no zip", fix="another") from None
        with archive:
            return check_entries(archive, Limits())

    for name in value_or_refusal(judge) or ():
        assert not Path(name).is_absolute() and ".." not in Path(name).parts


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (12, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


WHOLE = {kind: encoded(kind) for kind in ("PNG", "JPEG", "WEBP")}


@settings(FAST, max_examples=300)
@given(st.sampled_from(sorted(WHOLE)), st.integers(0, 10**6), st.integers(1, 255), st.integers(0, 10**6))
def test_pictures(kind, at, flip, length):
    """A changed byte, a cut, or both."""
    data = bytearray(WHOLE[kind])
    data[at % len(data)] ^= flip
    data = bytes(data[: max(1, length % (2 * len(data)))])
    is_whole(data)
    found = value_or_refusal(lambda: decode_image(data, name="a", resolution=8))
    assert found is None or found.shape == (8, 8, 3)
