"""nll help inputs."""


def text() -> str:
    """Files, columns and names; what is read as what, and what is asked."""
    return _TEXT


_TEXT = """\
Inputs: files, columns and names

LOGITS and TARGETS

    nll compute logits.npy targets.npy

  LOGITS is a file of numbers, one for each class and sample. What they are is
  never guessed: --from says logits (the default), log-probs, probs, or
  token-log-probs, of which there is one a token.
  TARGETS is a file of the right classes: numbers counted from 0, names, or one
  number a class, which is its probability; a single 1 a row is a class.
  Either of them may be -, standard input.

Files

  .npy                     one array
  .npz, .safetensors       arrays by name: file.npz:name is one of them
  .csv, .tsv, text         a sample a line; a header names the classes
  .json, .jsonl            a sample a record or a list
  .parquet, .feather,      a column a class, or one column of lists
  .arrow                   (pyarrow reads them)

  What a file is shows in its content; --input-format overrides. Any of them may
  be compressed: gzip, bzip2, xz, a zip of one file, Zstandard where Python has
  a reader of it. Numbers of 16 to 64 bits are read in either byte order;
  --input-dtype bfloat16 is for those whose bits are kept as integers.

    nll compute arrays.npz:logits arrays.npz:targets
    nll compute logits.npy.gz targets.npy

Addresses
  Files are read where they are, and of arrays only the parts that are needed:

  https://host/a.npz:logits               a member comes after the file's name
  hf://datasets/ORG/NAME/logits.npy       data on the Hugging Face Hub
  hf://ORG/NAME@REVISION/logits.npy       a version of a model there
  s3://bucket/a.npy, gs://, az://         objects in cloud storage

  Arrays come over 8 connections, or as many as --threads says; text comes from
  its beginning to its end, as does all of a server that gives no ranges. A file
  that changes there meanwhile is an error. Names and passwords in an address,
  and what is after a ?, are told in no report and no message.
  Files of the Hub are asked for with HF_TOKEN, or with the token that a login
  has left, at HF_ENDPOINT if that is set. Cloud storage needs the package
  obstore (pip install 'nllcli[cloud]'), which takes AWS_*, GOOGLE_* and AZURE_*
  from the environment.

Several files
  A word may stand for several files of logits, and of targets, one after
  another: a pattern (in quotes, so that nll sees it), braces, or @ and a file
  that lists them, LOGITS or LOGITS TARGETS a line.

    nll compute 'parts/logits-*.npy' 'parts/targets-*.npy'
    nll compute 'parts/logits-{00000..00002}-of-00003.npy' all-targets.npy
    nll compute @parts/list.txt
    nll compute 'parts/table*.csv' --target-column label

  Patterns are in natural order, 2 before 10, without names that begin with a
  dot or an underscore. Logits and targets are paired by the numbers in their
  names where both have them, else by order, and the title says which; one file
  of targets may serve all. A set whose names say -of-00003 has to be complete,
  and every file has to have the same classes in the same order. --partial
  scores the files that are there and whole, says which are not, and ends with
  exit code 3. A set of safetensors files goes by its index:
  set.safetensors.index.json:logits.* names arrays in it.

Files of other programs
  Files of PyTorch, pickle, joblib, HDF5, Zarr, MATLAB, Excel, R, Stata, SPSS,
  SAS, Avro, ORC and the like, pictures of masks, and numbers without a header
  are told by their content. The error has the command that converts each with
  the library it needs; what can run code when it is loaded is said to.

Tables: which column is what
  Columns are classes as long as nothing speaks against it. Row numbers, keys,
  predictions, confidences, folds, text, or whole numbers beside fractions are
  asked about. These answer:

    nll compute table.csv --target-column label
    nll compute table.csv --target-column 4
    nll compute scores.csv targets.npy --columns 'prob_*'
    nll compute scores.csv targets.npy --columns 3-5
    nll compute scores.csv targets.npy --drop id,text

  --target-column takes the targets out of LOGITS, or out of TARGETS where that
  is a table of several columns; file.csv:column does the same. Columns are
  named, or numbered from 1; where the names are numbers, a number is a name.
  The index of a data frame is left out.

Which row is which sample
  Rows belong together in their order. Where both tables have a column of keys
  of one name, the keys must be equal row by row; else nll asks. --id matches
  rows by key, whatever their order:

    nll compute keyed.csv truth.csv --id key
    nll compute keyed.csv answers.csv --id key=name

  A table of sample weights or of groups is matched by the key too. A key that
  comes twice, or in one table alone, is an error; the latter not under
  --missing ignore. Where no keys agree, they are compared without folders,
  endings of files, upper case and leading zeros, with a note.

Which class is which
  What has a name is bound by it: columns, labels, one-hot targets, weights and
  counts, label and score in JSON. Names are those of the header, or of
  --classes (cat,dog,horse, 1..5 or a file of names). They are compared without
  what all of them share: prob_cat and prob_dog are cat and dog; Big_Cat is "big
  cat" where no other class is. Numbers in headings are the classes' numbers;
  where targets could be these or places from 0, --targets-are names or numbers
  says which.

    nll compute logits.npy names.txt --classes cat,dog,horse
    nll compute numbered.csv targets.txt --targets-are numbers

Missing
  An empty cell, NA or null is an error. --missing ignore leaves out samples
  without a target or without logits, and says how many.

    nll compute logits.npy gaps.txt --missing ignore

Text
  Delimiters are found: comma, semicolon, tab, bar or blanks. --header yes or no
  says whether the first line names the columns. Blank lines, quotes, a byte
  order mark and UTF-16 are understood, as are the index of a data frame, arrays
  as NumPy and PyTorch print them, and tables drawn with lines, or in LaTeX.
  Titles, totals, blank rows, a second line of names, percentages and thousands
  are asked about, each with the edit that makes the table plain. --decimal
  comma reads 0,5; --encoding windows-1252 and the like what is not UTF-8.

    nll compute commas.csv targets.txt --decimal comma --encoding windows-1252

JSON
  A sample a line, values one after another, one array, or one object around all
  of them: the orients of pandas, or arrays side by side. A sample is a list, a
  record with a list ({"logits": [5, 4, 2], "target": 0}), a record with a key a
  class, or labels with scores in any order. file.jsonl:outputs.logits is a key
  within a key.

    nll compute records.jsonl
    nll compute nested.jsonl:outputs.logits --target-column truth

Arrow
  Parquet, Feather and Arrow streams: a column a class, as in any table, or one
  column of lists, of one length. Dictionaries and text are names.

Log-probabilities of tokens
  --from token-log-probs reads those of what occurred: a number a line or in an
  array, answers of completions and chat servers, batches of them, samples of
  evaluation harnesses, and logs of language-model tools. --part prompt,
  completion or all says which tokens count; --unknown drop or keep, what one
  without a log-probability or out of the vocabulary does.

    nll compute token_log_probs.txt --from token-log-probs
    nll compute answers.jsonl --from token-log-probs --part completion

Shapes

  logits             targets           meaning
  (C,)               one number        one sample
  (N, C)             (N,)              the common case
  (N, C, d1, ...)    (N, d1, ...)      classes on axis 1, as in PyTorch
  (N, d1, ..., C)    (N, d1, ...)      classes last, as language models have it
  any                floats, the same  class probabilities (soft targets)

  The two shapes decide which axis holds the classes (axes of length 1 may be
  missing); where both readings fit, nll asks for --class-axis. With --binary
  there is one logit a sample, that of class 1 of two.

    nll compute tokens.npy next.npy --shift 1
    nll compute binary.npy labels.npy --binary

  --shift 1 scores position t against the target of t + 1. Targets that are the
  ignored index (--ignore-index, -100 unless said) do not count.

Weights
  --weights: one a class, as 1,0.2,0.1 or a file: in the order of the classes,
  or by name, as lines of name,number or a JSON object. --counts: derived from
  class counts, or with --counts targets from the targets. --sample-weights: a
  file of one a sample; booleans are a mask.

    nll compute logits.npy targets.npy --counts targets
    nll compute logits.npy targets.npy --sample-weights mask.npy

Groups
  --groups (--clusters) says what samples belong to, such as their documents: a
  file of one label a sample, or of one for each index along the first axis of
  targets that have several; or axis:K, the index along an axis of the targets.
  Labels are integers or text; in text, 1 and 01 are one group where all labels
  are whole numbers. docs.csv:user is a column of a table, and --id matches its
  rows by their keys. Equal labels in several files are one group.

What is asked
  A number with exit code 0 means that nothing about the reading was in doubt.
  Where two readings fit, nll asks: an error, and a line "try: ..." for each
  reading, a whole command to paste. What fits but looks odd is what

    nll check logits.npy targets.npy

  is for: targets that count from 1, probabilities taken for logits, classes in
  another order, padding that is scored, and more.
"""
