"""Run the benchmarks, each in a process of its own.

python -m benchmarks                   # all of them
python -m benchmarks recurrent mfcc
python -m benchmarks --list
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from pathlib import Path

SCRIPTS = {path.stem: path for path in sorted(Path(__file__).parent.glob("[!_]*.py"))}


def main() -> int:
    """Run the named ones, or list them with their first lines; 1 when any has failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run the benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCRIPTS))
    parser.add_argument("--list", action="store_true", help="say what there is, run nothing")
    arguments = parser.parse_args()
    names = arguments.names or list(SCRIPTS)
    if unknown := set(names) - SCRIPTS.keys():
        parser.error(f"no benchmark {sorted(unknown)[0]!r}, expected one of {', '.join(SCRIPTS)}")
    if arguments.list:
        print("\n".join(f"{name}: {summary(name)}" for name in names))
        return 0
    return max(run(name) for name in names)


def summary(name: str) -> str:
    """The first line of a benchmark's docstring."""
    tree = ast.parse(SCRIPTS[name].read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0]


def run(name: str) -> int:
    """Run a benchmark with its defaults; 0 when it went well, else 1."""
    print(f"== {name}", flush=True)
    return int(subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
