#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bitcoinjs-lib pays with each kind of coin."""
from clients import run_script, start
from framework import run


def pays_on_the_default_chain(test):
    run_script(test, start(test), "bitcoinjs.js")


def pays_on_regtest(test):
    run_script(test, start(test, chain="regtest"), "bitcoinjs.js")


run(pays_on_the_default_chain, pays_on_regtest)
