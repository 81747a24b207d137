import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, UniPCMultistepScheduler

from gammaface import GammaFaceError
from gammaface.generators import seeded
from gammaface.sampling import SAMPLERS, get_sampler, sampler_path, timestep_path, unipc

ALPHAS = DDIMScheduler(beta_schedule="squaredcos_cap_v2").alphas_cumprod.double().numpy()


def denoise(x, t):
    """A fixed non-linear stand-in for a network's noise prediction."""
    noise = torch.tanh(x * 0.7 + t / 1000)
    a = float(ALPHAS[t])
    return (x - (1 - a) ** 0.5 * noise) / a**0.5, noise


@pytest.mark.parametrize("steps", [5, 20, 50])
def test_ddim_agrees_with_diffusers(steps):
    oracle = DDIMScheduler(beta_schedule="squaredcos_cap_v2", clip_sample=False, timestep_spacing="trailing")
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    # The schedule ends on nearly pure noise, where dividing by sqrt(abar) loses digits: start later.
    path = timestep_path(1000, steps)[1:]
    oracle.set_timesteps(steps)
    want = x
    for t in oracle.timesteps[1:]:
        want = oracle.step(denoise(want, int(t))[1], t, want).prev_sample
    got = get_sampler("ddim")(denoise, x, path, alphas=ALPHAS)
    assert torch.allclose(got, want, atol=1e-4)


def test_dpm_solver_agrees_with_diffusers():
    steps = 10
    oracle = DPMSolverMultistepScheduler(
        beta_schedule="squaredcos_cap_v2",
        timestep_spacing="trailing",
        algorithm_type="dpmsolver++",
        solver_order=2,
        final_sigmas_type="zero",
        euler_at_final=True,
    )
    oracle.set_timesteps(steps)
    path = [*map(int, oracle.timesteps), -1]
    start = 1  # as above
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    oracle.set_begin_index(start)
    want = x
    for t in oracle.timesteps[start:]:
        want = oracle.step(denoise(want, int(t))[1], t, want).prev_sample
    got = get_sampler("dpm-solver")(denoise, x, path[start:], alphas=ALPHAS)
    assert torch.allclose(got, want, atol=1e-3)


@pytest.mark.parametrize("steps", [5, 10, 20])
def test_unipc_agrees_with_diffusers(steps):
    oracle = UniPCMultistepScheduler(
        beta_schedule="squaredcos_cap_v2",
        timestep_spacing="trailing",
        solver_order=3,
        solver_type="bh2",
        final_sigmas_type="zero",
    )
    oracle.set_timesteps(steps)
    path = [*map(int, oracle.timesteps), -1]
    start = 1  # as above
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    oracle.set_begin_index(start)
    want = x
    for t in oracle.timesteps[start:]:
        want = oracle.step(denoise(want, int(t))[1], t, want).prev_sample
    got = get_sampler("unipc")(denoise, x, path[start:], alphas=ALPHAS)
    assert torch.allclose(got, want, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("sampler", ["dpm-solver", "unipc"])
def test_few_steps_follow_the_noise(sampler):
    """At 10 steps their spacing is nearer to the path's limit than even timesteps are."""
    mean, sd = torch.tensor([-2.0, 0.0, 1.0, 3.0]).view(1, 4, 1, 1), 0.8

    def faces(x, t):  # the exact denoiser of a mixture, whose path bends
        a = float(ALPHAS[t])
        variance = a * sd**2 + 1 - a
        away = x[:, :1] - a**0.5 * mean
        share = torch.softmax(-(away**2) / (2 * variance), dim=1)
        clean = (share * (mean + a**0.5 * sd**2 / variance * away)).sum(1, keepdim=True)
        return clean, (x - a**0.5 * clean) / (1 - a) ** 0.5

    x = torch.randn(500, 1, 1, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def end(path):
        return get_sampler(sampler)(faces, x, path, alphas=ALPHAS)

    limit = end(sampler_path(sampler, ALPHAS, 400))
    off = [
        float((end(path) - limit).square().mean())
        for path in (sampler_path(sampler, ALPHAS, 10), timestep_path(1000, 10))
    ]
    assert off[0] < 0.8 * off[1]


def test_all_samplers_find_a_gaussian():
    """With the exact denoiser of N(2, 0.5^2), every sampler must end on that Gaussian."""
    mean, sd = 2.0, 0.5

    def exact(x, t):
        a = float(ALPHAS[t])
        gain = a**0.5 * sd**2 / (a * sd**2 + 1 - a)
        clean = mean + gain * (x - a**0.5 * mean)
        return clean, (x - a**0.5 * clean) / (1 - a) ** 0.5

    n = 2000
    streams = seeded(range(n))
    x = torch.stack([torch.randn(1, 1, 1, generator=s, dtype=torch.float64) for s in streams])
    for name, sampler in SAMPLERS.items():
        end = sampler(exact, x, sampler_path(name, ALPHAS, 100), alphas=ALPHAS, generators=streams)
        assert float(end.mean()) == pytest.approx(mean, abs=0.05), name
        assert float(end.std()) == pytest.approx(sd, abs=0.05), name


def test_callback_sees_every_step_and_can_cancel():
    seen = []
    get_sampler("ddim")(
        denoise, torch.zeros(1, 1, 2, 2), [400, 200, -1], alphas=ALPHAS, callback=lambda s: seen.append(s)
    )
    assert [(s.i, s.steps, s.t) for s in seen] == [(0, 2, 400), (1, 2, 200)]

    def cancel(state):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get_sampler("ddpm")(denoise, torch.zeros(1, 1, 2, 2), [400, -1], alphas=ALPHAS, callback=cancel)


def test_paths():
    assert timestep_path(1000, 50)[:2] == [999, 979]
    assert 707 in timestep_path(1000, 20, through=707)
    for t in (0, 1, 998, 999):
        path = timestep_path(1000, 20, through=t)
        assert t in path and path == sorted(set(path), reverse=True)
    with pytest.raises(GammaFaceError, match="t=1000 is out of range"):
        timestep_path(1000, 5, through=1000)
    with pytest.raises(GammaFaceError, match="0 steps"):
        timestep_path(1000, 0)
    with pytest.raises(GammaFaceError, match="no sampler 'euler'"):
        get_sampler("euler")


@pytest.mark.parametrize("alphas", [ALPHAS, DDPMScheduler().alphas_cumprod.double().numpy()])
def test_paths_by_noise(alphas):
    for steps in (1, 2, 10, 50, 999, 1000):
        path = sampler_path("unipc", alphas, steps)
        assert len(path) == steps + 1 and path[0] == 999 and path[-1] == -1
        assert path == sorted(set(path), reverse=True)
        assert sampler_path("ddim", alphas, steps) == timestep_path(1000, steps)
    sigma = ((1 - alphas) / alphas) ** 0.5
    for sampler, even in (("dpm-solver", lambda s: s ** (1 / 7)), ("unipc", np.log)):
        falls = -np.diff(even(sigma[sampler_path(sampler, alphas, 10)[1:-1]]))
        assert falls.max() / falls.min() < 1.4  # timesteps are whole numbers
    for t in (0, 404, 999):
        assert t in sampler_path("unipc", alphas, 10, through=t)
    with pytest.raises(GammaFaceError, match="0 steps"):
        sampler_path("unipc", alphas, 0)
    with pytest.raises(GammaFaceError, match="no sampler 'euler'"):
        sampler_path("euler", alphas, 5)


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_first_x_may_lie_on_another_device(name):
    """Noise comes from the CPU; the meta device stands in for a GPU and refuses to be mixed."""

    def elsewhere(x, t):
        return x.to("meta"), x.to("meta")

    x = torch.zeros(2, 1, 2, 2)
    end = SAMPLERS[name](elsewhere, x, [900, 600, 300, 100, -1], alphas=ALPHAS, generators=seeded([0, 1]))
    assert end.device.type == "meta" and end.shape == x.shape


def test_unipc_of_one_step_is_the_prediction():
    x = torch.randn(1, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(unipc(denoise, x, [400, -1], alphas=ALPHAS), denoise(x, 400)[0])


def test_stochastic_steps_need_streams():
    with pytest.raises(GammaFaceError, match="one generator per sample"):
        get_sampler("ddpm")(denoise, torch.zeros(1, 1, 2, 2), [400, 100, -1], alphas=np.array(ALPHAS))
