"""Log-probabilities of what occurred, in each of the shapes in which people have them."""

import gzip
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from following import offered, run
from in_process import nll

import nllcli
from nllcli.inputs.token_logs.source import tokens_of

FROM = ("--from", "token-log-probs")
LP = [-2.303, -0.511, -4.605, -0.105]
TOKENS = ["The", " cat", " sat", " on", " it"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mean(values, scale=1.0):
    return pytest.approx(-math.fsum(values) / len(values) * scale, rel=1e-14)


def save(name, *values, indent=None):
    """JSON values one after the other, and the name of their file."""
    Path(name).write_text("".join(json.dumps(value, indent=indent) + "\n" for value in values), encoding="utf-8")
    return name


def loss(*words):
    done = nll("compute", *words, "-q")
    assert done.code == 0, done.err
    return float(done.out)


def tries(done):
    assert done.code in (2, 3), done
    assert done.out == ""
    return offered(done)


def followed(*words):
    """The numbers to which the commands lead that a refusal of ``nll compute WORDS -q`` tells, by what they mean."""
    found = {}
    for line in tries(nll("compute", *words, "-q")):
        done = run(line)
        out = done.out if hasattr(done, "out") else done.stdout
        found[line.partition("  # ")[2]] = float(out) if out else done
    return found


# --- servers ----------------------------------------------------------------------------------------------------------


def completion(values, usage=None, **more):
    choice = {"index": 0, "text": "x", "logprobs": {"tokens": TOKENS, "token_logprobs": values, "top_logprobs": None}}
    return {"object": "text_completion", "choices": [choice | more], **({"usage": usage} if usage else {})}


def chat(values, **more):
    content = [{"token": "a", "logprob": value, "bytes": None, "top_logprobs": []} for value in values]
    return {"choices": [{"message": {"content": "x"}, "logprobs": {"content": content, "refusal": None}} | more]}


def usage(prompt, completion):
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


ENTRIES = [{"id": i, "token": "a", "logprob": value, "top_logprobs": []} for i, value in enumerate(LP)]
TGI = [{"id": i, "text": "a", "logprob": value, "special": False} for i, value in enumerate(LP)]

# What is in a file of one or several values, and which log-probabilities count.
WHOLE = {
    "echo": ([completion([None, *LP], usage(5, 0))], LP),
    "no usage of no echo": ([completion(LP)], LP),
    "completion": ([completion(LP, usage(7, 4))], LP),
    "chat": ([chat(LP)], LP),
    "chats": ([chat(LP[:1]), chat(LP[1:])], LP),
    "refusal": ([{"choices": [{"logprobs": {"content": None, "refusal": [{"token": "a", "logprob": -0.5}]}}]}], [-0.5]),
    "chunks": ([chat(LP[:1], delta={}), {"choices": [{"delta": {}, "logprobs": None}]}, {"choices": []}], LP[:1]),
    "two choices": ([{"choices": [*completion(LP[:2])["choices"], *completion(LP[2:])["choices"]]}], LP),
    "a list of answers": ([[chat(LP[:2]), chat(LP[2:])]], LP),
    "batch": ([{"custom_id": "a", "response": {"status_code": 200, "body": chat(LP)}, "error": None}], LP),
    "prompt logprobs of one": (
        [{"choices": [{"logprobs": None, "prompt_logprobs": [None, *({"7": {"logprob": v, "rank": 1}} for v in LP)]}]}],
        LP,
    ),
    "prompt logprobs of several": (
        [
            {
                "choices": [
                    {
                        "logprobs": None,
                        "prompt_token_ids": [1, 3, 3],
                        "prompt_logprobs": [
                            None,
                            {"2": {"logprob": -9.0}, "3": {"logprob": -1.0}},
                            {"3": -2.0, "5": 0.0},
                        ],
                    }
                ]
            }
        ],
        [-1.0, -2.0],
    ),
    "prompt logprobs of the answer": (
        [{"choices": [], "prompt_token_ids": [1, 11], "prompt_logprobs": [None, {"11": {"logprob": -0.7}, "4": {}}]}],
        [-0.7],
    ),
    "vllm outputs": (
        [
            {
                "prompt_token_ids": [1],
                "prompt_logprobs": None,
                "outputs": [
                    {
                        "token_ids": [4, 5],
                        "logprobs": [{"4": {"logprob": -1.0}, "9": {"logprob": -2.0}}, {"5": {"logprob": -0.25}}],
                    }
                ],
            }
        ],
        [-1.0, -0.25],
    ),
    "meta info": (
        [{"text": "", "meta_info": {"input_token_logprobs": [[None, 1, None], *([v, 5, "a"] for v in LP)], "id": "x"}}],
        LP,
    ),
    "meta infos": (
        [
            [
                {"meta_info": {"output_token_logprobs": [[v, 9, None]], "input_token_logprobs": [[None, 1, None]]}}
                for v in LP
            ]
        ],
        LP,
    ),
    "completion probabilities": ([{"content": "x", "completion_probabilities": ENTRIES}], LP),
    "details": ([{"generated_text": "x", "details": {"prefill": [], "tokens": TGI}}], LP),
    "prefill": (
        [[{"details": {"prefill": [{"id": 1, "text": "<s>", "logprob": None}, *TGI], "tokens": []}}]],
        LP,
    ),
    "prefill without": ([{"details": {"prefill": [{"id": 1, "text": "<s>"}, *TGI], "tokens": []}}], LP),
    "candidates": (
        [
            {
                "candidates": [
                    {
                        "avgLogprobs": -1.0,
                        "logprobsResult": {
                            "chosenCandidates": [{"token": "a", "logProbability": v} for v in LP],
                            "topCandidates": [],
                        },
                    }
                ]
            }
        ],
        LP,
    ),
    "responses": (
        [
            {
                "object": "response",
                "output": [
                    {"type": "reasoning"},
                    {
                        "type": "message",
                        "content": [{"type": "output_text", "logprobs": [{"token": "a", "logprob": v} for v in LP]}],
                    },
                ],
            }
        ],
        LP,
    ),
    "ollama": ([{"response": "x", "done": True, "logprobs": ENTRIES}], LP),
    "in an envelope": ([{"prompt": "x", "response": chat(LP)}], LP),
    "prompt without a count of the completion": ([completion([None, *LP], {"prompt_tokens": 5})], LP),
    "a choice": ([{"logprobs": {"token_logprobs": LP}}], LP),
    "states": (
        [
            {
                "request_states": [
                    {
                        "request": {"echo_prompt": True, "max_tokens": 0},
                        "num_conditioning_tokens": 2,
                        "result": {
                            "completions": [
                                {"text": "x", "tokens": [{"text": "a", "logprob": v} for v in (0, -7, *LP)]}
                            ]
                        },
                    }
                ]
            }
        ],
        LP,
    ),
    "states of one first": (
        [
            {
                "request_states": [
                    {
                        "request": {"echo_prompt": True},
                        "result": {"completions": [{"tokens": [{"text": "a", "logprob": v} for v in (0.0, *LP)]}]},
                    },
                    {"result": None},
                ]
            }
        ],
        LP,
    ),
    "states that generate": (
        [
            {
                "request_states": [
                    {
                        "request": {"max_tokens": 9},
                        "result": {"completions": [{"tokens": [{"text": "a", "logprob": v} for v in LP]}]},
                    }
                ]
            }
        ],
        LP,
    ),
    # what people write themselves
    "lists": ([[None, *LP[:2]], [None, *LP[2:]]], LP),
    "a list of lists": ([[[None, *LP[:2]], [None, *LP[2:]]]], LP),
    "triples": ([[[None, 1, None], *([v, 2, "a"] for v in LP)]], LP),
    "a batch of texts": ([{"token_logprobs": [[None, *LP[:2]], LP[2:]], "token_ids": [[1, 2, 3], [4, 5]]}], LP),
    "objects": ([{"id": "a", "text": "x", "token_logprobs": [None, *LP]}], LP),
    "other names": ([{"log_probs": LP[:2]}, {"logprobs": LP[2:]}], LP),
    "tokens": ([{"token": "a", "logprob": v} for v in LP], LP),
    "a list of tokens": ([[{"id": 1, "text": "a", "logprob": v} for v in LP]], LP),
    "texts of numbers": ([{"token_logprobs": [str(v) for v in LP]}], LP),
    "an infinity": ([{"token_logprobs": [-1.0, "-inf"]}], [-1.0, -math.inf]),
    "documents": (
        [{"doc_id": i, "doc": {}, "resps": [[[str(v)]]], "filtered_resps": [v]} for i, v in enumerate(LP)],
        LP,
    ),
    "documents of an answer": ([{"doc_id": 0, "doc": {}, "resps": [[[-2.5, False]]]}], [-2.5]),
    "documents of two filters": (
        [{"doc_id": i, "doc": {}, "resps": [[v]], "filter": f} for f in ("none", "first") for i, v in enumerate(LP)],
        LP,
    ),
}


@pytest.mark.parametrize(("values", "expected"), WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_shape_is_told_by_its_keys(values, expected, indent):
    name = save("a.json", *values, indent=indent)
    assert loss(name, *FROM) == mean(expected)


# Lists of numbers under names that are also those of log-probabilities of all classes.
CERTAIN = {name: case for name, case in WHOLE.items() if name != "other names"}


@pytest.mark.parametrize(("values", "expected"), CERTAIN.values(), ids=CERTAIN)
def test_what_it_is_is_named_where_the_source_is_not(values, expected):
    name = save("a.json", *values)
    done = nll("compute", name, "-q")
    assert tries(done) == [f"nll compute {name} -q --from token-log-probs"]
    assert ", not logits" in done.err
    assert followed(name) == {"": mean(expected)}


@pytest.mark.parametrize("text", ["data: {}\n\ndata: {}\n\ndata: [DONE]\n", "event: x\ndata: {}\n\n: ping\ndata: {}"])
def test_a_stream_of_events(text):
    chunks = [json.dumps(chat(values, delta={})) for values in (LP[:1], LP[1:])]
    Path("a.txt").write_text(text.replace("{}", "%s") % tuple(chunks), encoding="utf-8")
    assert loss("a.txt", *FROM) == mean(LP)
    assert followed("a.txt") == {"": mean(LP)}


def test_a_compressed_answer_with_a_byte_order_mark():
    Path("a.json.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + json.dumps(chat(LP)).encode()))
    assert loss("a.json.gz", *FROM) == mean(LP)


def test_an_answer_that_is_only_a_number_a_line():
    Path("a.jsonl").write_text("".join(f"{v}\n" for v in LP), encoding="utf-8")
    assert loss("a.jsonl", *FROM) == mean(LP)


# --- which part counts ------------------------------------------------------------------------------------------------

BOTH = {
    "echo": [completion([None, *LP], usage(3, 2))],
    "prompt logprobs": [
        {
            "choices": [
                {
                    "logprobs": {"token_logprobs": LP[2:]},
                    "prompt_logprobs": [None, *({"7": {"logprob": v}} for v in LP[:2])],
                }
            ]
        }
    ],
    "meta info": [
        {
            "meta_info": {
                "input_token_logprobs": [[None, 1], [LP[0], 1], [LP[1], 1]],
                "output_token_logprobs": [[LP[2], 1], [LP[3], 1]],
            }
        }
    ],
    "details": [{"details": {"prefill": [{"id": 1, "text": "", "logprob": None}, *TGI[:2]], "tokens": TGI[2:]}}],
    "outputs": [
        {
            "prompt_token_ids": [1, 7, 7],
            "prompt_logprobs": [None, *({"7": {"logprob": v}, "8": {"logprob": -9}} for v in LP[:2])],
            "outputs": [{"token_ids": [5, 6], "logprobs": [{"5": LP[2]}, {"6": LP[3]}]}],
        }
    ],
    "names": [{"prompt_logprobs": [None, *LP[:2]], "completion_logprobs": LP[2:]}],
    "one token each": [
        {
            "choices": [*completion([None, LP[0], LP[2]])["choices"], *completion([None, LP[1], LP[3]])["choices"]],
            "usage": usage(4, 2),
        }
    ],
    "first token with a number": [completion(LP, usage(2, 2))],
}


@pytest.mark.parametrize("values", BOTH.values(), ids=BOTH)
def test_the_part_is_asked_for_where_both_are_there(values):
    name = save("a.json", *values)
    meanings = {"the prompt alone": mean(LP[:2]), "what was generated alone": mean(LP[2:]), "both": mean(LP)}
    assert followed(name, *FROM) == meanings
    assert followed(name) == meanings
    assert "2 token" in nll("compute", name).err


@pytest.mark.parametrize(
    "value",
    [
        completion([None, *LP]),
        {"choices": [completion([None, *LP])["choices"][0]] * 2, "usage": {"prompt_tokens": 3}},
        {"choices": [completion([None, *LP])["choices"][0]] * 2, "usage": usage(3, 4)},
        {
            "request_states": [
                {
                    "request": {"echo_prompt": True, "max_tokens": 5},
                    "result": {"completions": [{"tokens": [{"text": "a", "logprob": v} for v in (0.0, *LP)]}]},
                }
            ]
        },
    ],
    ids=["no usage", "choices", "lengths", "states"],
)
def test_an_echo_of_unknown_length_counts_as_a_whole_when_asked(value):
    name = save("a.json", value)
    assert followed(name, *FROM) == {"all of both": mean(LP)}
    assert tries(nll("compute", name, *FROM, "--part", "prompt")) != []


def test_a_part_that_is_not_there():
    name = save("a.json", chat(LP))
    assert followed(name, *FROM, "--part", "prompt") == {"the completion": mean(LP)}
    name = save("b.json", {"token_logprobs": LP})
    assert followed(name, *FROM, "--part", "prompt") == {"all of it": mean(LP)}
    assert loss(name, *FROM, "--part", "all") == mean(LP)
    np.save("c.npy", LP)
    assert followed("c.npy", *FROM, "--part", "completion") == {"all of it": mean(LP)}
    assert loss("c.npy", *FROM, "--part", "all") == mean(LP)


# --- tokens without a log-probability ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([-1.0, -9999.0, -3.0], "servers write for a token that they do not list"),
        ([None, -1.0, None, -3.0], "has no log-probability"),
        ([-1.0, math.nan, -3.0], "has the log-probability nan"),
    ],
)
def test_an_unknown_token_is_asked_about(values, told):
    name = save("a.json", {"token_logprobs": values})
    done = nll("compute", name, *FROM)
    assert told in done.err
    assert f"a.json, token {len(values) - 2}: " in done.err
    assert followed(name, *FROM) == {"such tokens do not count": mean([-1.0, -3.0])}
    assert followed(name) == followed(name, *FROM)
    assert tries(nll("compute", name, *FROM, "--unknown", "keep")) == [
        f"nll compute {name} --from token-log-probs --unknown drop  # such tokens do not count"
    ]


@pytest.mark.parametrize("value", [-9999.0, math.nan])
@pytest.mark.parametrize("kind", ["npy", "txt"])
def test_an_unknown_token_in_numbers(value, kind):
    values = np.array([-1.0, value, -3.0])
    np.save("a.npy", values) if kind == "npy" else np.savetxt("a.txt", values)
    found = followed(f"a.{kind}", *FROM)
    assert next(iter(found.values())) == mean([-1.0, -3.0])
    if math.isnan(value):
        assert math.isnan(found["they count, as NaN"])
    done = nll("compute", f"a.{kind}", *FROM, "--unknown", "drop", "-f", "json").json
    assert (done["n_samples"], done["n_counted"], done["n_ignored"]) == (3, 2, 1)
    assert "unknown:drop" in done["signature"]
    assert tries(nll("compute", f"a.{kind}", *FROM, "--unknown", "keep")) == [
        f"nll compute a.{kind} --from token-log-probs  # every number counts"
    ]


def test_half_precision_rounds_what_is_not_listed():
    np.save("a.npy", np.array([-1.0, -9999.0], np.float16))
    assert followed("a.npy", *FROM) == {"such tokens do not count": 1.0}


def test_plus_infinity_and_large_numbers_are_refused():
    np.save("a.npy", [-1.0, math.inf])
    assert "row 1: the log-probability is +inf" in nll("compute", "a.npy", *FROM).err
    np.save("a.npy", [-1.0, 0.5])
    done = nll("compute", "a.npy", *FROM)
    assert "row 1: 0.5 is not a log-probability, which is at most 0" in done.err
    assert "hint: losses, -log p, have the other sign" in done.err


def test_a_little_above_0_is_rounding():
    name = save("a.json", [-1.0, 1e-4])
    done = nll("compute", name, *FROM, "-f", "json")
    assert done.codes == {"above-zero"}
    assert done.json["loss"] == mean([-1.0, 1e-4])


def test_minus_infinity_is_an_infinite_loss():
    name = save("a.json", [None, -1.0, "-inf"])
    done = nll("compute", name, *FROM, "-f", "json")
    assert done.codes == {"infinite-loss"}
    assert done.json["nonfinite"]["loss"] == "inf"


# --- numbers in text and in arrays ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{v}\n" for v in LP),
        "logprob\n" + "".join(f"{v}\n" for v in LP),
        "null\n" + "".join(f"{v}\n" for v in LP),
        "logprob\nNone\n" + "".join(f"{v}\n" for v in LP),
        "token,logprob\n a,\n" + "".join(f'"a, b",{v}\n' for v in LP),
        f"{LP[0]} {LP[1]} {LP[2]}\n\n# a comment\n{LP[3]}\n",
        f"{LP[0]},{LP[1]}\n{LP[2]},{LP[3]}\n",
        "token,logprob,rank\n" + "".join(f"a,{v},{i}\n" for i, v in enumerate(LP)),
    ],
    ids=[
        "one a line",
        "header",
        "null first",
        "header and none",
        "empty first",
        "texts",
        "texts of a length",
        "named column",
    ],
)
def test_numbers_in_text(text):
    Path("a.txt").write_text(text, encoding="utf-8")
    assert loss("a.txt", *FROM) == mean(LP)


def test_a_column_can_be_named():
    rows = "".join(f"{i}\ta\t{v}\t{2 * v}\n" for i, v in enumerate(LP))
    Path("a.tsv").write_text("id\ttoken\tbefore\tafter\n" + rows, encoding="utf-8")
    found = followed("a.tsv", *FROM)
    assert list(found) == ["column id", "column before", "column after"]
    assert (found["column before"], found["column after"]) == (mean(LP), mean(LP, 2))
    Path("b.txt").write_text("".join(f"{i + 1} {v}\n" for i, v in enumerate(LP)), encoding="utf-8")
    assert followed("b.txt", *FROM)["column 2"] == mean(LP)
    Path("c.csv").write_text("logprob,token_logprob\n" + "".join(f"{v},{2 * v}\n" for v in LP), encoding="utf-8")
    assert followed("c.csv", *FROM) == {"column logprob": mean(LP), "column token_logprob": mean(LP, 2)}
    done = nll("compute", "b.txt:3", *FROM)
    assert (done.code, "there is no column '3'" in done.err) == (2, True)


def test_cells_of_a_column():
    Path("a.csv").write_text("token,logprob\na,-1\nb,\nc,-3\n", encoding="utf-8")
    assert "a.csv, token 1: has no log-probability" in nll("compute", "a.csv", *FROM).err
    assert followed("a.csv", *FROM) == {"such tokens do not count": 2.0}
    Path("a.csv").write_text("token,logprob\na,-1\nb\n", encoding="utf-8")
    assert "a.csv, line 3: has 1 cell," in nll("compute", "a.csv", *FROM).err
    Path("a.csv").write_text("token,logprob\na,-1\nb,c\n", encoding="utf-8")
    assert "a.csv, line 3: 'c' is not a log-probability" in nll("compute", "a.csv", *FROM).err


@pytest.mark.parametrize("kind", ["npy", "txt"])
def test_numbers_without_targets_may_be_tokens(kind):
    np.save("a.npy", LP) if kind == "npy" else np.savetxt("a.txt", LP)
    [line] = [line for line in tries(nll("compute", f"a.{kind}")) if "--from token-log-probs" in line]
    assert line.endswith("  # each number is the log-probability of the token that occurred")
    assert loss(f"a.{kind}", *FROM) == mean(LP)


def test_arrays_in_memory_with_weights():
    given = np.array(LP).reshape(2, 2)
    weights = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = nllcli.compute(given, source="token-log-probs", sample_weights=weights).loss
    expected = -math.fsum(w * v for w, v in zip(weights.ravel(), LP, strict=True)) / 10
    assert found == pytest.approx(expected, rel=1e-14)


def test_words_are_not_log_probabilities():
    Path("a.txt").write_text("-1.0 -2.0 -3.0\n-1.0 x\n", encoding="utf-8")
    assert "a.txt, line 2: 'x' is not a log-probability" in nll("compute", "a.txt", *FROM).err


@pytest.mark.parametrize("shape", [(4,), (2, 2), (2, 1, 2), (4, 1)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays(shape, order):
    np.save("a.npy", np.array(LP).reshape(shape, order=order))
    assert loss("a.npy", *FROM) == mean(LP)
    done = nll("compute", "a.npy", *FROM, "--reduction", "none", "-f", "json").json
    assert np.array(done["losses"]).shape == shape


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8"])
def test_arrays_of_any_width(dtype):
    values = np.array(LP).astype(dtype)
    np.save("a.npy", values)
    assert loss("a.npy", *FROM) == mean(values.astype(float).tolist())
    Path("a.npy.gz").write_bytes(gzip.compress(Path("a.npy").read_bytes()))
    assert loss("a.npy.gz", *FROM) == mean(values.astype(float).tolist())


def test_rows_filled_up_with_zeros_are_asked_about():
    rows = np.array([[-1.0, -2.0, 0.0, 0.0], [-3.0, 0.0, -4.0, -5.0]])
    np.save("a.npy", rows)
    assert followed("a.npy", *FROM) == {
        "zeros at the ends of rows are padding": mean([-1.0, -2.0, -3.0, 0.0, -4.0, -5.0]),
        "each number is of the token that occurred": mean(rows.ravel().tolist()),
    }
    np.save("a.npy", np.asfortranarray(rows))
    assert len(tries(nll("compute", "a.npy", *FROM))) == 2
    for save_all in (np.savez, np.savez_compressed):
        save_all("a.npz", rows)
        assert (
            "hint: --part all counts them; write NaN for padding, which --unknown drop leaves out"
            in nll("compute", "a.npz", *FROM).err
        )
        save_all("b.npz", rows - 1)
        assert loss("b.npz", *FROM) == mean((rows - 1).ravel().tolist())


def test_rows_of_all_classes_are_asked_about():
    rows = np.log(np.array([[0.25, 0.75], [0.5, 0.5], [0.9, 0.1]]))
    np.save("a.npy", rows)
    np.save("y.npy", [0, 1, 1])
    found = followed("a.npy", *FROM)
    assert found["each number is of the token that occurred"] == mean(rows.ravel().tolist())
    assert "there are no targets" in found["each row is of all classes"].err


def test_a_table_of_several_columns_is_refused():
    feather = pytest.importorskip("pyarrow.feather")
    pa = pytest.importorskip("pyarrow")
    feather.write_feather(pa.table({"a": [-1.0], "b": [-2.0]}), "a.feather")
    assert "has 2 columns; log-probabilities of tokens have one" in nll("compute", "a.feather", *FROM).err
    feather.write_feather(pa.table({"a": LP}), "b.feather")
    assert loss("b.feather", *FROM) == mean(LP)


# --- logs -------------------------------------------------------------------------------------------------------------

RUN = "perplexity: calculating perplexity over 4 chunks\n[1]4.1234,[2]4.9876,[3]5.2211,[4]5.4321,\n"
LN2, LN10 = math.log(2), math.log(10)
KENLM = "a=5 1 -1.5\tb=7 2 -0.5\t</s>=2 3 -0.25\tTotal: -2.25 OOV: 0\n"
SUMMARY = "Perplexity including OOVs:\t{}\nPerplexity excluding OOVs:\t{}\nOOVs:\t{}\nTokens:\t3\n"
SRILM = "a b\n\tp( a | <s> ) \t= [2gram] 0.03 [ -1.5 ]\n\tp( </s> | a ...) \t= [1gram] 0.1 [ -1 ]\n1 sentences\n"
TOTALS = "file a: 2 sentences, 9 words, 1 OOVs\n0 zeroprobs, logprob= -20 ppl= 99 ppl1= 999\n"
LOGS = {
    "final estimate": (RUN + "\nFinal estimate: PPL = 5.4321 +/- 0.12345\n", math.log(5.4321)),
    "final estimate alone": ("Final estimate: PPL = 5.4321\n", math.log(5.4321)),
    "divergence": ("Mean PPL(Q)                   :   6.407500 ±   0.039119\n", math.log(6.4075)),
    "bits": ("2024 | INFO | Loss (base 2): 4.2500, Perplexity: 19.03\n", 4.25 * LN2),
    "hypotheses": ("S-0\ta\nH-0\t-0.5\tb\nP-0\t-0.5000 -0.2500\r\nP-2\t-1.0000\nNOTE: base 2\n", 1.75 / 3 * LN2),
    "words": (KENLM * 2, 0.75 * LN10),
    "perplexities": (SUMMARY.format(12.5, 12.5, 0), math.log(12.5)),
    "any perplexity": ("model x\nTest perplexity: 12.25 ± 0.5\n", math.log(12.25)),
    "sentences": ("Total: -5.25 OOV: 0\n" + SUMMARY.format(12.5, 12.5, 0), math.log(12.5)),
    "brackets": (SRILM, 1.25 * LN10),
    "totals": (TOTALS, 2 * LN10),
}


@pytest.mark.parametrize(("text", "expected"), LOGS.values(), ids=LOGS)
def test_logs(text, expected):
    Path("a.log").write_text(text, encoding="utf-8")
    assert loss("a.log", *FROM) == pytest.approx(expected, rel=1e-14)
    assert tries(nll("compute", "a.log", "-q")) == ["nll compute a.log -q --from token-log-probs"]
    assert "note: a.log: " in nll("compute", "a.log", *FROM).err


def test_a_rounded_perplexity_says_how_well_it_is_known():
    Path("a.log").write_text(LOGS["final estimate"][0], encoding="utf-8")
    err = nll("compute", "a.log", *FROM).err
    assert "holds the perplexity 5.4321, rounded" in err
    assert "known to 9e-06 nats, with a standard error of 0.02273" in err
    Path("a.log").write_text(LOGS["bits"][0], encoding="utf-8")
    assert "holds a loss of 4.2500 bits, rounded" in nll("compute", "a.log", *FROM).err
    Path("a.log").write_text(TOTALS, encoding="utf-8")
    assert "; 1 words outside the vocabulary" in nll("compute", "a.log", *FROM).err
    Path("a.log").write_text(TOTALS.replace("1 OOVs", "0 OOVs"), encoding="utf-8")
    assert "outside the vocabulary" not in nll("compute", "a.log", *FROM).err


def test_a_run_that_did_not_end():
    Path("a.log").write_text(RUN, encoding="utf-8")
    meaning = "the perplexity of the 4 chunks that were done"
    assert followed("a.log", *FROM) == {meaning: pytest.approx(math.log(5.4321), rel=1e-14)}
    assert followed("a.log") == followed("a.log", *FROM)


def test_several_runs_in_one_log():
    Path("a.log").write_text("Final estimate: PPL = 5.5\nFinal estimate: PPL = 6.5 +/- 0.1\n", encoding="utf-8")
    expected = {"the number 1": pytest.approx(math.log(5.5)), "the last": pytest.approx(math.log(6.5))}
    assert followed("a.log", *FROM) == expected


def test_two_perplexities_of_one_text():
    Path("a.log").write_text(SUMMARY.format(50.5, 40.25, 2), encoding="utf-8")
    expected = {"with them": pytest.approx(math.log(50.5)), "without them": pytest.approx(math.log(40.25))}
    assert followed("a.log") == expected


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=5 1 -1.5\tb=0 1 -3.5\t</s>=2 1 -0.25\tTotal: -5.25 OOV: 1\n", [-1.5, -3.5, -0.25]),
        (SRILM.replace("0.03 [ -1.5 ]", "0 [ -inf ]"), [-math.inf, -1.0]),
    ],
    ids=["a number", "-inf"],
)
def test_words_outside_the_vocabulary_are_asked_about(text, values):
    Path("a.log").write_text(text, encoding="utf-8")
    outside = [v for v in values if v not in (-3.5, -math.inf)]
    assert followed("a.log", *FROM) == {
        "words outside the vocabulary do not count": mean(outside, LN10),
        "they count, with what the model gives them": mean(values, LN10),
    }


def test_several_hypotheses_of_one_sentence():
    Path("a.log").write_text("P-0\t-1.0000\nP-0\t-2.0000\nP-1\t-4.0000\nbase 2\n", encoding="utf-8")
    assert followed("a.log", *FROM) == {
        "the first of each sentence": mean([-1.0, -4.0], LN2),
        "all of them": mean([-1.0, -2.0, -4.0], LN2),
    }


def test_scores_of_an_old_version_may_be_natural():
    Path("a.log").write_text("| [de] dictionary\nP-0\t-1.0000 -2.0000\nP-1\t-4.0000\n", encoding="utf-8")
    assert followed("a.log", *FROM) == {
        "scores are to base 2": mean([-1.0, -2.0, -4.0], LN2),
        "scores are natural logarithms": mean([-1.0, -2.0, -4.0]),
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("perplexity: tokenizing the input ..\n", "holds neither a perplexity nor log-probabilities"),
        ("Final estimate: PPL = nan\n", "'nan' is not a perplexity"),
        ("Final estimate: PPL = x\n", "'x' is not a perplexity"),
        ("Final estimate: PPL = 0.5\n", "'0.5' is not a perplexity"),
        ("P-0\t-1.0 x\n", "a.log, line 1: 'x' is not a number"),
        ("Total: -5.25 OOV: 0\n", "holds sums over sentences, not how many words they have"),
        ("Perplexity including OOVs:\t12\n", "is cut short: it has no perplexity"),
        (TOTALS.replace("9 words", "0 words").replace("2 sent", "1 sent"), "has no words that count"),
    ],
)
def test_logs_that_hold_nothing(text, told):
    Path("a.log").write_text(text, encoding="utf-8")
    for words in (FROM, ()):
        done = nll("compute", "a.log", *words)
        assert (done.code in (2, 3), told in done.err) == (True, True), done.err


# --- what is refused --------------------------------------------------------------------------------------------------


def test_failed_requests_of_a_batch():
    failed = {"custom_id": "q-2", "response": None, "error": {"message": "too long"}}
    done = {"custom_id": "q-1", "response": {"status_code": 200, "body": chat(LP)}, "error": None}
    name = save("a.jsonl", done, failed)
    assert "a.jsonl, line 2: request 'q-2' failed: 'too long'" in nll("compute", name, *FROM).err
    assert followed(name, *FROM) == {"the requests that succeeded": mean(LP)}
    assert followed(name) == followed(name, *FROM)
    body = {"custom_id": "q", "response": {"status_code": 400, "body": {"error": "bad"}}}
    assert "request 'q' failed: 'bad'" in nll("compute", save("b.jsonl", body, done), *FROM).err
    body = {"custom_id": "q", "response": {"status_code": 500, "body": {}}}
    assert "request 'q' failed: 'it has no answer'" in nll("compute", save("c.jsonl", body, done), *FROM).err


def test_documents_are_asked_per_what():
    documents = [
        {
            "doc_id": i,
            "doc": {},
            "resps": [[str(v)]],
            "filter": f,
            "word_perplexity": [v, w],
            "bits_per_byte": [v, 5 * w],
        }
        for f in ("none", "x")
        for i, (v, w) in enumerate([(-250.5, 60), (-80.25, 20)])
    ]
    name = save("a.jsonl", *documents)
    expected = {
        "the loss per document": pytest.approx(330.75 / 2, rel=1e-14),
        "the loss per word": pytest.approx(330.75 / 80, rel=1e-14),
        "the loss per byte": pytest.approx(330.75 / 400, rel=1e-14),
    }
    assert followed(name, *FROM) == expected
    assert followed(name) == expected
    assert loss(save("b.json", [documents[0]]), *FROM) == 250.5


def test_perplexities_of_texts():
    name = save("a.json", {"perplexities": [8.0, 32.0], "mean_perplexity": 20.0})
    expected = {"the mean over texts, not tokens": pytest.approx((math.log(8) + math.log(32)) / 2, rel=1e-14)}
    assert followed(name, *FROM) == expected
    assert followed(name) == expected


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"choices": [{"text": "x", "logprobs": None}]}, "has no log-probabilities"),
        ({"choices": [{"logprobs": {"content": []}}]}, "holds no log-probabilities"),
        ({"choices": [{"logprobs": {"token_logprobs": [None]}}]}, "holds no log-probabilities"),
        ({"choices": [{"logprobs": {"token_logprobs": "x"}}]}, "is not a list of log-probabilities"),
        ({"token_logprobs": ["x"]}, "token 0: '\"x\"' is not a log-probability"),
        ({"token_logprobs": [True]}, "token 0: 'true' is not a log-probability"),
        ({"token_logprobs": [[]]}, "token 0: '[]' is not a log-probability"),
        ({"completion_probabilities": [{"content": " a", "probs": []}]}, "holds a probability after sampling"),
        ({"prompt_logprobs": [None, {"1": {"logprob": -1}, "2": {"logprob": -2}}]}, "token 1: lists 2 tokens"),
        (
            {"prompt_logprobs": [None, {"1": {"logprob": -1}, "2": {"logprob": -2}}], "prompt_token_ids": [0, 3]},
            "token 1: has no log-probability of token 3",
        ),
        ({"doc_id": 0, "doc": {}, "resps": [["some text"]]}, "'some text' is generated text"),
        ({"doc_id": 0, "doc": {}, "resps": []}, "'[]' is generated text"),
        ({"perplexity": 3.0}, "has none of the keys"),
    ],
)
def test_json_that_holds_nothing(value, told):
    done = nll("compute", save("a.json", value), *FROM)
    assert (done.code, told in done.err) == (3, True), done.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"token_logprobs": [-1.0]}\n{"token_logprobs": [-1.0,\n', "a.jsonl, line 3: is not valid JSON"),
        ("[" * 100000, "a.jsonl, line 1: cannot be read"),
        (" \n", "is empty"),
        ('{"token_logprobs": [1' + "0" * 5000 + "]}", "cannot be read"),
    ],
)
def test_json_that_is_damaged(text, told):
    Path("a.jsonl").write_text(text, encoding="utf-8")
    done = nll("compute", "a.jsonl", *FROM)
    assert (done.code, told in done.err) == (3, True), done.err


def test_a_document_that_differs_between_filters():
    records = [{"doc_id": 0, "doc": {}, "resps": [[v]], "filter": "x"} for v in (-1.0, -2.0)]
    assert "document '0' is there twice, and differs" in nll("compute", save("a.jsonl", *records), *FROM).err


@pytest.mark.parametrize(
    "text",
    [
        '{"logits": [1, 2], "target": 0, "logprob": -1}\n',
        '{"logits": [1, 2], "target": 0, "text": "logprobs"}\n',
        "1,2\n",
    ],
)
def test_logits_stay_logits(text):
    Path("a.jsonl" if "{" in text else "a.csv").write_text(text, encoding="utf-8")
    done = nll("compute", "a.jsonl" if "{" in text else "a.csv", "--loss", "argmax", "-q")
    assert float(done.out) == pytest.approx(math.log1p(math.exp(-1)), rel=1e-14)


@pytest.mark.parametrize("text", ['{"prob": "logprob"}\n', '{"logprob"\n', "[null]\n"])
def test_what_is_no_shape_is_left_to_the_reader_of_logits(text):
    Path("a.jsonl").write_text(text, encoding="utf-8")
    done = nll("compute", "a.jsonl", "--loss", "argmax")
    assert "token" not in done.err + done.out
    assert [line for line in tries(done) if "--missing ignore" not in line] == []


# --- choices of questions ---------------------------------------------------------------------------------------------

ROWS = [[-11.5, -8.25, -6.75, -14.0], [-3.0, -2.0, -1.0, -2.5], [-1.0, -4.0, -2.0, -3.0]]


def question(i, row, target, **more):
    return {
        "doc_id": i,
        "doc": {"q": i},
        "target": target,
        "arguments": {f"gen_args_{k}": {"arg_0": "Q", "arg_1": f" text{k}"} for k in range(len(row))},
        "resps": [[[str(value), "False"]] for value in row],
        "filtered_resps": [[str(value), "False"] for value in row],
        **more,
    }


def cross_entropy(rows, targets):
    losses = [math.log(math.fsum(math.exp(b - row[y]) for b in row)) for row, y in zip(rows, targets, strict=True)]
    return pytest.approx(math.fsum(losses) / len(losses), rel=1e-13)


def test_choices_are_logits_with_targets():
    name = save(
        "samples_a.jsonl", *(question(i, row, str(y)) for i, (row, y) in enumerate(zip(ROWS, (0, 3, 2), strict=True)))
    )
    done = nll("compute", name, "-f", "json")
    assert done.json["loss"] == cross_entropy(ROWS, (0, 3, 2))
    assert (done.json["n_classes"], done.json["n_samples"], done.json["accuracy"]) == (4, 3, 0)
    assert followed(name, *FROM) == {"": cross_entropy(ROWS, (0, 3, 2))}
    assert loss(name, "--temperature", "2") == cross_entropy([[v / 2 for v in row] for row in ROWS], (0, 3, 2))


def test_choices_that_filters_repeat_or_texts_name():
    records = [question(i, row, f" text{i}", filter=f) for f in ("none", "x") for i, row in enumerate(ROWS)]
    assert loss(save("a.jsonl", *records)) == cross_entropy(ROWS, (0, 1, 2))
    records[0]["arguments"] = [["Q", " text0"], ["Q", " text1"]]
    assert loss(save("b.jsonl", *records[:3])) == cross_entropy(ROWS, (0, 1, 2))


def numbered(i, row, target, **more):
    """A question whose choices are numbers, each of which is the text of another one."""
    return question(i, row, target, arguments=[["Q", str(k)] for k in (1, 2, 3, 0)], **more)


def test_a_target_that_is_a_number_and_a_text_is_asked_about():
    name = save("a.jsonl", *(numbered(i, row, str(y)) for i, (row, y) in enumerate(zip(ROWS, (0, 3, 2), strict=True))))
    assert followed(name) == {
        "target 0 is choice 0 counted from 0": cross_entropy(ROWS, (0, 3, 2)),
        "target 0 is the choice with that text": cross_entropy(ROWS, (3, 2, 1)),
    }


@pytest.mark.parametrize(("acc", "expected"), [((0, 0, 0), (0, 3, 2)), ((0, 1, 0), (3, 2, 1))])
def test_the_accuracy_of_a_file_tells_what_its_targets_are(acc, expected):
    targets = zip(ROWS, (0, 3, 2), acc, strict=True)
    name = save("a.jsonl", *(numbered(i, row, str(y), acc=a) for i, (row, y, a) in enumerate(targets)))
    assert loss(name) == cross_entropy(ROWS, expected)


def test_targets_of_one_file_are_all_numbers_or_all_texts():
    records = [numbered(0, ROWS[0], "0"), question(1, ROWS[1], "3"), numbered(2, ROWS[2], "2")]
    assert loss(save("a.jsonl", *records)) == cross_entropy(ROWS, (0, 3, 2))
    done = nll("compute", save("b.jsonl", question(0, ROWS[0], "3"), question(1, ROWS[1], "text1")))
    assert (done.code, "some are numbers of choices, and others texts" in done.err) == (3, True)
    done = nll("compute", "a.jsonl", "--targets-are", "names")
    assert (done.code, "line 2: target '3' is not the text of one" in done.err) == (3, True)


def test_choices_of_other_numbers_are_filled_up():
    rows = [ROWS[0], ROWS[1][:3], ROWS[2][:2]]
    done = nll("compute", save("a.jsonl", *(question(i, row, 1) for i, row in enumerate(rows))), "-q")
    assert float(done.out) == cross_entropy(rows, (1, 1, 1))
    assert "2 questions of 3 with fewer than 4 choices" in done.err


def test_choices_with_mutual_information():
    records = [question(i, row + [-1.0] * 4, 2, acc_mutual_info=1.0) for i, row in enumerate(ROWS)]
    assert loss(save("a.jsonl", *records)) == cross_entropy(ROWS, (2, 2, 2))


@pytest.mark.parametrize(
    ("records", "told"),
    [
        (
            [question(0, ROWS[0], "[0, 1]")],
            "line 2: target '[0, 1]' is neither a choice from 0 to 3 nor the text of one",
        ),
        ([question(0, ROWS[0], 4)], "target '4' is neither"),
        ([question(0, ROWS[0], "a", arguments=None)], "target 'a' is neither"),
        ([question(0, ROWS[0], "a", arguments=[["x"], "y"])], "target 'a' is neither"),
        ([question(0, ROWS[0], True)], "target 'True' is neither"),
        ([question(0, ROWS[0][:1], 0)], "line 2: has no log-likelihoods of several choices"),
        ([question(0, ROWS[0], 0, resps=[["x"], ["y"]])], "line 2, choice 0: 'x' is not a log-likelihood"),
        ([question(0, ROWS[0], 0, resps=[[True], ["y"]])], "choice 0: 'True' is not a log-likelihood"),
        ([question(0, ROWS[0], 2, acc=0.0)], "acc is 0, but the most likely choice is target 2"),
        ([question(0, ROWS[0], 1, acc=1.0)], "acc is 1, but the most likely choice is not target 1"),
        ([question(0, ROWS[0], 2, acc=1.0), question(1, ROWS[0], 0, acc=0)] * 2 + [5], "has no log-likelihoods of"),
        ([5], "has no log-likelihoods of several choices"),
    ],
)
def test_choices_that_cannot_be_scored(records, told):
    done = nll("compute", save("a.jsonl", question(9, ROWS[1], 0), *records))
    assert (done.code, told in done.err) == (3, True), done.err


def test_a_choice_without_a_number_is_named_by_its_line():
    done = nll("compute", save("a.jsonl", question(0, ROWS[0], 0), question(1, [-1.0, math.nan], 0)))
    assert done.err.startswith("nll: note: ") or "a.jsonl, line 2: class 1 is NaN" in done.err
    assert "a.jsonl, line 2: class 1 is NaN" in done.err
    done = nll("compute", save("b.json", question(0, [-1.0, math.nan], 0)))
    assert "b.json, row 0: class 1 is NaN" in done.err


def test_a_source_of_tokens_is_like_the_one_inside():
    tokens = tokens_of(np.array(LP, np.float32)).logits
    assert (tokens.dtype, tokens.n_bytes, tokens.class_names) == (np.float32, 16, None)


@pytest.mark.parametrize(
    "value",
    [
        {"choices": [5]},
        {
            "choices": [{"logprobs": {"token_logprobs": [None, -1.0]}}] * 2,
            "usage": {"prompt_tokens": "x", "completion_tokens": 2},
        },
        {"details": {"tokens": 5}},
        {"meta_info": {"input_token_logprobs": 5}, "choices": [None]},
        {"request_states": [{"result": 5}]},
        {"token_logprobs": [10**400]},
        {"candidates": [{"logprobsResult": 5}]},
        {"doc_id": 0, "doc": {}, "resps": 5},
        question(0, ROWS[0], "a", arguments=5),
    ],
    ids=range(9),
)
@pytest.mark.parametrize("words", [FROM, ()], ids=["from", "plain"])
def test_something_else_under_the_keys_of_a_shape(value, words):
    done = nll("compute", save("a.json", value), *words)
    assert done.code in (2, 3), done.err
    assert done.err.startswith("nll: error: a.json")


def test_envelopes_in_envelopes():
    value = chat(LP)
    for _ in range(300):
        value = {"response": value}
    done = nll("compute", save("a.json", value), *FROM)
    assert done.code in (0, 3)


@pytest.mark.parametrize("n", [100, 70_000, 1_100_000])
def test_a_long_first_value(n):
    name = save("a.json", chat(LP) | {"prompt": "x" * n})
    assert followed(name) == {"": mean(LP)}


@pytest.mark.parametrize(
    "record",
    [
        {"log_probs": [-0.7, -0.7], "label": 1},
        {"logprobs": [], "label": 1},
        {"choices": ["a", "b"], "logprob": [-0.7, -0.7], "answer": 1},
        {"candidates": [{"name": "a", "logprob": -0.7}], "label": 1},
    ],
)
def test_records_of_classes_are_left_to_the_reader_of_logits(record):
    done = nll("compute", save("a.jsonl", record, record), "--from", "log-probs")
    assert "token" not in done.err


def test_lists_of_all_classes_are_asked_about():
    rows = [[-math.log(4), math.log(0.75)], [-math.log(2), -math.log(2)]]
    name = save("a.jsonl", *({"token_logprobs": row} for row in rows))
    found = followed(name, *FROM)
    assert found["each number is of the token that occurred"] == mean([v for row in rows for v in row])
    assert "each row is of all classes" in found
    name = save("b.jsonl", {"token_logprobs": [-1.0, 0.0]}, {"token_logprobs": [-1.0, -2.0]})
    assert "hint: --part all counts them" in nll("compute", name, *FROM).err
    assert loss(name, *FROM, "--part", "all") == 1.0


@pytest.mark.parametrize("words", [FROM, ()], ids=["from", "plain"])
def test_remedies_in_which_others_read_the_file_need_a_plain_one(words):
    text = b"P-0\t-1.0000\nP-0\t-2.0000\nbase 2\n"
    Path("a.log.gz").write_bytes(gzip.compress(text))
    done = nll("compute", "a.log.gz", *words)
    assert tries(done) == []
    assert "hint: save what is in it to a file, for which a command can be told" in done.err
    command = [sys.executable, "-m", "nllcli", "compute", "-", *words]
    root = str(Path(nllcli.__file__).parents[1])
    env = os.environ | {"PYTHONPATH": root}
    ran = subprocess.run(command, input=text.decode(), env=env, capture_output=True, text=True, check=False)
    assert "hint: save what is in it to a file" in ran.stderr
    Path("b.log.gz").write_bytes(gzip.compress(RUN.encode()))
    meaning = "the perplexity of the 4 chunks that were done"
    assert followed("b.log.gz", *words) == {meaning: pytest.approx(math.log(5.4321), rel=1e-14)}


def test_lists_of_the_most_likely_tokens_are_not_texts():
    name = save("a.json", {"tokens": TOKENS[:2], "logprobs": [[-1.0, -2.0, -3.0], [-0.5, -2.0, -4.0]]})
    done = nll("compute", name, *FROM)
    assert done.code == 3
    assert "token 0: '[-1.0, -2.0, -3.0]' is not a log-probability" in done.err


SEVERAL = {
    "of no part": {"logprobs": LP[:2], "token_logprobs": LP[2:]},
    "of one part": {"prompt_logprobs": [None, *LP[:2]], "input_token_logprobs": [None, *LP[2:]]},
    "of a part and of none": {"completion_logprobs": LP[:2], "logprobs": LP[2:]},
}


@pytest.mark.parametrize("value", SEVERAL.values(), ids=SEVERAL)
def test_several_lists_are_asked_about(value):
    found = followed(save("a.jsonl", value, value), *FROM)
    expected = (mean(LP[:2]), mean(LP[2:]))
    assert found == {f"those of {name}": number for name, number in zip(value, expected, strict=True)}
    assert found == followed("a.jsonl")
    save("a.json", [value])
    assert found == followed("a.json", *FROM)


def test_no_list_of_standard_input_can_be_named(monkeypatch):
    with Path(save("a.json", SEVERAL["of no part"])).open() as file:
        monkeypatch.setattr("sys.stdin", file)
        done = nll("compute", "-", *FROM)
    assert tries(done) == []
    assert "hint: save what is in it to a file" in done.err
    Path("a.json.gz").write_bytes(gzip.compress(Path("a.json").read_bytes()))
    assert list(followed("a.json.gz", *FROM).values()) == [mean(LP[:2]), mean(LP[2:])]


def test_a_key_that_is_named_has_to_be_there():
    done = nll("compute", f"{save('a.jsonl', {'logprobs': LP}, [LP])}:logprobs", *FROM)
    assert (done.code, "line 2: has no key 'logprobs'" in done.err) == (2, True)


def test_an_answer_has_its_log_probabilities_once():
    name = save("a.json", {"choices": [{"logprobs": {"token_logprobs": LP, "content": ENTRIES}}]})
    done = nll("compute", name, *FROM)
    assert (done.code, "under several keys: content, token_logprobs" in done.err) == (3, True)


def test_a_key_of_an_answer_occurs_once():
    Path("a.json").write_text('{"logprobs": [-1.0], "logprobs": [-2.0]}')
    done = nll("compute", "a.json", *FROM)
    assert (done.code, "a name occurs twice" in done.err) == (3, True)


NUMBERS = {
    "  eval_loss = 9.8e-05\n  perplexity = 1.0001\n": 9.8e-05,
    "  eval_loss = 1e-05\n  perplexity = 1.0\n": 1e-05,
    "Loss (base 2): 2.5e-01, Perplexity: 1.19\n": 0.25 * math.log(2),
    "perplexity: 1.2e+05 +/- 1.5e+02\n": math.log(1.2e5),
    "Mean PPL(Q)                   :   1.25e+02 ± 2.0\n": math.log(125),
}


@pytest.mark.parametrize(("text", "expected"), NUMBERS.items())
def test_numbers_of_a_log_have_exponents(text, expected):
    Path("a.log").write_text(text)
    assert loss("a.log", *FROM) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("text", ["perplexity: 12.5%\n", "perplexity: 1.5.2\n", "perplexity: 1.5x\n"])
def test_what_begins_with_a_number_is_not_one(text):
    Path("a.log").write_text(text)
    assert nll("compute", "a.log", *FROM).code == 3


def test_a_table_of_patients_is_not_a_log():
    Path("a.tsv").write_text("".join(f"P-{i}\t{a}\t{b}\n" for i, (a, b) in enumerate([(-1.5, 0.5), (0.25, -2.0)])))
    done = nll("compute", "a.tsv", "--columns", "2-3")
    assert "hypotheses" not in done.err
    Path("y.txt").write_text("0\n1\n")
    assert loss("a.tsv", "y.txt", "--columns", "2-3") == cross_entropy([[-1.5, 0.5], [0.25, -2.0]], (0, 1))


def test_a_byte_order_mark_is_left_out():
    mark = b"\xef\xbb\xbf"
    Path("a.json").write_bytes(mark + json.dumps({"perplexities": [8.0, 32.0], "mean_perplexity": 20.0}).encode())
    [number] = followed("a.json", *FROM).values()
    assert number == mean([-math.log(8), -math.log(32)])
    failed = {"custom_id": "b", "response": None, "error": {"message": "too long"}}
    done = {"custom_id": "a", "response": {"status_code": 200, "body": chat(LP)}, "error": None}
    Path("b.jsonl").write_bytes(mark + "".join(json.dumps(line) + "\n" for line in (done, failed)).encode())
    assert list(followed("b.jsonl", *FROM).values()) == [mean(LP)]
