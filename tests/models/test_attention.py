import copy

import pytest
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0

from gammaface.models.attention import PlacesTogether, lay_out
from tests.models.conftest import small_unet

CLOSE = 1e-5


@pytest.fixture
def unet():
    return small_unet()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_it_answers_as_diffusers_own_does(unet, layout):
    ours = copy.deepcopy(unet)
    lay_out(ours)
    x = torch.randn(2, 3, 8, 8).contiguous(memory_format=layout)
    found, expected = (network.to(memory_format=layout)(x, 500).sample for network in (ours, unet))
    assert (
        sum(isinstance(m.processor, PlacesTogether) for m in ours.modules() if isinstance(m, Attention)) > 4
    )
    assert float(expected.detach().std()) > 0.01
    assert float((found - expected).detach().abs().max()) < CLOSE


def test_gradients_pass_through_it(unet):
    grown = copy.deepcopy(unet)
    lay_out(grown)
    x = torch.randn(1, 3, 8, 8)
    for network in (unet, grown):
        network(x, 10).sample.square().sum().backward()
    for plain, ours in zip(unet.parameters(), grown.parameters(), strict=True):
        assert torch.allclose(plain.grad, ours.grad, atol=1e-4, rtol=1e-3)


def test_other_attention_keeps_its_processor():
    across = Attention(query_dim=8, cross_attention_dim=8, heads=2, dim_head=4, norm_num_groups=2)
    over_tokens = Attention(query_dim=8, heads=2, dim_head=4)
    network = torch.nn.ModuleList([across, over_tokens])
    lay_out(network)
    assert all(type(m.processor) is AttnProcessor2_0 for m in network)
