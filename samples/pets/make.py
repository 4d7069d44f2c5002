"""Write the logits of three pictures and what they show: a cat, a horse and a dog."""

import csv
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLASSES = ["cat", "dog", "horse"]
PICTURES = [("cat", [5, 4, 2]), ("horse", [4, 2, 8]), ("dog", [4, 4, 1])]
KEYS = [4, 17, 21]
ANSWERED = [1, 2, 0]  # the order of the solution


def write_rows(name: str, rows: list[list]) -> None:
    with (HERE / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


write_rows("logits.csv", [CLASSES, *(logits for _, logits in PICTURES)])
write_rows("targets.txt", [[animal] for animal, _ in PICTURES])
write_rows("pets.csv", [[*CLASSES, "animal"], *([*logits, animal] for animal, logits in PICTURES)])
write_rows(
    "submission.csv", [["id", *CLASSES], *([key, *logits] for key, (_, logits) in zip(KEYS, PICTURES, strict=True))]
)
write_rows("solution.csv", [["id", "animal"], *([KEYS[i], PICTURES[i][0]] for i in ANSWERED)])
