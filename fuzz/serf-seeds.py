#!/usr/bin/env python3
"""Writes the vectors of the Serf dialect as seeds: serf-seeds.py fuzz/corpus/serf."""
import pathlib
import sys

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
vectors = pathlib.Path(__file__).resolve().parent.parent / "crates/dialects/serf/vectors"
for name in ("research", "plain", "uncompressed", "encrypted", "head", "rpc"):
    for number, line in enumerate((vectors / f"{name}.txt").read_text().splitlines()):
        if line and not line.startswith("#"):
            (out / f"{name}-{number}").write_bytes(bytes.fromhex(line.partition(" ")[2]))
