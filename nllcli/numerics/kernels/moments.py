from __future__ import annotations
import numpy as np
from nllcli.records import dataclass
from nllcli.numerics.kernels.normaliser import normalise
from nllcli.numerics.kernels import to_float
@dataclass(frozen=True)
class Survey:
    maximum: object; rest: object; top: object; squares: object; gap_sum: object; n_alive: object; n_tied: object
@dataclass(frozen=True)
class Moments:
    maximum: object; rest: object; top: object; squares: object; powers: object
def _e(x, temperature, scratch):
    n = normalise(x, temperature=temperature, scratch=scratch)
    f = to_float(x, scratch).astype(np.float64)
    top = n.top if n.top is not None else f.argmax(1)
    with np.errstate(all='ignore'):
        gap = f - n.maximum[:, None]; t = np.maximum(gap / temperature, -1000.)
        e = np.exp(t); e[np.arange(len(e)), top] = 0
    return n, top, gap, t, e
def survey(x, *, temperature, scratch):
    n, top, gap, t, e = _e(x, temperature, scratch)
    return Survey(n.maximum, n.rest, top, (e*e).sum(1), np.where(np.isneginf(gap), 0, gap).sum(1), (~np.isneginf(gap)).sum(1), (gap == 0).sum(1))
def moments(x, *, temperature, scratch):
    n, top, gap, t, e = _e(x, temperature, scratch)
    return Moments(n.maximum, n.rest, top, (e*e).sum(1), np.stack([(e*t**k).sum(1) for k in range(1, 9)]))
