#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An installed copy: programs, chain files and documents in the usual places, and the programs
find the files that were installed with them, not those of the source tree."""
import os
import pathlib
import re
import subprocess

import framework
from framework import BIN, expect_equal, expect_in, free_port, run


def installed_programs_use_the_installed_files(test):
    prefix = os.path.join(test.directory, "usr")
    subprocess.run(["cmake", "--install", os.path.dirname(BIN), "--prefix", prefix], check=True,
                   stdout=subprocess.DEVNULL)
    for path in ("share/cairn/genesis.json", "share/cairn/genesis/bitcoin-mainnet.json",
                 "share/doc/cairn/docs/rpc.md"):
        assert os.path.isfile(os.path.join(prefix, path)), f"{path} is not installed"
    documents = pathlib.Path(prefix, "share/doc/cairn")
    links = [(document.parent / link, document.name) for document in documents.rglob("*.md")
             for link in re.findall(r"\]\(([^):#]+\.md)", document.read_text(encoding="utf-8"))]
    missing = [link for link in links if not link[0].is_file()]
    expect_equal((len(links) > 10, missing), (True, []), "documents that others link to")

    framework.CAIRND, framework.CAIRN = (os.path.join(prefix, "bin", name)
                                         for name in ("cairnd", "cairn"))
    node = test.node(chain="regtest")
    with open(os.path.join(node.chain_directory, "debug.log"), encoding="utf-8") as file:
        expect_in(f"chain_file={prefix}/share/cairn/genesis/bitcoin-regtest.json", file.read())
    expect_in("regtest", node.cairn("status"))
    expect_equal(node.stop(), 0, "exit code")

    directory = os.path.join(test.directory, "devnet")
    expect_in("Block on all nodes",
              test.cairn("devnet", "up", "--once", "--dir", directory, "--base-port",
                         str(free_port(in_a_row=6))))


if __name__ == "__main__":
    run(installed_programs_use_the_installed_files)
