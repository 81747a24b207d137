"""Train the autoencoder and the diffusion model that the project ships."""
