#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bcoin, a full node: it syncs from a node of ours, and one of ours from it alone, on regtest and
on a chain of a file of its own."""
import hashlib
import json
import os
import struct

from clients import run_script, start
from framework import chain_file, free_port, run


def double_hash(data):
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def set_genesis(chain, text, time):
    """Give `chain`, whose limit nearly any hash meets, a genesis block that says `text`."""
    genesis = chain["genesis"]
    genesis.update(coinbase=text, time=time, version=1)
    message = b"\x04\xff\xff\x00\x1d\x01\x04" + bytes([len(text)]) + text.encode()
    script = bytes.fromhex(genesis["outputs"][0]["script"])
    coinbase = (struct.pack("<I", 1) + b"\x01" + bytes(32) + b"\xff" * 4 + bytes([len(message)])
                + message + b"\xff" * 4 + b"\x01"
                + struct.pack("<QB", genesis["outputs"][0]["amount"], len(script)) + script
                + bytes(4))
    for genesis["nonce"] in range(1000):
        header = (struct.pack("<I", 1) + bytes(32) + double_hash(coinbase)
                  + struct.pack("<II", time, int(genesis["bits"], 16))
                  + struct.pack("<I", genesis["nonce"]))
        genesis["hash"] = double_hash(header)[::-1].hex()
        if int(genesis["hash"], 16) <= int(chain["proof_of_work"]["limit"], 16):
            return
    raise AssertionError("no nonce for the genesis block")


def custom_chain(test):
    """A file of a chain that is nobody's; what bcoin can't be told is as on regtest."""
    with open(chain_file("regtest"), encoding="utf-8") as file:
        chain = json.load(file)
    chain.update(name="foreign", magic="0b5e55ed", p2p_port=28333, rpc_port=28332)
    chain["address"].update(bech32_hrp="frn", pubkey_hash="3c", script_hash="26")
    chain["subsidy"]["halving_interval"] = 60
    chain["snapshots"] = []
    set_genesis(chain, "a chain for two kinds of nodes", 1_760_000_000)
    return test.file("foreign.json", json.dumps(chain))


def sync_both_ways(test, chain):
    port = free_port()
    first = start(test, chain=chain)
    second = start(test, f"-addnode=127.0.0.1:{port}", chain=chain)
    run_script(test, first, "bcoin.js", peer=first.address, port=port, http_port=free_port(),
               second=f"http://127.0.0.1:{second.rpc_port}",
               directory=os.path.join(test.directory, "bcoin"))


def syncs_both_ways_on_regtest(test):
    sync_both_ways(test, "regtest")


def syncs_both_ways_on_a_custom_chain(test):
    sync_both_ways(test, custom_chain(test))


run(syncs_both_ways_on_regtest, syncs_both_ways_on_a_custom_chain)
