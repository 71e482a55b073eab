#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""rpc.discover, judged by the validator of OpenRPC's authors."""
from clients import run_script, start
from framework import run


def describes_itself(test):
    run_script(test, start(test), "open_rpc.js")


run(describes_itself)
