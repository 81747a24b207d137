"""Models that are not what they say: weights, configurations, indexes and schedules."""

from __future__ import annotations

import json
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch

from gammaface import harvest, load_generator
from gammaface.attributes import load_attributes
from tests.faults.harness import refused

WEIGHTS = Path("unet/diffusion_pytorch_model.safetensors")
NAN, INF = float("nan"), float("inf")
DEEP = b"[" * 200_000


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """The smallest pixel model that there is."""
    folder = tmp_path_factory.mktemp("sound")
    torch.manual_seed(0)
    network = diffusers.UNet2DModel(
        sample_size=8, layers_per_block=1, block_out_channels=(4, 4), norm_num_groups=2, add_attention=False,
        down_block_types=("DownBlock2D",) * 2, up_block_types=("UpBlock2D",) * 2,
    )  # fmt: skip
    diffusers.DDPMPipeline(network, diffusers.DDPMScheduler()).save_pretrained(folder)
    return folder


@pytest.fixture
def model(sound, tmp_path, monkeypatch) -> Path:
    """A copy to spoil."""
    monkeypatch.setenv("GAMMAFACE_CACHE", str(tmp_path / "cache"))
    return shutil.copytree(sound, tmp_path / "model")


def test_the_sound_model_loads(model):
    assert load_generator(model, device="cpu").shape == (3, 8, 8)


# -- safetensors -----------------------------------------------------------------------

Header = dict[str, dict]


def apart(data: bytes) -> tuple[Header, bytes]:
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def whole(header: object, body: bytes, *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def first(header: Header) -> str:
    return next(name for name in header if name != "__metadata__")


def entry(**changes) -> Callable[[bytes], bytes]:
    """The first tensor's entry with other values; None takes a key out."""

    def spoil(data: bytes) -> bytes:
        header, body = apart(data)
        name = first(header)
        header[name] = {k: v for k, v in (header[name] | changes).items() if v is not None}
        return whole(header, body)

    return spoil


def shifted(begin: int, end: int) -> Callable[[bytes], bytes]:
    """The second tensor's offsets moved by so many bytes."""

    def spoil(data: bytes) -> bytes:
        header, body = apart(data)
        name = [n for n in header if n != "__metadata__"][1]
        offsets = header[name]["data_offsets"]
        header[name]["data_offsets"] = [offsets[0] + begin, offsets[1] + end]
        return whole(header, body)

    return spoil


def headed(header: object, *, length: int | None = None) -> Callable[[bytes], bytes]:
    return lambda data: whole(apart(data)[0] if header is None else header, apart(data)[1], length=length)


def renamed(data: bytes) -> bytes:
    header, body = apart(data)
    return whole({(f"{n}.x" if n == first(header) else n): e for n, e in header.items()}, body)


def reshaped(data: bytes) -> bytes:
    """As many numbers in another shape."""
    header, body = apart(data)
    name = next(n for n in header if len(header[n].get("shape", ())) == 4)
    header[name]["shape"] = header[name]["shape"][::-1]
    return whole(header, body)


def retyped(dtype: str) -> Callable[[bytes], bytes]:
    """Every tensor says another type of the same width."""

    def spoil(data: bytes) -> bytes:
        header, body = apart(data)
        return whole(
            {n: (e if n == "__metadata__" else e | {"dtype": dtype}) for n, e in header.items()}, body
        )

    return spoil


SAFETENSORS: dict[str, Callable[[bytes], bytes]] = {
    "empty file": lambda data: b"",
    "half a length": lambda data: data[:4],
    "a length alone": lambda data: data[:8],
    "length nothing": headed(None, length=0),
    "length one": headed(None, length=1),
    "length beyond the file": headed(None, length=2**31),
    "length of an exabyte": headed(None, length=2**60),
    "length minus one": headed(None, length=2**64 - 1),
    "length a byte short": lambda data: struct.pack("<Q", struct.unpack("<Q", data[:8])[0] - 1) + data[8:],
    "length eight bytes long": lambda data: (
        struct.pack("<Q", struct.unpack("<Q", data[:8])[0] + 8) + data[8:]
    ),
    "header no JSON": headed(b"{" * 40),
    "header cut off": lambda data: data[:60],
    "header a list": headed([]),
    "header a word": headed("weights"),
    "header null": headed(b"null"),
    "header a number": headed(b"7"),
    "header deep": headed(DEEP),
    "header no UTF-8": headed(b'{"\xff\xfe": 1}'),
    "header without tensors": headed({}),
    "entry a list": headed({"a": [1, 2]}),
    "entry null": headed({"a": None}),
    "metadata no words": headed({"__metadata__": {"format": {"a": 1}}}),
    "offset negative": entry(data_offsets=[-8, 8]),
    "offsets swapped": entry(data_offsets=[16, 0]),
    "offsets of words": entry(data_offsets=["0", "16"]),
    "offsets of fractions": entry(data_offsets=[0.0, 16.5]),
    "offsets three": entry(data_offsets=[0, 4, 8]),
    "offsets one": entry(data_offsets=[0]),
    "offsets missing": entry(data_offsets=None),
    "offsets of an exabyte": entry(data_offsets=[0, 2**60]),
    "offsets overlapping": shifted(-4, -4),
    "offsets with a hole": shifted(4, 4),
    "offsets longer than the shape": shifted(0, 4),
    "shape negative": entry(shape=[-4]),
    "shape too large": entry(shape=[2**40, 2**40]),
    "shape of fractions": entry(shape=[1.5]),
    "shape a word": entry(shape="4"),
    "shape missing": entry(shape=None),
    "shape of other bytes": entry(shape=[3]),
    "shape turned": reshaped,
    "type unknown": entry(dtype="F13"),
    "type a number": entry(dtype=32),
    "type missing": entry(dtype=None),
    "type too narrow": entry(dtype="F16"),
    "type too wide": entry(dtype="F64"),
    "type whole numbers": retyped("I32"),
    "type unsigned": retyped("U32"),
    "a tensor renamed": renamed,
    "a byte short": lambda data: data[:-1],
    "half the file": lambda data: data[: len(data) // 2],
    "bytes behind": lambda data: data + bytes(8),
    "random bytes": lambda data: np.random.default_rng(0).bytes(len(data)),
    "a picture": lambda data: b"\x89PNG\r\n\x1a\n" + data[8:],
    "a zip": lambda data: b"PK\x03\x04" + data[4:],
}


@pytest.mark.parametrize("case", SAFETENSORS)
def test_weights_that_are_none(case, model, tmp_path):
    file = model / WEIGHTS
    file.write_bytes(SAFETENSORS[case](file.read_bytes()))
    with refused(tmp_path):
        load_generator(model, device="cpu")


VALUES = {"NaN": NAN, "infinite": INF, "huge": 3e38}


@pytest.mark.parametrize("case", VALUES)
def test_weights_that_draw_nothing(case, model, tmp_path):
    """They load, for they are numbers; what they give is refused before it is kept."""
    header, body = apart((model / WEIGHTS).read_bytes())
    (model / WEIGHTS).write_bytes(whole(header, np.full(len(body) // 4, VALUES[case], np.float32).tobytes()))
    generator = load_generator(model, device="cpu")
    with refused(tmp_path):
        harvest(generator, n=2, steps=2, batch_size=2)


class Runs:
    """What a pickle can do when it is opened."""

    def __reduce__(self):
        return (Path.touch, (Path("it-ran"),))


def torch_zip(content: object) -> Callable[[Path], None]:
    return lambda file: torch.save(content, file)


def zip_without_data(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/version", "3")


BINS: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "random": lambda file: file.write_bytes(np.random.default_rng(1).bytes(500)),
    "a pickle that runs": lambda file: file.write_bytes(pickle.dumps(Runs())),
    "a network that runs": torch_zip({"a": Runs()}),
    "a list": torch_zip([torch.zeros(2)]),
    "numbers": torch_zip({"a": 1.0}),
    "other tensors": torch_zip({"a": torch.zeros(2)}),
    "a zip without data": zip_without_data,
}


@pytest.mark.parametrize("case", BINS)
def test_pickled_weights_that_are_none(case, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (model / WEIGHTS).unlink()
    BINS[case](model / "unet" / "diffusion_pytorch_model.bin")
    if case == "other tensors":  # a copy in safetensors is made once of what holds tensors alone
        (tmp_path / "cache").mkdir()
        monkeypatch.setenv("GAMMAFACE_CACHE", str(tmp_path.parent / f"{tmp_path.name}-cache"))
    with refused(tmp_path):
        load_generator(model, device="cpu")
    assert not (tmp_path / "it-ran").exists()


# -- JSON files ------------------------------------------------------------------------

TEXTS: dict[str, bytes | None] = {
    "missing": None,
    "empty": b"",
    "cut off": b'{"_class_name": "DDPM',
    "a list": b"[]",
    "null": b"null",
    "deep": DEEP,
    "no UTF-8": b'{"a": "\xff"}',
    "nothing in it": b"{}",
}
JSON_FILES = ("model_index.json", "unet/config.json", "scheduler/scheduler_config.json")


@pytest.mark.parametrize("file", JSON_FILES)
@pytest.mark.parametrize("case", TEXTS)
def test_json_files_that_are_none(file, case, model, tmp_path):
    place, content = model / file, TEXTS[case]
    place.unlink() if content is None else place.write_bytes(content)
    with refused(tmp_path):
        load_generator(model, device="cpu")


def changed(file: Path, changes: dict) -> None:
    stored = json.loads(file.read_text()) | changes
    file.write_text(json.dumps({k: v for k, v in stored.items() if v is not ...}))


INDEXES: dict[str, dict] = {
    "unet a number": {"unet": 3},
    "unet an object": {"unet": {"diffusers": "UNet2DModel"}},
    "unet null": {"unet": None},
    "unet of nulls": {"unet": [None, None]},
    "unet an empty list": {"unet": []},
    "unet one word": {"unet": ["diffusers"]},
    "unet three words": {"unet": ["diffusers", "UNet2DModel", "x"]},
    "unet an inner list": {"unet": ["diffusers", ["UNet2DModel"]]},
    "unet an inner object": {"unet": ["diffusers", {}]},
    "unet of another library": {"unet": ["transformers", "UNet2DModel"]},
    "unet of a path": {"unet": ["../unet", "UNet2DModel"]},
    "unet of the system": {"unet": ["os", "system"]},
    "unet of a private name": {"unet": ["diffusers", "__import__"]},
    "unet a pipeline": {"unet": ["diffusers", "DiffusionPipeline"]},
    "unet missing": {"unet": ...},
    "vae foreign": {"vae": ["my_code", "AutoencoderKL"]},
    "vae a number": {"vae": ["diffusers", 5]},
    "vae an inner list": {"vae": ["diffusers", []]},
    "vae without files": {"vae": ["diffusers", "AutoencoderKL"]},
    "a text encoder": {"text_encoder": ["transformers", "CLIPTextModel"]},
    "a control network": {"controlnet": ["diffusers", "ControlNetModel"]},
}


@pytest.mark.parametrize("case", INDEXES)
def test_indexes_that_cannot_be_used(case, model, tmp_path):
    changed(model / "model_index.json", INDEXES[case])
    with refused(tmp_path):
        load_generator(model, device="cpu")


CONFIGS: dict[str, dict] = {
    "channels a word": {"in_channels": "three"},
    "channels negative": {"in_channels": -3},
    "channels four": {"in_channels": 4},
    "channels not as stored": {"block_out_channels": [8, 8]},
    "channels odd to the groups": {"block_out_channels": [5, 5]},
    "channels of gigabytes": {"block_out_channels": [2048, 4096]},
    "channels of petabytes": {"block_out_channels": [2**20, 2**20]},
    "channels beyond counting": {"block_out_channels": [2**40, 2**40]},
    "no channels": {"block_out_channels": []},
    "no groups": {"norm_num_groups": 0},
    "unknown blocks": {"down_block_types": ["EvilBlock", "DownBlock2D"]},
    "blocks a word": {"down_block_types": "DownBlock2D"},
    "more blocks than channels": {"down_block_types": ["DownBlock2D"] * 5},
    "layers a word": {"layers_per_block": "two"},
    "more layers than stored": {"layers_per_block": 3},
    "an unknown activation": {"act_fn": "evil"},
    "no size": {"sample_size": None},
    "size nothing": {"sample_size": 0},
    "size negative": {"sample_size": -8},
    "size a word": {"sample_size": "big"},
    "size a fraction": {"sample_size": 8.5},
    "size three numbers": {"sample_size": [8, 8, 8]},
    "size of petabytes": {"sample_size": 2**25},
}


@pytest.mark.parametrize("case", CONFIGS)
def test_networks_that_cannot_be_built(case, model, tmp_path):
    changed(model / "unet" / "config.json", CONFIGS[case])
    with refused(tmp_path):
        load_generator(model, device="cpu")


SCHEDULES: dict[str, dict] = {
    "first beta NaN": {"beta_start": NAN},
    "first beta infinite": {"beta_start": INF},
    "first beta negative": {"beta_start": -0.5},
    "first beta a word": {"beta_start": "small"},
    "first beta null": {"beta_start": None},
    "first beta a list": {"beta_start": [0.1]},
    "last beta NaN": {"beta_end": NAN},
    "last beta above one": {"beta_end": 3.0},
    "last beta infinite": {"beta_end": INF},
    "no steps": {"num_train_timesteps": 0},
    "negative steps": {"num_train_timesteps": -1000},
    "half a step": {"num_train_timesteps": 0.5},
    "steps a word": {"num_train_timesteps": "many"},
    "steps null": {"num_train_timesteps": None},
    "a billion steps": {"num_train_timesteps": 10**9},
    "a trillion steps": {"num_train_timesteps": 10**12},
    "steps beyond counting": {"num_train_timesteps": 10**30},
    "unknown form": {"beta_schedule": "evil"},
    "form a list": {"beta_schedule": ["linear"]},
    "given betas empty": {"trained_betas": []},
    "given betas words": {"trained_betas": ["a", "b"]},
    "given betas NaN": {"trained_betas": [0.1, NAN]},
    "given betas nested": {"trained_betas": [[0.1], [0.2]]},
    "given betas ragged": {"trained_betas": [[0.1], [0.2, 0.3]]},
    "given betas an object": {"trained_betas": {"a": 0.1}},
    "given betas a number": {"trained_betas": 0.1},
    "given betas negative": {"trained_betas": [0.1, -0.1]},
    "given betas above one": {"trained_betas": [0.1, 1.5]},
    "unknown prediction": {"prediction_type": "evil"},
    "prediction null": {"prediction_type": None},
    "prediction a list": {"prediction_type": ["epsilon"]},
    "prediction a number": {"prediction_type": 3},
    "dynamic thresholding": {"thresholding": True},
    "clip a word": {"clip_sample": True, "clip_sample_range": "wide"},
    "clip NaN": {"clip_sample": True, "clip_sample_range": NAN},
    "clip negative": {"clip_sample": True, "clip_sample_range": -1.0},
    "clip null": {"clip_sample": True, "clip_sample_range": None},
    "no betas": {"beta_start": ..., "beta_schedule": ..., "trained_betas": ...},
    "flow": {"use_flow_sigmas": True},
}
EXPLODING: dict[str, dict] = {
    "sigma nothing": {"sigma_min": 0.0},
    "sigma negative": {"sigma_min": -1.0},
    "sigma NaN": {"sigma_max": NAN},
    "sigma infinite": {"sigma_max": INF},
    "sigma a word": {"sigma_max": "large"},
    "sigma falling": {"sigma_min": 10.0, "sigma_max": 1.0},
    "sigma negative steps": {"num_train_timesteps": -5},
    "sigma a trillion steps": {"num_train_timesteps": 10**12},
    "sigma NaN steps": {"num_train_timesteps": NAN},
    "sigma infinite steps": {"num_train_timesteps": INF},
}
SCHEDULES |= {n: {"_class_name": "ScoreSdeVeScheduler"} | c for n, c in EXPLODING.items()}


@pytest.mark.parametrize("case", SCHEDULES)
def test_schedules_that_cannot_be_followed(case, model, tmp_path):
    changed(model / "scheduler" / "scheduler_config.json", SCHEDULES[case])
    with refused(tmp_path):
        load_generator(model, device="cpu")


# -- names -----------------------------------------------------------------------------

NAMES: dict[str, str] = {
    "empty": "",
    "a dot": ".",
    "two dots": "..",
    "up and away": "../../etc",
    "the root": "/",
    "a device": "/dev/null",
    "a file": "/etc/passwd",
    "three parts": "a/b/c",
    "an empty owner": "/name",
    "an empty name": "owner/",
    "an owner of dots": "../name",
    "a name of dots": "owner/..",
    "spaces": "own er/name",
    "an address": "https://example.org/owner/name",
    "a zero byte": "owner\0/name",
    "a line break": "owner/name\n",
    "right to left": "owner/\u202eeman",
    "a look-alike slash": "owner\u2215name",
    "too long": "a" * 5000,
    "too long a hub id": "owner/" + "a" * 5000,
    "a revision of dots": "owner/name@../../main",
    "a revision with a zero byte": "owner/name@ma\0in",
    "a revision with a space": "owner/name@ma in",
    "an empty revision": "owner/name@",
    "too long a revision": "owner/name@" + "a" * 5000,
    "an empty class": "owner/name#",
    "a negative class": "owner/name#-1",
    "a class in superscript": "owner/name#²",
    "a class beyond counting": "owner/name#" + "9" * 5000,
    "double dashes": "owner/na--me",
}


@pytest.mark.parametrize("case", NAMES)
def test_names_of_no_model(case, tmp_path, monkeypatch):
    """No answer of the network is waited for: the hub is not asked, or it is out of reach."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    with refused(tmp_path):
        load_generator(NAMES[case], device="cpu")


# -- the attribute classifier ----------------------------------------------------------

CLASSIFIERS: dict[str, Callable[[Path], object]] = {
    "no weights": lambda f: (f / "model.safetensors").unlink(),
    "weights cut off": lambda f: (f / "model.safetensors").write_bytes(b"\0" * 90),
    "no configuration": lambda f: (f / "config.json").unlink(),
    "configuration a list": lambda f: (f / "config.json").write_text("[]"),
    "configuration deep": lambda f: (f / "config.json").write_bytes(DEEP),
    "another architecture": lambda f: changed(f / "config.json", {"architecture": {"hidden_sizes": 3}}),
    "other heads": lambda f: changed(f / "config.json", {"heads": {"gender": ["female", "male"]}}),
    "heads null": lambda f: changed(f / "config.json", {"heads": None}),
    "resolution a word": lambda f: changed(f / "config.json", {"resolution": "big"}),
    "resolution missing": lambda f: changed(f / "config.json", {"resolution": ...}),
    "resolution nothing": lambda f: changed(f / "config.json", {"resolution": 0}),
    "no calibration": lambda f: changed(f / "config.json", {"calibration": {}}),
    "layers beyond counting": lambda f: changed(
        f / "config.json", {"architecture": {"hidden_sizes": [2**40], "depths": [1], "embedding_size": 8}}
    ),
}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory) -> Path:
    from tests.tiny_attributes import write_classifier

    return write_classifier(tmp_path_factory.mktemp("classifier"), torch.rand(4, 3, 32, 32) * 2 - 1)


@pytest.mark.parametrize("case", CLASSIFIERS)
def test_classifiers_that_cannot_be_read(case, classifier, tmp_path):
    folder = shutil.copytree(classifier, tmp_path / "classifier")
    CLASSIFIERS[case](folder)
    with refused(tmp_path):
        load_attributes(folder)


CASES = {
    "safetensors": SAFETENSORS,
    "values": VALUES,
    "bin": BINS,
    "json": {(file, text): None for file in JSON_FILES for text in TEXTS},
    "index": INDEXES,
    "network": CONFIGS,
    "schedule": SCHEDULES,
    "name": NAMES,
    "classifier": CLASSIFIERS,
}
