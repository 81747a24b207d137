import os
import signal

import numpy as np
import pytest
import torch

from gammaface import GammaFaceError, LatentMixture, harvest, sweep_bic
from gammaface.attributes import load_attributes
from gammaface.balancing import balance
from gammaface.drawing import draw_run
from gammaface.forward import harvest_images
from gammaface.images import to_png, to_uint8
from gammaface.labelling.labels import label_encoded, label_run
from gammaface.parallel.shards import Shard
from gammaface.parallel.workers import ALONE, Workers, join
from gammaface.strategies import Reader, Target
from gammaface.workspace import Run, extending, writing
from tests.launched import launch
from tests.tiny_attributes import write_classifier

HARVEST = {"n": 50, "steps": 3, "seed": 2, "batch_size": 8}


@pytest.fixture(autouse=True)
def one_thread():
    """Equal bytes are promised at equal threads, and a fork has one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def content(folder) -> dict[str, bytes]:
    """Everything a run holds but what tells of time."""
    files = [p for p in folder.rglob("*") if p.is_file() and p.suffix in {".npy", ".png"}]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


# -- what workers tell each other ---------------------------------------------------------


def test_workers_add_up_gather_and_follow_the_main_one():
    def work(workers: Workers):
        a = torch.arange(3.0, dtype=torch.float64) * (workers.rank + 1) / 3
        b = torch.full((2, 2), 1.0 + workers.rank, dtype=torch.float64)
        workers.sum(a, b)
        told = workers.on_main(lambda: {"rank": workers.rank, "list": [1, 2]})
        parts = workers.gather(b"x" * (3 * workers.rank))
        with pytest.raises(GammaFaceError, match="only here") as seen:
            workers.on_main(refuse)
        return a.numpy().tobytes(), b.tolist(), told, parts, seen.value.fix, workers.share(range(7))

    def refuse():
        raise GammaFaceError("only here", fix="Mend it.")

    first, second, third = launch(3, work)
    assert first[0] == second[0] == third[0]
    assert np.frombuffer(first[0]).tolist() == pytest.approx([0, 2, 4])
    assert first[1] == [[6.0, 6.0], [6.0, 6.0]]
    assert first[2] == third[2] == {"rank": 0, "list": [1, 2]}
    assert second[3] == [b"", b"xxx", b"xxxxxx"]
    assert third[4] == "Mend it."
    assert [*first[5], *second[5], *third[5]] == list(range(7))


def test_a_failure_is_told_to_those_who_wait():
    def work(workers: Workers):
        if workers.rank == 1:
            raise GammaFaceError("the third seed is bad", fix="Give another.")
        workers.wait()

    waiting, failed = launch(2, work)
    assert failed.what == "the third seed is bad"
    assert "another worker of this job" in waiting.what and "same command continues" in waiting.fix


def test_equal_complaints_are_said_once():
    said = launch(3, lambda workers: [workers.first_to_say("a"), workers.first_to_say("a")])
    assert sum(first for first, _ in said) == 1 and not any(again for _, again in said)


def test_one_process_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    join.cache_clear()
    assert join() is ALONE and ALONE.main
    assert ALONE.gather(b"x") == [b"x"] and ALONE.on_main(lambda: 3) == 3 and ALONE.first_to_say("a")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    join.cache_clear()
    with pytest.raises(GammaFaceError, match="started one process .* --multi_gpu instead of --cpu"):
        join()
    join.cache_clear()


# -- harvesting ---------------------------------------------------------------------------


def test_workers_of_two_precisions_are_refused(tiny, tmp_path):
    def work(workers: Workers):
        os.environ["GAMMAFACE_PRECISION"] = ("float32", "bfloat16")[workers.rank]
        harvest(tiny, out=tmp_path / "z", workers=workers, **HARVEST)

    waiting, refused = launch(2, work)
    assert "begun with networks in float32, and here they run in bfloat16" in refused.what
    assert "another worker of this job failed" in waiting.what


def test_pictures_are_noised_alike_at_any_number_of_workers(tiny, tmp_path):
    pictures = torch.rand(50, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    asked = {"space": "x0", "seed": 3, "batch_size": HARVEST["batch_size"]}
    harvest_images(tiny, pictures, out=tmp_path / "1", **asked)
    launch(2, lambda w: harvest_images(tiny, pictures, out=tmp_path / "2", workers=w, **asked).space)
    assert content(tmp_path / "1") == content(tmp_path / "2")


@pytest.mark.parametrize("pca", [None, 4])
def test_a_harvest_is_the_same_at_any_number_of_workers(tiny, tmp_path, pca):
    harvest(tiny, out=tmp_path / "1", pca=pca, **HARVEST)
    for count in (2, 4) if pca is None else (2,):
        shapes = launch(
            count,
            lambda w: harvest(tiny, out=tmp_path / str(w.count), pca=pca, workers=w, **HARVEST).array.shape,
        )
        assert shapes == [(50, pca or 1024)] * count
        assert content(tmp_path / str(count)) == content(tmp_path / "1")
        run = Run.open(tmp_path / str(count))
        assert run.manifest.state == "done" and not run.damaged()


def test_a_killed_worker_ends_the_job_and_others_continue_it(tiny, tmp_path):
    harvest(tiny, out=tmp_path / "whole", **HARVEST)
    out = tmp_path / "cut"

    def dying(workers: Workers):
        def die(done, total):
            if workers.rank == 1 and done >= 16:
                os.kill(os.getpid(), signal.SIGKILL)

        harvest(tiny, out=out, workers=workers, progress=die, **HARVEST)

    alive, dead = launch(2, dying)
    assert dead is None
    assert alive.what == "another worker of this job ended" and "is kept" in alive.fix
    run = Run.open(out)
    assert run.manifest.state == "failed" and "another worker" in run.manifest.note
    assert list(out.glob("arrays/blocks/*.npy")), "the surviving worker's share was lost"

    def going_on(workers: Workers):
        seen = []
        harvest(tiny, out=out, workers=workers, progress=lambda *at: seen.append(at), **HARVEST)
        return seen

    for steps in launch(3, going_on):
        assert steps[0][0] >= 24, "what the survivor had done was computed again"
    assert content(out) == content(tmp_path / "whole")
    assert not (out / "arrays" / "blocks").exists()


def test_a_second_job_is_refused_while_workers_write(tiny, tmp_path):
    out = tmp_path / "run"

    def work(workers: Workers):
        with writing(out, kind="test", config={}, workers=workers) as run:
            if workers.rank == 1:
                run.write_file("note.txt", "from the second worker")
                with pytest.raises(GammaFaceError, match="another process is writing"):
                    with writing(out, kind="test", config={}):
                        pass
        return Run.open(out).manifest.state

    assert launch(2, work) == ["done", "done"]
    assert (out / "note.txt").read_text() == "from the second worker"


def test_all_workers_hear_why_a_run_cannot_be_opened(tmp_path):
    with writing(tmp_path / "run", kind="test", config={"n": 1}):
        pass

    def work(workers: Workers):
        with writing(tmp_path / "run", kind="test", config={"n": 2}, workers=workers):
            pass

    assert all("other settings" in error.what for error in launch(2, work))
    assert Run.open(tmp_path / "run").manifest.config == {"n": 1}


def test_workers_read_what_another_wrote_and_end_at_damage(tmp_path):
    with writing(tmp_path / "run", kind="test", config={}) as run:
        run.write_array("a", np.zeros(9))
        run.write_array("b", np.zeros(9))
    (run.path / "arrays" / "b.npy").write_bytes((run.path / "arrays" / "a.npy").read_bytes()[:-1] + b"1")

    def work(workers: Workers):
        with extending(run.path, workers=workers) as opened:
            if workers.rank == 1:
                opened.write_array("a", np.ones(9))
            workers.wait()
            assert opened.array("a").sum() == 9
            workers.wait()
            opened.array("b")

    main, other = launch(2, work)
    assert "arrays/b.npy is damaged" in main.what and "another worker of this job" in other.what
    assert Run.open(run.path).damaged() == ["arrays/b.npy"]


# -- drawing ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def light(tiny):
    """Bright and dark images of the tiny model."""
    means = balance(tiny, n=40, strategy="plain", steps=3, seed=9).images.mean((1, 2, 3))
    level, scale = means.quantile(0.6), means.std()

    def read(images):
        bright = ((images.mean((1, 2, 3)) - level) / scale * 8).sigmoid().double().numpy()
        return {"light": np.stack([1 - bright, bright], axis=1)}

    return Reader({"light": ("dark", "bright")}, read)


@pytest.mark.parametrize(
    "strategy, options",
    [
        ("plain", {}),
        ("quota", {}),
        pytest.param("stratified", {"pool": 2.0, "sqrt_abar": 0.9}, marks=pytest.mark.slow),
        ("self-debias", {"batch": 6}),
    ],
)
def test_pictures_are_the_same_at_any_number_of_workers(
    tiny, light, tmp_path, monkeypatch, strategy, options
):
    monkeypatch.setattr("gammaface.drawing.BLOCK", 6)
    aim = {"target": Target.even(("light",), light.classes), "labeller": light}
    ask = {"n": 16, "steps": 3, "strategy": strategy, "pilot": 40, "options": options}
    if strategy in ("quota", "stratified"):
        ask |= aim
    whole = draw_run(tiny, None, out=tmp_path / "1", **ask)
    found = launch(2, lambda w: draw_run(tiny, None, out=tmp_path / "2", workers=w, **ask).table("images"))
    assert len(whole.table("images")) == 16
    assert all(table.equals(whole.table("images")) for table in found)
    assert content(tmp_path / "2") == content(tmp_path / "1")
    assert Run.open(tmp_path / "2").manifest.note == whole.manifest.note
    assert (tmp_path / "2" / "notes.json").read_bytes() == (tmp_path / "1" / "notes.json").read_bytes()


def test_a_drawing_goes_on_with_other_workers(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("gammaface.drawing.BLOCK", 4)
    ask = {"n": 18, "steps": 2, "strategy": "plain"}
    whole = draw_run(tiny, None, out=tmp_path / "whole", **ask)

    def dying(workers: Workers):
        def die(done, total):
            if workers.rank == 1 and done > 4:
                os._exit(9)

        draw_run(tiny, None, out=tmp_path / "cut", workers=workers, progress=die, **ask)

    launch(2, dying)
    kept = Run.open(tmp_path / "cut").table("images")
    assert 0 < len(kept) < 18
    cut = draw_run(tiny, None, out=tmp_path / "cut", **ask)
    assert cut.table("images").equals(whole.table("images"))
    assert content(tmp_path / "cut") == content(tmp_path / "whole")


def test_choosing_from_the_whole_batch_is_refused(tiny, tmp_path):
    mixture = LatentMixture(2).fit(harvest(tiny, n=20, steps=2))
    with pytest.raises(GammaFaceError, match="'responsibility' .* 2 workers cannot share"):
        draw_run(
            tiny, mixture, n=4, steps=2, injection="responsibility", out=tmp_path / "a", workers=Workers(0, 2)
        )


# -- labelling ----------------------------------------------------------------------------


def test_labels_are_the_same_at_any_number_of_workers(tmp_path):
    images = torch.rand(11, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    classifier = load_attributes(write_classifier(tmp_path / "classifier", images), device="cpu")
    named = [(f"{i}.png", to_png(picture)) for i, picture in enumerate(to_uint8(images))]
    for place in ("1", "2"):
        with writing(tmp_path / place, kind="sample", config={}) as run:
            for i, (_, data) in enumerate([*named, named[0]]):
                run.write_file(f"images/{i:08d}.png", data)

    def label(workers: Workers):
        with extending(tmp_path / str(workers.count), workers=workers) as opened:
            table = label_run(opened, classifier, batch_size=2)
        return table, label_encoded(named, classifier, batch_size=2, workers=workers)

    alone, bare = label(ALONE)
    assert len(alone) == 12 and alone["content"].nunique() == 11
    for table, encoded in launch(2, label):
        assert table.equals(alone) and table.attrs == alone.attrs
        assert encoded.equals(bare)
    assert sorted(p.name for p in (tmp_path / "2").iterdir() if p.is_dir()) == ["images", "tables"]


# -- fitting ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def codes():
    rng = np.random.default_rng(0)
    return (rng.normal(size=(600, 7)) + rng.integers(0, 3, (600, 1)) * 4).astype(np.float32)


@pytest.mark.parametrize("covariance", ["diag", "tied", "full"])
def test_a_mixture_of_spread_rows_is_the_same(codes, covariance):
    alone = LatentMixture(3, covariance=covariance, restarts=2).fit(codes)

    def fit(workers: Workers):
        mine = workers.share(range(len(codes)))
        shard = Shard(codes[mine.start : mine.stop].copy(), mine.start, len(codes), workers)
        own = LatentMixture(3, covariance=covariance, restarts=2).fit(shard)
        read = LatentMixture(3, covariance=covariance, restarts=2).fit(codes, workers=workers)
        return [own.weights_, own.means_, own.covariances_, own.curve_], read.means_

    (first, read), (second, _) = launch(2, fit)
    for a, b in zip(first, second, strict=True):
        assert (a == b).all(), "workers ended with different mixtures"
    assert (read == first[1]).all()
    for ours, theirs in zip(first, ("weights_", "means_", "covariances_", "curve_"), strict=True):
        assert ours == pytest.approx(getattr(alone, theirs), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_a_sweep_of_spread_rows_is_the_same(codes, count):
    alone = sweep_bic(codes, range(1, 5))
    for table in launch(count, lambda workers: sweep_bic(codes, range(1, 5), workers=workers)):
        assert list(table) == list(alone)
        for column in alone:  # the convergence of a fit is a list
            found, expected = (np.hstack(side[column]) for side in (table, alone))
            assert found == pytest.approx(expected, rel=1e-6), column


def test_broken_rows_of_one_worker_are_refused_by_all(codes):
    broken = codes.copy()
    broken[599, 3] = np.nan
    errors = launch(2, lambda workers: LatentMixture(2).fit(broken, workers=workers))
    assert {error.what for error in errors} == {"1 of 600 latents hold NaN or infinite values"}
