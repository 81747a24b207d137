"""Classifiers of other people's making, and what any classifier needs of a picture."""
