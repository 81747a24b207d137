"""GammaFace from Python, cell by cell: run it whole, or open it as a notebook."""

# %% What is used below.
from gammaface import (
    LatentMixture,
    balance,
    harvest,
    load_attributes,
    load_generator,
    metrics,
    suggest_k,
    sweep_bic,
)
from gammaface.shares.people import shares
from gammaface.strategies import Target, as_labeller

# %% What to look at, and how much of it.
MODEL, N, STEPS = "faces", 400, 25

# %% A frozen generator: a bundled name, a diffusers folder, or a hub id like owner/name@revision.
generator = load_generator(MODEL)
print(generator.name, generator.shape, f"{generator.train_steps} timesteps")

# %% Its latents where sqrt(abar) = .44, and how many components describe them.
latents = harvest(generator, n=N, space="x_t", pca=16, seed=0, steps=STEPS)
table = sweep_bic(latents, range(1, 6), seed=0)
suggestion = suggest_k(table, n=N)
print(table[["k", "bic", "stability_ari"]].to_string(index=False))
print(suggestion.reason, *suggestion.warnings, sep="\n")

# %% Plain faces, and faces drawn evenly over the components of a mixture of the latents.
mixture = LatentMixture(4, seed=0).fit(harvest(generator, n=N, seed=0, steps=STEPS))
plain = balance(generator, n=N, strategy="plain", seed=1, steps=STEPS)
even = balance(generator, mixture, n=N, strategy="component-uniform", seed=1, steps=STEPS)
print(tuple(plain.images.shape), "in [-1, 1];", f"{even.cost:.0f} network evaluations an image")

# %% Who is drawn, as a classifier perceives it: shares with 95% intervals.
classifier = load_attributes()
labels = {"plain": classifier.label(plain.images), "even over components": classifier.label(even.images)}
for name, faces in labels.items():
    print(name)
    print(shares(faces, ["gender"])[["value", "n", "share", "low", "high", "even"]].to_string(index=False))

# %% How far from even, beside what a fair draw of this size would show.
floor = metrics.noise_floor(2, N)
for name, faces in labels.items():
    found = metrics.fairness_discrepancy(faces["gender"].cat.codes.to_numpy(), 2)
    print(f"{name}: FD {found:.3f}, noise floor {floor:.3f}")

# %% The same without the classifier's own errors, from its recalls on real faces.
for name, faces in labels.items():
    seen = metrics.class_shares(faces["gender"].cat.codes.to_numpy(), 2)
    corrected = metrics.cleam(seen, classifier.calibration["gender"].confusion)
    print(f"{name}: {seen.round(3)} as labelled, {corrected.shares.round(3)} corrected")

# %% Even over people: keep drawing until every group has its share.
target = Target.even(("gender",), as_labeller(classifier).classes)
quota = balance(
    generator, n=N, strategy="quota", target=target, labeller=classifier, seed=2, steps=STEPS,
    options={"limit": 40},
)  # fmt: skip
print(shares(classifier.label(quota.images), ["gender"])[["value", "share"]].to_string(index=False))
print(f"{quota.cost:.0f} network evaluations an image")
