#include "checks_parts.h"

#include <string.h>

/* SSA POMS RM 10201.030: area not 000, 666 or 900 to 999, group and serial not zero. */
static bool ssn(const struct checks_row *row, const struct checks_input *input)
{
    (void)row;
    if (input->length != 9 || !digits_only(input->value, 9))
        return false;
    int64_t area = digits_number(input->value, 3);
    return area != 0 && area != 666 && area < 900 && digits_number(input->value + 3, 2) != 0 &&
           digits_number(input->value + 5, 4) != 0 && !digits_dull(input->value, 9) &&
           memcmp(input->value, "123456789", 9) != 0;
}

static const struct checks_row rows[] = {
    {"us-ssn", 1, ssn, NULL},
    {"ssn", 1, ssn, NULL},
};

const struct checks_table checks_americas = CHECKS_TABLE(rows);
