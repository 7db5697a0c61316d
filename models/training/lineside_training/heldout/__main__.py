"""`python -m lineside_training.heldout make DIR`: writes the held-out sets; says whether they are the frozen ones."""

import argparse
import sys
from pathlib import Path

from .frozen import digest, frozen, write
from .sets import SETS


def main() -> int:
    parser = argparse.ArgumentParser(prog="lineside_training.heldout", description=__doc__)
    parser.add_argument("verb", choices=["make"])
    parser.add_argument("dir", type=Path)
    parser.add_argument("--only", choices=sorted(SETS), action="append")
    args = parser.parse_args()
    args.dir.mkdir(parents=True, exist_ok=True)
    same = True
    for name, entry in frozen().items():
        if args.only and name not in args.only:
            continue
        path = args.dir / f"{name}.jsonl"
        write(name, entry["seed"], entry["count"], path)
        same &= (found := digest(path)) == entry["sha256"]
        print(f"{name}: {entry['count']} cases, {found}{'' if found == entry['sha256'] else ' NOT the frozen set'}")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
