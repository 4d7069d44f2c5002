"""Draw two pictures of where the network's loss on the digits comes from."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
DIGITS = [str(HERE.parent / "digits" / name) for name in ("mlp.npy", "targets.npy")]

for name in ("losses", "claimed"):
    words = ["report", *DIGITS, "--only", name, "-o", str(HERE / f"{name}.svg")]
    subprocess.run([sys.executable, "-m", "nllcli", *words], check=True)
