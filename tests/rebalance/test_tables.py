"""Tables of a rebalancing that need no run."""

import numpy as np

import gammaface.rebalance.run as run_module
from gammaface.rebalance import run_rebalance
from gammaface.rebalance.rows import PLAIN
from gammaface.rebalance.sets import Seen
from gammaface.rebalance.tables import groups_table
from gammaface.rebalance.words import sentences_table
from tests.rebalance.toy_light import SMALL, light_critic


def seen(counts: tuple[int, int], seed: int) -> Seen:
    labels = np.repeat([0, 1], counts)
    features = np.random.default_rng(seed).normal(size=(len(labels), 4))
    return Seen(np.eye(2)[labels], features)


def test_a_rare_group_keeps_all_of_its_pictures():
    """Thinned within groups: 90 of 6,000 stay 90, and not the 30 that thinning all would leave."""
    sets = {"plain": [seen((2955, 45), seed) for seed in (0, 1)]}
    table = groups_table(
        [PLAIN], sets, seen((3000, 100), 2), light_critic(), resamples=4, say=lambda *_: None
    )
    assert (
        set(table.loc[table["group"].isin(["dark", "light"]), "n"]) == {90} and table["value"].notna().all()
    )


def test_groups_of_the_reference_are_compared_once(generator, tmp_path, monkeypatch):
    calls, whole = [], run_module.between_groups

    def counted(reference, critic):
        calls.append(len(reference.cells))
        return whole(reference, critic)

    monkeypatch.setattr(run_module, "between_groups", counted)
    run = run_rebalance(generator, light_critic(), SMALL, out=tmp_path / "r")
    assert calls == [64], "two rows, one reference"
    assert set(run.table("between")["group"]) == {"dark", "light"}


def test_answers_evened_out_are_not_people_evened_out(generator, tmp_path):
    run = run_rebalance(generator, light_critic(), SMALL, out=tmp_path / "r")
    rows, told = run.table("rows"), {"target": "side", "reference": "base", "original": "absent"}

    def said(plain: float, tune: float) -> str:
        table = rows.assign(fd_corrected=[plain, tune])
        sentences = sentences_table(table, run.table("between"), bias=SMALL.bias, **told)
        return sentences.set_index("row").loc["tune", "sentence"].iloc[0]

    assert "Without the classifier's errors the FD is 0.200, plain's 0.500." in said(0.5, 0.2)
    assert "the FD is 0.651, above plain's 0.500: if its recalls hold" in said(0.5, 0.651)
    assert "errors" not in said(np.nan, np.nan)
