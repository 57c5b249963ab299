/*
 * heap: what loading left of the heap, put out of the way before children are forked.
 * Compiling and reading types leaves thousands of free pieces all over the heap. A child that
 * allocates would take one here and one there, and each is a page of its own to copy.
 * Owns: the free pieces, for good.
 */
#ifndef LABELD_CLASSIFIERS_HEAP_H
#define LABELD_CLASSIFIERS_HEAP_H

/* Take every free piece below the heap's end, so that what is allocated from now on lies together
 * behind it. For a process with one thread that has loaded all it needs. */
void heap_settle(void);

#endif
