import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler

from gammaface import GammaFaceError
from gammaface.sampling import SAMPLERS, get_sampler, timestep_path

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


def test_all_samplers_find_a_gaussian():
    """With the exact denoiser of N(2, 0.5^2), every sampler must end on that Gaussian."""
    mean, sd = 2.0, 0.5

    def exact(x, t):
        a = float(ALPHAS[t])
        gain = a**0.5 * sd**2 / (a * sd**2 + 1 - a)
        clean = mean + gain * (x - a**0.5 * mean)
        return clean, (x - a**0.5 * clean) / (1 - a) ** 0.5

    n = 4000
    streams = [torch.Generator().manual_seed(s) for s in range(n)]
    x = torch.stack([torch.randn(1, 1, 1, generator=s, dtype=torch.float64) for s in streams])
    for name, sampler in SAMPLERS.items():
        end = sampler(exact, x, timestep_path(1000, 100), alphas=ALPHAS, generators=streams)
        assert float(end.mean()) == pytest.approx(mean, abs=0.04), name
        assert float(end.std()) == pytest.approx(sd, abs=0.04), name


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


def test_stochastic_steps_need_streams():
    with pytest.raises(GammaFaceError, match="one generator per sample"):
        get_sampler("ddpm")(denoise, torch.zeros(1, 1, 2, 2), [400, 100, -1], alphas=np.array(ALPHAS))
