/*
 * type_files: classifiers made from type files that stand in a test.
 */
#ifndef LABELD_TESTS_TYPE_FILES_H
#define LABELD_TESTS_TYPE_FILES_H
#include "classifier.h"

/* A folder of its own with one file t.yaml; removed by type_files_remove. */
const char *type_files_make(const char *yaml);
void type_files_remove(void);

/* Open with that file as the users' folder, no built-in types, no cache. */
struct classifier *type_files_open(const char *yaml, struct buf *problems);

/* Classify one part, cut into pieces of `step` bytes (0: whole). NULL when memory is out. */
bool type_files_classify(const struct classifier *classifier, const char *text, size_t length,
                         bool table, size_t step, struct arena *arena, struct report *report);

/* Findings in a line: "type:confidence:count/unique[+child:count] ..." */
const char *type_files_told(const struct report *report, struct arena *arena);

#endif
