// SPDX-License-Identifier: MIT
// The validator of OpenRPC's authors on what the node tells of itself, and its checks of arguments.
const assert = require("node:assert/strict");
const Client = require("bitcoin-core");
const { MethodCallValidator, dereferenceDocument, validateOpenRPCDocument } =
    require("@open-rpc/schema-utils-js");

async function main() {
    const { host, username, password } = JSON.parse(process.argv[2]);
    const node = new Client({ host, username, password });
    const document = await node.command("rpc.discover");
    const verdict = validateOpenRPCDocument(document);
    assert.equal(verdict, true, verdict.message);

    // Every schema in it compiles and every method is there once.
    const names = document.methods.map((method) => method.name);
    assert.equal(new Set(names).size, names.length);
    assert.equal(names.includes("getblockchaininfo"), true);
    const calls = new MethodCallValidator(await dereferenceDocument(document));
    assert.deepEqual(calls.validate("getblockhash", [1]), []);
    assert.equal(calls.validate("getblockhash", ["one"]).length, 1);
    console.log(`${names.length} methods in a valid OpenRPC document`);
}

main();
