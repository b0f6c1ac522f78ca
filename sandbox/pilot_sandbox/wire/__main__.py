"""Runs the fault proxy with the tap in it: `python -m pilot_sandbox.wire --port PORT --upstream URL`."""

import argparse

from aiohttp import web
from microburst.app import make_app
from microburst.core.pipeline import Microburst

from .tap import Tap


def main() -> None:
    """Serve on 127.0.0.1 until told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", required=True)
    arguments = parser.parse_args()
    # The emulator checks no signatures; signing anew would only cost time.
    proxy = Microburst(arguments.upstream, resign=False)
    tap = Tap(proxy, arguments.port)
    app = make_app(proxy)
    app.middlewares.append(tap.middleware)
    app.on_startup.append(tap.watch_answers)
    web.run_app(app, host="127.0.0.1", port=arguments.port, print=None)


if __name__ == "__main__":
    main()
