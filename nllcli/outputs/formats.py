"""The table of output formats: each turns a report into text that ends in a newline."""

from nllcli.registry import Registry

FORMATS = Registry(
    "format",
    {
        "table": "nllcli.outputs.table:render",
        "json": "nllcli.outputs.json_text:render",
        "csv": "nllcli.outputs.delimited:render_csv",
        "tsv": "nllcli.outputs.delimited:render_tsv",
        "markdown": "nllcli.outputs.markdown:render",
    },
)
