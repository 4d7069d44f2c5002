"""``python tests/fuzz/guided.py N [SEED]`` reads N files that atheris makes up, led by the branches that they reach.

Needs ``pip install atheris``; libFuzzer ends with a traceback and keeps the file if anything but NllError comes of it.
"""

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))

with atheris.instrument_imports(include=["nllcli.inputs"]):
    from fuzz.mutation import FORMATS, seeds, survive


def main(n_inputs, seed=1):
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "seeds"
        corpus.mkdir()
        for format_name in FORMATS:
            for i, data in enumerate(seeds(format_name)):
                (corpus / f"{format_name}-{i}").write_bytes(data)
        path = Path(folder) / "x"

        def read(data):
            survive(data, path)

        atheris.Setup([sys.argv[0], f"-runs={n_inputs}", f"-seed={seed}", "-max_len=5000", str(corpus)], read)
        atheris.Fuzz()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
