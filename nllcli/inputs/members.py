"""Which of the arrays of an archive is meant."""

from nllcli.errors import DataError, UsageError


def choose(names: list[str], wanted: str | None, file: str) -> int:
    """The place of ``wanted`` among ``names``, or of the only one; raises UsageError that lists what there is."""
    if not names:
        raise DataError("holds no arrays", where=file)
    listed = ", ".join(f"{file}:{name}" for name in names[:10]) + (", ..." if len(names) > 10 else "")
    if wanted is None:
        if len(names) > 1:
            raise UsageError(f"holds {len(names)} arrays", where=file, hint=f"name one: {listed}")
        return 0
    if wanted not in names:
        raise UsageError(f"has no array {wanted!r}", where=file, hint=f"it has {listed}")
    if names.count(wanted) > 1:
        raise DataError(f"has several members of the name {wanted!r}", where=file)
    return names.index(wanted)
