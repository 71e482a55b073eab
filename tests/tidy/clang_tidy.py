#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clang-tidy 14 on the C++ files changed since the branch left main (all with CAIRN_TIDY_ALL=1 or
--all; or those named). Needs a configured build directory for the compile commands.

usage: clang_tidy.py BUILD_DIRECTORY [--all] [FILE...]"""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else []


def base_commit():
    """Where this branch left the main one; on that itself, the commit before the last."""
    head = git("rev-parse", "HEAD")
    for main in ("origin/main", "origin/master", "main", "master"):
        base = git("merge-base", "HEAD", main)
        if base and base != head:
            return base[0]
    previous = git("rev-parse", "--verify", "--quiet", "HEAD~1")
    return previous[0] if previous else None


def changed_files():
    base = base_commit()
    if not base:
        return None
    return set(git("diff", "--name-only", "--diff-filter=d", base)
               + git("ls-files", "--others", "--exclude-standard"))


def commands_for_clang(build):
    """The compile commands without what only g++ knows (its coroutine flag, its precompiled
    headers), in a database of their own; returns its directory and the files in it."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    for entry in entries:
        command = re.sub(r"^.*?(?=\S*(g\+\+|c\+\+|clang)\S* )", "", entry["command"])
        command = re.sub(r" -(fcoroutines|fpch-preprocess|Winvalid-pch)\b", "", command)
        entry["command"] = re.sub(r" -include \S*cmake_pch\.hxx", "", command)
    directory = os.path.join(build, "tidy")
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump(entries, file)
    return directory, {os.path.relpath(entry["file"], ROOT) for entry in entries}


def sources_of(changed, known):
    """The translation units which show what changed: a header is read through the .cpp beside it,
    or else through one that includes it."""
    chosen = changed & known
    for header in (name for name in changed if name.endswith(".h")):
        twin = header[:-2] + ".cpp"
        if twin in known:
            chosen.add(twin)
            continue
        users = git("grep", "-l", "--untracked", f'#include "{header}"', "--", "*.cpp")
        chosen.update([user for user in users if user in known][:1])
    return chosen


def check(tool, directory, name):
    done = subprocess.run([tool, "--quiet", "-p", directory, name], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    return name, done.returncode, done.stdout + (done.stderr if done.returncode else "")


def main(build, arguments):
    tool = shutil.which("clang-tidy-14")
    if not tool:
        print("SKIPPED: no clang-tidy-14")
        return 77
    directory, known = commands_for_clang(build)
    everything = "--all" in arguments or os.environ.get("CAIRN_TIDY_ALL")
    named = {os.path.relpath(os.path.abspath(a), ROOT) for a in arguments if a != "--all"}
    changed = named or (known if everything else changed_files())
    if changed is None:
        print("SKIPPED: no git history to tell what changed")
        return 77
    files = sorted(name for name in sources_of(changed, known) if not name.startswith("build/"))
    failed = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, code, text in pool.map(lambda f: check(tool, directory, f), files):
            if code:
                failed.append(name)
                print(text.replace(ROOT + "/", ""), flush=True)
    print(f"{len(files)} files read, {len(failed)} with findings: {' '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
