// SPDX-License-Identifier: MIT
// Scripts as people read them, in the form that JSON-RPC calls "asm".
#pragma once

#include "consensus/script.h"

#include <string>
#include <string_view>

namespace cairn::consensus {

/// Core's text form: opcodes by name, pushes in hexadecimal, those up to four bytes as numbers.
/// `sighash_names`: show the hash type of what looks like a signature as [ALL] and the like, for
/// script_sigs. Core: ScriptToAsmStr.
std::string script_to_text(ByteView script, bool sighash_names = false);

/// "OP_DUP" and the like; "0", "-1", "1" to "16" for the constants; "OP_UNKNOWN" where there is no
/// name. Core: GetOpName.
std::string opcode_name(Opcode opcode);

/// "ALL", "NONE|ANYONECANPAY" and the like, "DEFAULT" of taproot; empty for other hash types.
std::string hash_type_name(uint8_t type);

/// The reverse.
std::optional<uint8_t> hash_type_of(std::string_view name);

} // namespace cairn::consensus
