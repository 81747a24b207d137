"""One picture of a run: where it began, its way from noise, variations, and taking it along."""
