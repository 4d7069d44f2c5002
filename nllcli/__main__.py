"""python -m nllcli is nll."""

from nllcli.cli.main import run

if __name__ == "__main__":
    run()
