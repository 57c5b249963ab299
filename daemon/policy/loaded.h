/*
 * loaded: a rules file as a whole, as the inside of policy/ sees it.
 * Owns: everything, through its arena. Constant after loading.
 */
#ifndef LABELD_POLICY_LOADED_H
#define LABELD_POLICY_LOADED_H
#include "policy/expect.h"
#include "policy/intern.h"
#include "policy/rule.h"

/* An entry of `conditions:`. */
struct rule_condition {
    const char *name;
    struct rule_when when;
};

struct policy {
    struct arena arena;
    char revision[65];
    const char *site;
    enum label_info info;
    bool simulate;               /* the file's mode */
    struct policy_label *labels; /* lowest first */
    size_t label_count;
    struct intern types;
    struct rule_condition *conditions;
    size_t condition_count;
    struct rule *rules;
    size_t rule_count;
    struct policy_group *groups; /* recipients: */
    size_t group_count;
    struct rule_exception *exceptions; /* by name */
    size_t exception_count;
    struct expect_test *tests;
    size_t test_count;
};

#endif
