"""What a diffusers model_index.json promises, and whether GammaFace can work with it."""

from __future__ import annotations

from gammaface.errors import GammaFaceError

UNETS = {"UNet2DModel"}
TRANSFORMERS = {"DiTTransformer2DModel", "Transformer2DModel"}  # the second is DiT's old name
AUTOENCODERS = {"AutoencoderDC", "AutoencoderKL", "VQModel"}
AUTOENCODER_PARTS = ("vqvae", "vae", "autoencoder")
FROM_TEXT = ("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "bert", "prior", "prior_prior")
OTHER_INPUTS = {
    "mel": "draws sound as pictures",
    "image_encoder": "draws from another picture",
    "controlnet": "draws from another picture",
    "movq": "draws from a text's embedding",
}


def check_index(index: dict, place: object) -> tuple[str, str | None]:
    """The parts that denoise and decode, by their keys in model_index.json.

    Raises
    ------
    GammaFaceError
        For what is no unconditional image model, with the reason.
    """
    present = {key for key, entry in index.items() if isinstance(entry, list) and any(entry)}
    pipeline = index.get("_class_name", "the pipeline")
    text = sorted(present & set(FROM_TEXT))
    if text or class_of(index, "unet") == "UNet2DConditionModel":
        raise GammaFaceError(
            f"{pipeline} draws from a text{f' ({text[0]})' if text else ''}: its faces depend on the prompt,"
            " so there is no one distribution to describe or to even out",
            where=place,
            fix="Give an unconditional or class-conditional model.",
        )
    other = sorted(present & set(OTHER_INPUTS))
    if other:
        raise GammaFaceError(
            f"{pipeline} {OTHER_INPUTS[other[0]]}", where=place, fix="Give an unconditional image model."
        )
    denoiser = next((key for key in ("unet", "transformer") if key in index), None)
    if denoiser is None:
        raise GammaFaceError(
            f"{pipeline} has neither a unet nor a transformer",
            where=place,
            fix="Give an unconditional diffusion model in diffusers' format.",
        )
    _check_class(index, denoiser, UNETS if denoiser == "unet" else TRANSFORMERS, place)
    coder = next((key for key in AUTOENCODER_PARTS if key in present), None)
    if coder:
        _check_class(index, coder, AUTOENCODERS, place)
    return denoiser, coder


def class_of(index: dict, part: str) -> str | None:
    """The class that an index names for a part; None where it has no such part."""
    entry = index.get(part)
    name = entry[1] if isinstance(entry, list) and len(entry) == 2 else entry
    return name if isinstance(name, str) else None


def _check_class(index: dict, part: str, allowed: set[str], place: object) -> None:
    entry, name = index[part], class_of(index, part)
    library = entry[0] if isinstance(entry, list) and entry else ""
    foreign = isinstance(entry, list) and library != "diffusers"
    if name not in allowed or foreign:
        raise GammaFaceError(
            f"the model's {part} is of class '{name}'{f' of {library}' if foreign else ''}",
            where=place,
            fix=f"GammaFace reads diffusers' {', '.join(sorted(allowed))}: an unconditional image model.",
        )
