"""Cells on disk: scores as whole numbers, and as the fractions that they were kept as before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gammaface.downstream.cells import Cell, predictions_table, read_cell, write_cell

CELL = Cell("celeba", "hair", "baseline", 0)


@pytest.fixture
def predictions():
    words = pd.DataFrame(
        {"hair": pd.Categorical(["b", "a"] * 40, ["a", "b"]), "age": pd.Categorical(["x"] * 80)}
    )
    first = np.concatenate([np.random.default_rng(0).random(78), [0.0, 1.0]])
    return predictions_table(np.arange(80), words, "hair", np.stack([first, 1 - first], axis=1))


def write(run, predictions):
    write_cell(run, CELL, config={}, facts={}, seconds=1.0, predictions=predictions)
    return run / "cells" / CELL.name / "predictions.parquet"


def test_a_cell_reads_as_it_was_written(tmp_path, predictions):
    file = write(tmp_path, predictions)
    pd.testing.assert_frame_equal(read_cell(tmp_path, CELL.name).predictions, predictions)
    kept = pd.read_parquet(file)["score_a"]
    assert kept.dtype == np.uint16 and kept.max() == 10_000


def test_a_cell_of_fractions_reads_alike(tmp_path, predictions):
    predictions.to_parquet(write(tmp_path, predictions))
    pd.testing.assert_frame_equal(read_cell(tmp_path, CELL.name).predictions, predictions)
