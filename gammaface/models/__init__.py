"""Diffusion models by name: found, fetched, checked and loaded, whatever their layout."""
