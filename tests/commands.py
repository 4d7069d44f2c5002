"""A call of each command, with which it succeeds."""

PETS = ("samples/pets/logits.csv", "samples/pets/targets.txt")
COMMANDS = {
    "compute": ("compute", *PETS),
    "softmax": ("softmax", PETS[0]),
    "grad": ("grad", *PETS),
    "check": ("check", *PETS),
    "explain": ("explain", *PETS, "--hardest", "1"),
    "reconcile": ("reconcile", *PETS, "--expect", "0.3624"),
    "weights": ("weights", "--counts", "1,2"),
}
