"""A report becomes text, arrays become files."""
