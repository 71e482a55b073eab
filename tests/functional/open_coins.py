# SPDX-License-Identifier: MIT
"""Coins that everybody may spend, for tests that need payments but no wallet: outputs to
P2WSH(OP_TRUE), whose witness is the script itself."""
import hashlib

# bech32 of SHA-256(51), version 0.
REGTEST_ADDRESS = "bcrt1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqseac85"
SCRIPT = b"\x00\x20" + hashlib.sha256(b"\x51").digest()
COIN = 100_000_000


def payment(coins, outputs, witness=True):
    """A transaction, in hex, that spends `coins`, [(txid, index)], to P2WSH(OP_TRUE) outputs of
    these amounts in satoshis; if not `witness`, what its txid is the hash of."""
    inputs = b"".join(bytes.fromhex(txid)[::-1] + index.to_bytes(4, "little") + b"\x00"
                      + b"\xfd\xff\xff\xff" for txid, index in coins)
    paid = b"".join(amount.to_bytes(8, "little") + bytes([len(SCRIPT)]) + SCRIPT
                    for amount in outputs)
    return (b"\x02\x00\x00\x00" + b"\x00\x01" * witness + bytes([len(coins)]) + inputs
            + bytes([len(outputs)]) + paid + b"\x01\x01\x51" * len(coins) * witness
            + b"\x00\x00\x00\x00").hex()


def txid_of(coins, outputs):
    """Of that payment."""
    stripped = bytes.fromhex(payment(coins, outputs, witness=False))
    return hashlib.sha256(hashlib.sha256(stripped).digest()).digest()[::-1].hex()


def mature_coins(node, count, maturity=100):
    """Mine until `count` coinbases can be spent; returns them as [(txid, 0)]."""
    blocks = node.mine(count, REGTEST_ADDRESS)
    node.mine(maturity, REGTEST_ADDRESS)
    return [(node.rpc.getblock(block)["tx"][0], 0) for block in blocks]
