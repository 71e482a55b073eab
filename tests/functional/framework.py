# SPDX-License-Identifier: MIT
"""What the functional tests share: real cairnd processes in temporary directories on ports of
their own, a JSON-RPC client, and waiting for an event within a bounded time.

A test file is a program: exit code 0 passed, 77 skipped, anything else failed. What its processes
wrote is kept, and named, if it fails."""
import base64
import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("CAIRN_BIN", os.path.join(ROOT, "build", "release", "bin"))
CAIRND = os.path.join(BIN, "cairnd")
CAIRN = os.path.join(BIN, "cairn")

# How long an event may take. Generous, since it is only reached by a failure: the machine may be
# busy with other tests, or the programs slowed down by a sanitizer.
PATIENCE = float(os.environ.get("CAIRN_TEST_PATIENCE", "120"))

# The first address of the test words on the default chain (docs/chain-file.md): its premine.
TEST_WORDS = "abandon " * 11 + "about"

# Addresses nobody has the key of: version 0 witness programs of zeros.
REGTEST_ADDRESS = "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202"
DEFAULT_ADDRESS = "crn1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqxldkxp"


class RpcError(Exception):
    def __init__(self, code, message):
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message


class Rpc:
    """Calls of JSON-RPC as attributes: rpc.getblockcount()."""

    def __init__(self, port, cookie_file):
        self._port = port
        self._cookie_file = cookie_file

    def __getattr__(self, method):
        return lambda *params: self.call(method, *params)

    def call(self, method, *params, timeout=None):
        with open(self._cookie_file, encoding="utf-8") as file:
            secret = base64.b64encode(file.read().strip().encode()).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self._port,
                                                timeout=timeout or PATIENCE)
        try:
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
            connection.request("POST", "/", body, {"Authorization": "Basic " + secret,
                                                   "Content-Type": "application/json"})
            reply = connection.getresponse()
            text = reply.read()
        finally:
            connection.close()
        if not text:
            raise RpcError(0, f"HTTP status {reply.status}")
        answer = json.loads(text)
        if answer.get("error"):
            raise RpcError(answer["error"]["code"], answer["error"]["message"])
        return answer["result"]


class Node:
    """One cairnd. Its data stays over stop() and start()."""

    def __init__(self, test, number, chain, options):
        self.test = test
        self.number = number
        self.chain = chain
        self.options = ["-connect=0", *options]
        self.datadir = os.path.join(test.directory, f"node{number}")
        os.makedirs(self.datadir, exist_ok=True)
        self.port, self.rpc_port = free_port(), free_port()
        self.process = None
        with open(chain_file(chain), encoding="utf-8") as file:
            content = json.load(file)
        self.chain_directory = os.path.join(self.datadir,
                                            content.get("directory", content["name"]))
        self.magic = bytes.fromhex(content["magic"])
        self.rpc = Rpc(self.rpc_port, os.path.join(self.chain_directory, ".cookie"))
        self.address = f"127.0.0.1:{self.port}"

    def arguments(self, *more):
        chain = [f"-chain={self.chain}"] if self.chain else []
        return [f"-datadir={self.datadir}", *chain, f"-port={self.port}",
                f"-bind={self.address}", f"-rpcport={self.rpc_port}", "-dnsseed=0", "-dbcache=32",
                "-debug=1", *self.options, *more]

    def start(self, *more, wait=True):
        self.process = self.test.spawn([CAIRND, *self.arguments(*more)], f"node{self.number}")
        if wait:
            self.wait_until_up()
        return self

    def wait_until_up(self):
        def up():
            if self.process.poll() is not None:
                raise AssertionError(f"node {self.number} ended with {self.process.returncode}: "
                                     + self.output())
            try:
                self.rpc.getblockcount()
                return True
            except (RpcError, OSError, http.client.HTTPException):
                return False
        wait_until(up, f"node {self.number} to answer")

    def output(self):
        with open(self.process.output, encoding="utf-8", errors="replace") as file:
            return file.read()

    def memory_megabytes(self, field="VmRSS"):
        """Of main memory, as the system counts it; with VmHWM, the most there was."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024

    def processor_seconds(self):
        user, system = stat_of(self.process.pid)[1][11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def stop(self, number=signal.SIGTERM):
        """Stop it, as a user's `kill` does, and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)

    def connect(self, other):
        """Keep a connection to `other`. After its pong both have the other's verack, and announce
        what comes from then on."""
        self.rpc.addnode(other.address, "add")
        wait_until(lambda: any(peer["addr"] == other.address and "pong" in peer["bytesrecv_per_msg"]
                               for peer in self.rpc.getpeerinfo()),
                   f"node {self.number} to be connected to node {other.number}")

    def disconnect(self, other):
        self.rpc.addnode(other.address, "remove")
        with contextlib.suppress(RpcError):
            self.rpc.disconnectnode(other.address)

    def cairn(self, *arguments, **options):
        """Run the program `cairn` against this node."""
        chain = [f"-chain={self.chain}"] if self.chain else []
        return self.test.cairn(f"-datadir={self.datadir}", *chain, f"-rpcport={self.rpc_port}",
                               f"-walletdir={self.test.wallets}", *arguments, **options)

    def mine(self, blocks, address):
        """Blocks that pay `address`. The tries are enough for the default chain, too."""
        return self.rpc.generatetoaddress(blocks, address, 2**31 - 1)


class Test:
    """The directory and the processes of one test; all of them end with it."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="cairn-test-")
        self.wallets = os.path.join(self.directory, "wallets")
        self.passphrase_file = self.file("passphrase", "correct horse\n")
        self.nodes = []
        self._processes = []

    def file(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def spawn(self, command, name):
        path = os.path.join(self.directory, f"{name}.{len(self._processes)}.txt")
        with open(path, "w", encoding="utf-8") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=subprocess.STDOUT, cwd=self.directory,
                                       env=environment(self.directory))
        process.output = path
        self._processes.append(process)
        return process

    def node(self, *options, chain=None, start=True):
        """A new node, by default on the default chain."""
        node = Node(self, len(self.nodes) + 1, chain, options)
        self.nodes.append(node)
        return node.start() if start else node

    def cairn(self, *arguments, stdin="", expect=0):
        """Run `cairn` to its end; returns what it printed, both streams if it was to fail.
        `expect`: 0; any other number for a failure; None for either."""
        done = subprocess.run([CAIRN, *arguments], input=stdin, capture_output=True, text=True,
                              timeout=PATIENCE * 2, cwd=self.directory, check=False,
                              env=environment(self.directory))
        if (has_report(done.stderr) or
                expect is not None and (done.returncode == 0) != (expect == 0)):
            raise AssertionError(f"cairn {' '.join(arguments)}: exit code {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done.stdout + done.stderr if expect else done.stdout

    def cairnd(self, *arguments, env=None):
        """Run `cairnd` to its end: (exit code, stdout, stderr)."""
        done = subprocess.run([CAIRND, *arguments], capture_output=True, text=True, check=False,
                              timeout=PATIENCE, cwd=self.directory, stdin=subprocess.DEVNULL,
                              env={**environment(self.directory), **(env or {})})
        assert not has_report(done.stderr), f"cairnd {' '.join(arguments)}"
        return done.returncode, done.stdout, done.stderr

    def finish(self, failed):
        running = [process for process in self._processes if process.poll() is None]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                print(f"process {process.pid} had to be killed: {process.args}")
                process.kill()
                process.wait()
                failed = True
        for process in running:  # a node ends well, unless the signal came before it was ready
            if process.args[0] == CAIRND and process.returncode not in (0, -signal.SIGTERM):
                print(f"process {process.pid} ended with {process.returncode}: {process.args}")
                failed = True
        for process in self._processes:
            with open(process.output, encoding="utf-8", errors="replace") as file:
                failed = has_report(file.read()) or failed
        if failed:
            print(f"Kept for a look: {self.directory}")
            self.print_logs()
        else:
            shutil.rmtree(self.directory, ignore_errors=True)
        return failed

    def print_logs(self):
        for process in self._processes:
            with open(process.output, encoding="utf-8", errors="replace") as file:
                lines = file.read().split("\n")
            print(f"--- {os.path.basename(process.output)}, exit code {process.returncode}")
            print("\n".join(lines[-25:]))


def stat_of(pid):
    """What the system calls a process, and the fields after that: its state, ..."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        name, _, fields = file.read().rpartition(")")
    return name.partition("(")[2], fields.split()


def has_report(output):
    """Whether a sanitizer found something in a process that printed `output`; if so, shows it.
    Exit codes don't tell: some tests kill, and some programs are to fail."""
    found = re.search(r"Sanitizer: |: runtime error: ", output)
    if found:
        print(output[found.start():found.start() + 20_000])
    return found is not None


def environment(home):
    """Without the caller's own settings."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CAIRN_")}
    # The address sanitizer would keep 256 MB of what is freed: more than nodes may grow by here.
    return {"ASAN_OPTIONS": "quarantine_size_mb=32", **kept, "HOME": home, "TERM": "dumb"}


def chain_file(chain):
    """The file that -chain=`chain` means."""
    if not chain:
        return os.path.join(ROOT, "genesis.json")
    if "/" in chain or chain.endswith(".json"):
        return chain
    for name in (chain, "bitcoin-" + chain):
        path = os.path.join(ROOT, "genesis", name + ".json")
        if os.path.exists(path):
            return path
    raise AssertionError(f"no chain file for {chain}")


_CLAIMS = []


def claim_port(port):
    """Whether nobody listens there, and no other test on this machine means to."""
    claim = socket.socket(socket.AF_UNIX)  # in no folder, and gone with this process
    try:
        claim.bind(f"\0cairn-test-port-{port}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        claim.close()
        return False
    _CLAIMS.append(claim)
    return True


def free_port(in_a_row=1):
    """The first of some ports, below those that the kernel gives to outgoing connections and above
    those that the reference's own tests take."""
    for _ in range(1000):
        first = random.SystemRandom().randrange(26000, 32700)
        if all(claim_port(port) for port in range(first, first + in_a_row)):
            return first
    raise AssertionError("no free port")


def wait_until(condition, what, patience=PATIENCE):
    """Ask again and again until `condition()` is true, and return what it said."""
    deadline = time.monotonic() + patience
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:.0f} s in vain for {what}")
        time.sleep(0.05)


def wait_same_tip(nodes):
    wait_until(lambda: len({node.rpc.getbestblockhash() for node in nodes}) == 1,
               "all nodes to have one tip")
    return nodes[0].rpc.getbestblockhash()


def wait_relaying(nodes):
    """Until all peers take transactions: they don't before they have caught up with the chain."""
    wait_until(lambda: all(peer["minfeefilter"] < 1 for node in nodes
                           for peer in node.rpc.getpeerinfo()), "all peers to take transactions")


def expect_error(code, call, *arguments):
    """The call fails with this JSON-RPC code; returns the message."""
    try:
        call(*arguments)
    except RpcError as error:
        assert error.code == code, f"error code {error.code}, not {code}: {error}"
        return error.message
    raise AssertionError("the call should have failed")


def expect_equal(found, wanted, what=""):
    assert found == wanted, f"{what}: {found!r}, not {wanted!r}"


def expect_in(part, text):
    assert part in text, f"{part!r} is not in: {text}"


def run(*tests):
    """Run the functions, each with a Test of its own, and end the program."""
    if not os.path.exists(CAIRND) or not os.path.exists(CAIRN):
        print(f"SKIPPED: no cairnd and cairn in {BIN}")
        sys.exit(77)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = sys.argv[1:]
    bad = []
    for function in tests:
        if wanted and function.__name__ not in wanted:
            continue
        test, failed, start = Test(), True, time.monotonic()
        try:
            function(test)
            failed = False
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc()
        finally:
            failed = test.finish(failed)
        print(f"{function.__name__}: {'FAILED' if failed else 'passed'} "
              f"in {time.monotonic() - start:.1f} s", flush=True)
        if failed:
            bad.append(function.__name__)
    sys.exit(1 if bad else 0)
