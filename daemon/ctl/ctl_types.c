#include "ctl/ctl.h"

#include <limits.h>
#include <string.h>

#include "base/json.h"

static const size_t list_max_bytes = 64u << 20;

/* The options that all three commands have. */
struct types_options {
    bool json;
    struct ctl_list dirs;
};

static int print_json(struct ctl_call *call, json_t *json)
{
    own_buf struct buf line = buf_new(8u << 20);
    bool ok = json && json_write(json, &line);
    json_decref(json);
    if (!ok)
        return ctl_fail(call, CTL_UNREADABLE, "out of memory");
    fprintf(call->out, "%s\n", buf_text(&line));
    return CTL_OK;
}

static void print_names(FILE *out, const char *title, const struct report_name *items,
                        uint32_t count)
{
    if (!count)
        return;
    fprintf(out, "  %-10s", title);
    for (uint32_t i = 0; i < count; i++)
        fprintf(out, "%s%s", i ? ", " : "", items[i].text);
    fputc('\n', out);
}

static void print_type(FILE *out, const struct type_info *type)
{
    fprintf(out, "%s  %s\n", type->id, type->name);
    fprintf(out, "  %-10s%s%s%s\n", "category", type->category, *type->regions ? ", " : "",
            type->regions);
    if (*type->parent)
        fprintf(out, "  %-10s%s\n", "parent", type->parent);
    print_names(out, "find", type->finds, type->finds_count);
    print_names(out, "check", type->checks, type->checks_count);
    print_names(out, "keywords", type->keywords, type->keywords_count);
    if (*type->sources)
        fprintf(out, "  %-10s%s\n", "sources", type->sources);
    fprintf(out, "  %-10s%s; %u examples pass\n", "origin", type->origin, type->examples);
}

static int list(struct ctl_call *call, const struct type_list *types, bool json)
{
    for (uint32_t i = 0; i < types->types_count; i++) {
        const struct type_info *type = &types->types[i];
        if (json) {
            int code = print_json(call, json_of_type(type));
            if (code != CTL_OK)
                return code;
        } else {
            fprintf(call->out, "%-28s %-9s %-8s %s\n", type->id, type->category, type->regions,
                    type->name);
        }
    }
    for (uint32_t i = 0; i < types->bundles_count && !json; i++)
        fprintf(call->out, "%s  %s: %u types\n", i ? "" : "\nBundles:\n", types->bundles[i].name,
                types->bundles[i].members_count);
    for (uint32_t i = 0; i < types->bundles_count && json; i++)
        print_json(call, json_of_bundle(&types->bundles[i]));
    return CTL_OK;
}

static const struct type_info *find(const struct type_list *types, const char *id)
{
    for (uint32_t i = 0; i < types->types_count; i++)
        if (strcmp(types->types[i].id, id) == 0)
            return &types->types[i];
    return NULL;
}

static int show_one(struct ctl_call *call, const struct type_list *types, const char *id, bool json)
{
    const struct type_info *type = find(types, id);
    if (type) {
        if (json)
            return print_json(call, json_of_type(type));
        print_type(call->out, type);
        return CTL_OK;
    }
    for (uint32_t i = 0; i < types->bundles_count; i++)
        if (strcmp(types->bundles[i].name, id) == 0) {
            const struct type_bundle *bundle = &types->bundles[i];
            if (json)
                return print_json(call, json_of_bundle(bundle));
            fprintf(call->out, "%s  bundle\n", id);
            print_names(call->out, "members", bundle->members, bundle->members_count);
            return CTL_OK;
        }
    return ctl_fail(call, CTL_USAGE, "no type or bundle \"%s\"; labelctl types list shows all", id);
}

/* Run `answer` over the loaded types. */
static int with_types(struct ctl_call *call, struct types_options *given, int least,
                      int (*answer)(struct ctl_call *, const struct type_list *, bool))
{
    const struct ctl_option options[] = {
        {"json", CTL_FLAG, &given->json, NULL, "JSON lines"},
        {"types", CTL_LIST, &given->dirs, "DIR", "a folder with your own types; may be repeated"},
    };
    if (!ctl_parse(call, options, sizeof options / sizeof *options, least, least ? INT_MAX : 0))
        return call->exit;
    struct parser *parser = ctl_parser(call, &given->dirs, 1);
    if (!parser)
        return CTL_USAGE;
    own_arena struct arena arena = arena_new(list_max_bytes);
    struct type_list types = {0};
    struct err err = {0};
    int code = parser_types(parser, &arena, &types, &err)
                   ? answer(call, &types, given->json)
                   : ctl_fail(call, CTL_UNREADABLE, "%s", err.text);
    parser_close(parser);
    return code;
}

static int show_all(struct ctl_call *call, const struct type_list *types, bool json)
{
    int code = CTL_OK;
    for (int i = 0; i < call->argc; i++) {
        int one = show_one(call, types, call->argv[i], json);
        code = one > code ? one : code;
    }
    return code;
}

/* The examples ran when the types were loaded: a failure has already ended the command. */
static int report_tests(struct ctl_call *call, const struct type_list *types, bool json)
{
    uint64_t examples = 0;
    for (uint32_t i = 0; i < types->types_count; i++)
        examples += types->types[i].examples;
    if (json)
        return print_json(call,
                          json_pack("{s:I, s:I, s:I}", "types", (json_int_t)types->types_count,
                                    "examples", (json_int_t)examples, "failed", (json_int_t)0));
    fprintf(call->out, "%u types, %llu examples, all pass\n", types->types_count,
            (unsigned long long)examples);
    return CTL_OK;
}

int ctl_types_list(struct ctl_call *call)
{
    struct types_options given = {0};
    return with_types(call, &given, 0, list);
}

int ctl_types_show(struct ctl_call *call)
{
    struct types_options given = {0};
    return with_types(call, &given, 1, show_all);
}

int ctl_types_test(struct ctl_call *call)
{
    struct types_options given = {0};
    int code = with_types(call, &given, 0, report_tests);
    return code == CTL_USAGE && call->exit == CTL_OK ? CTL_NO : code;
}
