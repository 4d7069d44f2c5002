"""nll help workers."""


def text() -> str:
    """Threads, processes and clusters: who does the work."""
    return _TEXT


_TEXT = """\
Workers: who does the work

  The result has the same bits whoever does the work, on machines of one kind,
  and so has the error where something is wrong.

Threads
  Files are read and scored in blocks, by one thread a processor, up to 8.

    nll compute logits.npy targets.npy --threads 4

Processes
  --processes N starts N processes of this machine, each of --threads threads (1
  unless said). Arrays are cut at any place. Text, and what is compressed, is
  read from its beginning: each file is the work of one process, and a single
  one is left to threads. A process that is killed costs only time; a piece that
  has ended three of them is given up.
  Large work is handed to several processes unasked beyond 8 processors.

    nll compute logits.npy targets.npy --processes 2

A cluster
  --scheduler is the address of a Dask scheduler that runs already, or the file
  that it wrote (dask scheduler --scheduler-file). nll starts none, and listens
  nowhere. It needs the extra: pip install 'nllcli[dask]'; the workers have the
  same version of nll, and find the files under the same names: name them by
  whole paths where the workers run in another folder.
  tcp:// is neither encrypted nor authenticated. tls:// is; its certificates are
  those of Dask's own configuration.

Kernels
  nll computes with native kernels, made for the instructions of the processor,
  where they were built when it was installed, and with NumPy elsewhere. Both
  are equally exact; the last digit may differ. nll --version and the JSON say
  which it is: "kernel" is numpy, or avx512, avx2 or scalar, which agree in
  every bit. The variable NLL_KERNEL asks for one of these, or for native.

    NLL_KERNEL=numpy nll compute logits.npy targets.npy

What cannot be opened by another process
  Standard input and pipes. Save them to a file.
"""
