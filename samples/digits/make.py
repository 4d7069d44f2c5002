"""Train two classifiers on half of scikit-learn's handwritten digits and write their logits for the other half."""

import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent
EPOCHS = 500


def forward(network: MLPClassifier, pixels: np.ndarray) -> np.ndarray:
    """The network's output before its softmax."""
    *hidden, last = zip(network.coefs_, network.intercepts_, strict=True)
    activations = pixels
    for matrix, bias in hidden:
        activations = np.maximum(activations @ matrix + bias, 0)
    matrix, bias = last
    return activations @ matrix + bias


threadpool_limits(limits=1)  # with more threads, BLAS adds in another order and the last bits differ
warnings.simplefilter("ignore", ConvergenceWarning)  # the network is meant to run through all its epochs

pixels, digits = load_digits(return_X_y=True)
train_pixels, test_pixels, train_digits, test_digits = train_test_split(
    pixels / 16, digits, test_size=0.5, stratify=digits, random_state=0
)
logistic = LogisticRegression(C=10, solver="newton-cholesky", tol=1e-10).fit(train_pixels, train_digits)
# No early stop: long after every training digit is right, the network goes on growing more certain.
mlp = MLPClassifier(
    (64, 64), learning_rate_init=0.01, max_iter=EPOCHS, n_iter_no_change=EPOCHS, tol=0, random_state=0
).fit(train_pixels, train_digits)

np.save(HERE / "logistic.npy", logistic.decision_function(test_pixels).astype(np.float32))
np.save(HERE / "mlp.npy", forward(mlp, test_pixels).astype(np.float32))
np.save(HERE / "targets.npy", test_digits.astype(np.int64))
