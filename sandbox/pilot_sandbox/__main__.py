"""`python -m pilot_sandbox`: start, end and show sandboxes, and run the demo."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
