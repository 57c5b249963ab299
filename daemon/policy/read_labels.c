#include "policy/read.h"

#include <string.h>

#include "base/guid.h"

static const char *const reserved[] = {"none", "any", "unknown", "foreign", "previous"};

enum { longest_name = 255 };

static bool read_guid(struct read *read, const struct yaml_node *node, const char *what,
                      const char **guid)
{
    const char *text = read_text(read, node, what);
    char *lower = text ? read_alloc(read, GUID_LENGTH + 1, 1) : NULL;
    if (!lower)
        return false;
    *guid = lower;
    return guid_parse(text, strlen(text), lower) ||
           read_error(read, read_at_node(node), "bad-guid",
                      "\"%s\" needs a GUID, for example 0f7a6c1e-6f0a-4c52-9d7b-0b7a3f1d2c11",
                      what);
}

bool read_site(struct read *read, const struct yaml_node *node)
{
    static const char *const keys[] = {"id", "labelinfo"};
    static const char *const infos[] = {"auto", "on", "off"};
    unsigned chosen = LABEL_INFO_AUTO;
    if (node->kind != YAML_MAP)
        return read_guid(read, node, "site", &read->policy->site);
    read_map(read, node, READ_WORDS(keys), "in site");
    const struct yaml_node *id = yaml_get(node, "id"), *info = yaml_get(node, "labelinfo");
    if (!id)
        return read_error(read, read_at_node(node), "missing-key",
                          "site needs \"id\": the tenant's GUID");
    bool ok = read_guid(read, id, "id", &read->policy->site);
    ok = (!info || read_choice(read, info, "labelinfo", READ_WORDS(infos), &chosen)) && ok;
    read->policy->info = (enum label_info)chosen;
    return ok;
}

static bool good_name(struct read *read, const struct yaml_node *node, const char *name)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcmp(reserved[i], name) == 0)
            return read_error(read, read_at_node(node), "reserved",
                              "\"%s\" means something else in conditions; a label needs another "
                              "name",
                              name);
    if (strchr(name, '/'))
        return read_error(read, read_at_node(node), "reserved",
                          "a label's name holds no \"/\"; a member of a group stands under "
                          "\"sub\"");
    return strlen(name) <= longest_name ||
           read_error(read, read_at_node(node), "too-long",
                      "a label's name may have at most %d bytes", longest_name);
}

static bool unique_label(struct read *read, const struct yaml_node *node,
                         const struct policy_label *label)
{
    const struct yaml_node *id = yaml_get(node, "id");
    for (const struct policy_label *l = read->policy->labels; l < label; l++) {
        if (strcmp(l->name, label->name) == 0)
            return read_error(read, read_at_node(yaml_get(node, "name")), "duplicate-name",
                              "label \"%s\" is defined already; names must differ", label->name);
        if (strcmp(l->id, label->id) == 0)
            return read_error(read, read_at_node(id), "duplicate-name",
                              "label \"%s\" has this id already; ids must differ", l->name);
    }
    return true;
}

static void label_extras(struct read *read, const struct yaml_node *node,
                         struct policy_label *label)
{
    static const char *const markings[] = {"header", "footer", "watermark"};
    const struct yaml_node *tooltip = yaml_get(node, "tooltip");
    const struct yaml_node *msip = yaml_get(node, "msip_name");
    const struct yaml_node *marking = yaml_get(node, "marking");
    const struct yaml_node *four_eyes = yaml_get(node, "four_eyes");
    bool on;
    if (tooltip)
        label->tooltip = read_text(read, tooltip, "tooltip");
    if (msip && read_text(read, msip, "msip_name"))
        label->msip_name = msip->text;
    if (strlen(label->msip_name) > longest_name)
        read_error(read, read_at_node(msip ? msip : node), "too-long",
                   "a label's name may have at most %d bytes", longest_name);
    if (marking && read_map(read, marking, READ_WORDS(markings), "in marking"))
        read_warn(read, read_at_node(marking), "not-yet",
                  "\"marking\" does not act in this version yet");
    if (four_eyes && read_bool(read, four_eyes, "four_eyes", &on) && on)
        read_warn(read, read_at_node(four_eyes), "not-yet",
                  "\"four_eyes\" does not act in this version yet");
}

/* One label; `group` is the one it stands under. */
static void add_label(struct read *read, const struct yaml_node *node,
                      const struct policy_label *group)
{
    static const char *const keys[] = {"name",      "id",      "sub",      "tooltip",
                                       "msip_name", "marking", "four_eyes"};
    struct policy *policy = read->policy;
    struct policy_label *label = &policy->labels[policy->label_count];
    if (!read_map(read, node, READ_WORDS(keys), "in a label"))
        return;
    const struct yaml_node *name = yaml_get(node, "name"), *id = yaml_get(node, "id");
    const struct yaml_node *sub = yaml_get(node, "sub");
    if (!name || !id) {
        const char *lacked = name ? "id" : "name";
        if (read_lacks(node, lacked, READ_WORDS(keys)))
            read_error(read, read_at_node(node), "missing-key", "a label needs \"%s\"", lacked);
        return;
    }
    const char *text = read_text(read, name, "name");
    if (!text || !good_name(read, name, text) || !read_guid(read, id, "id", &label->id))
        return;
    label->name = group ? read_printf(read, "%s/%s", group->name, text) : text;
    label->msip_name = label->name;
    label->priority = (unsigned)policy->label_count + 1;
    label->group = sub != NULL;
    if (!unique_label(read, node, label))
        return;
    label_extras(read, node, label);
    policy->label_count++;
    if (sub && group) {
        read_error(read, read_at_node(sub), "too-deep", "labels have one level of \"sub\" only");
        return;
    }
    size_t count = 0;
    const struct yaml_node *items = sub ? read_items(sub, &count) : NULL;
    if (sub && count == 0)
        read_error(read, read_at_node(sub), "empty", "\"sub\" needs a label");
    for (size_t i = 0; i < count; i++)
        add_label(read, &items[i], label);
}

static size_t count_labels(const struct yaml_node *node)
{
    size_t count, all = 0;
    const struct yaml_node *items = read_items(node, &count);
    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *sub = yaml_get(&items[i], "sub");
        all += 1 + (sub && sub->kind == YAML_LIST ? sub->count : 1);
    }
    return all;
}

void read_labels(struct read *read, const struct yaml_node *node)
{
    enum { most_labels = 4096 };
    size_t count = count_labels(node);
    if (node->kind != YAML_LIST) {
        read_error(read, read_at_node(node), "wrong-kind", "\"labels\" is a list of labels");
        return;
    }
    if (count > most_labels) {
        read_error(read, read_at_node(node), "limit", "more than %d labels", most_labels);
        return;
    }
    read->policy->labels = read_alloc(read, count, sizeof *read->policy->labels);
    for (size_t i = 0; read->policy->labels && i < node->count; i++)
        add_label(read, &node->items[i], NULL);
}
