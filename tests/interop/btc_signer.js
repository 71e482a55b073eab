// SPDX-License-Identifier: MIT
// @scure/btc-signer.
const btc = require("@scure/btc-signer");
const { pubSchnorr, pubECDSA } = require("@scure/btc-signer/utils");
const { base64, hex } = require("@scure/base");
const { createHash } = require("node:crypto");
const { pay } = require("./payments.js");

class Library {
    constructor({ address }) {
        this.network = {
            bech32: address.bech32_hrp, pubKeyHash: parseInt(address.pubkey_hash, 16),
            scriptHash: parseInt(address.script_hash, 16), wif: parseInt(address.secret_key, 16),
        };
    }

    key(index) {
        return createHash("sha256").update(`btc-signer ${index}`).digest();
    }

    payment(kind, index) {
        const secret = this.key(index);
        return kind === "p2tr"
            ? btc.p2tr(pubSchnorr(secret), undefined, this.network)
            : { p2pkh: btc.p2pkh, p2wpkh: btc.p2wpkh }[kind](pubECDSA(secret), this.network);
    }

    address(kind, index = 0) {
        return this.payment(kind, index).address;
    }

    // What a signer must know of the coin.
    input(kind, index, coin) {
        const input = { ...this.payment(kind, index), txid: coin.txid, index: coin.vout };
        if (kind === "p2pkh") return { ...input, nonWitnessUtxo: hex.decode(coin.raw) };
        return { ...input, witnessUtxo: { script: input.script, amount: BigInt(coin.value) } };
    }

    pay(kind, coin, address, amount) {
        const tx = new btc.Transaction();
        tx.addInput(this.input(kind, 0, coin));
        tx.addOutputAddress(address, BigInt(amount), this.network);
        tx.sign(this.key(0));
        tx.finalize();
        return tx.hex;
    }

    psbt([segwit, taproot], address, amount) {
        const tx = new btc.Transaction();
        tx.addInput(this.input("p2wpkh", 1, segwit));
        tx.addInput(this.input("p2tr", 1, taproot));
        tx.addOutputAddress(address, BigInt(amount), this.network);
        return base64.encode(tx.toPSBT());
    }

    sign(text) {
        const tx = btc.Transaction.fromPSBT(base64.decode(text));
        tx.sign(this.key(1));
        return base64.encode(tx.toPSBT());
    }

    extract(text) {
        const tx = btc.Transaction.fromPSBT(base64.decode(text));
        tx.finalize();
        return tx.hex;
    }
}

pay((chain) => new Library(chain));
