import pytest
import torch

from gammaface.classifiers.attribute_network import Architecture, AttributeNetwork
from gammaface.errors import GammaFaceError
from gammaface.training.grow import grow

SMALL = Architecture((8, 12), (1, 1), 8, pool=False)
WIDE = Architecture((8, 30), (1, 2), 8, pool=False)


def network(design: Architecture, seed: int) -> AttributeNetwork:
    torch.manual_seed(seed)
    made = AttributeNetwork(design).eval()
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):  # as after training: not the identity
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.running_mean, -0.5, 0.5)
    return made


@torch.no_grad()
@pytest.mark.parametrize("layer_type", ["basic", "bottleneck"])
def test_a_grown_network_answers_as_the_small_one(layer_type):
    designs = [
        Architecture(d.hidden_sizes, d.depths, d.embedding_size, layer_type=layer_type) for d in (SMALL, WIDE)
    ]
    if layer_type == "bottleneck":
        designs[1] = Architecture((8, 24), (1, 2), 8, layer_type=layer_type)
    small, wide = network(designs[0], 0), network(designs[1], 1)
    grow(small, wide, noise=0.0)
    images = torch.rand(3, 3, 32, 32) * 2 - 1
    for name, expected in small(images).items():
        assert torch.allclose(wide(images)[name], expected, atol=1e-5)


@torch.no_grad()
def test_the_same_seed_grows_the_same_network():
    grown = [network(WIDE, seed) for seed in (1, 1)]
    for wide in grown:
        grow(network(SMALL, 0), wide, seed=4)
    first, second = (wide.state_dict() for wide in grown)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["head.weight"][:, :12], first["head.weight"][:, 12:24])


def test_a_network_does_not_grow_smaller():
    with pytest.raises(GammaFaceError, match="smaller network of the same kind"):
        grow(network(WIDE, 0), network(SMALL, 1))
