#include "store/audit.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

enum { hash_bytes = 32, body_max_bytes = 1 << 20, looked_at_most = 20000 };

/* SHA-256(previous || body); `hash` holds the previous one and then the new one, in hex. */
static bool chain_on(char hash[static 65], const char *body, struct err *err)
{
    unsigned char previous[hash_bytes] = {0}, made[hash_bytes];
    for (size_t i = 0; hash[0] && i < hash_bytes; i++) {
        unsigned byte = 0;
        for (size_t k = 0; k < 2; k++) {
            char digit = hash[2 * i + k];
            byte = byte << 4 | (unsigned)(digit >= 'a' ? digit - 'a' + 10 : digit - '0');
        }
        previous[i] = (unsigned char)byte;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(context, previous, sizeof previous) == 1 &&
              EVP_DigestUpdate(context, body, strlen(body)) == 1 &&
              EVP_DigestFinal_ex(context, made, NULL) == 1;
    EVP_MD_CTX_free(context);
    if (!ok)
        return err_set(err, ERR_MEMORY, "audit: out of memory");
    for (size_t i = 0; i < hash_bytes; i++)
        snprintf(hash + 2 * i, 3, "%02x", made[i]);
    return true;
}

bool audit_head(struct db *db, struct audit_head *head, struct err *err)
{
    *head = (struct audit_head){0};
    struct db_query *query = db_query(db, DB_AUDIT_HEAD);
    enum db_step step = db_step(query, err);
    if (step == DB_ROW) {
        const char *hash = db_column_text(query, 1);
        head->seq = db_column_number(query, 0);
        snprintf(head->hash, sizeof head->hash, "%s", hash ? hash : "");
    }
    db_done(query);
    return step != DB_FAILED;
}

static bool set_text(json_t *json, const char *key, const char *text)
{
    return !text || json_object_set_new(json, key, json_text(text)) == 0;
}

static bool body_of(const struct audit_record *record, int64_t seq, struct buf *body)
{
    char when[21], item[24];
    clock_format(record->at_us, when);
    snprintf(item, sizeof item, "%lld", (long long)record->item);
    own_json json_t *json = json_pack("{s:I, s:s}", "seq", (json_int_t)seq, "at", when);
    json_t *details =
        record->details ? json_parse(record->details, strlen(record->details), NULL) : NULL;
    bool ok =
        json && set_text(json, "event", record->event) && set_text(json, "actor", record->actor) &&
        set_text(json, "item", record->item ? item : NULL) &&
        set_text(json, "connection", record->connection) && set_text(json, "path", record->path);
    if (ok && details)
        ok = json_object_set(json, "details", details) == 0;
    json_decref(details);
    return ok && json_write(json, body);
}

bool audit_add(struct db *db, const struct audit_record *record, struct err *err)
{
    struct audit_head head;
    own_buf struct buf body = buf_new(body_max_bytes);
    if (!audit_head(db, &head, err))
        return false;
    if (!body_of(record, head.seq + 1, &body))
        return err_set(err, ERR_MEMORY, "audit: out of memory");
    if (!chain_on(head.hash, buf_text(&body), err))
        return false;
    struct db_query *query = db_query(db, DB_AUDIT_ADD);
    db_number(query, 1, head.seq + 1);
    db_number(query, 2, record->item);
    db_text(query, 3, buf_text(&body));
    db_text(query, 4, head.hash);
    return db_run(query, NULL, err);
}

/* Verifying: the same hashes with one context, for a chain may have millions of records. */

struct verifying {
    EVP_MD_CTX *context;
    EVP_MD *digest;
    unsigned char hash[hash_bytes]; /* of the record before */
    struct audit_head *head;
    const char *expected;
    bool met; /* a record has the expected hash */
};

static void to_hex(const unsigned char *bytes, char hex[static AUDIT_HASH_LENGTH + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < hash_bytes; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[AUDIT_HASH_LENGTH] = '\0';
}

/* The number that the record itself says; 0 = none. A body begins {"seq":N, */
static int64_t own_seq(const char *body)
{
    static const char start[] = "{\"seq\":";
    if (strncmp(body, start, sizeof start - 1) != 0)
        return 0;
    return strtoll(body + sizeof start - 1, NULL, 10);
}

static bool verify_row(struct db_query *query, struct verifying *verifying, struct err *err)
{
    char hex[AUDIT_HASH_LENGTH + 1];
    struct audit_head *head = verifying->head;
    const char *body = db_column_text(query, 1), *hash = db_column_text(query, 2);
    long long seq = db_column_number(query, 0), next = head->seq + 1;
    if (seq != next)
        return err_set(err, ERR_CORRUPT, "record %lld is missing", next);
    if (!body || !hash)
        return err_set(err, ERR_CORRUPT, "record %lld was changed", seq);
    long long says = own_seq(body);
    if (says != seq && says > 0)
        return err_set(err, ERR_CORRUPT, "in the place of record %lld stands record %lld", seq,
                       says);
    bool ok = EVP_DigestInit_ex(verifying->context, verifying->digest, NULL) == 1 &&
              EVP_DigestUpdate(verifying->context, verifying->hash, hash_bytes) == 1 &&
              EVP_DigestUpdate(verifying->context, body, strlen(body)) == 1 &&
              EVP_DigestFinal_ex(verifying->context, verifying->hash, NULL) == 1;
    if (!ok)
        return err_set(err, ERR_MEMORY, "audit: out of memory");
    to_hex(verifying->hash, hex);
    if (strcmp(hash, hex) != 0)
        return err_set(err, ERR_CORRUPT, "record %lld was changed", seq);
    head->seq = seq;
    memcpy(head->hash, hex, sizeof hex);
    verifying->met =
        verifying->met || (verifying->expected && strcmp(verifying->expected, hex) == 0);
    return true;
}

static bool verify_all(struct db *db, struct verifying *verifying, struct err *err)
{
    struct db_query *query = db_query(db, DB_AUDIT_ALL);
    enum db_step step = DB_END;
    bool ok = true;
    while (ok && (step = db_step(query, err)) == DB_ROW)
        ok = verify_row(query, verifying, err);
    db_done(query);
    if (!ok || step == DB_FAILED)
        return false;
    return !verifying->expected || verifying->met ||
           err_set(err, ERR_CORRUPT,
                   "no record has the hash that was noted: record %lld is the last, others were "
                   "cut off or written anew",
                   (long long)verifying->head->seq);
}

bool audit_verify(struct db *db, const char *expected, struct audit_head *head, struct err *err)
{
    *head = (struct audit_head){0};
    struct verifying verifying = {.context = EVP_MD_CTX_new(),
                                  .digest = EVP_MD_fetch(NULL, "SHA256", NULL),
                                  .head = head,
                                  .expected = expected};
    bool ok = verifying.context && verifying.digest ? verify_all(db, &verifying, err)
                                                    : err_set(err, ERR_MEMORY, "out of memory");
    EVP_MD_free(verifying.digest);
    EVP_MD_CTX_free(verifying.context);
    return ok;
}

/* Listing ------------------------------------------------------------------------------------- */

/* Event and actor are asked of the record itself. */
static bool is_asked(const struct audit_ask *ask, const char *body)
{
    if (!ask->event && !ask->actor)
        return true;
    own_json json_t *json = json_parse(body, strlen(body), NULL);
    const char *event = json_string_value(json_object_get(json, "event"));
    const char *actor = json_string_value(json_object_get(json, "actor"));
    return (!ask->event || (event && strcmp(event, ask->event) == 0)) &&
           (!ask->actor || (actor && strcmp(actor, ask->actor) == 0));
}

static struct db_query *list_query(struct db *db, const struct audit_ask *ask)
{
    int64_t after = ask->after || ask->ascending ? ask->after : INT64_MAX;
    struct db_query *query =
        db_query(db, ask->item ? (ask->ascending ? DB_AUDIT_ITEM_UP : DB_AUDIT_ITEM_DOWN)
                               : (ask->ascending ? DB_AUDIT_UP : DB_AUDIT_DOWN));
    int value = 1;
    if (ask->item)
        db_number(query, value++, ask->item);
    db_number(query, value++, after);
    db_number(query, value, looked_at_most);
    return query;
}

static bool keep(struct db_query *query, struct arena *arena, struct audit_row *row)
{
    *row = (struct audit_row){.seq = db_column_number(query, 0),
                              .body = arena_strdup(arena, db_column_text(query, 1)),
                              .hash = arena_strdup(arena, db_column_text(query, 2))};
    return row->body && row->hash;
}

bool audit_list(struct db *db, struct audit_ask *ask, struct arena *arena, struct audit_row **rows,
                size_t *count, bool *more, struct err *err)
{
    enum db_step step = DB_END;
    int64_t looked = 0;
    bool ok = true;
    *count = 0;
    *rows = arena_alloc(arena, (size_t)ask->most, sizeof **rows);
    if (!*rows)
        return err_set(err, ERR_MEMORY, "out of memory");
    struct db_query *query = list_query(db, ask);
    while (ok && *count < (size_t)ask->most && (step = db_step(query, err)) == DB_ROW) {
        looked++;
        ask->after = db_column_number(query, 0);
        if (is_asked(ask, db_column_text(query, 1)))
            ok = keep(query, arena, &(*rows)[(*count)++]);
    }
    *more = step == DB_ROW || looked == looked_at_most;
    db_done(query);
    if (!ok)
        return err_set(err, ERR_MEMORY, "out of memory");
    return step != DB_FAILED;
}

bool audit_history(struct db *db, int64_t item, int64_t most, struct arena *arena,
                   const char **json, struct err *err)
{
    own_buf struct buf list = buf_new(16u << 20);
    struct db_query *query = db_query(db, DB_AUDIT_OF);
    db_number(query, 1, item);
    db_number(query, 2, most);
    enum db_step step;
    buf_putc(&list, '[');
    while ((step = db_step(query, err)) == DB_ROW) {
        if (list.length > 1)
            buf_putc(&list, ',');
        buf_puts(&list, db_column_text(query, 0));
    }
    buf_putc(&list, ']');
    if (step == DB_FAILED)
        return false;
    *json = list.failed ? NULL : arena_strdup(arena, buf_text(&list));
    return *json || err_set(err, ERR_MEMORY, "out of memory");
}
