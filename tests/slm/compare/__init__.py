"""Times the same weights in Lineside, plain tract, onnxruntime and llama.cpp, side by side."""
