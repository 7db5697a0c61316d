"""What onnxruntime makes of a model file, to compare with."""
