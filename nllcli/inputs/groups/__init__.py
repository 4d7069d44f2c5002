"""The groups of samples, such as their documents: a label a sample in a file, or the index along an axis."""
