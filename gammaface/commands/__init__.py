"""The commands behind `python -m gammaface`, one module per family."""
