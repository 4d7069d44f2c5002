"""``python tests/fuzz/long.py N [SEED]`` reads N damaged files; it ends with 0 if none raised anything but NllError."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fuzz.mutation import run

if __name__ == "__main__":
    n, *seed = map(int, sys.argv[1:])
    print(f"{n} inputs, {run(n, *seed)} accepted, no exception but NllError")
