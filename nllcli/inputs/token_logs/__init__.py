"""Log-probabilities of what occurred, as language models and their servers write them: no classes, no targets."""
