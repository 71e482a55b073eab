#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program cairn in the hands of somebody who makes mistakes: every error names its cause and
does no harm."""
import json
import os
import subprocess
import termios

from devnet_test import Terminal
from framework import (CAIRN, REGTEST_ADDRESS, TEST_WORDS, environment, expect_equal, expect_in,
                       run)


def offline(test, *arguments, **options):
    """cairn without a node: nobody listens on port 1."""
    return test.cairn("-chain=regtest", f"-datadir={test.directory}", "-rpcport=1", *arguments,
                      **options)


def wallet_is_made_listed_and_restored_to_the_same_address(test):
    passphrase = f"--passphrase-file={test.passphrase_file}"
    made = json.loads(offline(test, "--json", "wallet", "create", "new", passphrase))
    expect_equal(len(made["words"].split()), 12, "words")
    path = os.path.join(test.directory, "wallets", "new.wallet")
    expect_equal(made["file"], path, "file")
    expect_equal(os.stat(path).st_mode & 0o777, 0o600, "who may read it")
    with open(path, "rb") as file:
        content = file.read()
    assert made["words"].encode() not in content, "the words are in the file, in the open"

    words = test.file("words", made["words"] + "\n")
    again = json.loads(offline(test, "--json", "wallet", "restore", "again", passphrase,
                               f"--words-file={words}"))
    expect_equal(again["address"], made["address"], "address after restoring")
    names = [entry["wallet"] for entry in json.loads(offline(test, "--json", "wallet", "list"))]
    expect_equal(names, ["again", "new"], "wallets")
    for word in ("again", "new", "regtest"):
        expect_in(word, offline(test, "wallet", "list"))


def known_words_give_the_known_address(test):
    words = test.file("words", TEST_WORDS + "\n")
    main = test.cairn("-chain=mainnet", f"-datadir={test.directory}", "--json", "wallet", "restore",
                      f"--words-file={words}", f"--passphrase-file={test.passphrase_file}")
    # Source: BIP-0084, test vectors.
    expect_equal(json.loads(main)["address"], "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
                 "first address")


def passphrase_comes_from_standard_input_too(test):
    offline(test, "wallet", "create", stdin="a passphrase\n")
    expect_in("empty", offline(test, "wallet", "create", "second", stdin="\n", expect=1))


def passphrase_is_typed_unseen_and_corrected(test):
    """At a terminal: twice, with backspace, never shown; Ctrl-C ends it and gives the echo back."""
    command = [CAIRN, "-chain=regtest", f"-datadir={test.directory}", "-rpcport=1", "wallet",
               "create"]
    for name, typed, again in (("good", "secrex\x7ft", "secret"), ("differs", "one", "two"),
                               ("stopped", "thr\x03", None)):
        terminal = Terminal(test, [*command, name])
        at = terminal.wait_for("Passphrase: ")
        with open(f"/proc/{terminal.process.pid}/limits", encoding="utf-8") as limits:
            core = next(line for line in limits if line.startswith("Max core file size"))
        expect_equal(core.split()[4:6], ["0", "0"], "largest core file, which would hold keys")
        terminal.type(typed if again is None else typed + "\n")
        if again is not None:
            at = terminal.wait_for("Once more: ", at)
            terminal.type(again + "\n")
        code = terminal.end()
        expect_equal(code, 0 if name == "good" else 1, name)
        for word in ("sec", "one", "thr"):
            assert word not in terminal.text.split("Wallet ")[0].replace("Once", ""), terminal.text
        assert termios.tcgetattr(terminal.master)[3] & termios.ECHO, "no echo any more"
    names = [entry["wallet"] for entry in json.loads(offline(test, "--json", "wallet", "list"))]
    expect_equal(names, ["good"], "wallets")


def mistakes_are_named(test):
    passphrase = f"--passphrase-file={test.passphrase_file}"
    offline(test, "wallet", "create", passphrase)
    bad_words = test.file("bad", "abandon " * 12 + "\n")
    unknown_word = test.file("unknown", TEST_WORDS.replace("about", "abuot") + "\n")
    for arguments, words in (
            (["wallet", "create", passphrase], ["already"]),
            (["wallet", "create", "../x", passphrase], ["../x", "name"]),
            (["wallet", "restore", "r", f"--words-file={bad_words}", passphrase], ["checksum"]),
            (["wallet", "restore", "r", f"--words-file={unknown_word}", passphrase], ["abuot"]),
            (["--wallet=nobody", "balance"], ["nobody"]),
            (["balance"], ["Could not connect", "127.0.0.1:1"]),
            (["status"], ["Could not connect"]),
            (["send", REGTEST_ADDRESS, "1"], ["Could not connect"]),
            (["send", REGTEST_ADDRESS, "1,5"], ["1,5", "amount"]),
            (["send", REGTEST_ADDRESS, "1", "--blocks=3", "--fee-rate=5"],
             ["--blocks", "--fee-rate"]),
            (["send", REGTEST_ADDRESS, "0.123456789"], ["amount"]),
            (["send", REGTEST_ADDRESS[:-1] + "q", "1"], ["address"]),
            (["send", "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", "1"], ["address", "regtest"]),
            (["-nosuchoption", "status"], ["nosuchoption"]),
            (["nosuchcommand"], ["nosuchcommand"]),
            (["wallet", "foo"], ["'wallet foo'", "cairn wallet --help"]),
            (["chain", "foo", "--json"], ["'chain foo'"]),
            (["balance", "--nosuch"], ["cairn: ", "--nosuch"]),
            (["chain", "new", "cairn"], ["there is a chain 'cairn'"]),
            (["chain", "new", "regtest"], ["there is a chain 'regtest'"]),
            (["chain", "new", "x", "--premine", "0"], ["premine of 0"]),
            (["chain", "new", "x", "--p2p-port", "99999"], ["--p2p-port", "65535"]),
            (["chain", "new", "x", "--out", bad_words], ["already", "--out"]),
            (["-rpcport=many", "status"], ["rpcport", "many"])):
        error = offline(test, *arguments, expect=1)
        for word in words:
            expect_in(word, error)
        assert "terminate" not in error and "what():" not in error, error


def wrong_passphrase_pays_nothing(test):
    node = test.node(chain="regtest")
    node.cairn("wallet", "create", f"--passphrase-file={test.passphrase_file}")
    node.mine(1, node.cairn("address").strip())
    node.mine(100, REGTEST_ADDRESS)
    wrong = test.file("wrong", "not it\n")
    error = node.cairn("send", "--yes", REGTEST_ADDRESS, "1", f"--passphrase-file={wrong}",
                       expect=1)
    expect_in("wrong passphrase", error)
    expect_equal(node.rpc.getrawmempool(), [], "mempool")
    error = node.cairn("send", "--yes", REGTEST_ADDRESS, "51",
                       f"--passphrase-file={test.passphrase_file}", expect=1)
    expect_in("not enough", error.lower())
    node.cairn("send", "--yes", REGTEST_ADDRESS, "1", f"--passphrase-file={test.passphrase_file}")
    expect_equal(len(node.rpc.getrawmempool()), 1, "payments sent with the right passphrase")


def another_chains_node_is_refused(test):
    node = test.node(chain="regtest")
    node.cairn("wallet", "create", f"--passphrase-file={test.passphrase_file}")
    cookie = os.path.join(node.chain_directory, ".cookie")
    options = [f"-datadir={test.directory}", f"-rpcport={node.rpc_port}",
               f"-rpccookiefile={cookie}", f"-walletdir={test.wallets}"]
    expect_in("chain", test.cairn(*options, "balance", expect=1))
    node.mine(110, REGTEST_ADDRESS)  # what it says of its height doesn't count, either
    made = test.cairn(*options, "--json", "wallet", "create", "other",
                      f"--passphrase-file={test.passphrase_file}")
    expect_equal(json.loads(made)["birthday"], 0, "birthday")


def rpc_passes_values_and_error_codes(test):
    node = test.node(chain="regtest")
    genesis = node.rpc.getblockhash(0)
    expect_equal(node.cairn("rpc", "getblockhash", "0").strip(), genesis, "a string, bare")
    expect_equal(json.loads(node.cairn("rpc", "getblockheader", genesis))["height"], 0, "an object")
    # By the node's method table, not by how a word looks: 51 is a script here, 1 a number there.
    expect_equal(json.loads(node.cairn("rpc", "decodescript", "51"))["asm"], "1", "text of digits")
    expect_equal(json.loads(node.cairn("rpc", "getblock", genesis, "1"))["height"], 0, "positions")
    for words in (["--named", "getblock", f"blockhash={genesis}", "verbosity=1"],
                  ["-named", "getblock", genesis, "verbose=1"]):
        expect_equal(json.loads(node.cairn("rpc", *words))["height"], 0, "named parameters")
    expect_in("Unknown named parameter no",
              node.cairn("rpc", "-named", "getblock", "no=1", expect=8))
    expect_in("Error parsing JSON: high", node.cairn("rpc", "getblockhash", "high", expect=1))
    expect_in("expected type number", node.cairn("rpc", "getblockhash", "\"high\"", expect=3))
    expect_in("Method not found", node.cairn("rpc", "nosuchmethod", "51", "[1", expect=1))
    error = node.cairn("rpc", "getblockhash", "1000", expect=8)
    expect_in("Block height out of range", error)
    expect_in("getblockcount", node.cairn("rpc", "help"))
    expect_in("regtest", node.cairn("status"))


def examples_of_help_run_in_a_shell(test):
    node = test.node(chain="regtest")
    block = node.mine(1, REGTEST_ADDRESS)[0]
    coinbase = node.rpc.getblock(block)["tx"][0]
    words = {"$ADDRESS_CHECKSUM":
             node.rpc.getdescriptorinfo(f"addr({REGTEST_ADDRESS})")["checksum"],
             "$ADDRESS": REGTEST_ADDRESS,
             "$TRANSACTION": node.rpc.getrawtransaction(coinbase, False, block)}
    for method in ("deriveaddresses", "echojson", "generatetodescriptor", "getblocktemplate",
                   "getdescriptorinfo", "scantxoutset", "testmempoolaccept"):
        example = next(line for line in node.rpc.help(method).splitlines()
                       if line.startswith("> cairn "))
        for word, meaning in words.items():
            example = example.replace(word, meaning)
        shell = (f'cairn() {{ "{CAIRN}" -chain=regtest "-datadir={node.datadir}" '
                 f'-rpcport={node.rpc_port} "$@"; }}; ' + example.removeprefix("> "))
        done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=False,
                              env=environment(test.directory))
        expect_equal((done.returncode, done.stderr), (0, ""), example)


def options_are_spelled_as_cairnd_s(test):
    node = test.node(chain="regtest")
    for arguments in (["-json", "status"], ["status", "--json"], ["--json", "status", "-dnsseed=0"],
                      ["status", "--rpcconnect", "127.0.0.1", "--json"]):
        expect_equal(json.loads(node.cairn(*arguments))["chain"], "regtest", f"{arguments}")
    node.cairn("wallet", "create", "rpc", "-passphrase-file", test.passphrase_file)
    for arguments in (["--wallet", "rpc", "balance", "-json"],
                      ["-wallet=rpc", "balance", "--json"]):
        expect_equal(json.loads(node.cairn(*arguments))["wallet"], "rpc", f"{arguments}")
    with open(os.path.join(node.datadir, "cairn.conf"), "w", encoding="utf-8") as file:
        file.write("wallet=rpc\n")
    expect_equal(json.loads(node.cairn("balance", "--json"))["wallet"], "rpc", "wallet of the file")


def new_chain_is_written_and_mined(test):
    words = test.file("words", TEST_WORDS + "\n")
    path = os.path.join(test.directory, "mine.json")
    test.cairn("chain", "new", "mine", "--out", path)
    wallet = json.loads(test.cairn(
        f"-chain={path}", f"-datadir={test.directory}", "--json", "wallet", "restore",
        f"--words-file={words}", f"--passphrase-file={test.passphrase_file}"))
    assert wallet["address"].startswith("mine1q"), wallet["address"]
    node = test.node(chain=path)
    node.mine(1, wallet["address"])
    expect_equal(node.rpc.getblockchaininfo()["chain"], "mine", "name")


run(wallet_is_made_listed_and_restored_to_the_same_address, known_words_give_the_known_address,
    passphrase_comes_from_standard_input_too, passphrase_is_typed_unseen_and_corrected,
    mistakes_are_named, wrong_passphrase_pays_nothing, another_chains_node_is_refused,
    rpc_passes_values_and_error_codes, examples_of_help_run_in_a_shell,
    options_are_spelled_as_cairnd_s, new_chain_is_written_and_mined)
