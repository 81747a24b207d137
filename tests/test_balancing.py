import numpy as np
import pytest
import torch

from gammaface import GammaFaceError, LatentMixture, balance, harvest
from gammaface.balancing import draw_seeds
from gammaface.drawing import draw_run
from gammaface.strategies import Reader, Target
from gammaface.workspace import Run


@pytest.fixture(scope="module")
def mixture(tiny):
    return LatentMixture(3, seed=0).fit(harvest(tiny, n=48, steps=4))


@pytest.mark.parametrize("injection", ["mean-noise", "resume", "responsibility"])
def test_components_are_even(tiny, mixture, injection):
    batch = balance(tiny, mixture, n=12, injection=injection, steps=4, batch_size=8)
    assert np.bincount(batch.components).tolist() == [4, 4, 4]
    assert batch.images.shape == (12, 3, 64, 64)
    assert float(batch.images.abs().max()) <= 1
    assert len(set(batch.seeds.tolist())) == 12


@pytest.mark.parametrize("injection", ["mean-noise", "resume", "responsibility"])
def test_an_image_belongs_to_its_seed(tiny, mixture, injection):
    one = balance(tiny, mixture, n=6, injection=injection, steps=3, batch_size=6)
    two = balance(tiny, mixture, n=6, injection=injection, steps=3, batch_size=4)
    order_one, order_two = np.argsort(one.seeds), np.argsort(two.seeds)
    assert (one.seeds[order_one] == two.seeds[order_two]).all()
    assert float((one.images[order_one] - two.images[order_two]).abs().max()) < 1e-3


def test_plain_images_do_not_depend_on_n_or_batch(tiny):
    many = balance(tiny, n=5, strategy="plain", steps=3, batch_size=4)
    few = balance(tiny, n=2, strategy="plain", steps=3, batch_size=1)
    assert float((many.images[:2] - few.images).abs().max()) < 1e-3
    assert (many.components == -1).all() and many.evaluations == 15


def test_chosen_places_are_the_same_images(tiny, mixture):
    whole = balance(tiny, mixture, n=7, steps=3)
    part = balance(tiny, mixture, n=7, steps=3, places=np.array([4, 6]))
    assert part.seeds.tolist() == [4, 6]
    assert part.components.tolist() == whole.components[[4, 6]].tolist()
    assert float((whole.images[[4, 6]] - part.images).abs().max()) < 1e-3


def test_drawn_seeds_are_what_the_harvested_latents_become(tiny):
    z = harvest(tiny, n=3, steps=4)
    batch = draw_seeds(tiny, z.seeds, through=z.t, steps=4)
    path_after = [z.t, *[t for t in _path(tiny, z.t) if t < z.t]]
    x = torch.from_numpy(z.array).view(3, *tiny.shape)
    from gammaface.sampling import ddim

    finished = tiny.decode(ddim(tiny.predict, x, path_after, alphas=tiny.alphas))
    assert float((batch.images - finished).abs().max()) < 1e-3


def _path(tiny, t):
    from gammaface.sampling import timestep_path

    return timestep_path(tiny.train_steps, 4, through=t)


def test_mean_noise_starts_at_the_mean(tiny):
    """With one component far from zero, the start noise is shifted by exactly its mean."""
    z = np.full((20, tiny.dimensions), 3.0) + np.random.default_rng(0).normal(size=(20, tiny.dimensions))
    mixture = LatentMixture(1).fit(z)
    starts = []
    balance(
        tiny, mixture, n=2, steps=2, batch_size=2, callback=lambda s: starts.append(s.x) if s.i == 0 else None
    )
    free = tiny.noise([torch.Generator().manual_seed(s) for s in (0, 1)])
    shift = torch.from_numpy(mixture.means_).float().view(1, *tiny.shape)
    assert torch.allclose(starts[0], free + shift, atol=1e-5)


def test_refusals(tiny, mixture):
    with pytest.raises(GammaFaceError, match="no strategy 'fair'"):
        balance(tiny, mixture, n=2, strategy="fair")
    with pytest.raises(GammaFaceError, match="needs a fitted mixture"):
        balance(tiny, n=2)
    with pytest.raises(GammaFaceError, match="no injection 'magic'"):
        balance(tiny, mixture, n=2, injection="magic")
    bare = LatentMixture(2).fit(np.random.default_rng(0).normal(size=(20, tiny.dimensions)))
    with pytest.raises(GammaFaceError, match="must know the mixture's timestep"):
        balance(tiny, bare, n=2, injection="resume")
    reduced = LatentMixture(2).fit(harvest(tiny, n=20, steps=2, pca=5))
    with pytest.raises(GammaFaceError, match="no noise of 1024 dimensions"):
        balance(tiny, reduced, n=2)
    tied = LatentMixture(2, covariance="spherical").fit(harvest(tiny, n=20, steps=2))
    with pytest.raises(GammaFaceError, match="resume draws from diagonal components"):
        balance(tiny, tied, n=2, injection="resume")


def test_a_drawing_resumes_without_repeating(tiny, mixture, tmp_path, monkeypatch):
    monkeypatch.setattr("gammaface.drawing.BLOCK", 4)
    whole = draw_run(tiny, mixture, n=10, steps=2, out=tmp_path / "whole")

    def stop(done, total):
        if done > 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_run(tiny, mixture, n=10, steps=2, out=tmp_path / "cut", progress=stop)
    kept = Run.open(tmp_path / "cut").table("images")
    assert len(kept) == 4
    cut = draw_run(tiny, mixture, n=10, steps=2, out=tmp_path / "cut")
    assert cut.table("images").equals(whole.table("images"))
    for seed in whole.table("images")["seed"]:
        assert cut.image(seed).read_bytes() == whole.image(seed).read_bytes()


@pytest.fixture(scope="module")
def light(tiny):
    """Bright and dark images of the tiny model, about a third of them bright."""
    means = balance(tiny, n=60, strategy="plain", steps=4, seed=9).images.mean((1, 2, 3))
    level, scale = means.quantile(0.67), means.std()

    def read(images):
        bright = ((images.mean((1, 2, 3)) - level) / scale * 8).sigmoid().double().numpy()
        return {"light": np.stack([1 - bright, bright], axis=1)}

    return Reader({"light": ("dark", "bright")}, read)


@pytest.mark.parametrize(
    "strategy, options, exact",
    [
        ("quota", {}, True),
        ("evolutionary", {}, True),
        ("stratified", {"pool": 3.0, "sqrt_abar": 0.9}, False),
        ("component-balanced", {}, False),
        ("latent-directions", {}, False),
    ],
)
def test_a_real_unet_is_balanced(tiny, mixture, light, strategy, options, exact):
    """Strategies that choose or push work on a diffusers model with an autoencoder, too."""
    target = Target.even(("light",), light.classes)
    batch = balance(
        tiny,
        mixture,
        n=20,
        strategy=strategy,
        target=target,
        labeller=light,
        pilot=60,
        steps=4,
        options=options,
    )
    assert batch.images.shape == (20, 3, 64, 64) and len(set(batch.seeds.tolist())) == 20
    assert batch.cost > 4  # rejected draws, the pilot or both are on the bill
    bright = light.probabilities(batch.images)["light"].argmax(1)
    if exact:
        assert np.bincount(bright).tolist() == [10, 10]
        assert bright.tolist() == batch.cells.tolist()


def test_what_was_learned_is_paid_for_once(tiny, light):
    target = Target.even(("light",), light.classes)
    ask = {"n": 8, "strategy": "stratified", "target": target, "labeller": light, "steps": 4}
    first = balance(tiny, **ask, pilot=40, places=np.arange(4))
    second = balance(tiny, **ask, pilot=40, places=np.arange(4, 8), learned=first.learned)
    assert first.evaluations - second.evaluations == first.learned.evaluations == 40 * 4
    assert not set(first.seeds) & set(second.seeds)
    assert second.notes["reader_accuracy"] == first.notes["reader_accuracy"]
    uneven = Target.of(("light",), light.classes, [0.3, 0.7])
    with pytest.raises(GammaFaceError, match="bright 0.5, this draw is .*bright 0.7"):
        balance(tiny, **ask | {"target": uneven}, learned=first.learned)
    with pytest.raises(GammaFaceError, match="for stratified on .* this draw is latent-directions on"):
        balance(tiny, **ask | {"strategy": "latent-directions"}, learned=first.learned)


def test_weights_learned_with_one_mixture_are_not_another_ones(tiny, light):
    latents = harvest(tiny, n=24, space="h", steps=4)
    two, three = (LatentMixture(k, seed=0).fit(latents) for k in (2, 3))
    target = Target.even(("light",), light.classes)
    ask = {"n": 4, "target": target, "labeller": light, "steps": 4, "pilot": 20}
    learned = balance(tiny, two, strategy="component-balanced", **ask).learned
    with pytest.raises(GammaFaceError, match=r"mixture \w{8}, .* this draw is .* mixture \w{8}, "):
        balance(tiny, three, strategy="component-balanced", **ask, learned=learned)
    alike = LatentMixture(2, seed=0).fit(latents)
    balance(tiny, alike, strategy="component-balanced", **ask, learned=learned)
    learned = balance(tiny, two, strategy="stratified", **ask).learned
    balance(tiny, three, strategy="stratified", **ask, learned=learned)  # which reads no mixture
