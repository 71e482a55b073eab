#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Feeds each check of tidy.py samples that it must find, and some it must let pass: a check that
can't fail is worth nothing."""
import unittest

import tidy

HEAD = "// SPDX-License-Identifier: MIT\n"


def found(check, files):
    tree = tidy.Tree({path: text for path, text in files.items()})
    return [(path, line) for path, line, _ in check(tree)]


def body(statement):
    return HEAD + "Task<> f() {\n    " + statement + "\n}\n"


class Checks(unittest.TestCase):
    def must_find(self, check, path, text, others=None):
        hits = found(check, {path: text, **(others or {})})
        self.assertTrue([hit for hit in hits if hit[0] == path], f"{check.__name__}: {text!r}")

    def must_pass(self, check, path, text, others=None):
        hits = found(check, {path: text, **(others or {})})
        self.assertFalse([hit for hit in hits if hit[0] == path], f"{check.__name__}: {text!r}")

    def test_include_directions(self):
        check = tidy.include_directions
        for path, include in (
                ("consensus/a.cpp", '"chain/chain.h"'), ("consensus/a.h", "<rocksdb/db.h>"),
                ("consensus/a.cpp", "<chrono>"), ("consensus/a.cpp", "<fstream>"),
                ("chain/a.cpp", '"node/network.h"'), ("chain/a.h", "<boost/beast/core.hpp>"),
                ("node/a.cpp", "<rocksdb/db.h>"), ("node/a.cpp", "<boost/json.hpp>"),
                ("node/a.cpp", '"rpc/methods.h"'), ("wallet/a.cpp", '"chain/chain.h"'),
                ("wallet/keys/a.cpp", '"wallet/wallet.h"'), ("wallet/a.cpp", '"rpc/methods.h"'),
                ("chain/a.cpp", "<boost/asio/ip/tcp.hpp>"), ("rpc/a.cpp", "<openssl/evp.h>"),
                ("wallet/a.cpp", "<spdlog/spdlog.h>"), ("wallet/keys/a.cpp", "<openssl/evp.h>"),
                ("rpc/server/a.cpp", '"consensus/bytes.h"'), ("rpc/a.cpp", "<rocksdb/db.h>"),
                ("wallet/a.cpp", '"wallet.h"')):
            self.must_find(check, path, f"{HEAD}#include {include}\n")
        for path, include in (
                ("consensus/a.cpp", '"consensus/bytes.h"'), ("chain/a.h", "<rocksdb/db.h>"),
                ("consensus/a.h", "<vector>"), ("wallet/a.cpp", '"rpc/server/json_writer.h"'),
                ("rpc/a.cpp", '"wallet/keys/bip32.h"'), ("wallet/a.cpp", "<sys/wait.h>"),
                ("node/cairnd.cpp", '"rpc/methods.h"'), ("chain/a.cpp", "<chrono>")):
            self.must_pass(check, path, f"{HEAD}#include {include}\n")

    def test_library_links(self):
        for rule in ("chain chain node", "chain chain asio_impl", "wallet wallet asio_impl",
                     "node node Boost::json", "rpc rpc RocksDB::rocksdb-shared", "node node curl"):
            self.must_find(tidy.library_links, "CMakeLists.txt", f"cairn_library({rule})\n")
        for rule in ("node node chain", "node node asio_impl", "rpc_server rpc/server\n asio_impl"):
            self.must_pass(tidy.library_links, "CMakeLists.txt", f"cairn_library({rule})\n")

    def test_columns(self):
        self.must_find(tidy.columns, "node/a.cpp", "x" * 101 + "\n")
        self.must_pass(tidy.columns, "node/a.cpp", "x" * 100 + "\n")

    def test_co_await_traps(self):
        check = tidy.co_await_traps
        for statement in (
                "co_await run([this] { go(); });",
                "co_await run([&](int x) { go(x); });",
                "auto x = co_await run(1, [a = 1]() mutable { go(a); });",
                "co_await send(Frame{1, 2});",
                "co_await send({1, 2});",
                "co_await send(a, std::vector<int>{1});",
                "if (co_await send(Frame{1})) return;",
                "co_await (a() || b());"):
            self.must_find(check, "node/a.cpp", body(statement))
        for statement in (
                "co_await run([] { go(); });",
                "co_await run([](int x) { return Frame(x); });",
                "auto frame = Frame{1, 2}; co_await send(std::move(frame));",
                "auto f = [this] { go(); }; co_await run(f);",
                "if (co_await send(x)) { y[i] = Frame{1}; }",
                "co_await send(table[i](1));",
                "// co_await send({1, 2});",
                "co_await send(a, b);\n    Frame c{1};",
                "if (!co_await send(x) || y) { z(); }",
                'co_await send("{a, b}");'):
            self.must_pass(check, "node/a.cpp", body(statement))

    def test_dead_files(self):
        self.must_find(tidy.dead_files, "node/a.h", HEAD)
        self.must_find(tidy.dead_files, "node/deeper/a.cpp", HEAD)
        self.must_find(tidy.dead_files, "tests/other/a_test.cpp", HEAD)
        user = {"node/b.cpp": '#include "node/a.h"\n'}
        self.must_pass(tidy.dead_files, "node/a.h", HEAD, user)
        self.must_pass(tidy.dead_files, "tests/node/a_test.cpp", HEAD)

    def test_reject_reasons(self):
        check = tidy.reject_reasons
        makers = {"consensus/result.h": HEAD + "Reject invalid(std::string_view reason);"}
        for code in ('return invalid("bad-made-up");', 'return invalid(\n "bad-made-up", x);',
                     'return Reject{Reject::Kind::Policy, "bad-made-up"};',
                     'return invalid(good ? "bad-other" : "bad-made-up");',
                     'const std::string why = "bad-made-up";\nreturn invalid(why + more());',
                     'const auto below = [&](std::string_view reason, int least) {\n'
                     'return invalid(reason, f(least)); };\nreturn below("bad-made-up", 3);'):
            named = {"tests/consensus/a_test.cpp": '"bad-other" "bad-made-up" "nothing here"'}
            self.must_pass(check, "consensus/a.cpp", HEAD + code, makers | named)
            for test in ("", '"bad-other" "bad-made-up-x" "bad-made-upper" "so bad-made-up"'):
                other = {"tests/consensus/a_test.cpp": test,
                         "tests/rpc/a_test.cpp": '"bad-other" "bad-made-up"'}
                self.must_find(check, "consensus/a.cpp", HEAD + code, makers | other)
        self.must_find(check, "consensus/a.cpp", HEAD + "return invalid(text);", makers)
        self.must_pass(check, "consensus/a.cpp", HEAD + "return invalid(why.reason);", makers)

    def test_policy_details(self):
        check = tidy.policy_details
        named = {"tests/chain/a_test.cpp": '"bad, 7 is far "\n"too much"'}
        for detail in ('"{} is far too much"', 'f("{} is far too much", 8)', '"{} < {}"'):
            code = HEAD + f'return policy("bad", {detail});'
            self.must_pass(check, "chain/policy.cpp", code, named)
        for detail in ('"{} is far too little"', '"input {} much too much"'):
            code = HEAD + f'return policy("bad", {detail});'
            self.must_find(check, "chain/policy.cpp", code, named)
            self.must_pass(check, "chain/store.cpp", code, named)
        for code in ('#include "a/b.h"', '// "not said"', 'spdlog::debug("not said");'):
            self.must_pass(check, "chain/policy.cpp", HEAD + code, named)

    def test_licence(self):
        self.must_find(tidy.licence, "node/a.cpp", "// something\n")
        self.must_find(tidy.licence, "run", "#!/bin/sh\nls\n")
        self.must_pass(tidy.licence, "run", "#!/bin/sh\n# SPDX-License-Identifier: MIT\n")

    def test_sizes(self):
        check = tidy.sizes
        shapes = ("void f() {{{}}}", "Result<A> C::f(int a,\n    int b) const {{{}}}",
                  "C::C(int a) : a_(a), b_{{a}} {{{}}}", "template <class T>\nT f(T t) {{{}}}",
                  "namespace x {{\nvoid f() {{{}}}\n}}", "class C {{\n    int f() {{{}}}\n}};")
        for shape in shapes:
            self.must_find(check, "node/a.cpp", HEAD + shape.format("\n  g();" * 72 + "\n"))
            self.must_pass(check, "node/a.cpp", HEAD + shape.format("\n  g();" * 60 + "\n"))
        self.must_pass(check, "node/a.cpp", HEAD + "BOOST_AUTO_TEST_SUITE(a)\n\nnamespace {\n"
                       + "int a;\n" * 100 + "}\n")
        self.must_find(check, "node/a.cpp", HEAD + "int a;\n" * 601)
        self.must_find(check, "node/a.h", HEAD + "int a;\n" * 301)
        self.must_pass(check, "node/a.cpp", HEAD + "int a;\n" * 301)

    def test_views(self):
        self.must_find(tidy.views, "node/a.cpp", "for (int i : std::views::iota(0, 3)) go(i);")
        self.must_pass(tidy.views, "node/a.cpp", "std::ranges::sort(a); // no std::views")

    def test_namespaces(self):
        check = tidy.namespaces
        self.must_find(check, "wallet/a.cpp", "namespace cairn::node {\nint a;\n}\n")
        self.must_find(check, "rpc/server/a.cpp", "namespace cairn::rpc {\nint a;\n}\n")
        self.must_pass(check, "rpc/server/a.cpp", "namespace cairn::rpc::server {\nint a;\n}\n")
        self.must_pass(check, "rpc/a.h", "namespace cairn::chain {\nclass Chain;\n}\n")

    def test_machine_paths(self):
        self.must_find(tidy.machine_paths, "docs/a.md", "see /home" + "/anna/cairn")
        self.must_pass(tidy.machine_paths, "docs/a.md", "see ~/.cairn and $HOME/work/x, a/root/b")

    def test_unfinished(self):
        self.must_find(tidy.unfinished, "node/a.cpp", "// TO" + "DO: all of it")

    def test_test_suites(self):
        path = "tests/node/a_test.cpp"
        self.must_find(tidy.test_suites, path, "BOOST_AUTO_TEST_SUITE(b)")
        self.must_pass(tidy.test_suites, path, "BOOST_AUTO_TEST_SUITE(a)")

    def test_every_check_has_a_sample(self):
        for check in tidy.CHECKS:
            self.assertTrue(hasattr(self, "test_" + check.__name__), check.__name__)


if __name__ == "__main__":
    unittest.main()
