import copy

import numpy as np
import pytest
import torch
from diffusers import DDPMPipeline, DDPMScheduler
from diffusers.models.attention_processor import Attention, AttnProcessor2_0, PAGIdentitySelfAttnProcessor2_0

from gammaface import GammaFaceError, balance, load_generator
from gammaface.generators import with_attention_guidance
from gammaface.models.attention import lay_out
from gammaface.models.perturbed import EachPlaceAlone, perturb
from gammaface.runs.manifests import check_name
from gammaface.spaces import watch_mid_block
from tests.hub_models import build
from tests.models.conftest import small_unet

X = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def unet():
    network = small_unet()
    lay_out(network)
    return network.requires_grad_(False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("model") / "model"
    DDPMPipeline(small_unet(), DDPMScheduler()).save_pretrained(place)
    return place


@pytest.mark.parametrize("residual", [True, False])
def test_places_alone_are_what_diffusers_perturbs(residual):
    torch.manual_seed(1)
    attn = Attention(32, heads=2, dim_head=16, norm_num_groups=8, residual_connection=residual, bias=True)
    attn.eval().rescale_output_factor = 1.5
    h = torch.randn(2, 32, 4, 4)
    theirs = PAGIdentitySelfAttnProcessor2_0()(attn, torch.cat([h, h]))[2:]
    ours = EachPlaceAlone()(attn, h)
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert not torch.allclose(attn(h), ours, atol=1e-2)


def test_it_moves_away_from_the_perturbed_prediction(unet):
    alone = copy.deepcopy(unet)
    for module in alone.modules():
        if isinstance(module, Attention):
            module.set_processor(EachPlaceAlone())
    whole, broken = unet(X, 500).sample, alone(X, 500).sample
    guided = perturb(unet, 0.5, at=range(500, 501), name="toy")
    assert float((whole - broken).abs().max()) > 1e-3
    assert torch.allclose(guided(X, 500)[0], whole + 0.5 * (whole - broken), atol=1e-6)
    assert torch.equal(guided(X, 501)[0], unet(X, 501).sample)
    assert torch.equal(unet(X, 500).sample, whole)  # which is left as it was


def test_it_shares_the_weights_and_shows_h_of_the_whole_network(unet):
    guided = perturb(unet, 1.0, at=range(1000), name="toy")
    assert sum(p.numel() for p in guided.parameters()) == sum(p.numel() for p in unet.parameters())
    heard = []
    guided.mid_block.register_forward_hook(lambda _m, _i, h: heard.append(h))
    guided(X, 500)
    assert len(heard) == 1
    unet(X, 500)
    assert torch.equal(heard[0], heard[1])


def test_a_network_without_attention_that_it_knows_is_refused(unet):
    none = torch.nn.Conv2d(3, 3, 1)
    with pytest.raises(GammaFaceError, match="its network has none"):
        perturb(none, 1.0, at=range(1000), name="toy")
    next(m for m in unet.modules() if isinstance(m, Attention)).set_processor(AttnProcessor2_0())
    with pytest.raises(GammaFaceError, match="another kind"):
        perturb(unet, 1.0, at=range(1000), name="toy")


def test_a_guided_model_is_another_one_at_its_own_price(folder):
    plain, guided, weaker = (
        load_generator(f"{folder}{end}", device="cpu") for end in ("", "+pag", "+pag0.5")
    )
    assert guided.name == f"{folder}+pag2"
    assert len({plain.weights_hash, guided.weights_hash, weaker.weights_hash}) == 3
    assert load_generator(f"{folder}+pag2", device="cpu").weights_hash == guided.weights_hash
    batches = [balance(g, n=3, strategy="plain", steps=4, batch_size=4) for g in (plain, guided)]
    assert [batch.cost for batch in batches] == [
        4.0,
        5.0,
    ]  # of 999, 749, 499, 249 the last is guided: sqrt(abar) is .7
    assert check_name(guided.short_name) == f"model-pag2-{guided.weights_hash[:8]}"
    assert 249 in guided.twice and not plain.twice
    assert not torch.equal(batches[0].images, batches[1].images)
    alone = balance(guided, n=3, strategy="plain", steps=4, batch_size=4, places=np.array([2]))
    assert torch.equal(alone.images[0], batches[1].images[2])
    with pytest.raises(GammaFaceError, match="has guidance already"):
        with_attention_guidance(guided)
    with watch_mid_block(guided) as seen:
        guided.predict(guided.noise([torch.Generator().manual_seed(0)]), 249)
    assert len(seen) == 1


def test_a_model_of_no_pictures_attention_is_refused_in_words(tmp_path):
    folder = build("facebook/DiT-XL-2-256", tmp_path / "model")
    with pytest.raises(GammaFaceError, match=r"Leave out the \+pag"):
        load_generator(f"{folder}#0+pag", device="cpu")
