#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs tests of Bitcoin Core's functional suite, unmodified, against cairnd: the best outside judge
of a node that there is, and none of it is ours.

    core_suite.py [TEST ...]

$BITCOIN_CORE_SRC is a checkout of Bitcoin Core, of which test/ and share/ are used; without it the
tests count as skipped. Without arguments those of passing.txt are run. The folder of a test that
failed is kept, and named.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
SECONDS = 600  # for one test: longer and it hangs
SKIPPED = 77

CONFIG = """[environment]
CLIENT_NAME=Bitcoin Core
CLIENT_BUGREPORT=none
SRCDIR={core}
BUILDDIR={work}/build
EXEEXT=
RPCAUTH={core}/share/rpcauth/rpcauth.py
[components]
ENABLE_BITCOIND=true
ENABLE_CLI=true
"""


def run(core, work, number, name):
    """True, and nothing of the test is left, if it passed."""
    folder = os.path.join(work, name)
    environment = dict(os.environ, BITCOIND=os.path.join(FOLDER, "bitcoind"),
                       BITCOINCLI=os.path.join(FOLDER, "bitcoin-cli"),
                       PYTHONDONTWRITEBYTECODE="1")
    with open(folder + ".out", "wb") as out:
        process = subprocess.Popen(
            [sys.executable, f"{core}/test/functional/{name}.py", f"--configfile={work}/config.ini",
             f"--cachedir={work}/cache", f"--tmpdir={folder}", f"--portseed={100 + number}",
             "--nocleanup"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment,
            start_new_session=True)
        try:
            code = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
    print(f"{name}: {'passed' if code == 0 else f'failed with {code}, see {folder}.out'}",
          flush=True)
    if code == 0:
        shutil.rmtree(folder)
        os.remove(folder + ".out")
    return code == 0


def main():
    core = os.environ.get("BITCOIN_CORE_SRC")
    if not core:
        print("SKIPPED: no BITCOIN_CORE_SRC, a checkout of Bitcoin Core")
        return SKIPPED
    names = sys.argv[1:]
    if not names:
        with open(os.path.join(FOLDER, "passing.txt"), encoding="utf-8") as lines:
            names = lines.read().split()
    if "CAIRN_BIN" in os.environ:
        os.environ.setdefault("CAIRND", os.path.join(os.environ["CAIRN_BIN"], "cairnd"))
        os.environ.setdefault("CAIRN", os.path.join(os.environ["CAIRN_BIN"], "cairn"))
    work = tempfile.mkdtemp(prefix="cairn-core-suite-")
    with open(os.path.join(work, "config.ini"), "w", encoding="utf-8") as config:
        config.write(CONFIG.format(core=os.path.abspath(core), work=work))
    failed = [name for i, name in enumerate(names) if not run(core, work, i, name)]
    print(f"{len(names) - len(failed)} passed, {len(failed)} failed")
    if not failed:
        shutil.rmtree(work)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
