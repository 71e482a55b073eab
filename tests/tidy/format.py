#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clang-format 14 on every C++ file that git knows or would add: prints what it would change."""
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    tool = shutil.which("clang-format-14")
    if not tool:
        print("SKIPPED: no clang-format-14")
        return 77
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.h", "*.cpp"],
        cwd=ROOT, capture_output=True, text=True, check=True)
    files = [f for f in listed.stdout.split("\n") if f and os.path.exists(os.path.join(ROOT, f))]
    if "--fix" in sys.argv:
        return subprocess.run([tool, "-i", *files], cwd=ROOT, check=False).returncode
    bad = []
    for start in range(0, len(files), 50):
        done = subprocess.run([tool, "--dry-run", "--Werror", *files[start:start + 50]], cwd=ROOT,
                              capture_output=True, text=True, check=False)
        bad += [line for line in done.stderr.split("\n") if " error: " in line]
    print("\n".join(bad[:100]))
    print(f"{len(files)} files, {len(bad)} places to format (tests/tidy/format.py --fix)")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
