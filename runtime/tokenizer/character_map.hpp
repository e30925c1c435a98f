// The table by which SentencePiece normalises characters (NFKC ...), as models store it.
#pragma once

#include <string>
#include <string_view>

namespace burin::runtime {

// libsentencepiece looks characters up without checks, so a damaged table would have it read anywhere. Throws
// burin::Error naming the file where a lookup of some text could leave the table, or find more than the library has
// room for.
//
// precompiled_charsmap of normalizer_spec: [u32 length][double array of so many bytes][replacements, each up to a zero].
// The double array is darts-clone's (https://github.com/s-yata/darts-clone), whose values are offsets of replacements.
void check_character_map(const std::string& path, std::string_view map);

}  // namespace burin::runtime
