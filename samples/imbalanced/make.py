"""Fit a plain and a class-balanced logistic regression to imbalanced points and write their logits for fresh ones."""

import csv
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

HERE = Path(__file__).resolve().parent
CLASSES = ["rare", "uncommon", "common"]
COUNTS = [10, 50, 100]
CENTRES = np.array([[2.0, 1.0], [1.5, -0.5], [0.0, 0.0]])


def write_rows(name: str, rows: list[list]) -> None:
    with (HERE / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


rng = np.random.default_rng(0)
labels = np.repeat(np.arange(len(CLASSES)), COUNTS)
train_points = CENTRES[labels] + rng.standard_normal((len(labels), 2))
test_points = CENTRES[labels] + rng.standard_normal((len(labels), 2))

for name, class_weight in [("model_a.csv", None), ("model_b.csv", "balanced")]:
    model = LogisticRegression(class_weight=class_weight).fit(train_points, labels)
    logits = model.decision_function(test_points).round(4)
    write_rows(name, [CLASSES, *logits.tolist()])
write_rows("targets.txt", [[CLASSES[label]] for label in labels])
