"""The independent judge of the numerics: slow, obvious, one number at a time, in mpmath at 50 digits.

Nothing here comes from the program it judges. Matrices are lists of rows (or arrays that iterate like them); every
number is taken exactly as the float64 or integer that it is. Results are `mpmath.mpf`: compare with `float(result)`.

Conventions, the same in every function:

- zero times infinity is zero, so a weight of 0 or a soft target of 0 silences an infinite loss;
- NaN stays NaN, and a row of logits that has no softmax (NaN, +inf, or nothing but -inf) is NaN throughout;
- a position whose integer target is `ignore_index` is never looked at: loss 0, weight 0, not counted.
"""

import operator
from functools import lru_cache
from itertools import repeat
from numbers import Integral

from mpmath import mp, mpf

DIGITS = 50
GRADIENT_DIGITS = 60
STEP = "1e-20"
INF = mpf("inf")
NAN = mpf("nan")


def number(x):
    """One number, exactly."""
    if isinstance(x, mpf):
        return x
    return mpf(int(x)) if isinstance(x, Integral) else mpf(float(x))


def at_least(digits):
    """A `with` block in which mpmath works with at least this many digits."""
    return mp.workdps(max(digits, mp.dps))


def log(x):
    """log x, with log 0 = -inf; NaN for a negative x."""
    if x == 0:
        return -INF
    return mp.log(x) if x > 0 else NAN


def times(factor, x):
    """factor * x, with 0 * inf = 0."""
    if factor == 0 and mp.isinf(x):
        return mpf(0)
    return factor * x


def log_one_minus(p):
    """log(1 - p), exact also for a tiny p; -inf at 1, NaN above."""
    if p == 1:
        return -INF
    return mp.log1p(-p) if p < 1 else NAN


def log_one_minus_exp(log_p):
    """log(1 - p) from log p, exact both for p close to 0 and for p close to 1."""
    if log_p < -1:
        return mp.log1p(-mp.exp(log_p))
    return log(-mp.expm1(log_p))


def log_softmax(row, *, temperature=1):
    """log p_k = x_k/T - log(sum_j exp(x_j/T)) for every class k of one row of logits x.

    The largest logit m is taken out, log p_k = (x_k - m)/T - log1p(sum of exp((x_j - m)/T) over all j but that one),
    so that a p within 1e-300 of 1 still has every digit of its logarithm.
    """
    with at_least(DIGITS):
        return list(_log_softmax(tuple(row), temperature, mp.dps))


@lru_cache(maxsize=1 << 12)
def _log_softmax(row, temperature, _digits):
    """The same, kept: one row is asked for with every target and setting of a test."""
    logits = [number(x) / number(temperature) for x in row]
    if any(mp.isnan(x) for x in logits):
        return [NAN] * len(logits)
    largest = max(logits)
    if mp.isinf(largest):
        return [NAN] * len(logits)
    first = logits.index(largest)
    others = [mp.exp(x - largest) for k, x in enumerate(logits) if k != first]
    log_of_sum = mp.log1p(mp.fsum(others))
    return [x - largest - log_of_sum for x in logits]


def softmax(row, *, temperature=1):
    """p_k = exp(x_k/T) / sum_j exp(x_j/T) for every class k of one row of logits x."""
    with at_least(DIGITS):
        return [mp.exp(log_p) for log_p in log_softmax(row, temperature=temperature)]


def log_probabilities(row, *, source="logits", temperature=1, clip=None, complements=True):
    """Two lists over the classes of one row: log p, and log(1 - p), which is empty without `complements`.

    Log-probs and probs are taken as given, not renormalised, unless a temperature divides log p. `clip` = eps moves p
    into [eps, 1 - eps], and so moves 1 - p into the same interval.
    """
    with at_least(DIGITS):
        if source == "logits":
            log_p = log_softmax(row, temperature=temperature)
        elif source == "log-probs":
            log_p = [number(x) for x in row]
        elif source == "probs":
            log_p = [log(number(p)) for p in row]
        else:
            raise ValueError(f"unknown source {source!r}")
        if source != "logits" and temperature != 1:
            source, log_p = "logits", log_softmax(log_p, temperature=temperature)
        if not complements:
            log_q = []
        elif source == "probs":
            log_q = [log_one_minus(number(p)) for p in row]
        else:
            log_q = [log_one_minus_exp(x) for x in log_p]
        if clip is not None:
            eps = number(clip)
            low, high = log(eps), log_one_minus(eps)
            above = [x > high for x in log_p]
            below = [x < low for x in log_p]
            log_p = [high if a else low if b else x for x, a, b in zip(log_p, above, below, strict=True)]
            if complements:
                log_q = [low if a else high if b else x for x, a, b in zip(log_q, above, below, strict=True)]
        return log_p, log_q


def is_soft(target):
    """Whether a target is a row of class probabilities rather than a class index."""
    return hasattr(target, "__len__")


def nll(log_p, target, weights, smoothing):
    """The negative log-likelihood of one position, with class weights and label smoothing."""
    total = mpf(0)
    n_classes = len(log_p)
    if is_soft(target):
        if len(target) != n_classes:
            raise ValueError(f"a soft target of {len(target)} numbers for {n_classes} classes")
        for k in range(n_classes):
            smoothed = (1 - smoothing) * number(target[k]) + smoothing / n_classes
            total += times(weights[k] * smoothed, -log_p[k])
        return total
    total += times((1 - smoothing) * weights[target], -log_p[target])
    if smoothing != 0:
        for k in range(n_classes):
            total += times(smoothing / n_classes * weights[k], -log_p[k])
    return total


def sample_loss(
    row,
    target,
    *,
    source="logits",
    loss="nll",
    class_weights=None,
    label_smoothing=0,
    temperature=1,
    clip=None,
):
    """The loss of one position that counts, without its sample weight; see `losses` for the formulas."""
    log_p, log_q = log_probabilities(
        row, source=source, temperature=temperature, clip=clip, complements=loss == "one-vs-rest"
    )
    n_classes = len(log_p)
    weights = [mpf(1)] * n_classes if class_weights is None else [number(w) for w in class_weights]
    if len(weights) != n_classes:
        raise ValueError(f"{len(weights)} class weights for {n_classes} classes")
    smoothing = number(label_smoothing)

    if not is_soft(target) and not 0 <= operator.index(target) < n_classes:
        raise ValueError(f"target {target} is not one of {n_classes} classes")
    if loss == "nll":
        return nll(log_p, target, weights, smoothing)
    if is_soft(target) or smoothing != 0:
        raise ValueError(f"loss {loss!r} is not defined for soft targets or with label smoothing")
    if loss == "argmax":
        largest = NAN if any(mp.isnan(x) for x in log_p) else max(log_p)
        return times(weights[target], -largest)
    if loss == "one-vs-rest":
        total = -log_p[target]
        for k in range(n_classes):
            if k != target:
                total -= log_q[k]
        return times(weights[target], total)
    raise ValueError(f"unknown loss {loss!r}")


def weighted_losses(rows, targets, *, class_weights=None, sample_weights=None, ignore_index=-100, **options):
    """For every position `None` if it is ignored, else the pair (weighted loss, weight).

    The weight is what the position adds to the denominator of a mean: class weight of the target times sample weight
    for an integer target, the sample weight alone for a soft one.
    """
    if len(rows) != len(targets):
        raise ValueError(f"{len(rows)} rows for {len(targets)} targets")
    if sample_weights is None:
        sample_weights = repeat(1, len(rows))
    elif len(sample_weights) != len(rows):
        raise ValueError(f"{len(sample_weights)} sample weights for {len(rows)} rows")
    pairs = []
    for row, target, sample_weight in zip(rows, targets, sample_weights, strict=True):
        if not is_soft(target) and target == ignore_index:
            pairs.append(None)
            continue
        loss = times(number(sample_weight), sample_loss(row, target, class_weights=class_weights, **options))
        weight = number(sample_weight)
        if not is_soft(target) and class_weights is not None:
            weight *= number(class_weights[target])
        pairs.append((loss, weight))
    return pairs


def losses(
    rows,
    targets,
    *,
    source="logits",
    loss="nll",
    class_weights=None,
    sample_weights=None,
    ignore_index=-100,
    label_smoothing=0,
    temperature=1,
    clip=None,
):
    """The weighted loss of every sample, a list as long as `targets`.

    Parameters
    ----------
    rows : (N, C)
        What `source` says: "logits" x with log p = log_softmax(x/T), "log-probs" or "probs", both as given but for a
        temperature, which makes logits of log p.
    targets : (N,) integers or (N, C) class probabilities
    loss : with w the class weights, s the sample's weight, e the label smoothing
        - "nll", integer target y: s * ((1-e) w_y (-log p_y) + (e/C) sum_c w_c (-log p_c))
        - "nll", soft target t: s * sum_c w_c ((1-e) t_c + e/C) (-log p_c)
        - "argmax": s * w_y * (-log of the largest p)
        - "one-vs-rest": s * w_y * (-log p_y - sum over k != y of log(1 - p_k))
    clip : eps
        Every p is moved into [eps, 1 - eps] before its logarithm.

    Raises
    ------
    ValueError
        For combinations that have no definition: soft targets or smoothing with "argmax" and "one-vs-rest";
        and for targets outside the classes.
    """
    with at_least(DIGITS):
        pairs = weighted_losses(
            rows,
            targets,
            source=source,
            loss=loss,
            class_weights=class_weights,
            sample_weights=sample_weights,
            ignore_index=ignore_index,
            label_smoothing=label_smoothing,
            temperature=temperature,
            clip=clip,
        )
        return [mpf(0) if pair is None else pair[0] for pair in pairs]


def sums(rows, targets, **options):
    """(sum of the weighted losses, sum of the weights) over the positions that count; options as for `losses`."""
    with at_least(DIGITS):
        counted = [pair for pair in weighted_losses(rows, targets, **options) if pair is not None]
        return mp.fsum(a for a, _ in counted), mp.fsum(b for _, b in counted)


def reduce(rows, targets, *, reduction="mean", **options):
    """The loss as one number; options as for `losses`.

    "sum" adds the weighted losses. "mean" divides that by the sum of the weights of the positions that count: class
    weight of the target times sample weight for integer targets, sample weight (1 if none) for soft targets. A mean
    whose weights add up to 0, as when nothing counts, is NaN; such a sum is 0.
    """
    with at_least(DIGITS):
        loss_sum, weight_sum = sums(rows, targets, **options)
        if reduction == "sum":
            return loss_sum
        if reduction == "mean":
            return loss_sum / weight_sum if weight_sum != 0 else NAN
        raise ValueError(f"unknown reduction {reduction!r}")


def gradient(rows, targets, *, reduction="mean", **options):
    """d reduce(...) / d rows[i][k], an (N, C) list, by central differences; options as for `losses`.

    Right to some 35 decimal places where the loss is smooth. A masked class (-inf) has gradient 0; a row whose loss
    is not finite has no derivative and gives NaN; on a kink (a tie under "argmax", p at the edge of `clip`) the answer
    is the mean of the two one-sided slopes. A mean whose weights add up to 0 is NaN, also where positions are ignored.
    """
    with at_least(GRADIENT_DIGITS):
        step = mpf(STEP)
        _, weight_sum = sums(rows, targets, **options)
        if reduction not in ("mean", "sum"):
            raise ValueError(f"unknown reduction {reduction!r}")
        denominator = weight_sum if reduction == "mean" else mpf(1)
        result = []
        for i, (row, target) in enumerate(zip(rows, targets, strict=True)):
            # Only sample i depends on its own logits, so the other terms of the sum cancel: leave them out.
            one = dict(options)
            if options.get("sample_weights") is not None:
                one["sample_weights"] = [options["sample_weights"][i]]
            slopes = []
            for k in range(len(row)):
                up = [number(x) for x in row]
                down = [number(x) for x in row]
                up[k] += step
                down[k] -= step
                difference = sums([up], [target], **one)[0] - sums([down], [target], **one)[0]
                slopes.append(difference / (2 * step) / denominator if denominator != 0 else NAN)
            result.append(slopes)
        return result


def standard_error(rows, targets, **options):
    """The standard error of the mean loss, as the ratio estimator R = sum a / sum b that it is; options as `losses`.

    a_i is the weighted loss and b_i the weight of each of the n positions that count (see `reduce`):
    sqrt(n/(n-1) * sum_i (a_i - R b_i)^2) / sum_i b_i. NaN for fewer than two positions and for weights that add up
    to 0. Source: W. G. Cochran, Sampling Techniques, 3rd ed. 1977, on estimating a ratio from a large population.
    """
    with at_least(DIGITS):
        counted = [pair for pair in weighted_losses(rows, targets, **options) if pair is not None]
        n = len(counted)
        weight_sum = mp.fsum(b for _, b in counted)
        if n < 2 or weight_sum == 0:
            return NAN
        ratio = mp.fsum(a for a, _ in counted) / weight_sum
        squares = mp.fsum((a - ratio * b) ** 2 for a, b in counted)
        return mp.sqrt(mpf(n) / (n - 1) * squares) / weight_sum


def class_weights(counts, scheme, beta=0.999, normalize="none"):
    """One weight a class from the number n of examples of each, all above 0.

    With N the sum of the C counts: "inverse" 1/n; "balanced" N/(C n); "sqrt-inverse" 1/sqrt(n); "effective"
    (1-beta)/(1-beta^n) (Cui et al., Class-Balanced Loss Based on Effective Number of Samples, 2019);
    "median-frequency" median(f)/f with f = n/N; "log" 1/ln(1.02 + f). `normalize` "max", "sum" or "mean" scales the
    weights so that their largest, sum or mean is 1.
    """
    with at_least(DIGITS):
        n = [number(count) for count in counts]
        total = mp.fsum(n)
        frequencies = [count / total for count in n]
        if scheme == "inverse":
            weights = [1 / count for count in n]
        elif scheme == "balanced":
            weights = [total / (len(n) * count) for count in n]
        elif scheme == "sqrt-inverse":
            weights = [1 / mp.sqrt(count) for count in n]
        elif scheme == "effective":
            weights = [(1 - number(beta)) / (1 - number(beta) ** count) for count in n]
        elif scheme == "median-frequency":
            ordered = sorted(frequencies)
            half = len(ordered) // 2
            middle = ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
            weights = [middle / f for f in frequencies]
        elif scheme == "log":
            weights = [1 / mp.log(mpf("1.02") + f) for f in frequencies]
        else:
            raise ValueError(f"unknown scheme {scheme!r}")

        if normalize == "none":
            return weights
        if normalize == "max":
            scale = max(weights)
        elif normalize == "sum":
            scale = mp.fsum(weights)
        elif normalize == "mean":
            scale = mp.fsum(weights) / len(weights)
        else:
            raise ValueError(f"unknown normalisation {normalize!r}")
        return [w / scale for w in weights]
