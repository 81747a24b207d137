"""Every strategy says what it needs, and is refused with a reason without it."""

import numpy as np
import pytest
import torch

from gammaface import GammaFaceError, LatentMixture, balance, harvest
from gammaface.generators import seeds_for
from gammaface.spaces import codes
from gammaface.strategies import STRATEGIES, Option, Request, Target, get_strategy
from gammaface.strategies.catalogue import NEEDS
from gammaface.strategies.pilot import draw_pilot, pilot_seeds
from tests.strategies.checks import draw
from tests.strategies.toy import CLASSES, toy


@pytest.fixture(scope="module")
def mixture():
    return LatentMixture(2).fit(harvest(toy().generator, n=40, steps=6, space="h"))


def _lacking(need, mixture):
    """A toy and arguments of balance() that lack one thing only."""
    face = toy(mid_block=need != "mid-block")
    bare = LatentMixture(2).fit(mixture.latents_.array)
    given = {
        "mixture": {"mixture": None, "harvest": bare}.get(need, mixture),
        "target": None if need == "target" else face.target(),
        "labeller": None if need == "labeller" else face.labeller,
        "pilot": 0 if need == "pilot" else 40,
        "sampler": "ddpm" if need == "deterministic" else "ddim",
    }
    return face, given


CASES = [(name, need) for name, strategy in STRATEGIES.items() for need in strategy.needs]


@pytest.mark.parametrize("name, need", CASES)
def test_what_is_lacking_is_named(name, need, mixture):
    face, given = _lacking(need, mixture)
    words = NEEDS[need].what.split("{")[0]
    with pytest.raises(GammaFaceError, match=f"{name} needs ") as refused:
        balance(face.generator, n=4, strategy=name, steps=4, **given)
    assert words in str(refused.value)
    assert face.unet.rows == 0, "it was refused after the network had worked"


def test_every_strategy_explains_itself():
    for name, strategy in STRATEGIES.items():
        assert strategy.name == name and strategy.summary.endswith(".")
        for key, option in strategy.options.items():
            assert option.check(key, option.default) == option.default, "its own default must fit"
            assert option.about


def test_options_are_checked():
    quota = get_strategy("quota")
    assert quota.complete({}) == {"limit": 100}
    assert quota.complete({"limit": 7.0}) == {"limit": 7}
    for given, message in [
        ({"limits": 3}, "quota has no option 'limits'. It knows: limit"),
        ({"limit": 0}, "limit=0 cannot be used. Give a whole number of 1 or more and 10000 or less"),
        ({"limit": 2.5}, "limit=2.5 cannot be used"),
        ({"limit": "many"}, "limit='many' cannot be used"),
        ({"limit": float("nan")}, "limit=nan cannot be used"),
        ({"limit": True}, "limit=True cannot be used"),
    ]:
        with pytest.raises(GammaFaceError, match=message):
            quota.complete(given)
    with pytest.raises(GammaFaceError, match="plain has no option 'x'. It knows: none"):
        get_strategy("plain").complete({"x": 1})
    with pytest.raises(GammaFaceError, match="space='y' cannot be used. Give one of x_t, x0, h, h_pooled"):
        get_strategy("stratified").complete({"space": "y"})
    assert Option(1.5, "", low=0).check("a", 2) == 2.0


def test_a_target_of_other_attributes_is_refused():
    face = toy()
    with pytest.raises(GammaFaceError, match="does not name the attribute 'mood'"):
        draw(face, "quota", target=Target.even(("mood",), {"mood": ("glad", "sad")}))


def test_h_space_is_refused_without_a_mid_block():
    face = toy(mid_block=False)
    with pytest.raises(GammaFaceError, match="'toy' has no mid block. Use the space x_t or x0"):
        draw(face, "stratified", pilot=20)


def test_plain_has_neither_cells_nor_components():
    face = toy()
    batch = draw(face, "plain", n=8, target=None)
    assert (batch.cells == -1).all() and (batch.components == -1).all()
    assert batch.cost == 12 and batch.learned is None and not batch.notes


def test_pools_of_different_places_never_meet():
    """What blocks of a run choose among, and what its pilot learns from, are all different."""
    pools = [_request(np.arange(a, a + 4), n=12).pool(5, skip=2) for a in (0, 4, 8)]
    assert len(np.unique(np.concatenate([*pools, pilot_seeds(3, 100)]))) == 3 * 20 + 100
    assert _request(np.arange(12), n=12).pool(2).tolist() == list(range(300_000_000, 300_000_024))
    with pytest.raises(GammaFaceError, match="more seeds than a run has"):
        _request(np.arange(12), n=12).pool(10_000_000)
    # torch reads the low 32 bits alone: there, too, the pilot must not meet the pool.
    low = np.concatenate([np.arange(300_000_000, 300_000_100), pilot_seeds(3, 100)]) % 2**32
    assert len(np.unique(low)) == 200


def _request(places, n):
    return Request(
        generator=toy().generator,
        mixture=None,
        seeds=seeds_for(3, n)[places],
        places=places,
        injection="",
        steps=4,
        sampler="ddim",
        batch_size=4,
        progress=None,
        callback=None,
        through=None,
        run_size=n,
        run_seed=3,
        target=Target.even(("side",), CLASSES),
        labeller=toy().labeller,
        pilot=10,
    )


def test_a_pilot_reads_codes_on_the_way():
    """Codes are those of spaces.codes at the same x_t, at no further evaluation."""
    request = _request(np.arange(4), n=4)
    model, t = request.generator, request.path()[2]
    model.unet.rows = 0
    places = [(space, t) for space in ("x_t", "x0", "h", "h_pooled")] + [("h", request.path()[0])]
    pilot = draw_pilot(request, codes=places)
    assert pilot.evaluations == 10 * 4 and model.unet.rows == 12 * 4  # padded to batches of 4
    x = pilot.codes["x_t", t].reshape(10, *model.shape)
    for space in ("x0", "h", "h_pooled"):
        expected = codes(model, torch.from_numpy(x), t, space).numpy()
        assert np.allclose(pilot.codes[space, t], expected, atol=1e-4)
    assert pilot.noise.shape == (10, 3, 4, 4) and set(pilot.cells(request.target)) <= {0, 1}
    assert pilot.labels("side").tolist() == pilot.cells(request.target).tolist()
    with pytest.raises(GammaFaceError, match="t=5 is not on the path"):
        draw_pilot(request, codes=[("h", 5)])
