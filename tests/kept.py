"""Files that are compared byte for byte; ``pytest --update-golden`` rewrites them."""

from pathlib import Path

FOLDER = Path(__file__).parent / "outputs" / "expected"


def compare(name, found, update):
    path = FOLDER / name
    if update:
        FOLDER.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")
