"""Several processes at one job: who does what, and how their rows come together."""
