#include "store/audit.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

enum { hash_bytes = 32, body_max_bytes = 1 << 20 };

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

static bool verify_row(struct db_query *query, struct audit_head *head, struct err *err)
{
    const char *body = db_column_text(query, 1), *hash = db_column_text(query, 2);
    int64_t seq = db_column_number(query, 0);
    if (seq != head->seq + 1)
        return err_set(err, ERR_CORRUPT, "audit: record %lld is missing",
                       (long long)(head->seq + 1));
    if (!body || !chain_on(head->hash, body, err))
        return false;
    head->seq = seq;
    return (hash && strcmp(hash, head->hash) == 0) ||
           err_set(err, ERR_CORRUPT, "audit: record %lld was changed", (long long)seq);
}

bool audit_verify(struct db *db, const char *expected, struct audit_head *head, struct err *err)
{
    *head = (struct audit_head){0};
    struct db_query *query = db_query(db, DB_AUDIT_ALL);
    enum db_step step = DB_END;
    bool ok = true;
    while (ok && (step = db_step(query, err)) == DB_ROW)
        ok = verify_row(query, head, err);
    db_done(query);
    if (!ok || step == DB_FAILED)
        return false;
    return !expected || strcmp(expected, head->hash) == 0 ||
           err_set(err, ERR_CORRUPT, "audit: the chain ends at record %lld with another hash",
                   (long long)head->seq);
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
