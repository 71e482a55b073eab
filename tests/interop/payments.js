// SPDX-License-Identifier: MIT
// What a wallet made of a library does: it shows addresses, finds the coins that they got, pays
// with each kind of them, alone and through a PSBT, and sees the payments confirmed. The node is
// asked through the package bitcoin-core.
const assert = require("node:assert/strict");
const Client = require("bitcoin-core");

const FEE = 1000; // satoshis: above the node's least rate for all that is sent here
const COIN = 100_000_000;
const TRIES = 2 ** 31 - 1; // of nonces, enough for the default chain too

const satoshis = (amount) => Math.round(amount * COIN);

class Wallet {
    // `library`: address(kind), pay(kind, coin, address, amount) -> hex of a transaction, and
    // psbt(coins, address, amount) -> base64, sign(base64) -> base64, extract(base64) -> hex.
    constructor(place, library) {
        const { host, username, password } = place;
        this.node = new Client({ host, username, password, timeout: 600_000 });
        this.maturity = place.chain.subsidy.coinbase_maturity;
        this.library = library;
    }

    async mine(blocks, address) {
        return this.node.command("generatetoaddress", blocks, address, TRIES);
    }

    // The one coin at `address`, with the transaction that made it.
    async coinAt(address) {
        const found = await this.node.command("scantxoutset", "start", [`addr(${address})`]);
        assert.equal(found.unspents.length, 1, `coins at ${address}`);
        const [coin] = found.unspents;
        const hash = await this.node.command("getblockhash", coin.height);
        const raw = await this.node.command("getrawtransaction", coin.txid, 0, hash);
        return { ...coin, value: satoshis(coin.amount), raw };
    }

    // The id under which the node takes `hex`.
    async send(hex) {
        const [verdict] = await this.node.command("testmempoolaccept", [hex]);
        assert.equal(verdict.allowed, true, verdict["reject-reason"]);
        assert.equal(satoshis(verdict.fees.base), FEE);
        const txid = await this.node.command("sendrawtransaction", hex);
        assert.equal(txid, verdict.txid);
        return txid;
    }

    // A payment from P2WPKH and P2TR coins at once, which node and library hand to each other.
    async payByPsbt(coins, address) {
        const amount = coins.reduce((sum, coin) => sum + coin.value, 0) - FEE;
        const unsigned = this.library.psbt(coins, address, amount);
        const decoded = await this.node.command("decodepsbt", unsigned);
        assert.equal(decoded.tx.vin.length, coins.length);

        // The node makes the same one.
        const bare = await this.node.command(
            "createpsbt", coins.map(({ txid, vout }) => ({ txid, vout })),
            [{ [address]: (amount / COIN).toFixed(8) }], 0, false);
        const theirs = await this.node.command("decodepsbt", bare);
        assert.equal(theirs.tx.txid, decoded.tx.txid);

        const signed = this.library.sign(unsigned);
        const seen = await this.node.command("analyzepsbt", signed);
        assert.equal(seen.next, "finalizer");
        assert.equal(satoshis(seen.fee), FEE);
        const joined = await this.node.command("combinepsbt", [unsigned, signed]);
        const done = await this.node.command("finalizepsbt", joined);
        assert.equal(done.complete, true);
        assert.equal(done.hex, this.library.extract(signed));
        return this.send(done.hex);
    }

    async confirm(txids) {
        const [block] = await this.mine(1, this.library.address("p2wpkh"));
        for (const txid of txids) {
            const mined = await this.node.command("getrawtransaction", txid, 1, block);
            assert.equal(mined.confirmations, 1);
        }
        assert.deepEqual(await this.node.command("getrawmempool"), []);
    }
}

const KINDS = ["p2pkh", "p2wpkh", "p2tr"];

// `libraryOf(chain)`: the library for a chain, by the content of its chain file.
async function pay(libraryOf) {
    const place = JSON.parse(process.argv[2]);
    const library = libraryOf(place.chain);
    const wallet = new Wallet(place, library);
    for (const kind of KINDS) {
        const address = library.address(kind);
        const seen = await wallet.node.command("validateaddress", address);
        assert.equal(seen.isvalid, true, address);
        await wallet.mine(1, address);
    }
    await wallet.mine(wallet.maturity, place.nobody);

    const txids = [];
    for (const kind of KINDS) {
        const coin = await wallet.coinAt(library.address(kind));
        const to = library.address(kind, 1);
        txids.push(await wallet.send(library.pay(kind, coin, to, coin.value - FEE)));
    }
    await wallet.confirm(txids);
    const coins = [await wallet.coinAt(library.address("p2wpkh", 1)),
        await wallet.coinAt(library.address("p2tr", 1))];
    await wallet.confirm([await wallet.payByPsbt(coins, library.address("p2pkh", 2))]);
    console.log(`paid with ${KINDS.join(", ")} coins and a PSBT on ${place.chain.name}`);
}

module.exports = { pay };
