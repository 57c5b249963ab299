/*
 * engine: what classifier.c loads and classify.c uses.
 */
#ifndef LABELD_CLASSIFIERS_ENGINE_H
#define LABELD_CLASSIFIERS_ENGINE_H
#include "classifier.h"
#include "scanner.h"
#include "shapes.h"

struct classifier {
    struct types types;
    struct shapes *shapes;
    struct scanner *scanner;
    uint8_t hash_key[16]; /* new in each process: values cannot be compared across */
    uint8_t digest[32];
};

#endif
