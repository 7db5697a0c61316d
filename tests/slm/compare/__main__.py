"""`python -m compare --agent target/release/lineside`: one table, one run, one thread each.

Every figure comes from a process of its own that loads one model, runs once to warm up and then three
times; the fastest of the three is its figure. The runtimes take turns, `--repeat` times, and the table
shows the least and the median over these turns. Peak memory is the process's, less what it held before
it loaded the model."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from material.shape import SHAPES

HERE = Path(__file__).resolve().parent.parent
# Tokens that every runtime makes its cache for.
CONTEXT = 512
FIGURES = ["load_ms", "prefill_ms", "token_ms", "peak_mib"]


def child(command: list[str]) -> dict[str, float]:
    """Runs one process; its figures, its peak memory and how many processors it kept busy."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = process.stdout.read()
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: ended with {process.returncode}\n{errors[-2000:]}")
    found = json.loads(said.splitlines()[-1])
    found["peak_mib"] = usage.ru_maxrss / 1024 - found["before_mib"]
    found["busy"] = (usage.ru_utime + usage.ru_stime) / (time.perf_counter() - began)
    return found


def bundles(agent: Path, material: Path, size: str, out: Path) -> dict[str, Path]:
    """The bundles of a size, made by the agent."""
    made = {}
    for kind, source in [("f32", material / size), ("int4", material / size / "int4")]:
        made[kind] = out / f"{size}-{kind}"
        command = [agent, "bundle", "from-hf", source, "--out", made[kind], "--licence", "Apache-2.0", "--name", size]
        subprocess.run([*command, "--context", str(CONTEXT)], check=True, stdout=subprocess.DEVNULL)
    return made


def runtimes(args: argparse.Namespace, material: Path, size: str, scratch: Path) -> dict[str, list[str]]:
    """The command of each runtime."""
    made, vocabulary = bundles(args.agent, material, size, scratch), str(SHAPES[size].vocabulary)
    timer = [str(args.timer or args.agent.with_name("slm-run")), "time"]
    python = [sys.executable, "-m"]
    onnx = [*python, "compare.onnx_child"]
    folder = material / size
    llama = [*python, "compare.llama_child", str(folder / "q4_0.gguf"), vocabulary, str(CONTEXT)]
    return {
        "Lineside int4": [*timer, str(made["int4"])],
        "Lineside int4, AVX2 alone": [*timer, str(made["int4"]), "--avx2"],
        "plain tract int4": [*timer, str(made["int4"]), "--plain"],
        "onnxruntime int4": [*onnx, str(folder / "int4" / "model.onnx"), vocabulary],
        "llama.cpp Q4_0": llama,
        "Lineside f32": [*timer, str(made["f32"])],
        "plain tract f32": [*timer, str(made["f32"]), "--plain"],
        "onnxruntime f32": [*onnx, str(folder / "model.onnx"), vocabulary],
    }


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def table(found: dict[str, list[dict[str, float]]]) -> list[str]:
    """Least and median of each figure."""
    lines = []
    for runtime, turns in found.items():
        cells = [runtime]
        for figure in FIGURES:
            values = [turn[figure] for turn in turns]
            digits = 0 if figure == "peak_mib" else 2
            cells.append(f"{min(values):.{digits}f} ({statistics.median(values):.{digits}f})")
        cells.append(f"{statistics.median(turn['busy'] for turn in turns):.2f}")
        lines.append(row(cells))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="compare", description=__doc__)
    parser.add_argument("--agent", type=lambda path: Path(path).resolve(), required=True, help="`lineside`, release build")
    parser.add_argument("--timer", type=lambda path: Path(path).resolve(), help="`slm-run`; beside the agent unless given")
    parser.add_argument("--sizes", nargs="+", default=["5m", "32m", "135m"], choices=["5m", "32m", "135m"])
    parser.add_argument("--repeat", type=int, default=5, help="turns of each runtime")
    args = parser.parse_args()
    made = subprocess.run([sys.executable, "-m", "material", "--sizes"], cwd=HERE, check=True, stdout=subprocess.PIPE)
    material = Path(made.stdout.decode().splitlines()[-1])
    print(f"{platform.machine()}, {model_name()}, load average {os.getloadavg()[0]:.1f}; least (median) of {args.repeat}\n")
    # A wheel is built for every processor and may leave out what this one has: then speeds are not those
    # of the same instructions.
    print(f"this processor has {', '.join(vectors())}; llama.cpp was built for {llama_vectors()}\n")
    headings = ["runtime", "load ms", "prefill 128 ms", "ms/token at 128", "peak MiB", "processors"]
    with tempfile.TemporaryDirectory(prefix="slm-compare-") as scratch:
        for size in args.sizes:
            commands = runtimes(args, material, size, Path(scratch))
            found = {runtime: [] for runtime in commands}
            for _ in range(args.repeat):
                for runtime, command in commands.items():
                    found[runtime].append(child(command))
            print(f"### {size}\n\n{row(headings)}\n{row(['---'] * len(headings))}")
            print("\n".join(table(found)) + "\n", flush=True)


def vectors() -> list[str]:
    """The vector instructions that matter here and that this processor has."""
    wanted = {"avx2", "avx_vnni", "avx512f", "avx512_vnni", "asimd", "asimddp", "i8mm"}
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return sorted(wanted & set(flags.split()))


def llama_vectors() -> str:
    """What llama.cpp says of its own build."""
    code = "import xllamacpp; print(xllamacpp.get_system_info())"
    said = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    return ", ".join(part.split("=")[0].split(":")[-1].strip() for part in said.stdout.split("|") if "= 1" in part)


def model_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown processor"


if __name__ == "__main__":
    main()
