// Texts before they are encoded. Expected ones are those of Hugging Face's tokenizers 0.23.
#include "runtime/tokenizer/normalization.hpp"

#include <gtest/gtest.h>

namespace burin::runtime {
namespace {

TEST(Normalization, UnicodeForms) {
  EXPECT_EQ(in_form("\u00e9\ufb01\uac00\u2460", UnicodeForm::nfd), "e\u0301\ufb01\u1100\u1161\u2460");
  EXPECT_EQ(in_form("\u00e9\ufb01\uac00\u2460", UnicodeForm::nfkc),
            "\u00e9fi\uac00"
            "1");
  EXPECT_EQ(in_form("\u00e9\ufb01\uac00\u2460", UnicodeForm::nfkd),
            "e\u0301fi\u1100\u1161"
            "1");
  EXPECT_EQ(in_form("\u00e9\xff", UnicodeForm::nfd), "\u00e9\xff") << "no UTF-8";
}

TEST(Normalization, LowercaseIsCharacterByCharacter) {
  EXPECT_EQ(lowercase("\u0130\u03a3A\u0410"), "i\u0307\u03c3a\u0430");
  EXPECT_EQ(lowercase("\u039f\u03a3"), "\u03bf\u03c3") << "no final sigma";
  EXPECT_EQ(lowercase("A\xff"
                      "B"),
            "a\xff"
            "b");
}

TEST(Normalization, StripsWhiteSpaceAsUnicodeHasIt) {
  EXPECT_EQ(stripped("\u2003 a \u00a0", true, true), "a");
  EXPECT_EQ(stripped(" a ", true, false), "a ");
  EXPECT_EQ(stripped(" a ", false, true), " a");
  EXPECT_EQ(stripped(" \n", true, true), "");
  EXPECT_EQ(stripped("\x80 ", false, true), "\x80");
}

TEST(Normalization, Replaces) {
  EXPECT_EQ(replaced("a--b---", "--", "+"), "a+b+-");
  EXPECT_EQ(replaced("ab", "", "+"), "ab");
}

TEST(Normalization, StepsInTheirOrder) {
  const Normalizer normalizer = {[](std::string_view text) { return replaced(text, "a", "b"); },
                                 [](std::string_view text) { return replaced(text, "b", "c"); }};
  EXPECT_EQ(normalized(normalizer, "abc"), "ccc");
}

}  // namespace
}  // namespace burin::runtime
