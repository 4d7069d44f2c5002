from dataclasses import replace

from rendered import markdown as render

from nllcli.errors import Notice

EXPECTED = """\
## Cross-entropy of logits.csv

| metric | value | note |
| --- | ---: | --- |
| loss | **0.3623 nats** | mean of 3 samples |
| perplexity | 1.4366 |  |
| accuracy | 66.7 % | 2 of 3 |
| samples | 1,201 |  |
| standard error |  |  |

### Per class

| class | samples | mean loss (nats) | accuracy |
| --- | ---: | ---: | ---: |
| cat | 1 | 0.4170 | 100.0 % |
| dog | 1,200 | 0.2519 | 25.0 % |
| horse | 0 |  |  |

A class without samples has no mean.

### Warnings

- looks odd

`nll|loss:nll|reduction:mean`
"""


def test_whole_page(report):
    assert render(replace(report, tables=report.tables[:1])) == EXPECTED


def test_without_notes_there_is_no_column_for_them(report):
    text = render(replace(report, metrics=report.metrics[2:3], tables=(), warnings=()))
    assert "| metric | value |\n| --- | ---: |\n| perplexity | 1.4366 |\n" in text


def test_names_from_outside_are_escaped(report):
    table = replace(report.tables[1], rows=[[0, "a|b*c*\n<script>`", 0.5, 0.25]])
    text = render(replace(report, tables=(table,), signature="a`b", warnings=(Notice("x", "*odd*"),)))
    assert r"| 0 | a\|b\*c\*\\n\<script\>\` | 0.5 | 0.2500 |" in text
    assert text.endswith("`` a`b ``\n")
    assert r"- \*odd\*" in text


def test_a_table_without_a_title_has_no_heading(report):
    text = render(replace(report, metrics=(), tables=(replace(report.tables[0], title=""),), warnings=()))
    assert "###" not in text
    assert "\n\n| class" in text
