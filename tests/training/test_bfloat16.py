"""The trainings whose tests run in float32 elsewhere, in the precision of newer processors.

In a process of its own: accelerate keeps the first precision that a process trained in.
"""

import os
import subprocess
import sys

import pytest

from gammaface.models.precision import VARIABLE

TRAININGS = (
    "tests/training/test_training.py::test_a_resumed_training_equals_an_undisturbed_one",
    "tests/training/test_attribute_training.py::test_a_killed_training_goes_on_as_if_nothing_had_happened",
    "tests/rebalance/test_run.py::test_a_run_that_was_cut_off_ends_as_an_undisturbed_one",
)


@pytest.mark.parametrize("training", TRAININGS, ids=lambda name: name.split("/")[1])
def test_a_training_in_bfloat16_is_resumed_as_in_float32(training):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", training]
    done = subprocess.run(
        command, env=os.environ | {VARIABLE: "bfloat16"}, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout.splitlines()[-1]
