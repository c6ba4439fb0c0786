"""Python run in a second process, for tests of what one process does to another."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

AS_NOBODY = """
import os, sys
os.chdir(sys.argv[1])
if os.geteuid() == 0:  # root may write everywhere
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
"""
"""Opens a script that must not be able to write where others may not; after its imports."""


def run_python(script: str, *arguments: object, check: bool = True) -> str:
    """Run a script to its end and return what it printed."""
    ended = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=check,
        timeout=120,
    )
    return ended.stdout


def start_python(script: str, *arguments: object) -> "subprocess.Popen[str]":
    """Start a script with pipes to and from it."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
