"""`python -m material [OUT]` makes the test material, `--sizes` that of the comparison; prints where it is."""

import argparse
import hashlib
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Sentences whose embeddings are compared.
SENTENCES = 100


def recipe() -> str:
    """Changes with anything that the material depends on."""
    digest = hashlib.sha256((HERE.parent / "requirements.txt").read_bytes())
    for file in sorted(HERE.glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def quiet() -> None:
    """Nothing is looked up on the network, and nothing but errors is said."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "TOKENIZERS_PARALLELISM": "false"}
    logging.disable(logging.ERROR)


def tests(folder: Path) -> None:
    """Tiny models of every family, and one real encoder."""
    from . import huggingface

    for at, name in enumerate(huggingface.DECODERS):
        huggingface.decoder(name, folder / name, seed=10 + at)
    huggingface.encoder(folder / "bert", 30, [])
    huggingface.encoder(folder / "bert-labels", 31, ["bearing", "leak", "nothing"])
    huggingface.minilm(folder / "minilm", SENTENCES)
    shape("tiny", folder / "contract")


def shape(name: str, folder: Path) -> None:
    """One shape: `model.onnx`, `int4/model.onnx` and `q4_0.gguf`, all of the same weights."""
    from . import contract, gguf_file, tokenizer
    from .shape import SHAPES, weights

    end, form = "<|endoftext|>", SHAPES[name]
    folder.mkdir(parents=True)
    made = weights(form, seed=40)
    words = tokenizer.byte_level(form.vocabulary, [end], None)
    for place, four_bits in [(folder, False), (folder / "int4", True)]:
        place.mkdir(exist_ok=True)
        tokenizer.save(place, words, template=None, as_file=True, eos_token=end)
        contract.config(form, place, words.token_to_id(end))
        contract.write(form, made, place / "model.onnx", four_bits)
    gguf_file.write(form, made, folder / "tokenizer.json", folder / "q4_0.gguf")


def sizes(folder: Path) -> None:
    """The sizes of the comparison."""
    for name in ("5m", "32m", "135m"):
        shape(name, folder / name)


def main() -> None:
    parser = argparse.ArgumentParser(prog="material", description=__doc__)
    default = os.environ.get("LINESIDE_SLM_MATERIAL") or HERE.parents[2] / "target" / "slm-material"
    parser.add_argument("out", type=Path, nargs="?", default=Path(default), help="folder that keeps it")
    parser.add_argument("--sizes", action="store_true", help="what the comparison needs: 2 GB")
    args = parser.parse_args()
    quiet()
    kind = "sizes" if args.sizes else "tests"
    done = args.out / f"{kind}-{recipe()}"
    if not done.exists():
        args.out.mkdir(parents=True, exist_ok=True)
        # Under another name until it is whole, so that a half-made one is never taken for good.
        making = Path(tempfile.mkdtemp(prefix=f".{kind}-", dir=args.out))
        try:
            (sizes if args.sizes else tests)(making)
            making.chmod(0o755)
            making.rename(done)
        except OSError:
            # Whoever made the same meanwhile was first.
            if not done.exists():
                raise
        finally:
            shutil.rmtree(making, ignore_errors=True)
    print(done.resolve())
    sys.stdout.flush()


if __name__ == "__main__":
    main()
