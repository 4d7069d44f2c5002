"""Arrays of numbers: NPY, NPZ, safetensors, and arrays in memory."""
