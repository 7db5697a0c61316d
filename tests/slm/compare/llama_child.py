"""`python -m compare.llama_child MODEL.gguf VOCABULARY CONTEXT`: llama.cpp, one thread, by its own clock."""

import sys

import xllamacpp

from .measure import PASSES, PROMPT, STEPS, Stopwatch, resident_mib, say, tokens


def main(model: str, vocabulary: str, context: str) -> None:
    ids, before = tokens(int(vocabulary)), resident_mib()
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx, params.n_parallel, params.verbosity = int(context), 1, -1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    # Passes of its own warm every runtime up.
    params.warmup = False
    watch = Stopwatch()
    server = xllamacpp.Server(params)
    load, passes = watch.ms(), []
    request = {"prompt": ids[:PROMPT], "n_predict": STEPS, "temperature": 0, "ignore_eos": True, "cache_prompt": False}
    for _ in range(1 + PASSES):
        watch = Stopwatch()
        timings = server.handle_completions(request)["timings"]
        elapsed = watch.ms()
        read, written = timings["prompt_n"], timings["predicted_n"]
        assert (read, written) == (PROMPT, STEPS), f"llama.cpp read {read} and wrote {written}"
        # The first token comes with the prompt, so there is one step less than tokens.
        prefill, token = timings["prompt_ms"], timings["predicted_ms"] / (STEPS - 1)
        assert prefill + timings["predicted_ms"] <= elapsed, "its clock says more than ours"
        passes.append((prefill, token))
    say(before, load, passes)


main(*sys.argv[1:])
