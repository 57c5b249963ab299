#include "fuzz/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/own.h"
#include "classifier.h"

static char folder[] = "/tmp/labeld-fuzz-XXXXXX";
static char path[sizeof folder + 8];

static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
}

static void make_folder(void)
{
    if (path[0])
        return;
    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof path, "%s/t.yaml", folder);
    atexit(remove_folder);
}

/* A users' type file of any bytes, through the whole loader, its examples too: no crash, and a
 * refused file says why, in the error and for each mistake. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    own_buf struct buf problems = buf_new(1 << 20);
    struct err err = {0};
    const char *dirs[] = {folder};
    const struct classifier_options options = {
        .type_dirs = dirs, .type_dir_count = 1, .run_examples = true};
    make_folder();
    if (!io_write_file(path, bytes, length, 0600, NULL))
        abort();
    struct classifier *classifier = classifier_open(&options, &problems, &err);
    if (!classifier && (err.kind == ERR_NONE || !problems.length))
        __builtin_trap();
    classifier_close(classifier);
    return 0;
}
