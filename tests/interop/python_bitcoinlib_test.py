#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""python-bitcoinlib over JSON-RPC: found by its cookie, it mines, pays and reads on regtest."""
import hashlib
import os
import sys

from clients import skip, start
from framework import REGTEST_ADDRESS, expect_equal, run

DEBIANS_PYTHON = "/usr/bin/python3"

try:
    import bitcoin
    import bitcoin.rpc
except ImportError:
    # Debian's package is there for Debian's Python, whichever one runs this.
    if sys.executable != DEBIANS_PYTHON and os.path.exists(DEBIANS_PYTHON):
        os.execv(DEBIANS_PYTHON, [DEBIANS_PYTHON, *sys.argv])
    skip("no python3-bitcoinlib")
from bitcoin.core import (CMutableTransaction, CMutableTxIn, CMutableTxOut, COutPoint,
                          CTxInWitness, CTxWitness, b2lx, b2x, lx)
from bitcoin.core.script import (OP_CHECKSIG, OP_DUP, OP_EQUALVERIFY, OP_HASH160, SIGHASH_ALL,
                                 SIGVERSION_WITNESS_V0, CScript, CScriptWitness, SignatureHash)
from bitcoin.wallet import (CBitcoinAddress, CBitcoinSecret, P2PKHBitcoinAddress,
                            P2WPKHBitcoinAddress)

FEE = 1000
MATURITY = 100


def proxy(test, node):
    """The client as it finds a node by itself: the port from bitcoin.conf, the cookie where
    Bitcoin's own node has it."""
    bitcoin.SelectParams("regtest")
    conf = os.path.join(node.datadir, "bitcoin.conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write(f"rpcconnect=127.0.0.1\nrpcport={node.rpc_port}\n")
    return bitcoin.rpc.Proxy(btc_conf_file=conf, timeout=600)


def signed_payment(secret, coin, value, to_script, segwit):
    """The coin at `secret`'s P2PKH or P2WPKH address, all but the fee paid to `to_script`."""
    tx = CMutableTransaction([CMutableTxIn(coin)], [CMutableTxOut(value - FEE, to_script)])
    pubkey_hash = bitcoin.core.Hash160(secret.pub)
    code = CScript([OP_DUP, OP_HASH160, pubkey_hash, OP_EQUALVERIFY, OP_CHECKSIG])
    if segwit:
        digest = SignatureHash(code, tx, 0, SIGHASH_ALL, value, SIGVERSION_WITNESS_V0)
    else:
        digest = SignatureHash(code, tx, 0, SIGHASH_ALL)
    proof = [secret.sign(digest) + bytes([SIGHASH_ALL]), bytes(secret.pub)]
    if segwit:
        tx.wit = CTxWitness([CTxInWitness(CScriptWitness(proof))])
    else:
        tx.vin[0].scriptSig = CScript(proof)
    return tx


def reads_the_chain(test):
    node = start(test, chain="regtest")
    rpc = proxy(test, node)
    mined = list(rpc.generatetoaddress(2, CBitcoinAddress(REGTEST_ADDRESS)))
    expect_equal(rpc.getblockcount(), 2, "blocks")
    expect_equal(rpc.getblockhash(2), mined[1], "hash of a height")
    expect_equal(rpc.getbestblockhash(), mined[1], "tip")
    block = rpc.getblock(mined[1])
    expect_equal((block.GetHash(), block.hashPrevBlock), (mined[1], mined[0]), "a block")
    expect_equal(rpc.getblockheader(mined[1]).GetHash(), mined[1], "a header")
    expect_equal(rpc.getblockheader(mined[0], True)["nextblockhash"], mined[1], "the next block")
    coin = COutPoint(block.vtx[0].GetTxid(), 0)
    expect_equal(rpc.gettxout(coin)["txout"].nValue, 50 * bitcoin.core.COIN, "a coin")
    expect_equal(rpc.validateaddress(REGTEST_ADDRESS)["isvalid"], True, "an address")
    expect_equal(rpc.getmininginfo()["blocks"], 2, "mining")
    for call, wrong in ((rpc.getblock, lx("00" * 32)), (rpc.getblockhash, 9),
                        (rpc.getrawtransaction, lx("00" * 32))):
        try:
            call(wrong)
        except IndexError:
            continue
        raise AssertionError(f"{call.__name__} found what isn't there")


def pays(test):
    node = start(test, chain="regtest")
    rpc = proxy(test, node)
    secret = CBitcoinSecret.from_secret_bytes(hashlib.sha256(b"python-bitcoinlib").digest())
    addresses = [P2PKHBitcoinAddress.from_pubkey(secret.pub),
                 P2WPKHBitcoinAddress.from_scriptPubKey(
                     CScript([0, bitcoin.core.Hash160(secret.pub)]))]

    def mine(blocks, address):
        return rpc.getblock(list(rpc.generatetoaddress(blocks, address))[-1])

    blocks = [mine(1, address) for address in addresses]
    mine(MATURITY, CBitcoinAddress(REGTEST_ADDRESS))
    sent = []
    for segwit, block in enumerate(blocks):
        coinbase = block.vtx[0]
        tx = signed_payment(secret, COutPoint(coinbase.GetTxid(), 0), coinbase.vout[0].nValue,
                            addresses[1 - segwit].to_scriptPubKey(), bool(segwit))
        sent.append(rpc.sendrawtransaction(tx))
        expect_equal(b2lx(sent[-1]), b2lx(tx.GetTxid()), "id of the payment")
        expect_equal(rpc.getrawtransaction(sent[-1]).serialize(), tx.serialize(), "as sent")
    expect_equal(sorted(rpc.getrawmempool()), sorted(sent), "waiting")
    mined = mine(1, CBitcoinAddress(REGTEST_ADDRESS))
    expect_equal(sorted(tx.GetTxid() for tx in mined.vtx[1:]), sorted(sent), "confirmed")
    expect_equal(rpc.getrawmempool(), [], "waiting after the block")
    expect_equal(rpc.submitblock(mined), "duplicate", b2x(mined.GetHash()))


run(reads_the_chain, pays)
