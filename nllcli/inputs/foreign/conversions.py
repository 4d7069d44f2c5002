"""Refusals of files that other programs read, with the commands that convert them to arrays or to CSV."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from functools import partial
from math import prod
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, cast

from nllcli.errors import DataError, NllError, Remedy, UsageError, first_few
from nllcli.inputs.bytes.files import is_beside_data, not_there_yet
from nllcli.inputs.foreign import arrays
from nllcli.inputs.foreign.arrays import NAMES_CLASSES, Found, Pair
from nllcli.inputs.foreign.contents import FRAME, HERE, KEY, KEYED, MOST_SPLITS, arrays_in, in_series
from nllcli.inputs.foreign.kinds import ARRAY, JOBLIB, OBJECT_ARRAY, PYTORCH, ZARR
from nllcli.inputs.foreign.pickles import MOST_BYTES, Untold, read_pickles
from nllcli.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy

    from nllcli.inputs.bytes.files import ByteStream
    from nllcli.inputs.foreign.kinds import Kind
    from nllcli.inputs.formats import Use
    from nllcli.inputs.tables.columns import Preview

_TRUST = "only if you trust the file: a pickle can run code"
_PAST_PICKLES = 3  # what an old PyTorch file has before its content
_MOST_MEANINGS = 8
_NAMES_BYTES = 1 << 24  # of a file, in which the names of arrays are looked for

# The arrays in d by their places in it, as "a".
_WALK = (
    "t = lambda v: numpy.array([x.decode() if isinstance(x, bytes) else x for x in v.flat]).reshape(v.shape)"
    " if v.dtype.kind in 'SO' and v.size and all(isinstance(x, (bytes, str)) for x in v.flat) else v; "
    "w = lambda o, k='': [e for i, v in (o.items() if isinstance(o, dict) else enumerate(o)) for e in w(v, f'{k}/{i}')]"
    " if isinstance(o, (dict, tuple)) or isinstance(o, list) and any(hasattr(v, '__len__') for v in o) else "
    "[(k.lstrip('/'), t(numpy.asarray(o)))]; a = dict(w(d))"
)
# Those whose names are alike but for one number, which counts, are joined in its order: few may be splits.
_PARTS = (
    "g = {}; [g.setdefault(re.sub('[0-9]+', '*', k), []).append(k) for k in a]; "
    "i = lambda k: [int(n) for n in re.findall('[0-9]+', k)]; "
    "j = lambda v: (numpy.stack if len({x.shape for x in v}) == 1 and (v[0].ndim == 0 or v[0].ndim == 1 and "
    "v[0].dtype.kind == 'f') else numpy.concatenate)(v); "
    "[a.update({n: j([a.pop(k) for k in sorted(v, key=i)])}) for n, v in g.items() "
    f"if (len(v) > {MOST_SPLITS} or len(v) > 1 and re.search('(batch|part|chunk|shard|rank)(es|s)?[-_./]?[*]', n)) "
    "and len({(a[k].ndim, a[k].shape[1:]) for k in v}) == 1 "
    "and [max(x) - min(x) + 1 for x in zip(*map(i, v)) if len({*x}) > 1] == [len(v)]]"
)
# Of those, the ones that fit best, as "p": pairs of logits and targets, logits, or targets; a tie is an error.
# What a model chose or was given is not a target, unless the user names it as one. Text is a target if it is named so.
_CHOSEN = "(.*_)?(preds?|predict[a-z]*|argmax|y?hat)|((input|token|sample)_)?ids?"
_SAYS_TARGETS = "re.search('label|targ|tru|gt|class|(^|/)y', {})"
_WHOLE = (
    "(a[y].dtype.kind in 'iuf' and (a[y] == a[y] // 1).all() or "
    f"a[y].dtype.kind == 'U' and {_SAYS_TARGETS.format('y')}) and "
    f"not re.fullmatch('{_CHOSEN}', y.split('/')[-1].lower())"
)
_FITTING = {
    "pairs": "p = [(x, y) for x in a for y in a if a[x].ndim > 1 and a[x].dtype.kind == 'f' and "
    f"any(a[y].size * c == a[x].size for c in a[x].shape if c > 1) and {_WHOLE}]",
    "logits": "p = [(x, '') for x in a if a[x].ndim > 1 and a[x].dtype.kind == 'f']",
    "targets": f"p = [('', y) for y in a if a[y].size SIZE and {_WHOLE}]",
    "numbers": "p = [(x, '') for x in a if a[x].size > 1 and a[x].dtype.kind in 'iufb']",
}
_BEST = (
    "s = lambda q: (q[0] == '' or q[1] == '' or a[q[1]].size in [a[q[0]].size // c for c in a[q[0]].shape[1:]], "
    f"bool(re.search('{{wanted}}', q[0])), bool({_SAYS_TARGETS.format('q[1]')})); "
    "p = [q for q in p if s(q) == max(map(s, p))]; "
    "len(p) == 1 or sys.exit(f'{file}: {{len(p)}} {what} fit: {{p}} among {{[*a]}}'); x, y = p[0]"
)
# The arrays that have the names of the classes of logits, as "o", and how they are written.
_ORDER = (
    "o = [k for k in a if a[k].size in a[x].shape[1:] and a[k].size == max(a[k].shape, default=0) and "
    f"a[k].size not in a[x].shape[:1] and "
    f"a[k].dtype.kind in 'iuU' and re.fullmatch('{arrays.ORDER}', k.split('/')[-1].lower())]"
)
_WRITTEN = (
    "len(o) < 2 or sys.exit(f'{file}: which names the classes? {{o}}'); "
    "numpy.savetxt({to!r}, a[o[0]].ravel() if o else numpy.arange(a[x].shape[1]), '%s', encoding='utf-8')"
)
_NOT_WRITTEN = (
    "[sys.exit(f'{file}: the classes are in the order of {{k}}, {{a[k].tolist()}}: --classes takes it') for k in o "
    "if not a[k].ravel().tolist() == [*range(a[k].size)] "
    "and (a[k].dtype.kind in 'iu' or not y or a[y].dtype.kind == 'U')]"
)
_ANY_SCORES = "logit|score|pred|out|prob"
_CELLS = "d.map(lambda v: v.tolist() if hasattr(v, 'tolist') else v)"  # arrays as lists, numbers with all their digits


def refusal(
    kind: Kind, stream: ByteStream, member: str | None, use: Use, pickled: ByteStream | None = None
) -> DataError:
    """The refusal of a file of a ``kind``, with what converts it for its ``use``; ``pickled`` is the pickle in it."""
    message = f"is {kind.name}" + (", which can run code when it is loaded" if kind.runs_code else "")
    if kind.holds == "nothing":
        return DataError(message, where=stream.name, hint=kind.hint)
    if use.path in ("", "-"):
        return DataError(message, where=stream.name, hint="save it to a file, and nll says what converts it")
    refused = _REFUSALS[kind.holds](Conversion(kind, stream, member, use, pickled), message)
    if use.targets is not None and kind.holds != "raw":
        refused.remedies = with_targets(refused.remedies, use.targets)
    return refused


@dataclass
class Conversion:
    """A file of a kind that is to be converted, for a use."""

    kind: Kind
    stream: ByteStream
    member: str | None
    use: Use
    pickled: ByteStream | None = None

    @property
    def path(self) -> str:
        return self.stream.name

    def loaded(self, safe: bool = True) -> str:
        """The Python that opens the file."""
        opened = self.stream.opening
        return self.kind.load.format(
            file=opened or repr(self.path),
            path=repr(self.path),
            stream=opened or f"open({self.path!r}, 'rb')",
            safe=safe,
        )

    def importing(self, *modules: str) -> str:
        opened = self.stream.opening.partition(".")[0]
        return "import " + ", ".join(dict.fromkeys([*modules, *([opened] if opened else []), *self.kind.imports]))

    def new(self, ending: str) -> str:
        """A file beside this one that is not there yet."""
        return new_file(self.path, ending)


def new_file(path: str, ending: str) -> str:
    """The name of a file beside ``path`` that is not there yet, with another ending."""
    from nllcli.inputs.bytes.compressed import SUFFIXES

    stem = PurePath(path)
    while stem.suffix.lower() in SUFFIXES:
        stem = stem.with_suffix("")
    stem = stem.with_suffix("")
    return not_there_yet(f"{stem}{ending}")


# --- what a pickle holds ----------------------------------------------------------------------------------------------


def _objects(conversion: Conversion, message: str) -> DataError:
    """What the instructions of the pickle tell decides; where they do not, the command looks."""
    try:
        found, modules = _looked_into(conversion)
    except Untold:
        return _arrays(conversion, message)
    if "joblib" in modules:
        conversion = replace(conversion, kind=JOBLIB)
    trusted = conversion.kind.runs_code or not modules <= {"torch", "collections", "builtins", "__builtin__"}
    frames = [each for each in found if each.kind in (FRAME, KEYED)]
    readings = _readings(found, conversion)
    if conversion.use.targets is not None and any(each.kind == KEYED for each in frames):
        refused, beside = _beside(conversion.use.targets)
        if refused:
            return DataError(message, where=conversion.path, remedies=refused)
        if beside is not None and beside.n_columns > 1:  # it may have keys, in an index without a name perhaps
            key = "" if beside.index else KEY
            frames = [replace(each, code=each.code.replace(repr(KEY), repr(key), 1)) for each in frames]
            readings = []
    if frames and not any((reading.logits and reading.targets) or not _of_frames(reading) for reading in readings):
        loaded = conversion.loaded(not trusted)
        codes = [loaded if frame.code == "d" else f"{loaded}; d = {frame.code}" for frame in frames]
        remedies = [_as_table(conversion, code, ("pandas",), _TRUST if trusted else "") for code in codes]
        return DataError(message, where=conversion.path, remedies=remedies)
    if not readings:
        use = conversion.use
        logits = "logits" if use.other_targets else "logits with their targets"
        wanted = {"logits": logits, "targets": "fitting targets"}.get(use.role, "numbers")
        held = first_few([each.shown() for each in found if each.shape != ()], 10) or "no arrays"
        return DataError(f"{message}; it does not hold {wanted}", where=conversion.path, hint=f"it holds {held}")
    told = len(readings) > 1
    remedies = [_taking_out(conversion, reading, trusted=trusted, told=told) for reading in readings[:_MOST_MEANINGS]]
    return DataError(message, where=conversion.path, remedies=remedies)


def _beside(path: str) -> tuple[Sequence[Remedy], Preview | None]:
    """The commands that convert a file of targets, of which the keys are not known before; or its beginning."""
    from nllcli.inputs.formats import ReadOptions, Use, open_input

    try:
        return (), open_input(path, use=Use("targets")).preview(ReadOptions(holds="targets"))
    except NllError as error:
        return error.remedies, None


def _of_frames(reading: Pair) -> bool:
    """Whether an array of a reading has the values of a data frame, which has names for them too."""
    return any(each.code.endswith(".to_numpy()") for each in reading.found)


def array_refusal(
    about: tuple[str, numpy.dtype[Any], tuple[int, ...]], pickled: ByteStream, file: ByteStream, member: str, use: Use
) -> DataError:
    """The refusal of an array of NumPy that does not hold numbers, after a message, of a dtype and shape.

    ``pickled`` is what follows its header, ``file`` holds it, as a ``member`` if it is an archive.
    """
    message, dtype, shape = about
    kind = OBJECT_ARRAY if dtype.hasobject else ARRAY
    taken = f"[{member!r}]".replace("{", "{{").replace("}", "}}") if member else ""
    conversion = Conversion(kind._replace(load=kind.load + taken), file, None, use, pickled)
    if use.path in ("", "-"):
        refused = DataError(message, hint="save it to a file, and nll says what converts it")
    elif dtype.names is not None:
        refused = _records(conversion, message, dtype, shape)
    elif dtype.kind == "O":
        refused = _objects(conversion, message)
    else:
        refused = DataError(message, remedies=[_taking_out(conversion, Pair(Found("d.astype(float)", "", shape)))])
    refused.where = pickled.name
    return refused


def _records(conversion: Conversion, message: str, dtype: numpy.dtype[Any], shape: tuple[int, ...]) -> DataError:
    """Fields of arrays are the arrays; fields of numbers are the columns of a table."""
    found, trusted = [], conversion.kind.runs_code
    for name in dtype.names or ():
        base, more = dtype[name].subdtype or (dtype[name], ())
        found.append(Found(f"d[{name!r}]", name, (*shape, *more), base.kind))
    readings = [
        each for each in _readings(found, conversion) if each.logits is None or len(each.logits.shape or ()) > 1
    ]
    if readings:
        taken = partial(_taking_out, conversion, trusted=trusted, told=len(readings) > 1)
        return DataError(message, remedies=[taken(each) for each in readings])
    to = conversion.new(".csv")
    rows = "','.join(map(str, r)) + chr(10) for r in [d.dtype.names, *d.ravel().tolist()]"
    python = f"{conversion.importing('numpy')}; {conversion.loaded()}; open({to!r}, 'w').writelines({rows})"
    meaning = _TRUST if trusted else ""
    return DataError(message, remedies=[Remedy({}, meaning, {conversion.use.path: to}, python=python)])


def _looked_into(conversion: Conversion) -> tuple[list[Found], set[str]]:
    stream = conversion.stream
    if (stream.n_bytes or 0) > MOST_BYTES:  # the command looks itself
        raise Untold
    old_pytorch = conversion.kind is PYTORCH and conversion.pickled is None
    value, modules = read_pickles(conversion.pickled or stream, 1 + _PAST_PICKLES * old_pytorch)
    try:
        return arrays_in(value), modules
    except (RecursionError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise Untold from error


def _readings(found: list[Found], conversion: Conversion) -> list[Pair]:
    """What may be meant, as the use of the file leaves it open."""
    use, member = conversion.use, conversion.member
    wanted = {member, use.targets_member} - {None}
    if wanted:
        found = [each for each in found if wanted & {each.name, each.shown().partition(" ")[0]}]
    if use.role == "logits" and member is not None and use.targets_member is None:
        return arrays.scores(found)
    return arrays.readings(found, use)


def _taking_out(conversion: Conversion, reading: Pair, *, trusted: bool = False, told: bool = False) -> Remedy:
    """The command for one reading; ``told`` says that it is one of several."""
    code = [conversion.importing("numpy"), conversion.loaded(not trusted)]
    files, settings = _renamed(conversion, reading.logits is not None, reading.targets is not None)
    for found, name in zip((reading.logits, reading.targets), ("logits", "targets"), strict=True):
        if found is not None:
            code.append(f"numpy.save({files.get(name)!r}, {found.code})")
    source = reading.source if conversion.use.role == "logits" else None
    if source is not None:
        settings["source"] = source
    sure = reading.targets is None or not reading.targets.name or reading.targets.says_targets
    meanings = [reading.shown()] if told or source or not sure else []
    if reading.order is not None:
        code.append(_ordering(conversion, reading.order, reading, settings))
        meanings.append(_in_order_of(reading.order))
    meaning = "; ".join([*meanings, _TRUST] if trusted else meanings)
    return Remedy(settings, meaning, {conversion.use.path: files["first"]}, python="; ".join(code))


def _ordering(conversion: Conversion, order: Found, reading: Pair, settings: dict[str, object]) -> str:
    """The Python that writes the names of the classes, one a line."""
    settings["classes"] = to = _names_file(conversion)
    if order.kind in "iu" and reading.targets is not None:
        settings["targets_are"] = "names"
    names = f"numpy.char.decode({order.code}, 'utf-8')" if order.kind == "S" else order.code
    return f"numpy.savetxt({to!r}, {names}, '%s', encoding='utf-8')"


def _names_file(conversion: Conversion) -> str:
    """A new file for the names of the classes; with a comma, a path would be the names."""
    path = conversion.new(".classes.txt")
    return path if "," not in path else not_there_yet(PurePath(path).name.replace(",", "_"))


def _in_order_of(order: Found) -> str:
    return f"the classes are in the order of {order.shown()}"


def _renamed(conversion: Conversion, logits: bool, targets: bool) -> tuple[dict[str, str], dict[str, object]]:
    """The new files, and the settings that name the targets among them."""
    use, settings = conversion.use, dict[str, object]()
    ending = {"logits": ".logits.npy", "targets": ".labels.npy"}.get(use.role, ".npy")
    files = {"first": conversion.new(ending)}
    files["logits" if logits else "targets"] = files["first"]
    if logits and targets:
        files["targets"] = conversion.new(".labels.npy")
        settings = {"targets": files["targets"], "target_column": None}
    return files, settings


def which_array(message: str, hint: str, found: list[Found], kind: Kind, stream: ByteStream, use: Use) -> UsageError:
    """The question which array of an archive is meant, with the readings that names and shapes allow."""
    conversion = Conversion(kind, stream, None, use)
    joined, left = in_series({each.name: [replace(each, code=HERE, name=HERE)] for each in found}, "d")
    possible = joined + [each for each in found if each.name in left]
    readings = [] if use.path in ("", "-") else arrays.readings(possible, use)
    told = len(readings) > 1
    remedies = [_naming(conversion, reading, told=told) for reading in readings[:_MOST_MEANINGS]]
    return UsageError(message, where=stream.name, hint=hint, remedies=remedies)


def _naming(conversion: Conversion, reading: Pair, *, told: bool) -> Remedy:
    """The command that names the arrays of an archive; it takes out what is in parts, and the names of the classes."""
    taken = {each: each if each.joined else replace(each, code=f"d[{each.name!r}]") for each in reading.found}
    if any(each.joined for each in taken):
        pair = Pair(*[each and taken[each] for each in (reading.logits, reading.targets, reading.order)])
        return _taking_out(conversion, pair, told=told)
    use, file, settings = conversion.use, conversion.path, dict[str, object]()
    if reading.source and use.role == "logits":
        settings["source"] = reading.source
    if reading.logits and reading.targets:
        settings.update(targets=f"{file}:{reading.targets.name}", target_column=None)
    meanings, code = [reading.shown()] if told or reading.source else [], []
    if reading.order is not None:
        order = taken[reading.order]
        code = [conversion.importing("numpy"), conversion.loaded()]
        code.append(_ordering(conversion, order, reading, settings))
        meanings.append(_in_order_of(reading.order))
    files = {use.path: f"{file}:{reading.found[0].name}"}
    return Remedy(settings, "; ".join(meanings), files, python="; ".join(code))


# --- arrays by their names --------------------------------------------------------------------------------------------


def _arrays(conversion: Conversion, message: str) -> DataError:
    """The command looks for what fits; where several may be meant by their names, there is one for each."""
    head = conversion.stream.peek().lower()
    probs = b"prob" in head or b"softmax" in head
    remedies = []
    if conversion.use.role == "logits" and probs and conversion.member is None:
        remedies.append(_looking(conversion, "prob|softmax", "the probabilities in it", {"source": "probs"}))
    if not remedies or b"logit" in head:
        remedies.append(
            _looking(conversion, "logit" if remedies else _ANY_SCORES, "the logits in it" if remedies else "")
        )
    return DataError(message, where=conversion.path, remedies=remedies)


def _looking(conversion: Conversion, wanted: str, meaning: str, more: dict[str, object] | None = None) -> Remedy:
    use, kind = conversion.use, conversion.kind
    alone = use.other_targets or (conversion.member is not None and use.targets_member is None)
    what = {"logits": "logits" if alone else "pairs", "targets": "targets"}.get(use.role, "numbers")
    files, settings = _renamed(conversion, what != "targets", what == "pairs")
    if conversion.member is None:
        sizes = _sizes(use.shape)
        fitting = _FITTING[what].replace("SIZE", f"in {sizes}" if sizes else "> 1")
        file, more = conversion.path.translate(_PLAIN), dict(more or {})
        best = _BEST.format(wanted=wanted, file=file, what=what)
        code = [conversion.importing("sys", "re", "numpy"), conversion.loaded(False), _WALK, _PARTS, fitting, best]
        if use.role == "logits" and not use.names_classes:
            code += [_ORDER, _NOT_WRITTEN.format(file=file)]
            if NAMES_CLASSES.search(conversion.stream.peek(_NAMES_BYTES).lower()):
                more["classes"] = _names_file(conversion)
                code[-1] = _WRITTEN.format(file=file, to=more["classes"])
                meaning = "; ".join(filter(None, (meaning, "the classes are in the order that it names them in")))
        logits, targets = "a[x]", "a[y].ravel() if a[x].ndim < 3 else a[y]" if what == "pairs" else "a[y]"
        if what == "targets" and use.shape is not None and len(use.shape) < 3:
            targets = "a[y].ravel()"
    else:
        code = [conversion.importing("numpy"), conversion.loaded(False), _WALK]
        logits = f"a[{conversion.member.strip('/')!r}]"
        targets = logits if use.targets_member is None else f"a[{use.targets_member.strip('/')!r}]"
    if what != "targets":
        code.append(f"numpy.save({files['logits']!r}, {logits})")
    if what in ("targets", "pairs"):
        code.append(f"numpy.save({files['targets']!r}, {targets})")
    trusted = kind.holds == "objects" or kind.imports == ZARR.imports  # whose filters may be pickles
    meaning = "; ".join(filter(None, (meaning, _TRUST if trusted else "")))
    return Remedy({**settings, **(more or {})}, meaning, {use.path: files["first"]}, python="; ".join(code))


# What a name must not hold within a text in Python, where it is only shown.
_PLAIN = {ord(character): "_" for character in "'{}\\\n"}


def _sizes(shape: tuple[int | None, ...] | None) -> list[int]:
    """How many targets there are for logits of a ``shape``, on whichever axis the classes are."""
    known = [n for n in shape or (None,) if n is not None]
    if len(known) < len(shape or (None,)):
        return []
    return sorted({prod(known) // n for n in known[1:] if n} or {prod(known)})


# --- tables and pictures ----------------------------------------------------------------------------------------------


def _tables(conversion: Conversion, message: str) -> DataError:
    remedy = _as_table(conversion, conversion.loaded(), ())
    return DataError(message, where=conversion.path, remedies=[remedy])


def paired_tables(logits: Conversion, targets: Conversion, meaning: str) -> Remedy:
    """The command that makes a table of each of two conversions of one file."""
    first, second = _as_table(logits, logits.loaded(), ()), targets.new(".targets.csv")
    python = f"{first.python}; {targets.loaded()}; {_to_csv(second)}"
    return Remedy({"targets": second}, meaning, first.files, python)


def _as_table(conversion: Conversion, loaded: str, modules: tuple[str, ...], meaning: str = "") -> Remedy:
    to = conversion.new(".csv")
    named = to if conversion.member is None else f"{to}:{conversion.member}"
    python = f"{conversion.importing(*modules)}; {loaded}; {_to_csv(to)}"
    return Remedy({}, meaning, {conversion.use.path: named}, python=python)


def _to_csv(to: str) -> str:
    """The Python that writes a data frame, with the keys of its rows unless these only count."""
    return f"{_CELLS}.to_csv({to!r}, index=not [*d.index] == [*range(len(d))])"


def _pictures(conversion: Conversion, message: str) -> DataError:
    """A mask of class numbers; 255 is what segmentation has for void, or the one class beside the background."""
    if conversion.use.role != "targets":
        return DataError(message, where=conversion.path, hint="pictures hold class numbers: TARGETS may be one")
    shape, to = conversion.use.shape, conversion.new(".npy")
    batch = "[None]" if shape is not None and len(shape) > 3 else ""
    two = shape is not None and len(shape) > 2 and bool({1, 2} & {shape[len(shape) > 3], shape[-1]})
    code = f"{conversion.importing('numpy')}; {conversion.loaded()}; a = numpy.array(d){batch}"
    files = {conversion.use.path: to}
    ignoring: dict[str, object] = {"ignore_index": 255} if conversion.use.ignores_255 else {}
    if shape is not None and len(shape) == 3:
        ignoring["class_axis"] = 0
    void = Remedy(ignoring, "255 is void", files, python=f"{code}; numpy.save({to!r}, a)")
    classes = f"{code}; numpy.save({to!r}, (a > 0).astype('u1'))"
    white = Remedy({**ignoring, "ignore_index": None}, "what is not 0 is class 1", files, python=classes)
    return DataError(message, where=conversion.path, remedies=[void, white] if two else [void])


# --- tar --------------------------------------------------------------------------------------------------------------


def _archive(conversion: Conversion, message: str) -> DataError:
    """The command unpacks what is meant; the only file goes through a pipe."""
    use, path, names = conversion.use, conversion.path, _members(conversion.stream)
    only = names[0] if len(names) == 1 else None
    unpack: str | tuple[str, ...] = ("tar", "-xf", path)
    if any(map(os.path.lexists, names)):  # which unpacking would write over
        folder = new_file(path, ".unpacked")
        names = [f"{folder}/{name}" for name in names]
        unpack = f"mkdir {shlex.quote(folder)} && {shlex.join(unpack)} -C {shlex.quote(folder)}"
    pair = arrays.by_names(names) if use.role == "logits" and not use.other_targets else None
    if only is not None:
        remedies = [Remedy({}, "", {use.path: "-"}, feed=("tar", "-xOf", path, only))]
    elif pair is not None:
        remedies = [Remedy({"targets": pair[1]}, "", {use.path: pair[0]}, "", unpack)]
    else:
        remedies = [Remedy({}, name, {use.path: name}, "", unpack) for name in names[:_MOST_MEANINGS]]
    return DataError(message, where=path, hint="tar -xf unpacks it", remedies=remedies)


def _members(stream: ByteStream) -> list[str]:
    """The files of data in a tar archive."""
    import tarfile

    from nllcli.inputs.bytes.libraries import refusing

    with refusing(stream.name), tarfile.open(fileobj=cast("Any", _Read(stream)), mode="r|") as archive:
        names = [member.name for member in archive if member.isfile()]
    own = [name for name in names if not name.rpartition("/")[2].startswith(("._", ".DS_Store"))]
    return [name for name in own if not is_beside_data(name)] or own


@dataclass
class _Read:
    """A stream of bytes with the one method that ``tarfile`` calls."""

    stream: ByteStream

    def read(self, n: int) -> bytes:
        return self.stream.read_up_to(n)


def _raw(conversion: Conversion, message: str) -> DataError:
    from nllcli.inputs.foreign.raw import raw_refusal

    return raw_refusal(conversion, message)


_REFUSALS = {
    "objects": _objects,
    "arrays": _arrays,
    "table": _tables,
    "picture": _pictures,
    "archive": _archive,
    "raw": _raw,
}


def with_targets(remedies: Sequence[Remedy], path: str) -> tuple[Remedy, ...]:
    """The remedies for logits, which also convert the file of targets where there is one command for that."""
    from nllcli.inputs.formats import Use, open_input

    try:
        open_input(path, use=Use("targets"))
    except DataError as refused:
        if len(refused.remedies) == 1 and all(remedy.python for remedy in (*remedies, *refused.remedies)):
            second = refused.remedies[0]
            return tuple(remedy if path in remedy.files else _both(remedy, second) for remedy in remedies)
    except NllError:  # it will be said in its turn
        pass
    return tuple(remedies)


def _both(first: Remedy, second: Remedy) -> Remedy:
    told = dict.fromkeys(f"{first.meaning}; {second.meaning}".split("; "))
    meaning = "; ".join(sorted(filter(None, told), key=_TRUST.__eq__))  # which comes last
    settings, files = {**first.settings, **second.settings}, {**first.files, **second.files}
    return Remedy(settings, meaning, files, f"{first.python}; {second.python}")
