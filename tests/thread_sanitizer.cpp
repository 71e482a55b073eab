// SPDX-License-Identifier: MIT
// What the thread sanitizer is told, in each program that is built with it. Libraries come as the
// system has them, without its eyes: it sees what they do with memory where they call the C library
// or code of their headers, but not the atomics by which their threads agree on it.

// The names are the sanitizer's.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)

/// The first report ends the process, so that none goes unseen.
extern "C" const char* __tsan_default_options() {
    return "halt_on_error=1";
}

extern "C" const char* __tsan_default_suppressions() {
    return
        // RocksDB's threads hand one another blocks, log entries and versions by such atomics.
        "race:librocksdb.so\n"
        // Of writers at the same time one writes for all: it copies the others' batches, which they
        // leave alone until it tells them, by such an atomic, too. Its frames are not shown.
        "race:cairn::chain::Store::write\n";
}

// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
