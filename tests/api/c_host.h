/* A host in C: each function returns null, or what is wrong. */
#ifndef BURIN_TESTS_API_C_HOST_H
#define BURIN_TESTS_API_C_HOST_H

#include <burin/burin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Loads the model, encodes, evaluates, samples, generates and decodes; all handles are freed in a wrong order. */
const char* c_host_writes(const char* path, const char* prompt, const burin_token* expected, size_t count);
/* Every function with null for every pointer. */
const char* c_host_survives_null(const char* path);
/* Callbacks: progress, log, cancel, token; stops and limits. */
const char* c_host_is_called_back(const char* path);
/* Computes on threads of pthreads. */
const char* c_host_executes(const char* path);
/* Endless sequences: saved to `file`, forked, cut, restored. */
const char* c_host_keeps_sequences(const char* path, const char* file);
/* Structs that are larger and smaller than the library's. */
const char* c_host_has_other_sizes(const char* path);

#ifdef __cplusplus
}
#endif

#endif
