#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A chain whose blocks two of three signers must sign (BIP-0325), from its file to its blocks, with
the keys in `cairn` alone."""
import hashlib
import json
import os
import re

from framework import expect_equal, expect_in, run, wait_same_tip


SIGNET_HASH_1 = "00000086d6b2636cb2a392d45edc4ec544a10024d30141c9adf4bfd9de533b53"
SIGNET_BLOCK_1 = (
    "00000020f61eee3b63a380a477a063af32b2bbc97c9ff9f01f2c4225e973988108000000f575c83235984e7d"
    "c4afc1f30944c170462e84437ab6f2d52e16878a79e4678bd1914d5fae77031eccf407000101000000000101"
    "0000000000000000000000000000000000000000000000000000000000000000ffffffff025151feffffff02"
    "00f2052a010000001600149243f727dd5343293eb83174324019ec16c2630f0000000000000000776a24aa21"
    "a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf94c4fecc7daa249004730"
    "4402205e423a8754336ca99dbe16509b877ef1bf98d008836c725005b3c787c41ebe46022047246e4467ad7c"
    "c7f1ad98662afcaf14c115e0095a227c7b05c5182591c23e7e01000120000000000000000000000000000000"
    "000000000000000000000000000000000000000000")


class Signers:
    """Three signers, their chain's file, and whom their blocks pay."""

    def __init__(self, test):
        self.test = test
        self.files = [os.path.join(test.directory, f"key{n}") for n in (1, 2, 3)]
        keys = [json.loads(test.cairn("--json", "chain", "key", file))["public_key"]
                for file in self.files]
        self.chain = os.path.join(test.directory, "signed.json")
        options = [f"--signed-by={key}" for key in keys]
        test.cairn("chain", "new", "signed", "--out", self.chain, *options)
        with open(self.chain, encoding="utf-8") as file:
            expect_equal(json.load(file)["challenge"],
                         "52" + "".join("21" + key for key in keys) + "53ae", "challenge")
        self.node = test.node(chain=self.chain)
        made = self.node.cairn("--json", "wallet", "create",
                               f"--passphrase-file={test.passphrase_file}")
        self.address = json.loads(made)["address"]

    def unsigned(self):
        return self.node.cairn("chain", "block", self.address)

    def sign(self, signer, block, *options, **expect):
        return self.node.cairn("chain", "sign", f"--key-file={self.files[signer]}", *options,
                               stdin=block, **expect)


def mined(block):
    """`block` with a nonce by which its hash meets the easy target."""
    data = bytearray.fromhex(block)
    for nonce in range(1000):
        data[76:80] = nonce.to_bytes(4, "little")
        digest = hashlib.sha256(hashlib.sha256(data[:80]).digest()).digest()
        if digest[31] < 0x7f:
            return data.hex()
    raise AssertionError("no nonce found")


def with_unreadable_solution(block):
    """`block` with two bytes of nonsense in the place reserved for the solution."""
    changed = re.sub("2b(6a24aa21a9ed.{64})04ecc7daa2", r"2d\g<1>06ecc7daa2ff01", block)
    assert changed != block
    return changed


def two_of_three_sign_block_after_block(test):
    signers = Signers(test)
    other = test.node(chain=signers.chain)
    other.connect(signers.node)
    for height, (first, second) in enumerate(((0, 1), (2, 0), (1, 2)), 1):
        half = signers.sign(first, signers.unsigned())
        signers.sign(second, half, "--submit")
        expect_equal(signers.node.rpc.getblockcount(), height, "height")
    wait_same_tip(test.nodes)

    # The same by hand, the state of the block as JSON.
    template = json.loads(signers.node.cairn("--json", "chain", "block", signers.address))
    expect_equal(template["height"], 4, "height of the block to be signed")
    half = json.loads(signers.sign(1, template["block"], "--json"))
    expect_equal((half["signatures"], half["required"], half["complete"]), (1, 2, False), "half")
    whole = json.loads(signers.sign(0, half["block"], "--json"))
    expect_equal((whole["signatures"], whole["complete"]), (2, True), "whole")
    expect_equal(signers.node.rpc.submitblock(whole["block"]), None, "what the node says")
    expect_equal(wait_same_tip(test.nodes), whole["hash"], "tip")
    balance = json.loads(signers.node.cairn("--json", "balance"))
    expect_equal(balance["immature"], 4, "what the signers mined")


def a_block_without_enough_signatures_is_refused(test):
    signers = Signers(test)
    submit = signers.node.rpc.submitblock
    unsigned = signers.unsigned()
    expect_equal(submit(mined(unsigned.strip())), "bad-signet-blksig", "unsigned")
    half = signers.sign(0, unsigned).strip()
    expect_equal(submit(mined(half)), "bad-signet-blksig", "one of two")
    expect_in("signed already", signers.sign(0, half, expect=1))
    whole = signers.sign(1, half).strip()
    later = bytearray.fromhex(whole)  # by a second, which the signatures cover
    later[68:72] = (int.from_bytes(later[68:72], "little") + 1).to_bytes(4, "little")
    expect_equal(submit(mined(later.hex())), "bad-signet-blksig", "changed after it was signed")
    expect_equal(submit(whole), None, "both")
    expect_equal(signers.node.rpc.getblockcount(), 1, "height")


def a_wallets_key_signs_too(test):
    """A wallet's address, made on any chain, signs as a public key and as an address (P2WPKH)."""
    words = test.file("words", "abandon " * 11 + "about\n")
    passphrase = f"--passphrase-file={test.passphrase_file}"
    restore = ["wallet", "restore", f"--words-file={words}", passphrase]
    test.cairn(f"-datadir={test.directory}", "-rpcport=1", *restore)
    key = json.loads(test.cairn(f"-datadir={test.directory}", "-rpcport=1", "--json",
                                "address"))["public_key"]

    def mines(name, *challenge):
        """A node of a chain so signed, and the wallet's address there."""
        chain = os.path.join(test.directory, f"{name}.json")
        test.cairn("chain", "new", name, "--out", chain, *challenge)
        node = test.node(chain=chain)
        node.cairn(f"--wallet={name}", *restore)
        address = node.cairn(f"--wallet={name}", "address").strip()
        block = node.cairn("chain", "block", address)
        signing = ["chain", "sign", passphrase]
        signed = node.cairn(f"--wallet={name}", *signing, stdin=block)
        node.cairn(f"--wallet={name}", *signing, "--submit", stdin=block)
        expect_equal(node.rpc.getblockcount(), 1, "height")
        expect_equal(node.cairn(f"--wallet={name}", *signing, stdin=signed), signed, "once more")
        return node, address

    node, address = mines("one", "--signed-by", key)
    mines("two", "--challenge", node.rpc.validateaddress(address)["scriptPubKey"])


def the_public_signets_first_block_is_taken(test):
    """By the file that comes with the program, from nothing but the block."""
    node = test.node(chain="signet")
    info = node.rpc.getblockchaininfo()
    expect_equal(info["chain"], "signet", "name")
    forged = bytearray.fromhex(SIGNET_BLOCK_1)
    forged[68] ^= 1  # its time
    expect_equal(node.rpc.submitblock(forged.hex()), "high-hash", "of another time")
    expect_equal(node.rpc.submitblock(SIGNET_BLOCK_1), None, "what the node says")
    expect_equal(node.rpc.getbestblockhash(), SIGNET_HASH_1, "tip")


def mistakes_are_named(test):
    signers = Signers(test)
    block = signers.unsigned()
    stranger = os.path.join(test.directory, "stranger")
    test.cairn("chain", "key", stranger)
    expect_equal(os.stat(stranger).st_mode & 0o777, 0o600, "who may read a key")
    for arguments, stdin, word in (
            (["sign", f"--key-file={stranger}"], block, "none of these keys"),
            (["sign", f"--key-file={signers.chain}"], block, "no secret key"),
            (["sign", f"--key-file={signers.files[0]}"], "nonsense", "decoded"),
            (["sign", f"--key-file={signers.files[0]}"], block[:100], "decoded"),
            (["key", stranger], "", "exists already"),
            (["block", "nonsense"], "", "no address"),
            (["new", "x", "--signed-by", "02" * 32], "", "no public key"),
            (["new", "x", "--challenge", "5x"], "", "hexadecimal"),
            (["new", "x", "--challenge", "5120" + "02" * 32], "", "asks for nothing"),
            (["sign", f"--key-file={signers.files[0]}"], with_unreadable_solution(block),
             "solution that the block holds")):
        expect_in(word, signers.node.cairn("chain", *arguments, stdin=stdin, expect=1))
    expect_in("need no signature", test.cairn("chain", "block", signers.address, expect=1))


run(two_of_three_sign_block_after_block, a_block_without_enough_signatures_is_refused,
    a_wallets_key_signs_too, the_public_signets_first_block_is_taken, mistakes_are_named)
