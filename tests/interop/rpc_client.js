// SPDX-License-Identifier: MIT
// The package bitcoin-core: methods by name, batches, errors, named parameters and REST.
const assert = require("node:assert/strict");
const Client = require("bitcoin-core");

const ADDRESS = "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202";

async function main() {
    const { host, username, password } = JSON.parse(process.argv[2]);
    const node = new Client({ host, username, password });
    const blocks = await node.generateToAddress(3, ADDRESS);
    assert.equal(blocks.length, 3);
    assert.equal(await node.getBlockCount(), 3);
    assert.equal(await node.getBestBlockHash(), blocks[2]);
    const info = await node.getBlockchainInfo();
    assert.deepEqual([info.chain, info.blocks], ["regtest", 3]);
    assert.match((await node.getNetworkInfo()).subversion, /^\/Satoshi:/);
    assert.equal((await node.getBlock(blocks[0], 2)).tx[0].vin[0].coinbase.length > 0, true);
    assert.match(await node.help(), /getblockcount/);

    const [count, hash, wrong] = await node.command([
        { method: "getblockcount", parameters: [] },
        { method: "getblockhash", parameters: [1] },
        { method: "getblockhash", parameters: [9] },
    ]);
    assert.deepEqual([count, hash], [3, blocks[0]]);
    assert.equal(wrong.code, -8);

    await assert.rejects(node.getBlock("00".repeat(32)), { code: -5, message: "Block not found" });
    await assert.rejects(node.command("getinfo"), { code: -32601 });
    const stranger = new Client({ host, username, password: "wrong" });
    await assert.rejects(stranger.getBlockCount(), { code: 401 });

    // It gives names to parameters for a node that says this version.
    const named = new Client({ host, username, password, version: "0.21.0" });
    assert.equal(await named.getBlockHash({ height: 2 }), blocks[1]);

    const byRest = await node.getBlockByHash(blocks[1], { summary: true });
    assert.deepEqual([byRest.hash, byRest.height], [blocks[1], 2]);
    const headers = await node.getBlockHeadersByHash(blocks[0], 2);
    assert.deepEqual(headers.map((header) => header.hash), blocks.slice(0, 2));
    assert.equal((await node.getBlockchainInformation()).blocks, 3);
    const raw = await node.getTransactionByHash(byRest.tx[0], { extension: "hex" })
        .catch((error) => error);
    assert.equal(raw.code, 404, "REST finds no transaction without an index");
    console.log("bitcoin-core: calls, batch, errors, names, REST");
}

main();
