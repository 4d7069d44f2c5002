"""Results of a calibration, made by hand."""

from dataclasses import replace

from nllcli.commands.calibrate.result import Calibration, Decomposition, HeldOut, Measured, Temperature
from nllcli.errors import Notice
from nllcli.numerics.calibration.bins import Bin

# 1.96 sqrt(variance) / count is 0.245 for the first and 0.049 for the second, whose gap is beyond that.
BINS = (
    Bin(0.0, 0.25, 0, 0.0, None, None, None, 0.0),
    Bin(0.25, 0.5, 8, 8.0, 0.5, 0.625, 0.125, 1.0),
    Bin(0.5, 1.0, 80, 80.0, 0.875, 0.75, -0.125, 4.0),
)
BEFORE = Measured(
    *(1.0, 0.5, 0.75, 0.75, 0.84, 0.09, 0.375),  # from the temperature to brier
    *(0.125, 0.125, 0.125, 0.125, 0.1, 0.0625, 0.1, 0.09, 6),  # from ece to ece_sweep_bins
    *(None, None, None, -4.0, 6e-5),  # from ece_classwise to spiegelhalter_p
    *(Decomposition(0.25, 0.03125, 0.125, 0.34375), Decomposition(0.5, 0.0625, 0.25, 0.6875), BINS),
)
AFTER = replace(BEFORE, temperature=2.5, loss=0.375, confidence=0.76, overconfidence=0.01, ece=0.03125)
AFTER = replace(AFTER, spiegelhalter_p=0.43)
FITTED = Temperature("fitted", 2.5, 0.25, 2.0625, 3.0, None, (2.25, None, 2.75))
RESULT = Calibration(
    *("Calibration of a.npy", "calibration|from:logits", FITTED, BEFORE, AFTER, HeldOut(0.4375, 0.0625, 0.015625)),
    *(0.5, 90, 88, 2, 3, None, 0.95, "3 bins", "top", False, [{"path": "a.npy"}]),
    *((), (Notice("squeezed", "squeezed"),)),
)
UNFITTED = replace(RESULT, after=None, held_out=None)
