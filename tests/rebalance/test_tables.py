"""Tables of a rebalancing that need no run."""

from dataclasses import replace

import numpy as np
import pandas as pd

import gammaface.rebalance.run as run_module
from gammaface.rebalance import run_rebalance
from gammaface.rebalance.measures import overall
from gammaface.rebalance.rows import PLAIN
from gammaface.rebalance.sets import Seen
from gammaface.rebalance.tables import WITH_INTERVAL, groups_table, rows_table
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


def test_plains_recall_is_that_on_the_same_groups():
    def measured(**of_tune):
        row = dict.fromkeys((*WITH_INTERVAL, "frechet_plain", "kernel_plain", "compared"), 1.0) | {
            "near_copies": 0.01
        }
        rows = {"plain": row | {"recall": 0.8}, "tune": row | {"recall": 0.6} | of_tune}
        return pd.DataFrame(
            [
                {"row": name, "set": 0, "metric": metric, "value": value}
                for name, values in rows.items()
                for metric, value in values.items()
            ]
        )

    def told(by_set) -> pd.Series:
        rows = [PLAIN, replace(PLAIN, name="tune")]
        return rows_table(rows, by_set, {}, {}, light_critic(), n=60).set_index("row").loc["tune"]

    matched = told(measured(recall_plain=0.62))
    assert matched["recall_plain"] == 0.62 and matched["go_on"]
    older = told(measured())
    assert older["recall_plain"] == 0.8 and "its recall is 0.60, plain's 0.80" in older["guard"]


def test_answers_evened_out_are_not_people_evened_out(generator, tmp_path):
    run = run_rebalance(generator, light_critic(), SMALL, out=tmp_path / "r")
    rows, told = run.table("rows"), {"target": "side", "reference": "base", "original": "absent"}

    def sentences(plain: float, tune: float, **more):
        table = rows.assign(fd_corrected=[plain, tune], **more)
        return sentences_table(table, run.table("between"), bias=SMALL.bias, **told)

    def said(plain: float, tune: float, fd: float = 0.1) -> str:
        found = sentences(plain, tune, fd=[0.4, fd])
        return found.set_index("row").loc["tune", "sentence"].iloc[0]

    assert "Without the classifier's errors the FD is 0.200, plain's 0.500." in said(0.5, 0.2)
    assert "the FD is 0.651, above plain's 0.500: if its recalls hold" in said(0.5, 0.651)
    assert "Without the classifier's errors the FD is 0.651, plain's 0.500." in said(0.5, 0.651, fd=0.45)
    assert "errors" not in said(np.nan, np.nan)
    good = {"goal_met": True, "quality_kept": True}
    worked = [" ".join(sentences(0.5, tune, **good)["sentence"]) for tune in (0.2, 0.651, np.nan)]
    assert ["What worked" in text for text in worked] == [True, False, True]
    assert "with more evened out than answers" in worked[1]


def test_distances_over_all_pictures_do_not_hang_on_their_order():
    """Files are often sorted by class or age, and only some of many pictures are compared."""
    real = seen((3000, 3000), 0)
    real.features[3000:] += 5
    mixed = np.random.default_rng(1).permutation(6000)[:2000]
    drawn = Seen(real.cells[mixed], real.features[mixed])
    assert overall(drawn, real)["frechet_all"] < 0.1 < overall(drawn, seen((3000, 0), 2))["frechet_all"]
