// Whether this is a sanitizer's build: BURIN_TESTS_SANITIZED is defined then.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BURIN_TESTS_SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BURIN_TESTS_SANITIZED 1
#endif

namespace burin::tests {

#ifdef BURIN_TESTS_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace burin::tests
