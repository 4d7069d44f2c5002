"""python -m nllcli is nll."""

import sys

from nllcli.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
