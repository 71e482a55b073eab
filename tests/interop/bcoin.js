// SPDX-License-Identifier: MIT
// bcoin, a full node of other authors, on the chain of our file: it syncs from one of our nodes,
// pays with P2PKH and P2WPKH coins (it knows no taproot), and mines; another of ours, which knows
// nobody else, syncs from it.
process.env.NODE_BACKEND = "js"; // without parts to be compiled
const assert = require("node:assert/strict");
const Client = require("bitcoin-core");
const Chain = require("bcoin/lib/blockchain/chain");
const { thresholdStates } = require("bcoin/lib/blockchain/common");
const FullNode = require("bcoin/lib/node/fullnode");
const Block = require("bcoin/lib/primitives/block");
const Coin = require("bcoin/lib/primitives/coin");
const KeyRing = require("bcoin/lib/primitives/keyring");
const MTX = require("bcoin/lib/primitives/mtx");
const TX = require("bcoin/lib/primitives/tx");
const consensus = require("bcoin/lib/protocol/consensus");
const networks = require("bcoin/lib/protocol/networks");
const Script = require("bcoin/lib/script/script");

const FEE = 10_000; // satoshis
const NULL_HASH = "00".repeat(32);

function genesisOf(file) {
    const { version = 1, time, bits, nonce, coinbase, outputs } = file.genesis;
    const text = Buffer.from(coinbase, "ascii");
    const script = Buffer.concat([
        Buffer.from("04ffff001d0104", "hex"),
        Buffer.from(text.length < 76 ? [text.length] : [76, text.length]), text]);
    const tx = new TX({
        inputs: [{ prevout: { hash: NULL_HASH, index: 0xffffffff }, script: Script.fromRaw(script),
            sequence: 0xffffffff }],
        outputs: outputs.map(({ amount, script }) =>
            ({ value: amount, script: Script.fromRaw(script, "hex") })),
    });
    const block = new Block({ version, prevBlock: NULL_HASH, merkleRoot: NULL_HASH, time,
        bits: parseInt(bits, 16), nonce, txs: [tx] });
    block.merkleRoot = block.createMerkleRoot("hex");
    assert.equal(block.rhash(), file.genesis.hash);
    return block;
}

// The network of a chain file, by its name, as bcoin's own are described.
function register(file) {
    const genesis = genesisOf(file);
    const { address, proof_of_work: pow } = file;
    assert.equal(pow.rule, "fixed");
    assert.equal(file.subsidy.amount, consensus.BASE_REWARD);
    assert.equal(file.subsidy.coinbase_maturity, consensus.COINBASE_MATURITY);
    const hex = (digits) => parseInt(digits, 16);
    const soft = (name, bit) => ({ name, bit, startTime: 0, timeout: 0xffffffff, threshold: -1,
        window: -1, required: false, force: true });
    const deployments = { csv: soft("csv", 0), segwit: soft("segwit", 1),
        segsignal: soft("segsignal", 4) };
    const activation = { bip34: 1, bip65: 1, bip66: 1, ...file.activation };
    const Number = networks.regtest.pow.limit.constructor;
    const network = {
        ...networks.regtest,
        type: `cairn-${file.name}`,
        seeds: [],
        magic: Buffer.from(file.magic, "hex").readUInt32LE(0),
        port: file.p2p_port,
        rpcPort: file.rpc_port,
        halvingInterval: file.subsidy.halving_interval,
        genesis: { version: genesis.version, hash: genesis.hash("hex"), prevBlock: NULL_HASH,
            merkleRoot: genesis.merkleRoot, time: genesis.time, bits: genesis.bits,
            nonce: genesis.nonce, height: 0 },
        genesisBlock: genesis.toRaw().toString("hex"),
        pow: { ...networks.regtest.pow, limit: new Number(pow.limit, "hex"), bits: genesis.bits,
            targetSpacing: pow.spacing },
        block: { ...networks.regtest.block, bip34height: activation.bip34,
            bip65height: activation.bip65, bip66height: activation.bip66 },
        deployments,
        deploys: Object.values(deployments),
        keyPrefix: { ...networks.regtest.keyPrefix, privkey: hex(address.secret_key),
            xpubkey: hex(address.extended_public), xprivkey: hex(address.extended_secret),
            coinType: address.coin_type },
        addressPrefix: { ...networks.regtest.addressPrefix, pubkeyhash: hex(address.pubkey_hash),
            scripthash: hex(address.script_hash), bech32: address.bech32_hrp },
    };
    networks[network.type] = network;

    // It knows heights for the older rules only; these two hold from the start on our chains.
    const getState = Chain.prototype.getState;
    Chain.prototype.getState = function stateOf(previous, deployment) {
        const always = [deployments.csv, deployments.segwit].includes(deployment);
        return always ? thresholdStates.ACTIVE : getState.call(this, previous, deployment);
    };
    return network.type;
}

async function until(what, condition) {
    const deadline = Date.now() + 120_000;
    for (;;) {
        const answer = await condition();
        if (answer) return answer;
        assert.ok(Date.now() < deadline, `waited in vain for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

async function payBack(node, coinbase, height, from, to) {
    const coin = Coin.fromTX(coinbase, 0, height);
    const mtx = new MTX();
    mtx.addCoin(coin);
    mtx.addOutput(to.getAddress(), coin.value - FEE);
    assert.equal(mtx.sign(from), 1);
    const tx = mtx.toTX();
    assert.ok(tx.verify(mtx.view));
    await node.sendTX(tx);
    return tx.rhash();
}

async function main() {
    const place = JSON.parse(process.argv[2]);
    const { username, password, chain } = place;
    const [first, second] = [place.host, place.second].map(
        (host) => new Client({ host, username, password, timeout: 600_000 }));
    const node = new FullNode({
        network: register(chain), memory: true, prefix: place.directory,
        listen: true, host: "127.0.0.1", port: place.port,
        httpHost: "127.0.0.1", httpPort: place.http_port, noAuth: true, logLevel: "error",
        only: [place.peer], maxOutbound: 1,
    });
    const keys = [false, true].map((witness) => Object.assign(KeyRing.generate(), { witness }));
    const [plain, segwit] = keys;
    const nobody = KeyRing.generate().getAddress("string", node.network);
    const blocks = [];
    for (const key of keys)
        blocks.push(...await first.generateToAddress(1, key.getAddress("string", node.network)));
    await first.generateToAddress(consensus.COINBASE_MATURITY + 10, nobody);

    await node.open();
    await node.connect();
    node.startSync();
    const sameTip = (client) => until("one tip", async () =>
        node.chain.tip.rhash() === await client.getBestBlockHash());
    await sameTip(first);
    console.log(`bcoin is at height ${node.chain.height}`);

    const coinbases = await Promise.all(blocks.map(async (hash) =>
        (await node.getBlock(Buffer.from(hash, "hex").reverse().toString("hex"))).txs[0]));
    const paid = [await payBack(node, coinbases[0], 1, plain, segwit),
        await payBack(node, coinbases[1], 2, segwit, plain)];
    await until("the payments", async () => {
        const waiting = await first.getRawMempool();
        return paid.every((txid) => waiting.includes(txid));
    });
    const [mined] = await first.generateToAddress(1, nobody);
    assert.deepEqual((await first.getBlock(mined)).tx.slice(1).sort(), paid.sort());
    await sameTip(first);
    console.log("bcoin paid with a P2PKH and a P2WPKH coin");

    for (let i = 0; i < 3; ++i)
        await node.chain.add(await node.miner.mineBlock(null, segwit.getAddress()));
    await sameTip(first);
    await sameTip(second); // which knows nobody but bcoin
    console.log(`both have bcoin's blocks, height ${await second.getBlockCount()}`);
    assert.equal((await second.getPeerInfo()).length, 1);
    assert.match((await second.getPeerInfo())[0].subver, /bcoin/);
    process.exit(0);
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
