#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bitcoin's regtest: the node mines, reorganises and pays with bcrt1 addresses."""
import json
import time
from decimal import Decimal

from framework import REGTEST_ADDRESS, expect_equal, run, wait_same_tip, wait_until
from open_coins import REGTEST_ADDRESS as OTHER_ADDRESS


def balance(node, wallet):
    return json.loads(node.cairn("--json", f"--wallet={wallet}", "balance"), parse_float=Decimal)


def is_bitcoins_own_chain(test):
    node = test.node(chain="regtest")
    expect_equal(node.rpc.getblockhash(0),
                 "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206", "genesis")
    expect_equal(node.rpc.getblockchaininfo()["chain"], "regtest", "name")


def wallets_pay_each_other(test):
    node = test.node(chain="regtest")
    passphrase = f"--passphrase-file={test.passphrase_file}"
    for wallet in ("one", "two"):
        node.cairn("wallet", "create", wallet, passphrase)
    address = node.cairn("--wallet=one", "address").strip()
    assert address.startswith("bcrt1q"), address
    node.mine(1, address)
    node.mine(98, REGTEST_ADDRESS)
    expect_equal(balance(node, "one")["immature"], 50, "a coinbase one block too young")
    node.mine(1, REGTEST_ADDRESS)
    expect_equal(balance(node, "one")["spendable"], 50, "a mature coinbase")

    there = node.cairn("--wallet=two", "address").strip()
    sent = json.loads(node.cairn("--json", "--wallet=one", passphrase, "send", "-y", there, "20"))
    node.mine(1, REGTEST_ADDRESS)
    expect_equal(balance(node, "two")["spendable"], 20, "what two got")
    node.cairn("--wallet=two", passphrase, "send", "-y", "--fee-rate=2", address, "all")
    node.mine(1, REGTEST_ADDRESS)
    expect_equal(balance(node, "two")["spendable"], 0, "what two has left")
    whole = balance(node, "one")["spendable"] + Decimal(str(sent["fee"]))
    assert Decimal("49.9") < whole < 50, f"one has {whole}"


def a_longer_branch_given_block_by_block_is_taken(test):
    here, there = (test.node(chain="regtest") for _ in range(2))
    old = here.mine(3, REGTEST_ADDRESS)
    new = there.mine(4, OTHER_ADDRESS)
    old_coin = here.rpc.getblock(old[0])["tx"][0]
    for count, block in enumerate(new, 1):
        answer = here.rpc.submitblock(there.rpc.getblock(block, 0))
        best = here.rpc.getbestblockhash()
        expect_equal((answer, best), (None, new[3]) if count == 4 else ("inconclusive", old[2]),
                     f"answer and tip after block {count}")
    expect_equal(here.rpc.gettxout(old_coin, 0), None, "the coin of a block that was undone")
    expect_equal(here.rpc.submitblock(there.rpc.getblock(new[3], 0)), "duplicate", "once more")
    here.stop()
    here.start()
    expect_equal(here.rpc.getbestblockhash(), new[3], "the tip after a restart")


def wallet_follows_a_reorganisation(test):
    here, there = (test.node(chain="regtest") for _ in range(2))
    passphrase = f"--passphrase-file={test.passphrase_file}"
    here.cairn("wallet", "create", "w", passphrase)
    address = here.cairn("--wallet=w", "address").strip()
    here.mine(2, address)
    expect_equal(balance(here, "w")["immature"], 100, "before")
    there.mine(3, REGTEST_ADDRESS)
    here.connect(there)
    wait_same_tip([here, there])
    expect_equal(balance(here, "w")["immature"], 0, "after the blocks were undone")


def miner_extends_the_chain_until_stopped(test):
    node = test.node(f"-mine={REGTEST_ADDRESS}", chain="regtest")
    wait_until(lambda: node.rpc.getblockcount() >= 5, "five blocks")
    expect_equal(node.stop(), 0, "exit code")


def setmocktime_moves_the_timers_of_a_running_node(test):
    """A ping is due after two minutes, a ban ends after ten: no one waits for that here."""
    here, there = (test.node(chain="regtest") for _ in range(2))
    here.connect(there)

    def pings():
        return here.rpc.getpeerinfo()[0]["bytessent_per_msg"].get("ping", 0)

    wait_until(lambda: pings() > 0 and "pingtime" in here.rpc.getpeerinfo()[0], "the first ping")
    before = pings()
    here.rpc.setban("127.0.0.9", "add", 600)
    now = int(time.time())
    here.rpc.setmocktime(now + 130)
    wait_until(lambda: pings() > before, "the next one")
    expect_equal(len(here.rpc.listbanned()), 1, "bans")
    here.rpc.setmocktime(now + 700)
    expect_equal(here.rpc.listbanned(), [], "bans ten minutes later")


run(is_bitcoins_own_chain, wallets_pay_each_other, a_longer_branch_given_block_by_block_is_taken,
    wallet_follows_a_reorganisation, miner_extends_the_chain_until_stopped,
    setmocktime_moves_the_timers_of_a_running_node)
