// SPDX-License-Identifier: MIT
// bitcoinjs-lib, with its usual companions for keys.
const bitcoin = require("bitcoinjs-lib");
const curve = require("@bitcoinerlab/secp256k1");
const { ECPairFactory } = require("ecpair");
const { createHash } = require("node:crypto");
const { pay } = require("./payments.js");

bitcoin.initEccLib(curve);
const ECPair = ECPairFactory(curve);

class Library {
    constructor({ address }) {
        this.network = {
            messagePrefix: "", bech32: address.bech32_hrp,
            bip32: {
                public: parseInt(address.extended_public, 16),
                private: parseInt(address.extended_secret, 16),
            },
            pubKeyHash: parseInt(address.pubkey_hash, 16),
            scriptHash: parseInt(address.script_hash, 16), wif: parseInt(address.secret_key, 16),
        };
    }

    key(index) {
        const secret = createHash("sha256").update(`bitcoinjs ${index}`).digest();
        return ECPair.fromPrivateKey(secret, { network: this.network });
    }

    payment(kind, index) {
        const pubkey = this.key(index).publicKey;
        return kind === "p2tr"
            ? bitcoin.payments.p2tr({ internalPubkey: pubkey.slice(1), network: this.network })
            : bitcoin.payments[kind]({ pubkey, network: this.network });
    }

    address(kind, index = 0) {
        return this.payment(kind, index).address;
    }

    // What a signer must know of the coin.
    input(kind, index, coin) {
        const input = { hash: coin.txid, index: coin.vout };
        if (kind === "p2pkh") return { ...input, nonWitnessUtxo: Buffer.from(coin.raw, "hex") };
        const payment = this.payment(kind, index);
        input.witnessUtxo = { script: payment.output, value: BigInt(coin.value) };
        if (kind === "p2tr") input.tapInternalKey = payment.internalPubkey;
        return input;
    }

    signer(kind, index) {
        const key = this.key(index);
        if (kind !== "p2tr") return key;
        return key.tweak(bitcoin.crypto.taggedHash("TapTweak", key.publicKey.slice(1)));
    }

    pay(kind, coin, address, amount) {
        const psbt = new bitcoin.Psbt({ network: this.network });
        psbt.addInput(this.input(kind, 0, coin));
        psbt.addOutput({ address, value: BigInt(amount) });
        psbt.signInput(0, this.signer(kind, 0));
        return psbt.finalizeAllInputs().extractTransaction().toHex();
    }

    psbt([segwit, taproot], address, amount) {
        const psbt = new bitcoin.Psbt({ network: this.network });
        psbt.addInput(this.input("p2wpkh", 1, segwit));
        psbt.addInput(this.input("p2tr", 1, taproot));
        psbt.addOutput({ address, value: BigInt(amount) });
        return psbt.toBase64();
    }

    sign(base64) {
        const psbt = bitcoin.Psbt.fromBase64(base64, { network: this.network });
        psbt.signInput(0, this.signer("p2wpkh", 1));
        psbt.signInput(1, this.signer("p2tr", 1));
        return psbt.toBase64();
    }

    extract(base64) {
        const psbt = bitcoin.Psbt.fromBase64(base64, { network: this.network });
        return psbt.finalizeAllInputs().extractTransaction().toHex();
    }
}

pay((chain) => new Library(chain));
