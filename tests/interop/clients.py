# SPDX-License-Identifier: MIT
"""What the tests of foreign clients share: the pinned npm packages of package.json, installed into
the build folder, and their scripts run with Node against a node of our own."""
import fcntl
import hmac
import json
import os
import shutil
import subprocess
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(FOLDER), "functional"))
# pylint: disable-next=wrong-import-position
from framework import (BIN, DEFAULT_ADDRESS, PATIENCE, REGTEST_ADDRESS, chain_file,  # noqa: E402
                       expect_equal)

INSTALLED = os.path.join(os.path.dirname(BIN), "interop")
LISTS = ("package.json", "package-lock.json", ".npmrc")
SKIPPED = 77
USER, PASSWORD = "alice", "s3cret:$"

# What npm says where no registry answers, which is no fault of the packages.
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT",
               "ERR_SOCKET_TIMEOUT", "EHOSTUNREACH", "ENETUNREACH", "E403", "E407", "E429",
               "E500", "E502", "E503", "E504")


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(SKIPPED)


def installed_packages():
    """What package-lock.json installed, if it did."""
    try:
        with open(os.path.join(INSTALLED, "done"), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def install_packages():
    """Install package-lock.json's packages unless they are there; ends the test as skipped where
    that can't be done."""
    if not shutil.which("npm") or not shutil.which("node"):
        skip("no npm, or no node")
    os.makedirs(INSTALLED, exist_ok=True)
    with open(os.path.join(FOLDER, "package-lock.json"), encoding="utf-8") as file:
        wanted = file.read()
    with open(os.path.join(INSTALLED, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # these tests run beside each other
        if installed_packages() == wanted:
            return
        for name in LISTS:
            shutil.copy(os.path.join(FOLDER, name), INSTALLED)
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=3",
             "--fetch-retry-factor=3", "--fetch-retry-mintimeout=1000"],
            cwd=INSTALLED, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stdout + done.stderr)
            if any(code in done.stderr for code in UNREACHABLE):
                skip("npm reaches no registry")
            raise AssertionError("npm could not install package-lock.json")
        with open(os.path.join(INSTALLED, "done"), "w", encoding="utf-8") as file:
            file.write(wanted)


def start(test, *options, chain=None):
    """A node that a client reaches with a user name and a password, as people configure them."""
    proof = hmac.new(b"salt", PASSWORD.encode(), "sha256").hexdigest()
    return test.node(f"-rpcauth={USER}:salt${proof}", *options, chain=chain)


def run_script(test, node, script, **more):
    """Run `script` of this folder with the packages; it fails by its exit code. It is told where
    the node is, and `more`."""
    install_packages()
    with open(chain_file(node.chain), encoding="utf-8") as file:
        chain = json.load(file)
    nobody = REGTEST_ADDRESS if node.chain else DEFAULT_ADDRESS
    place = {"host": f"http://127.0.0.1:{node.rpc_port}", "username": USER, "password": PASSWORD,
             "chain": chain, "nobody": nobody, **more}
    os.environ["NODE_PATH"] = os.path.join(INSTALLED, "node_modules")
    process = test.spawn(["node", os.path.join(FOLDER, script), json.dumps(place)], script)
    code = process.wait(PATIENCE * 4)
    with open(process.output, encoding="utf-8") as file:
        print(file.read(), end="")
    expect_equal(code, 0, f"exit code of {script}")
