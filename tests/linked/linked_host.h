/* A host in C that has kernels linked into it. */
#ifndef BURIN_TESTS_LINKED_LINKED_HOST_H
#define BURIN_TESTS_LINKED_LINKED_HOST_H

#include <burin/burin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes as many tokens as are expected, greedily, with linked kernels only; null, or what is wrong. */
const char* linked_host_writes(const char* path, const char* prompt, const burin_token* expected,
                               size_t count);

#ifdef __cplusplus
}
#endif

#endif
