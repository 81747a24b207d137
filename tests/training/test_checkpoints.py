"""Checkpoints: which folders are some, what a damaged one says, and what a resume may change."""

import json
from dataclasses import replace

import pytest
import torch

from gammaface import GammaFaceError
from gammaface.training.checkpoints import newest_checkpoint
from gammaface.training.loop import Schedule, as_config, train

SHORT = Schedule(images=16, batch_size=8, learning_rate=1e-2, warmup_images=1, checkpoint_minutes=0.0)


def go(out, schedule=SHORT, *, broken_at=None, data="a", **options):
    """Train a network of four weights; its loss is NaN at one step."""
    torch.manual_seed(0)

    def loss_of(model, step, accelerator):
        loss = model(torch.ones(8, 2)).square().mean()
        return loss * float("nan") if step == broken_at else loss

    config = as_config(schedule=schedule, data=data)
    return train(
        torch.nn.Linear(2, 2), loss_of, schedule=schedule, out=out, config=config, quiet=True, **options
    )


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "0.png").write_text("")
    with pytest.raises(GammaFaceError, match="the checkpoint cannot be written: Not a directory"):
        go(tmp_path / "0.png" / "x")


def test_other_folders_are_no_checkpoints(tmp_path):
    for name in ("checkpoint-final", "checkpoint-1b"):
        (tmp_path / name).mkdir()
    go(tmp_path)
    assert newest_checkpoint(tmp_path).name == "checkpoint-00000002"
    assert (tmp_path / "checkpoint-final").is_dir(), "it is not ours to delete"
    assert go(tmp_path, resume=True)[1]["seen"] == 16


@pytest.mark.parametrize(
    "content",
    ["{}", "[]", "null", '{"config": []}', '{"config": {"schedule": 1}}', '{"config": {}, "progress": {}}'],
)
def test_damaged_progress_is_said(content, tmp_path):
    go(tmp_path)
    (newest_checkpoint(tmp_path) / "progress.json").write_text(content)
    with pytest.raises(GammaFaceError, match="the checkpoint is damaged.*Delete this folder"):
        go(tmp_path, resume=True)


def test_other_data_are_refused_where_the_checkpoint_names_its_own(tmp_path):
    longer = replace(SHORT, images=32)
    go(tmp_path)
    with pytest.raises(GammaFaceError, match="another configuration.*same data"):
        go(tmp_path, longer, data="b", resume=True)
    file = newest_checkpoint(tmp_path) / "progress.json"
    stored = json.loads(file.read_text())
    del stored["config"]["data"]  # as before data were recorded
    file.write_text(json.dumps(stored))
    assert go(tmp_path, longer, data="b", resume=True)[1]["seen"] == 32
    with pytest.raises(GammaFaceError, match="another configuration"):
        go(tmp_path, longer, data="a", resume=True)


def test_after_a_loss_of_nan_the_advice_can_be_followed(tmp_path):
    with pytest.raises(
        GammaFaceError, match="NaN by step 2.*Lower --learning-rate. `train` continues with --resume"
    ):
        go(tmp_path, broken_at=1)
    assert newest_checkpoint(tmp_path).name == "checkpoint-00000001"
    assert go(tmp_path, replace(SHORT, learning_rate=1e-3), resume=True)[1]["step"] == 2


def test_a_longer_training_may_have_a_longer_warm_up(tmp_path):
    go(tmp_path)
    assert go(tmp_path, replace(SHORT, images=40, warmup_images=4), resume=True)[1]["seen"] == 40


def test_other_options_are_refused(tmp_path):
    go(tmp_path)
    with pytest.raises(GammaFaceError, match="another configuration"):
        go(tmp_path, replace(SHORT, seed=1), resume=True)
