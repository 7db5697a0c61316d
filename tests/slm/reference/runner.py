"""Runs a model file in onnxruntime, one conversation at a time, by the names that exports use."""

from pathlib import Path

import numpy as np
import onnxruntime as ort


class Conversation:
    """A decoder with the cache of one conversation, kept where onnxruntime put it."""

    def __init__(self, file: Path, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = 3
        self.session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self.inputs = {value.name: value for value in self.session.get_inputs()}
        self.outputs = [value.name for value in self.session.get_outputs()]
        self.clear()

    def clear(self) -> None:
        """Forgets what was read."""
        self.length, self.cache = 0, {}
        for name, value in self.inputs.items():
            if name.startswith("past"):
                heads, width = value.shape[1], value.shape[3]
                empty = np.zeros((1, heads, 0, width), np.float32)
                self.cache[name] = ort.OrtValue.ortvalue_from_numpy(empty)

    def feed(self, tokens: list[int]) -> np.ndarray:
        """Reads tokens; the logits that follow the last one."""
        total = self.length + len(tokens)
        made = {
            "input_ids": [tokens],
            "position_ids": [list(range(self.length, total))],
            "attention_mask": [[1] * total],
        }
        given = {
            name: ort.OrtValue.ortvalue_from_numpy(np.array(value, np.int64))
            for name, value in made.items()
            if name in self.inputs
        }
        found = self.session.run_with_ort_values(self.outputs, given | self.cache)
        found = dict(zip(self.outputs, found))
        self.cache = {
            name.replace("present", "past", 1).replace("past.", "past_key_values."): value
            for name, value in found.items()
            if name.startswith("present")
        }
        self.length = total
        logits = found["logits"].numpy()
        return logits.reshape(-1, logits.shape[-1])[-1]


def encode(file: Path, tokens: list[list[int]]) -> list[np.ndarray]:
    """The first output for each text."""
    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    made = []
    for ids in tokens:
        values = {"input_ids": ids, "attention_mask": [1] * len(ids), "token_type_ids": [0] * len(ids)}
        made.append(session.run(None, {name: np.array([values[name]], np.int64) for name in names})[0][0])
    return made
