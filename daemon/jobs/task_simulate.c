/* The task "simulate": what rules would do with the whole catalogue, beside what those in force
 * do. Nothing is changed; the difference lies in a file beside the task. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/own.h"
#include "jobs/custodian.h"
#include "jobs/simulate.h"
#include "jobs/task_run.h"
#include "store/item.h"
#include "vault/vault.h"

enum { result_max_bytes = 48 << 20 };
static const int64_t quiet_us = 200000; /* between two words of progress */

struct simulation {
    const struct visit_world *world;
    struct task *task;
    struct arena *arena;
    struct policy *own;          /* of the input; NULL = those in force are tried */
    const struct policy *policy; /* that are tried */
    const struct policy *now;    /* in force; held */
    struct difference difference;
    int64_t told_us;
};

/* The rules that are tried -----------------------------------------------------------------------
 */

static bool load(struct simulation *simulation, struct err *err)
{
    struct policy_problems problems;
    const char *input = simulation->task->input;
    own_json json_t *json = json_parse(input, strlen(input), err);
    const char *text = json_string_value(json_object_get(json, "rules"));
    if (!json)
        return false;
    simulation->policy = simulation->now;
    if (!text)
        return true;
    simulation->own =
        gate_load(simulation->world->gate, "rules.yaml", text, simulation->arena, &problems, err);
    simulation->policy = simulation->own;
    if (!simulation->own && problems.errors)
        return err_set(err, ERR_CONFIG, "line %u: %s", problems.items[0].line,
                       problems.items[0].message);
    return simulation->own != NULL;
}

/* Running ----------------------------------------------------------------------------------------
 */

static bool store_progress(struct db *db, void *context, struct err *err)
{
    return task_progress(db, context, err);
}

static bool is_open(struct store *store, int64_t id)
{
    struct task task;
    bool found = false;
    own_arena struct arena arena = arena_new(result_max_bytes);
    struct db *db = store_reader(store, NULL);
    bool ok = db && task_get(db, id, &arena, &task, &found, NULL);
    store_reader_done(store, db);
    return !ok || (found && task_is_open(task.state));
}

/* Says how far it is and looks whether its owner cancelled it; the daemon may stop, too. */
static bool go_on(void *context, unsigned done, unsigned parts)
{
    struct simulation *simulation = context;
    const struct visit_world *world = simulation->world;
    int64_t now_us = clock_steady_us();
    if (world->stop && atomic_load(world->stop))
        return false;
    if (now_us - simulation->told_us < quiet_us)
        return true;
    struct task *task = simulation->task;
    const struct store_unit unit = {store_progress, task};
    simulation->told_us = now_us;
    task->done = done;
    task->total = parts;
    store_write(world->store, STORE_RAN, unit, NULL);
    return is_open(world->store, task->id);
}

/* The result -------------------------------------------------------------------------------------
 */

static void add_sample(struct db *db, int64_t id, struct arena *arena, json_t *list)
{
    char text[24];
    bool found = false;
    struct item item;
    if (!item_get(db, id, arena, &item, &found, NULL) || !found)
        return;
    snprintf(text, sizeof text, "%lld", (long long)id);
    json_array_append_new(list,
                          json_pack("{s:s, s:o, s:o}", "id", text, "connection",
                                    json_text(item.connection), "path", json_text(item.path)));
}

static json_t *rule_json(const struct simulation *simulation, const struct tally *tally,
                         struct db *db, size_t index)
{
    const struct tally_rule *count = &tally->rules[index];
    const struct ruleset_rule rule = ruleset_rule(simulation->policy, index);
    bool held =
        rule.mode == PLAN_ENFORCE && simulate_is_too_much(&rule.brake, count->fresh, tally->items);
    json_t *samples = json_array();
    for (size_t i = 0; i < count->sample_count; i++)
        add_sample(db, count->samples[i], simulation->arena, samples);
    return json_pack("{s:o, s:i, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:o}", "name",
                     json_text(rule.name), "line", (int)rule.line, "mode",
                     plan_mode_word(rule.mode), "held", held, "matched", (json_int_t)count->matched,
                     "would_act", (json_int_t)count->would_act, "undecided",
                     (json_int_t)count->undecided, "excepted", (json_int_t)count->excepted,
                     "would_change", (json_int_t)count->fresh, "samples", samples);
}

static json_t *changes_json(const struct tally *tally)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < tally->changes.count; i++)
        json_array_append_new(list, json_pack("{s:o, s:I, s:I}", "change",
                                              json_text(tally->changes.names[i]), "items",
                                              (json_int_t)tally->counts[i].items, "if_enforced",
                                              (json_int_t)tally->counts[i].if_enforced));
    return list;
}

static json_t *names_json(const struct tally *tally)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < tally->names.count; i++)
        json_array_append_new(list, json_text(tally->names.names[i]));
    return list;
}

static bool write_result(struct simulation *simulation, const struct tally *tally, int64_t took_us,
                         struct err *err)
{
    own_buf struct buf text = buf_new(result_max_bytes);
    struct db *db = store_reader(simulation->world->store, err);
    json_t *rules = json_array();
    for (size_t i = 0; db && i < tally->rule_count; i++)
        json_array_append_new(rules, rule_json(simulation, tally, db, i));
    store_reader_done(simulation->world->store, db);
    own_json json_t *json = json_pack(
        "{s:s, s:s, s:I, s:I, s:o, s:o, s:o}", "revision", policy_revision(simulation->policy),
        "revision_now", policy_revision(simulation->now), "items", (json_int_t)tally->items,
        "took_ms", (json_int_t)(took_us / 1000), "rules", rules, "changes", changes_json(tally),
        "names", names_json(tally));
    if (!db || !json || !json_write(json, &text))
        return db ? err_set(err, ERR_MEMORY, "out of memory for a result") : false;
    simulation->task->result = arena_strdup(simulation->arena, buf_text(&text));
    return simulation->task->result || err_set(err, ERR_MEMORY, "out of memory for a result");
}

static bool count(struct simulation *simulation, struct err *err)
{
    bool *is_new =
        arena_alloc(simulation->arena, ruleset_count(simulation->policy) + 1, sizeof *is_new);
    if (!is_new)
        return err_set(err, ERR_MEMORY, "out of memory");
    simulate_mark_new(simulation->policy, simulation->now, NULL, is_new);
    const struct simulate simulate = {.store = simulation->world->store,
                                      .with = {.policy = simulation->policy,
                                               .now = simulation->now,
                                               .is_new = is_new,
                                               .now_us = clock_now_us()},
                                      .difference = &simulation->difference,
                                      .go_on = go_on,
                                      .context = simulation};
    int64_t begun_us = clock_steady_us();
    struct tally *tally = simulate_run(&simulate, err);
    bool ok = tally && write_result(simulation, tally, clock_steady_us() - begun_us, err);
    tally_free(tally);
    return ok;
}

bool task_simulate(const struct visit_world *world, struct task *task, struct arena *arena,
                   struct err *err)
{
    struct simulation simulation = {.world = world, .task = task, .arena = arena};
    if (!world->gate || !world->custodian)
        return err_set(err, ERR_UNSUPPORTED, "this daemon does not simulate");
    own_fd int fd = vault_create(world->custodian->tasks, err);
    if (fd < 0)
        return false;
    simulation.difference.fd = fd;
    simulation.now = world->policy(world->policy_context);
    bool ok = load(&simulation, err) && count(&simulation, err) &&
              vault_keep(world->custodian->tasks, fd, task->id, err);
    policy_free(simulation.own);
    world->policy_done(world->policy_context, simulation.now);
    return ok;
}
