/*
 * mem: the only door to the heap, so that a test can make the nth allocation fail.
 * Owns: nothing. The caller frees what it gets with mem_free.
 */
#ifndef LABELD_BASE_MEM_H
#define LABELD_BASE_MEM_H
#include <stddef.h>

/* Like malloc, calloc, realloc and free; NULL when memory is out or a test says so. */
void *mem_alloc(size_t bytes);
void *mem_zalloc(size_t count, size_t bytes);
void *mem_realloc(void *block, size_t count, size_t bytes);
void mem_free(void *block);

/* Copies of a string, or of its first `length` bytes with a NUL added. NULL when memory is out. */
char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t length);

/* Tests: let the nth allocation from now on fail, and each one after it too if `sticky`;
 * 0 switches it off. For the calling thread only. */
void mem_fail_nth(size_t nth, int sticky);

/* Tests: how many allocations the calling thread has asked for since mem_fail_nth. */
size_t mem_calls(void);

#endif
