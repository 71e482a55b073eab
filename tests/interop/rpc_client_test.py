#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The npm package bitcoin-core, a client of JSON-RPC and REST."""
from clients import run_script, start
from framework import run


def calls_methods(test):
    run_script(test, start(test, "-rest", chain="regtest"), "rpc_client.js")


run(calls_methods)
