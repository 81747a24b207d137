"""Whole computations on a harvest, each one run: study, exploration, survey."""
