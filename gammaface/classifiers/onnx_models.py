"""Somebody's ONNX model, run on the CPU: pictures in, one array out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gammaface.errors import GammaFaceError


class OnnxModel:
    """A model with one input.

    Attributes
    ----------
    shape : list
        Of its input; entries that are free are words or None.
    names : list of str
        Of its outputs.
    """

    def __init__(self, file: Path) -> None:
        import onnxruntime

        try:
            onnxruntime.set_default_logger_severity(4)
            self.session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own exceptions share no base class
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise GammaFaceError(
                f"the ONNX model cannot be loaded: {reason[:160]}",
                where=file,
                fix="Export it again, with onnxruntime's standard operators.",
            ) from None
        inputs = self.session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type != "tensor(float)":
            raise GammaFaceError(
                f"the ONNX model takes {len(inputs)} inputs, the first {inputs[0].type} of"
                f" shape {inputs[0].shape}",
                where=file,
                fix="Give one that takes float pictures, (n, 3, H, W) or (n, H, W, 3).",
            )
        self.file, self.name, self.shape = file, inputs[0].name, list(inputs[0].shape)
        self.names = [output.name for output in self.session.get_outputs()]

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        """Every output of a batch (n, ...); a model for one fixed number is fed that many."""
        fixed = self.shape[0] if isinstance(self.shape[0], int) else len(batch)
        parts = []
        for start in range(0, len(batch), max(fixed, 1)):
            part = batch[start : start + fixed]
            full = np.concatenate([part, np.repeat(part[:1], fixed - len(part), axis=0)])
            parts.append([out[: len(part)] for out in self._run(full)])
        return [np.concatenate(outs) for outs in zip(*parts, strict=True)]

    def _run(self, batch: np.ndarray) -> list[np.ndarray]:
        try:
            return self.session.run(None, {self.name: np.ascontiguousarray(batch, dtype=np.float32)})
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise GammaFaceError(
                f"the ONNX model refuses pictures of shape {batch.shape}: {reason[:160]}",
                where=self.file,
                fix=f"It takes {self.shape}: set resolution and layout in its label map to that.",
            ) from None
