"""Expectation-maximisation beneath LatentMixture: many mixtures at once, rows as a stream."""
