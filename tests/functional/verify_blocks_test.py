#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""verify_blocks says yes to real blocks, and to broken ones no: which, and why."""
import os
import shutil
import subprocess
import sys

from framework import BIN, PATIENCE, ROOT, expect_equal, expect_in, run

VECTORS = os.environ.get("TEST_VECTORS", os.path.join(ROOT, "..", "shared", "vectors"))
BLOCKS = os.path.join(VECTORS, "blocks", "testnet3")
CHAIN = os.path.join(ROOT, "genesis", "bitcoin-testnet3.json")
BLOCK = "block928828"


def verify(*arguments):
    """(exit code, what it prints)."""
    done = subprocess.run([os.path.join(BIN, "verify_blocks"), *arguments], capture_output=True,
                          text=True, timeout=PATIENCE, check=False)
    return done.returncode, done.stdout + done.stderr


def real_blocks_are_valid(_):
    code, text = verify(BLOCKS, CHAIN)
    expect_equal(code, 0, "exit code")
    for word in (f"{BLOCK} height 928828: valid", "inputs/s", "not checked:", "median time past"):
        expect_in(word, text)


def what_is_broken_is_named(test):
    files = {name: os.path.join(test.directory, name + ".raw") for name in (BLOCK, BLOCK + "-undo")}
    for name in files:
        shutil.copy(os.path.join(BLOCKS, name + ".raw"), test.directory)

    def changed(name, change):
        """What is said with `change` made to the bytes of a file."""
        with open(files[name], "rb") as file:
            data = bytearray(file.read())
        with open(files[name], "wb") as file:
            file.write(change(data[:]))
        code, text = verify(test.directory, CHAIN)
        expect_equal(code, 1, "exit code")
        with open(files[name], "wb") as file:
            file.write(data)
        return text

    def flipped(at):
        def change(data):
            data[at] ^= 1
            return data
        return change

    undo = BLOCK + "-undo"
    expect_in("high-hash", changed(BLOCK, flipped(4)))
    expect_in("bad-txnmrklroot", changed(BLOCK, flipped(-1)))
    expect_in("not one block", changed(BLOCK, lambda data: data[:-1]))
    expect_in("not those of its inputs", changed(undo, lambda data: data[:-1]))
    expect_in("not those of its inputs", changed(undo, lambda data: data + data))
    expect_in("transaction ", changed(undo, flipped(-1)))  # in a script
    expect_equal(verify(test.directory, CHAIN)[0], 0, "exit code, all put back")
    os.remove(files[undo])
    code, text = verify(test.directory, CHAIN)
    expect_equal(code, 1, "exit code without any block that can be checked")
    expect_in(f"{BLOCK}: left out", text)


def wrong_arguments_are_named(test):
    expect_equal(verify()[0], 2, "exit code without arguments")
    for arguments, word in (((os.path.join(test.directory, "nowhere"), CHAIN), "nowhere"),
                            ((test.directory, CHAIN), "no NAME.raw"),
                            ((BLOCKS, os.path.join(BLOCKS, BLOCK + ".raw")), "JSON")):
        code, text = verify(*arguments)
        expect_equal(code, 1, "exit code")
        expect_in(word, text)


if not os.path.isdir(BLOCKS):
    print("SKIPPED: no test vectors in " + VECTORS)
    sys.exit(77)
run(real_blocks_are_valid, what_is_broken_is_named, wrong_arguments_are_named)
