#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what the compiler and clang-tidy can't: the house rules of docs/style.md, on every file.

Each check is a generator over a Tree (path -> text) which yields (path, line, what is wrong);
self_test.py feeds each a sample that must fail. usage: tidy.py [DIRECTORY]"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PRODUCT = ("consensus/", "chain/", "node/", "rpc/", "wallet/")
MAIN_FILES = ("node/cairnd.cpp", "wallet/cairn.cpp")

# Folder -> folders it may include. The same arrows are CMakeLists.txt's target_link_libraries.
ARROWS = {
    "consensus": set(),
    "chain": {"consensus"},
    "node": {"chain", "consensus"},
    "wallet/keys": {"consensus"},
    "rpc/server": set(),
    "rpc": {"rpc/server", "wallet/keys", "node", "chain", "consensus"},
    "wallet": {"wallet/keys", "rpc/server", "consensus"},
}
# Folder -> headers of libraries it may include, besides the standard library's (docs/style.md,
# section 1). Chain has no sockets, and compiles Asio for all.
ASIO = r"boost/asio(/|\.hpp)"
LIBRARIES = {
    "consensus": r"secp256k1|openssl/|gmp\.h|"
                 r"boost/(multiprecision|system/result|json|container_hash)",
    "chain": r"rocksdb/|spdlog/|boost/(intrusive|unordered|smart_ptr|asio/impl/src\.hpp)",
    "node": rf"spdlog/|boost/(system/result|unordered)|{ASIO}",
    "wallet/keys": r"secp256k1|boost/system/result",
    "rpc/server": rf"spdlog/|openssl/|boost/(beast|json|system/result)|{ASIO}",
    "rpc": rf"spdlog/|{ASIO}",
    "wallet": rf"fmt/|sqlite3|sodium|qrencode|CLI/|boost/(beast|json)|{ASIO}",
}
# Library -> folders whose targets link it themselves; those above get it through them.
LINKS = {
    "asio_impl": {"node", "rpc/server"},
    "RocksDB::rocksdb-shared": {"chain"},
    "spdlog::spdlog": {"chain", "rpc/server"},
    "PkgConfig::SECP256K1": {"consensus"},
    "OpenSSL::Crypto": {"consensus", "rpc/server"},
    "PkgConfig::GMP": {"consensus"},
    "Boost::json": {"consensus", "rpc/server"},
    "PkgConfig::SQLITE": {"wallet"}, "PkgConfig::SODIUM": {"wallet"},
    "PkgConfig::QRENCODE": {"wallet"}, "CLI11::CLI11": {"wallet"},
    "Boost::headers": {"consensus", "rpc/server"}, "Threads::Threads": {"chain", "rpc/server"},
}
# The operating system's own headers are not the concern of the arrows, but consensus has none.
SYSTEM = re.compile(r"^((sys|netinet|arpa|net|linux)/.*|[a-z_0-9]+\.h)$")
NEVER_IN_CONSENSUS = {
    "chrono", "thread", "mutex", "shared_mutex", "atomic", "condition_variable", "future",
    "fstream", "iostream", "filesystem", "ostream", "istream", "cstdio", "ctime", "random",
}

MAX_COLUMNS = 100
MAX_FUNCTION, MAX_FILE, MAX_HEADER = 70, 600, 300
SOME_FUNCTION, SOME_FILE, SOME_HEADER = 40, 300, 150


class Tree:
    """The files to check, by path from the root."""

    def __init__(self, files):
        self.files = files
        self._code = {}

    @staticmethod
    def read(root):
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=root, capture_output=True, text=True, check=False).stdout.split("\n")
        if not any(listed):
            sys.exit("tidy: git lists no files here, so there is nothing to say about them")
        files = {}
        for path in filter(None, listed):
            try:
                with open(os.path.join(root, path), encoding="utf-8") as file:
                    files[path] = file.read()
            except (UnicodeDecodeError, OSError):
                continue  # binary, or deleted and not yet committed
        return Tree(files)

    def cpp(self, folders=PRODUCT + ("tests/",)):
        return {p: t for p, t in self.files.items()
                if p.endswith((".h", ".cpp")) and p.startswith(folders)}

    def code(self, path):
        """The file with comments and the insides of literals blanked; positions are kept."""
        if path not in self._code:
            self._code[path] = blank(self.files[path])
        return self._code[path]


LITERALS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"'
    r'|(?<!include )"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-FxX])\'(?:\\.|[^\'\\\n])+\'', re.S)


def blank(text):
    def spaces(match):
        whole = match.group(0)
        inner = re.sub(r"[^\n]", " ", whole)
        if whole.startswith("/"):
            return inner
        return whole[0] + inner[1:-1] + whole[-1]
    return LITERALS.sub(spaces, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def folder_of(path):
    folder = os.path.dirname(path)
    while folder and folder not in ARROWS:
        folder = os.path.dirname(folder)
    return folder


def matching(code, start, opening="{", closing="}"):
    """Position just after the bracket that closes the one at `start`."""
    depth = 0
    for match in re.compile(f"[{re.escape(opening + closing)}]").finditer(code, start):
        depth += 1 if match.group() == opening else -1
        if depth == 0:
            return match.end()
    return len(code)


# --- The checks -----------------------------------------------------------------------------------

def include_directions(tree):
    for path, text in tree.cpp(PRODUCT).items():
        if path in MAIN_FILES:
            continue
        folder = folder_of(path)
        for match in re.finditer(r'^#include "([^"]+)"', text, re.M):
            target = folder_of(match.group(1))
            if not target:
                yield path, line_of(text, match.start()), "include written not from the root"
            elif target != folder and target not in ARROWS[folder]:
                yield path, line_of(text, match.start()), f"{folder} may not include {target}"
        for match in re.finditer(r"^#include <([^>]+)>", text, re.M):
            name, line = match.group(1), line_of(text, match.start())
            if folder == "consensus" and (name in NEVER_IN_CONSENSUS or name.startswith("sys/")):
                yield path, line, f"consensus does no I/O, keeps no time: <{name}>"
            if "/" not in name and not name.endswith((".h", ".hpp")):
                continue  # standard library
            if re.match(LIBRARIES[folder], name):
                continue
            if folder != "consensus" and SYSTEM.match(name):
                continue
            if folder == "consensus" and name in ("immintrin.h", "cpuid.h", "arm_neon.h"):
                continue
            yield path, line, f"{folder} may not include <{name}>"


def library_links(tree):
    """CMakeLists.txt draws the same arrows, to folders and to libraries."""
    text = tree.files.get("CMakeLists.txt", "")
    for match in re.finditer(r"^cairn_library\((\w+) (\S+)([^)]*)\)", text, re.M):
        folder = match.group(2)
        links = {"rpc_server": "rpc/server", "wallet_keys": "wallet/keys"}
        for link in match.group(3).split():
            target = links.get(link, link)
            allowed = folder in LINKS.get(link, ()) or target in ARROWS.get(folder, ())
            if not allowed:
                yield "CMakeLists.txt", line_of(text, match.start()), f"{folder} links {target}"


def columns(tree):
    kinds = (".h", ".cpp", ".py", ".txt", ".cmake")
    for path, text in tree.files.items():
        if not path.endswith(kinds) and path not in ("run", "test", ".ci/run", ".ci/setup.sh"):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > MAX_COLUMNS and not path.startswith("tests/data/"):
                yield path, number, f"{len(line)} columns, {MAX_COLUMNS} at most"


CAPTURING_LAMBDA = r"(?<![\w\])])\[\s*[^\]\s][^\]]*\]\s*(\(|\{|mutable|noexcept)"


def co_await_traps(tree):
    """g++ 12 destroys twice a capturing lambda or a braced aggregate in a co_await expression."""
    for path in tree.cpp():
        code = tree.code(path)
        for match in re.finditer(r"\bco_await\b", code):
            expression = code[match.end():end_of_expression(code, match.end())]
            line = line_of(code, match.start())
            if re.search(CAPTURING_LAMBDA, expression):
                yield path, line, "capturing lambda inside a co_await expression"
            elif re.search(r"[\w>:]\s*\{[^}\s]|[(,=]\s*\{", without_lambdas(expression)):
                yield path, line, "braced aggregate inside a co_await expression"
            if re.match(r"\s*\([^;]*\|\|", expression):
                yield path, line, "|| of awaitables: cancelling races when an operand hops threads"


def without_lambdas(expression):
    """`expression` without the bodies of its lambdas, whose braces are no aggregates."""
    while True:
        start = re.search(r"(?<![\w\])])\[\s*\]\s*(\([^()]*\))?[^{;,()]*\{", expression)
        if not start:
            return expression
        end = matching(expression, start.end() - 1)
        expression = expression[:start.start()] + "lambda" + expression[end:]


def end_of_expression(code, start):
    """Where the expression from `start` ends: `;`, or the bracket that closes around it."""
    depth = 0
    for position in range(start, len(code)):
        char = code[position]
        if char in "([{":
            # A brace after a closed parenthesis at depth 0 opens the body of an if or a loop.
            depth += 1
        elif char in ")]}":
            depth -= 1
            if depth < 0:
                return position
        elif char == ";" and depth == 0:
            return position
    return len(code)


def dead_files(tree):
    included = set()
    for text in tree.cpp().values():
        included.update(re.findall(r'^#include "([^"]+)"', text, re.M))
    for path in tree.cpp():
        if path.endswith(".h"):
            users = path in included or (os.path.basename(path) in included)
            if not users:
                yield path, 1, "no file includes this header"
        elif path.startswith("tests/"):
            known = (r"tests/(consensus|chain|node|rpc|wallet)/\w+\.cpp|tests/(fuzz|bench)/\w+\.cpp"
                     r"|tests/(main|thread_sanitizer|verify_blocks)\.cpp|tests/sim/\w+\.cpp")
            if not re.fullmatch(known, path):
                yield path, 1, "no target builds this file"
        elif os.path.dirname(path) not in ARROWS:
            yield path, 1, "no target builds this file"


# Functions and lambdas that are given a `reason`, first or second, make a Reject of it.
REASON_MAKER = r"(\w+)(?: = \[[^\]]*\])?\(([\w:]+ \w+, )?std::string_view reason\b"
TEXT = r'"((?:\\.|[^"\\\n])*)"'


def reason_makers(code):
    return {match[1]: int(bool(match[2])) for match in re.finditer(REASON_MAKER, code)}


def arguments(text, code, start, end):
    """What stands between the commas from `start` to `end`."""
    depth, first = 0, start
    for at in range(start, end):
        depth += (code[at] in "([{") - (code[at] in ")]}")
        if code[at] == "," and depth == 0:
            yield text[first:at].strip()
            first = at + 1
    yield text[first:end].strip()


def reasons(text, code, makers):
    """(line, reason) of each Reject that is made; None where it can't be told."""
    names = "|".join(makers)
    for match in re.finditer(rf"(?<!\.)\b({names})\s*(?:\(|(?<=Reject){{)", code):
        opening = match[0][-1]
        end = matching(code, match.end() - 1, opening, ")" if opening == "(" else "}") - 1
        given = list(arguments(text, code, match.end(), end))[makers[match[1]]:]
        if not given or "string_view reason" in given[0]:
            continue  # Reject{}, or where a maker is declared
        found = re.findall(TEXT, given[0])
        name = re.match(r"\w+", given[0])
        if not found and name:  # a variable of one of several texts, perhaps
            values = re.findall(rf"\b{name[0]} =\s([^;]*);", text)
            found = [one for value in values for one in re.findall(TEXT, value)]
        if not found and re.search(r"\breason$", given[0]):
            continue  # what a maker, or another Reject, was given
        for reason in found or [None]:
            yield line_of(code, match.start()), reason


def reject_reasons(tree):
    """Every reason of a Reject stands in a C++ test of its folder: else nobody knows that the rule
    can fire. One that ends in the midst of a sentence is the beginning of what the test names."""
    makers = {"Reject": 1}
    for path in tree.cpp(("consensus/", "chain/")):
        if path.endswith(".h"):
            makers.update(reason_makers(tree.code(path)))
    for path, text in tree.cpp(("consensus/", "chain/", "node/")).items():
        code, folder = tree.code(path), path.split("/")[0]
        tests = "\n".join(tree.cpp((f"tests/{folder}/",)).values())
        for line, reason in reasons(text, code, {**makers, **reason_makers(code)}):
            if reason is None:
                yield path, line, "its reason is nowhere to be read"
                continue
            whole = "(?![-_a-z])" if reason[-1:].isalnum() else ""
            if not re.search('"' + re.escape(reason) + whole, tests):
                yield path, line, f'no test of {folder} names "{reason}"'


# Here each text is a reason, or in the detail of one.
POLICY_FILES = r"chain/(admission|admission_package|attempt|package|policy)\.(h|cpp)"


def policy_details(tree):
    """Every detail of a Reject of policy stands in a C++ test of chain, at least the longest of the
    parts that its placeholders leave: a reason may have several, each of a rule of its own."""
    tests = re.sub(r'"\s*"', "", "\n".join(tree.cpp(("tests/chain/",)).values()))
    for path, text in tree.cpp(("chain/",)).items():
        if not re.fullmatch(POLICY_FILES, path):
            continue
        for match in re.finditer(r'(?<!include )(?<!debug\()"([^"\n]+)"', tree.code(path)):
            parts = re.split(r"\{[^}]*\}", text[match.start(1):match.end(1)])
            words = max((part.strip() for part in parts), key=len)
            if re.search("[a-z]", words) and words not in tests:
                yield path, line_of(text, match.start()), f'no test of chain says "{words}"'


def licence(tree):
    for path, text in tree.files.items():
        if path.endswith((".h", ".cpp", ".py", ".cmake", "CMakeLists.txt")) or \
                text.startswith("#!"):
            if "SPDX-License-Identifier: MIT" not in "\n".join(text.split("\n")[:2]):
                yield path, 1, "the first line is not `SPDX-License-Identifier: MIT`"


PREAMBLE = (r"^(template\s*<[^{;]*?>\s*|#.*\n\s*|(public|private|protected):\s*"
            r"|BOOST_\w*SUITE\w*\([^)]*\)\s*)+")


def functions(code):
    """(line, number of lines) of each function with a body; those within it count as part of it."""
    position = head = 0
    while match := re.compile(r"[{};]").search(code, position):
        position = match.end()
        if match.group() != "{":
            head = position
            continue
        text = code[head:match.start()].strip()
        text = re.sub(PREAMBLE, "", text)
        if re.match(r"(namespace|class|struct|union|extern)\b", text) and "(" not in text:
            head = position
            continue
        end = matching(code, match.start())
        position = end
        if re.match(r"\s*[,{]", code[end:]):
            continue  # a member initializer: `C::C() : a_{1} {`
        if "(" in text:
            first = line_of(code, head + len(code[head:]) - len(code[head:].lstrip()))
            yield first, line_of(code, end - 1) - first + 1
        head = position


def sizes(tree):
    for path, line, text in size_notes(tree, MAX_FUNCTION, MAX_FILE, MAX_HEADER):
        yield path, line, text


def size_notes(tree, function, file, header):
    for path in tree.cpp():
        lines = tree.files[path].count("\n")
        limit = header if path.endswith(".h") else file
        if lines > limit:
            yield path, 1, f"{lines} lines, over {limit}"
        for line, count in functions(tree.code(path)):
            if count > function:
                yield path, line, f"a function of {count} lines, over {function}"


def views(tree):
    for path in tree.cpp():
        for match in re.finditer(r"\bstd::(ranges::)?views\b|#include <ranges>", tree.code(path)):
            yield path, line_of(tree.code(path), match.start()), \
                "std::views: clang 14 can't read libstdc++ 12's"


def namespaces(tree):
    for path in tree.cpp(PRODUCT):
        if path in MAIN_FILES:
            continue
        wanted = "cairn::" + folder_of(path).replace("/", "::")
        code = tree.code(path)
        for match in re.finditer(r"^(?:inline )?namespace ([\w:]+)", code, re.M):
            name = match.group(1)
            start = code.index("{", match.end()) if "{" in code[match.end():] else match.end()
            body = code[start + 1:matching(code, start) - 1]
            if re.fullmatch(r"\s*((class|struct) \w+;\s*)+", body):
                continue  # names declared ahead, in place of an include
            if name.startswith("cairn") and name != wanted \
                    and not name.startswith(wanted + "::"):
                yield path, line_of(code, match.start()), f"namespace {name}, not {wanted}"


# A home folder, a checkout or a temporary place of one machine has no meaning on another.
MACHINE = re.compile(r"(?<![\w.$}])/(home|root|work|mnt|Users)/\w+")


def machine_paths(tree):
    for path, text in tree.files.items():
        if path.startswith("tests/tidy/"):
            continue
        for match in MACHINE.finditer(text):
            yield path, line_of(text, match.start()), f"a path of one machine: {match.group()}"


def unfinished(tree):
    for path in tree.cpp():
        for match in re.finditer(r"\b(TODO|FIXME|XXX|HACK)\b", tree.files[path]):
            yield path, line_of(tree.files[path], match.start()), f"a {match.group()} left behind"


def test_suites(tree):
    """A file's name is how CTest calls its suite; where they differ, nothing would run."""
    for path, text in tree.files.items():
        match = re.fullmatch(r"tests/(\w+)/(\w+)_test\.cpp", path)
        if match and f"BOOST_AUTO_TEST_SUITE({match.group(2)})" not in text \
                and f"BOOST_FIXTURE_TEST_SUITE({match.group(2)}," not in text:
            yield path, 1, f"holds no suite named {match.group(2)}"


CHECKS = (include_directions, library_links, columns, co_await_traps, dead_files, reject_reasons,
          policy_details, licence, sizes, views, namespaces, machine_paths, unfinished, test_suites)


def main(root):
    tree = Tree.read(root)
    found = 0
    for check in CHECKS:
        for path, line, text in check(tree):
            print(f"{path}:{line}: {text} [{check.__name__}]")
            found += 1
    notes = list(size_notes(tree, SOME_FUNCTION, SOME_FILE, SOME_HEADER))
    product = sum(sum(1 for line in tree.code(path).split("\n") if line.strip())
                  for path in tree.cpp(PRODUCT))
    print(f"{len(tree.files)} files, {product} lines of product code without comments and blanks, "
          f"{found} findings; "
          f"{len(notes)} functions and files above the size to aim for")
    if "--sizes" in sys.argv:
        for path, line, text in notes:
            print(f"{path}:{line}: {text}")
    return 1 if found else 0


if __name__ == "__main__":
    places = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    sys.exit(main(places[0] if places else ROOT))
