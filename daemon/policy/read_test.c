#include "policy/read.h"

/* placeholder until below */
void read_tests(struct read *read, const struct yaml_node *node)
{
    (void)read, (void)node;
}
