"""Downloads through the hub's real client, against a hub that runs here."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlparse

import pytest
from huggingface_hub import constants

from gammaface import GammaFaceError, harvest, load_generator
from gammaface.models.hub import find_repository, human_size
from gammaface.workspace import Run
from tests.hub_models import build

COMMIT, BRANCH = "1f" * 20, "main"


class Hub(BaseHTTPRequestHandler):
    """Serves folders as repositories: ``hubs`` maps an id to its folder."""

    hubs: dict = {}
    fetched: list = []

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET(body=False)

    def do_GET(self, body=True):
        parts = unquote(urlparse(self.path).path).strip("/").split("/")
        api = parts[:2] == ["api", "models"]
        owner, name, *rest = parts[2:] if api else parts
        folder = self.hubs.get(f"{owner}/{name}")
        if folder is None:
            return self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"}, body)
        if (rest[1] if len(rest) > 1 else BRANCH) not in (COMMIT, BRANCH):
            return self.answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"}, body)
        if api and rest[:1] == ["tree"]:
            files = [p for p in sorted(folder.rglob("*")) if p.is_file()]
            rows = [
                {
                    "type": "file",
                    "oid": "0" * 40,
                    "size": p.stat().st_size,
                    "path": str(p.relative_to(folder)),
                }
                for p in files
            ]
            return self.answer(200, json.dumps(rows).encode(), {"Content-Type": "application/json"}, body)
        if api:
            info = {"id": f"{owner}/{name}", "sha": COMMIT, "siblings": []}
            return self.answer(200, json.dumps(info).encode(), {"Content-Type": "application/json"}, body)
        file = folder / "/".join(rest[2:])
        if not file.is_file():
            return self.answer(404, b"", {"X-Error-Code": "EntryNotFound"}, body)
        data = file.read_bytes()
        if body:
            self.fetched.append("/".join(rest[2:]))
        tag = hashlib.sha1(data).hexdigest()
        return self.answer(200, data, {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT}, body)

    def answer(self, status, data, headers, body):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("GAMMAFACE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(Hub, "hubs", {})
    monkeypatch.setattr(Hub, "fetched", [])
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def model(hub, tmp_path):
    """A stand-in on the hub, with files beside it that nobody needs."""
    folder = build("google/ddpm-celebahq-256", tmp_path / "repository")
    (folder / "diffusion_pytorch_model.bin").write_bytes(b"not wanted")
    (folder / "images").mkdir()
    (folder / "images" / "sample.png").write_bytes(b"not wanted")
    Hub.hubs["google/ddpm-celebahq-256"] = folder
    return "google/ddpm-celebahq-256"


def test_a_download_says_its_size_is_cached_and_pins_its_commit(model, capsys, monkeypatch, tmp_path):
    generator = load_generator(model, device="cpu")
    assert generator.name == f"{model}@{COMMIT}"
    size = human_size((Hub.hubs[model] / "diffusion_pytorch_model.safetensors").stat().st_size)
    assert f"{model} at {COMMIT[:12]}: {size} to download, once" in capsys.readouterr().err
    configs = ["config.json", "model_index.json", "scheduler_config.json"]
    assert sorted(Hub.fetched) == sorted([*configs, "diffusion_pytorch_model.safetensors"])

    harvest(generator, n=1, steps=2, batch_size=1, out=tmp_path / "run")
    manifest = Run.open(tmp_path / "run").manifest
    assert manifest.config["model"] == f"{model}@{COMMIT}"
    assert list(manifest.weights) == [f"{model}@{COMMIT}"]

    Hub.fetched.clear()
    pinned = load_generator(manifest.config["model"], device="cpu")
    assert pinned.weights_hash == generator.weights_hash and not Hub.fetched
    assert "to download" not in capsys.readouterr().err

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    for name in (model, f"{model}@{COMMIT}"):
        assert load_generator(name, device="cpu").name == f"{model}@{COMMIT}"


@pytest.mark.slow  # the client tries again for 20 s before it gives up
def test_a_hub_that_is_down_leaves_the_cache(model, hub, capsys):
    load_generator(model, device="cpu")
    hub.shutdown()
    hub.server_close()
    assert load_generator(model, device="cpu").name == f"{model}@{COMMIT}"
    assert "the hub cannot be reached" in capsys.readouterr().err


def test_offline_without_a_copy_is_refused(model, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(GammaFaceError, match="HF_HUB_OFFLINE is set, and 'google/ddpm-celebahq-256' is not"):
        load_generator(model)


def test_a_model_that_draws_from_text_costs_no_download(hub, tmp_path):
    folder = tmp_path / "text"
    folder.mkdir()
    index = {"_class_name": "StableDiffusionPipeline", "text_encoder": ["transformers", "CLIPTextModel"]}
    (folder / "model_index.json").write_text(json.dumps(index | {"unet": ["d", "UNet2DConditionModel"]}))
    (folder / "weights.safetensors").write_bytes(b"0" * 1000)
    Hub.hubs["someone/text"] = folder
    with pytest.raises(GammaFaceError, match="draws from a text"):
        load_generator("someone/text")
    assert Hub.fetched == ["model_index.json"]


def test_what_is_not_on_the_hub_is_said(model, tmp_path):
    with pytest.raises(GammaFaceError, match="no hub model 'nobody/nothing', or it is private"):
        load_generator("nobody/nothing")
    with pytest.raises(GammaFaceError, match="has no such revision"):
        load_generator(f"{model}@v9")
    Hub.hubs["someone/empty"] = tmp_path / "empty"
    with pytest.raises(GammaFaceError, match="a file of the hub model 'someone/empty' is missing"):
        load_generator("someone/empty")


def test_a_repository_knows_what_is_missing(model):
    found = find_repository(model)
    assert found.commit == COMMIT
    files = ["config.json", "model_index.json", "scheduler_config.json"]
    assert set(found.missing(files)) == {"config.json", "scheduler_config.json"}
    found.fetch(["config.json"])
    assert set(found.missing(files)) == {"scheduler_config.json"}
