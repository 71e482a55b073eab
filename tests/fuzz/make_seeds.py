#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""make_seeds.py OUT: inputs for the fuzz targets, OUT/TARGET/*, made of the published test vectors
($TEST_VECTORS, or shared/vectors beside the sources), so that a search begins where they end. Each
target's source says how it reads its input."""
import base64
import binascii
import csv
import hashlib
import json
import os
import re
import struct
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[2]
VECTORS = Path(os.environ.get("TEST_VECTORS", SOURCES.parent / "shared/vectors"))
SIGHASH_HEAD = struct.Struct("<IIIB32s32s")  # input, type, separator, options, leaf, annex


def core(name):
    return json.loads((VECTORS / "core" / name).read_text())


def sized(data):
    size = len(data)
    head = struct.pack("<B", size) if size < 0xfd else struct.pack("<BH", 0xfd, size)
    return (head if size <= 0xffff else struct.pack("<BI", 0xfe, size)) + data


def output(amount, script):
    return struct.pack("<q", amount) + sized(script)


def opcodes():
    """Values by the names that the vectors use, out of our own enum."""
    names, value = {}, 0
    text = (SOURCES / "consensus/script.h").read_text()
    for name, number in re.findall(r"^    OP_(\w+)(?: = (\w+))?,", text, re.M):
        value = int(number, 16) if number else value + 1
        names[name] = value
    return names


def push(data):
    size = len(data)
    if size < 0x4c:
        return bytes([size]) + data
    return (b"\x4c" + bytes([size]) if size < 256 else b"\x4d" + struct.pack("<H", size)) + data


def number(n):
    if n == 0 or n == -1 or 1 <= n <= 16:
        return bytes([0 if n == 0 else 0x50 + n])
    data = bytearray(abs(n).to_bytes((abs(n).bit_length() + 7) // 8, "little"))
    if data[-1] & 0x80:
        data.append(0)
    data[-1] |= 0x80 if n < 0 else 0
    return push(bytes(data))


def assemble(text, names):
    script = b""
    for word in text.split():
        if word.startswith("0x"):
            script += bytes.fromhex(word[2:])
        elif word.startswith("'"):
            script += push(word.strip("'").encode())
        elif re.fullmatch(r"-?\d+", word):
            script += number(int(word))
        else:
            script += bytes([names[word.removeprefix("OP_")]])
    return script


def script_tests():
    """(script_sig, script_pubkey, amount, witness) of each, but those to be filled in."""
    names = opcodes()
    for entry in core("script_tests.json"):
        if len(entry) < 4 or "#" in json.dumps(entry[:3]):
            continue
        *items, amount = entry.pop(0) if isinstance(entry[0], list) else [0]
        yield (assemble(entry[0], names), assemble(entry[1], names), round(amount * 10**8),
               [bytes.fromhex(item) for item in items])


def transactions():
    for name in ("tx_valid.json", "tx_invalid.json"):
        yield from (bytes.fromhex(entry[1]) for entry in core(name) if len(entry) > 1)
    yield from (bytes.fromhex(entry[0]) for entry in core("sighash.json")[1:])


def blocks():
    for file in VECTORS.glob("blocks/*/*.raw"):
        if not file.stem.endswith("-undo"):
            yield file.read_bytes()
    yield from (bytes.fromhex(entry[2]) for entry in core("blockfilters.json")[1:])


def filters():
    for entry in core("blockfilters.json")[1:]:
        yield bytes.fromhex(entry[5])
        yield b"".join(sized(bytes.fromhex(script)) for script in entry[3])


def interpreter():
    for script_sig, script_pubkey, amount, witness in script_tests():
        for flags in (0, 0x1fffff):
            yield (struct.pack("<IIiII", flags, 0x55555, 1, 0, 0xffffffff) + sized(script_sig) +
                   output(amount, script_pubkey) + bytes([len(witness)]) +
                   b"".join(map(sized, witness)) + b"\x01" + output(amount, b""))


def signature_hashes():
    for tx, code, index, kind, _ in core("sighash.json")[1:]:
        head = SIGHASH_HEAD.pack(index, kind & 0xffffffff, 0xffffffff, 0, bytes(32), bytes(32))
        spent = output(1, b"") * 8  # no transaction there has more inputs
        yield head + sized(bytes.fromhex(code)) + bytes.fromhex(tx) + spent
    for spending in core("bip341_wallet_vectors.json")["keyPathSpending"]:
        given = spending["given"]
        spent = b"".join(output(out["amountSats"], bytes.fromhex(out["scriptPubKey"]))
                         for out in given["utxosSpent"])
        for each in spending["inputSpending"]:
            for options in range(4):
                head = SIGHASH_HEAD.pack(each["given"]["txinIndex"], each["given"]["hashType"], 0,
                                         options, bytes(32), bytes(32))
                yield head + b"\x00" + bytes.fromhex(given["rawUnsignedTx"]) + spent


def addresses():
    texts = [entry[0] for name in ("valid", "invalid") for entry in core(f"key_io_{name}.json")]
    texts += [entry[1] for entry in core("base58_encode_decode.json")]
    yield from (text.encode() for text in texts)


def targets():
    for file in (VECTORS / "asert").iterdir():
        for line in file.read_text().splitlines()[-20:]:
            if not line or line.startswith("#"):
                continue
            _, height, time, bits = line.split()
            bits, blocks = int(bits, 0), int(height) & 0xffffffff
            yield struct.pack("<I32sBIHHIII", bits, hashlib.sha256(line.encode()).digest(), 0,
                              0x1d00ffff, 599, 60000, 0, blocks, int(time) & 0xffffffff)


def scripts():
    for script_sig, script_pubkey, _, witness in script_tests():
        yield from (script_sig, script_pubkey, *witness[-1:])
    yield from (bytes.fromhex(entry[1]) for entry in core("sighash.json")[1:])
    with (VECTORS / "bips/bip-0340.csv").open() as rows:  # keys, as an output commits to them
        yield from (b"\x51\x20" + bytes.fromhex(row["public key"]) for row in csv.DictReader(rows))


def psbts():
    vectors = core("rpc_psbt.json")
    texts = vectors["valid"] + vectors["invalid"] + vectors["combiner"][0]["combine"]
    texts += [vectors["finalizer"][0]["finalize"], vectors["extractor"][0]["extract"]]
    for text in texts:
        try:
            yield base64.b64decode(text)
        except binascii.Error:
            pass


SEEDS = {
    "address": addresses,
    "block": blocks,
    "chain_file": lambda: (file.read_bytes() for file in SOURCES.glob("genesis/*.json")),
    "compact_filter": filters,
    "compact_target": targets,
    "header": lambda: (block[:80] for block in blocks()),
    "interpreter": interpreter,
    "psbt": psbts,
    "script": scripts,
    "signature_hash": signature_hashes,
    "transaction": transactions,
}


def main(out):
    if not VECTORS.is_dir():
        sys.exit(f"no test vectors in {VECTORS}")
    for target, seeds in SEEDS.items():
        folder = Path(out) / target
        folder.mkdir(parents=True, exist_ok=True)
        for seed in seeds():
            (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
        print(f"{target}: {len(list(folder.iterdir()))} seeds")


if __name__ == "__main__":
    main(sys.argv[1])
