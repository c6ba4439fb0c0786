"""A folder of .html and .html.gz files into pages on loopback, for as long as a command runs.

    python benchmarks/serve_pages.py FOLDER [--port 8765] -- COMMAND [ARGUMENT ...]

The server listens on 127.0.0.1 alone and ends with the command, whose exit code it passes on.
"""

import argparse
import gzip
import subprocess
import sys
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class PageHandler(BaseHTTPRequestHandler):
    """Answer `/<name>.html` with that file of the folder, unpacked where it is packed."""

    def __init__(self, folder: Path, *arguments: object) -> None:
        self.folder = folder
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Send a page, or 404."""
        name = Path(self.path).name
        for path in (self.folder / name, self.folder / f"{name}.gz"):
            if path.is_file():
                content = path.read_bytes()
                page = gzip.decompress(content) if path.suffix == ".gz" else content
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)
                return
        self.send_error(404)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing; the command speaks."""


def serve(folder: Path, port: int) -> ThreadingHTTPServer:
    """Start serving a folder in a thread; port 0 takes a free one."""
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(PageHandler, folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    """Serve while the command runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    server = serve(arguments.folder, arguments.port)
    try:
        code = subprocess.run(arguments.command, check=False).returncode
    finally:
        server.shutdown()
    sys.exit(code)


if __name__ == "__main__":
    main()
