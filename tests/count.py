#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The closing line of ./test: counts the tests in CTest's JUnit report, names those that did not
run, and fails if one failed or none passed."""
import sys
import xml.etree.ElementTree as xml


def main(path):
    passed, failed, skipped = 0, [], []
    for case in xml.parse(path).getroot().iter("testcase"):
        name, status = case.get("name"), case.get("status")
        if case.find("skipped") is not None or status in ("notrun", "disabled"):
            skipped.append(name)
        elif case.find("failure") is not None or status != "run":
            failed.append(name)
        else:
            passed += 1
    if skipped:
        print("Skipped: " + ", ".join(sorted(skipped)))
    if failed:
        print("Failed: " + ", ".join(sorted(failed)))
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
