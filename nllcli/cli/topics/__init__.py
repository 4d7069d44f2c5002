"""What ``nll help TOPIC`` says: one small file a topic, in plain text of 80 columns."""

from nllcli.registry import Registry

TOPICS = Registry(
    "topic",
    {
        "inputs": "nllcli.cli.topics.inputs:text",
        "conventions": "nllcli.cli.topics.conventions:text",
        "comparing": "nllcli.cli.topics.comparing:text",
        "calibrating": "nllcli.cli.topics.calibrating:text",
        "reconciling": "nllcli.cli.topics.reconciling:text",
        "pictures": "nllcli.cli.topics.pictures:text",
        "workers": "nllcli.cli.topics.workers:text",
        "exit-codes": "nllcli.cli.topics.exit_codes:text",
    },
)
